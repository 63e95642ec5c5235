"""From settings to a connection: the network server that is configured, else the stand-in that `mjosa up` runs on this machine."""

from __future__ import annotations

import json
import re
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
    """Registration over this registry and the network server; without one, what ChirpStack should know waits.

    `chirpstack_tenant` is a tenant's name, or its id where the API key is a tenant's own and may not list tenants.
    """
    client = connect(settings)
    fleet = None
    if client is not None:
        tenant = settings.chirpstack_tenant
        tenant_id = tenant if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", tenant) else None
        fleet = Fleet(client, products, tenant=tenant, tenant_id=tenant_id, base_stations=lambda: registry.town().base_stations)
    return Registration(registry, fleet, KeySafe(settings.data_dir / "device_keys.secret"))
