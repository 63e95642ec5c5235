"""What the commands of this folder share: options, the opened registration, tables for people and JSON for programs."""

from __future__ import annotations

import getpass
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from core.errors import ConfigError
from core.registry import Registry
from core.settings import Settings
from core.timekeeping import unix
from core.town import Asset, Sensor, Zone
from gateway.connect import open_registration
from gateway.provisioning import Product
from gateway.registration import Outcome, Registration

Part = TypeVar("Part", Zone, Asset, Sensor)
console = Console(stderr=True)
JsonFlag = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen; write nothing.")]
At = Annotated[str | None, typer.Option("--at", help="When, as ISO 8601; now if not given.")]
_COLOURS = {"new": "green", "changed": "yellow", "same": "dim", "conflict": "red", "wrong": "red"}
_products: Callable[[], Mapping[str, Product]] = dict


def use(products: Callable[[], Mapping[str, Product]]) -> None:
    """Where the sensor products come from (`ingest.device_model.native_models`)."""
    global _products
    _products = products


def database_url(settings: Settings) -> str:
    """The registry of an installation: the configured database, else SQLite in the data folder."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    return f"sqlite:///{(settings.data_dir / 'registry.db').resolve()}"


@contextmanager
def opened(ctx: typer.Context) -> Iterator[Registration]:
    """The registration of this installation, for one command."""
    settings: Settings = ctx.obj
    registry = Registry.open(database_url(settings))
    registration = open_registration(settings, registry, _products())
    try:
        yield registration
    finally:
        if registration.fleet:
            registration.fleet.client.close()
        registry.close()


def made(kind: type[Part], data: Mapping[str, Any]) -> Part:
    """A part of the town from what was typed."""
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise ConfigError([f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]) from error


def pair(text: str) -> tuple[str, str]:
    """THEIRS=OURS."""
    theirs, separator, ours = text.rpartition("=")
    if not separator:
        raise ConfigError([f"--map {text}: write THEIRS=OURS"])
    return theirs, ours


def moment(text: str | None) -> float:
    """Unix seconds of an option; now where it is not given."""
    try:
        return unix(text) if text else time.time()
    except ValueError as error:
        raise ConfigError([f"--at: {error}"]) from error


def actor() -> str:
    """Who the audit names."""
    return f"command line: {getpass.getuser()}"


def tell(outcome: Outcome, as_json: bool) -> None:
    """What became of a command."""
    if as_json:
        print(json.dumps(asdict(outcome), ensure_ascii=False))
    else:
        waits = f"registered; ChirpStack will be told later: {outcome.message}" if outcome.status == "queued" else "done"
        console.print(f"{outcome.sensor} ({outcome.dev_eui}): {waits}", highlight=False)


def show(rows: list[dict[str, Any]], as_json: bool) -> None:
    """Rows as a table, or as JSON."""
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, default=str))
        return
    if not rows:
        return
    table = Table(*(k.replace("_", " ") for k in rows[0]))
    for row in rows:
        table.add_row(*("" if v is None else str(v) for v in row.values()), style=_COLOURS.get(str(row.get("verdict", "")), ""))
    Console().print(table)
