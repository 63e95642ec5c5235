"""From settings to a connection: the network server that is configured, else the stand-in that `mjosa up` runs on this machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from core.registry import Registry
from core.settings import Settings
from gateway.chirpstack import ChirpStack
from gateway.fleet import Fleet
from gateway.keysafe import KeySafe
from gateway.provisioning import Product
from gateway.registration import Registration

STAND_IN = Path("network") / "network_server.json"
"""Where in the data folder a running stand-in says how to reach it."""


def connect(settings: Settings) -> ChirpStack | None:
    """A client of the network server; None where none is configured and no stand-in runs."""
    if settings.chirpstack_url:
        token = settings.chirpstack_token.get_secret_value() if settings.chirpstack_token else ""
        return ChirpStack(settings.chirpstack_url, token)
    try:
        running = json.loads((settings.data_dir / STAND_IN).read_text())
    except (OSError, ValueError):
        return None
    return ChirpStack(running["address"], running["token"])


def open_registration(settings: Settings, registry: Registry, products: Mapping[str, Product]) -> Registration:
    """Registration over this registry and the network server; without one, what ChirpStack should know waits."""
    client = connect(settings)
    fleet = None
    if client is not None:
        fleet = Fleet(client, products, tenant=settings.chirpstack_tenant, base_stations=lambda: registry.town().base_stations)
    return Registration(registry, fleet, KeySafe(settings.data_dir / "device_keys.secret"))
