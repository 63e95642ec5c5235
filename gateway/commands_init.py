"""`mjosa init`: what store, registry and network server need before the first uplink. As often as you like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from core.errors import ConfigError
from core.registry import Registry
from core.settings import Settings
from core.town_file import load_town
from gateway.admin import replace_default_password
from gateway.cli import JsonFlag, show
from gateway.connect import connect
from gateway.provisioning import Product, ensure

PrepareStore = Callable[[Settings, str], str]
OpenRegistry = Callable[[Settings], Registry]
Secret = Annotated[Path | None, typer.Option(help="File with the secret.", exists=True, dir_okay=False)]


def command(prepare_store: PrepareStore, open_registry: OpenRegistry, products: Callable[[], Mapping[str, Product]]) -> Callable[..., None]:
    """The command. `prepare_store(settings, administrator's token)` makes bucket and mapping, and says what it did."""

    def init(
        ctx: typer.Context,
        influx_admin_token: Secret = None,
        chirpstack_password: Secret = None,
        town: Annotated[Path | None, typer.Option(help="town.yaml for a registry that has none yet.", exists=True)] = None,
        json_: JsonFlag = False,
    ) -> None:
        """Prepare InfluxDB, the registry and ChirpStack. What is right already is left alone."""
        settings: Settings = ctx.obj
        steps: list[dict[str, object]] = []
        if settings.store_url.startswith("influx") and influx_admin_token is not None:
            steps.append({"part": "store", "done": prepare_store(settings, _read(influx_admin_token))})
        registry = open_registry(settings)
        try:
            steps.append({"part": "registry", "done": _fill(registry, town)})
            steps += [{"part": "network server", "done": done} for done in _network(settings, registry, products(), chirpstack_password)]
        finally:
            registry.close()
        show(steps, json_)

    return init


def _fill(registry: Registry, town: Path | None) -> str:
    if town is None:
        return "schema is current"
    if registry.town_revision():
        return "it has a town already, which stays"
    new = load_town(town)
    registry.import_town(new, "mjosa init")
    return f"{len(new.sensors)} sensors of {new.utility.name}"


def _network(settings: Settings, registry: Registry, products: Mapping[str, Product], password: Path | None) -> list[str]:
    client = connect(settings) if settings.chirpstack_url else None
    if client is None:
        return []
    with client:
        done = []
        if password is not None:
            replaced = replace_default_password(client, _read(password))
            done.append("the default password is replaced" if replaced else "the default password is not in use")
        made = ensure(client, products.values(), registry.town().base_stations, tenant=settings.chirpstack_tenant)
        return [*done, *(made.changed or ("tenant, application, profiles and base stations are right",))]


def _read(path: Path) -> str:
    text = path.read_text(encoding="utf-8").strip()
    if not text:
        raise ConfigError([f"{path} is empty"])
    return text
