"""Command `mjosa maintenance`: planned work and other known causes, so that they raise no alarm."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table

from core.errors import MjosaError
from core.records import Maintenance
from core.settings import Settings
from core.timekeeping import iso, unix

app = typer.Typer(no_args_is_help=True, help="Planned work and other known causes: what happens during it raises no alarm.")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
_how: list[Callable[[Settings], AbstractContextManager[Any]]] = []
WorkKind = Literal["work", "flushing", "cleaning", "shutdown", "fire", "test", "other"]


def use(open_system: Callable[[Settings], AbstractContextManager[Any]]) -> None:
    """Tell how to open what the commands work on: an object with `registry`."""
    _how[:] = [open_system]


@app.command()
def add(
    ctx: typer.Context,
    start: Annotated[str, typer.Argument(help="2026-05-17T08:00, local time, or with a zone")],
    end: Annotated[str, typer.Argument()],
    kind: Annotated[WorkKind, typer.Option()] = "work",
    zone: Annotated[list[str] | None, typer.Option(help="May be given more than once; none and no sensor: the whole town.")] = None,
    sensor: Annotated[list[str] | None, typer.Option()] = None,
    note: str = "",
) -> None:
    """Enter planned work."""
    try:
        work = Maintenance(secrets.token_hex(4), kind, unix(start), unix(end), tuple(zone or ()), tuple(sensor or ()), note)
    except ValueError as error:
        raise MjosaError(str(error)) from error
    if work.end <= work.start:
        raise MjosaError(f"the work ends ({end}) before it starts ({start})")
    with _how[0](ctx.obj) as system:
        _known(work, system.registry.town())
        system.registry.maintenance.add(work)
    print(work.id)


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """All planned work, in order of its start."""
    with _how[0](ctx.obj) as system:
        found = system.registry.maintenance.find()
    if as_json:
        print(json.dumps([{**asdict(w), "start": iso(w.start), "end": iso(w.end)} for w in found]))
        return
    table = Table("id", "kind", "start", "end", "where", "note")
    for w in found:
        table.add_row(w.id, w.kind, iso(w.start), iso(w.end), ", ".join((*w.zones, *w.sensors)) or "the whole town", w.note)
    Console().print(table)


@app.command()
def remove(ctx: typer.Context, work_id: str) -> None:
    """Take planned work out again."""
    with _how[0](ctx.obj) as system:
        system.registry.maintenance.remove(work_id)


def _known(work: Maintenance, town: Any) -> None:
    unknown = [z for z in work.zones if z not in town.zone_by_id] + [s for s in work.sensors if s not in town.current]
    if unknown:
        raise MjosaError(f"there is no zone or sensor '{unknown[0]}'; `mjosa zones list` and `mjosa sensors list` name them")
