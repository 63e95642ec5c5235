"""mjosa import · export · backup · restore · retention · privacy.

The composition root lends an opened store and registry (`Tools`); this module never chooses one.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from core import backup as backups
from core import late, privacy, retention
from core.errors import NotFound
from core.exchange import events as event_lists
from core.exchange.layout import parse_layout
from core.exchange.readings import ImportReport, export_readings, import_readings
from core.records import AuditEntry
from core.registry import Registry
from core.settings import Settings
from core.store import SeriesStore
from core.timekeeping import iso, unix

_POLICY = "retention"
_SHOWN = 20
JsonFlag = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")]
Actor = Annotated[str, typer.Option("--as", help="Who does this, for the access log.")]
Maps = Annotated[list[str] | None, typer.Option("--map", help="role=Column, quantity:NAME, or SENSOR/QUANTITY=Column; may be repeated.")]
Moment = Annotated[str | None, typer.Option(help="ISO 8601; without a zone it is local time.")]


@dataclass(frozen=True)
class Tools:
    """What the commands work with. The two functions are the uplink log's part, None where this process has no log.

    `prune_uplinks(before, dry_run)` and `erase_uplinks(dev_euis, dry_run)` count messages, and remove them unless dry_run.
    """

    store: SeriesStore
    registry: Registry
    prune_uplinks: retention.PruneUplinks | None = None
    erase_uplinks: Callable[[Any, bool], int] | None = None


Opener = Callable[[Settings], AbstractContextManager[Tools]]
StoreOpener = Callable[[Settings], AbstractContextManager[SeriesStore]]


def add_commands(app: typer.Typer, opened: Opener, opened_store: StoreOpener, registry_url: Callable[[Settings], str]) -> None:
    """Put these commands on `app`, whose ctx.obj is Settings. `opened_store` opens the store alone, for restoring."""
    _add_exchange(app, opened)
    _add_backup(app, opened, opened_store, registry_url)
    app.add_typer(_retention(opened), name="retention")
    app.add_typer(_privacy(opened), name="privacy")


def _add_exchange(app: typer.Typer, opened: Opener) -> None:
    @app.command("import")
    def import_(
        ctx: typer.Context, file: Path, maps: Maps = None, events: Annotated[bool, typer.Option(help="A list of overflow events.")] = False,
        keep_unknown: Annotated[bool, typer.Option(help="Also take sensors that are not registered.")] = False,
        dry_run: DryRun = False, actor: Actor = "command line", as_json: JsonFlag = False,
    ) -> None:  # fmt: skip
        """Bring your own history: readings from CSV or Parquet, long or wide, or a list of overflow events."""
        with opened(ctx.obj) as tools:
            if events:
                _import_events(tools, file, maps or [], dry_run, as_json)
                return
            layout = parse_layout(maps or [])
            with _progress(f"Importing {file.name}", as_json) as shown:
                store = None if dry_run else tools.store
                report = import_readings(file, store, tools.registry.town(), layout, keep_unknown=keep_unknown, progress=shown)
            if not dry_run:
                if report.new or report.changed:
                    late.mark(tools.registry, report.first, report.last + 1.0)
                tools.registry.audit.add(
                    AuditEntry(time.time(), actor, "readings.import", file.name, {"rows": report.rows, "new": report.new})
                )
            _print_import(report, as_json)
            if report.bad_count:
                raise typer.Exit(1)

    @app.command("export")
    def export(
        ctx: typer.Context, file: Path, sensor: Annotated[list[str] | None, typer.Option(help="Sensor id; may be repeated.")] = None,
        zone: str | None = None, quantity: Annotated[list[str] | None, typer.Option(help="May be repeated.")] = None,
        start: Moment = None, end: Moment = None, events: Annotated[bool, typer.Option(help="Events instead of readings.")] = False,
        personal: Annotated[bool, typer.Option(help="With the readings of households; noted in the access log.")] = False,
        actor: Actor = "command line", as_json: JsonFlag = False,
    ) -> None:  # fmt: skip
        """Readings to CSV or Parquet, or events to CSV, as `mjosa import` takes them back."""
        low, high = unix(start) if start else -9e9, unix(end) if end else 9e9
        with opened(ctx.obj) as tools:
            if events:
                found = tools.registry.events.find(start=low, end=high, zone=zone)
                event_lists.write_events(found, file)
                _say({"events": len(found), "file": str(file)}, as_json)
                return
            town = tools.registry.town()
            missing = [name for name in sensor or () if name not in town.current]
            if missing:
                raise NotFound(f"there is no sensor {', '.join(missing)}")
            chosen = [s for s in town.current.values() if (not sensor or s.id in sensor) and (zone is None or town.zone_of(s) == zone)]
            homes = [s for s in chosen if town.is_personal(s)]
            if not personal:
                chosen = [s for s in chosen if not town.is_personal(s)]
            elif homes:
                tools.registry.audit.add(
                    AuditEntry(time.time(), actor, "readings.export", zone or "town", {"meters": len(homes)}, personal=True)
                )
            with _progress(f"Exporting to {file.name}", as_json) as shown:
                rows = export_readings(tools.store, town, file, chosen, low, high, quantities=quantity, progress=shown)
            _say(
                {"readings": rows, "sensors": len(chosen), "households_left_out": 0 if personal else len(homes), "file": str(file)}, as_json
            )


def _add_backup(app: typer.Typer, opened: Opener, opened_store: StoreOpener, registry_url: Callable[[Settings], str]) -> None:
    @app.command()
    def backup(ctx: typer.Context, folder: Path, as_json: JsonFlag = False) -> None:
        """Everything into a folder, while everything runs: readings as Parquet, registry, uplink log, with checksums."""
        with opened(ctx.obj) as tools, _progress("Backing up", as_json) as shown:
            kept = backups.backup(folder, tools.store, tools.registry, ctx.obj.data_dir, time.time(), shown)
        _say({**asdict(kept), "folder": str(folder)}, as_json)

    @app.command()
    def restore(ctx: typer.Context, folder: Path, as_json: JsonFlag = False) -> None:
        """A backup into an empty Mjøsa; it is checked before anything is written."""
        with opened_store(ctx.obj) as store, _progress("Restoring", as_json) as shown:
            kept = backups.restore(folder, store, registry_url(ctx.obj), ctx.obj.data_dir, shown)
        _say(asdict(kept), as_json)


def _retention(opened: Opener) -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, help="How long each class of data is kept.")

    @app.command()
    def show(ctx: typer.Context, as_json: JsonFlag = False) -> None:
        """The days each class is kept."""
        with opened(ctx.obj) as tools:
            policy = retention.from_document(tools.registry.documents.get(_POLICY))
        _say({str(k): "for ever" if v is None else v for k, v in policy.days.items()}, as_json)
        _warn(policy)

    @app.command("set")
    def set_(ctx: typer.Context, limits: list[str], actor: Actor = "command line") -> None:
        """Change limits: household_meters=400 raw_uplinks=400 network_sensors=forever."""
        with opened(ctx.obj) as tools:
            policy = retention.changed(retention.from_document(tools.registry.documents.get(_POLICY)), limits)
            tools.registry.documents.put(_POLICY, retention.to_document(policy))
            tools.registry.audit.add(AuditEntry(time.time(), actor, "retention.set", "policy", retention.to_document(policy)))
        _warn(policy)

    @app.command()
    def apply(ctx: typer.Context, dry_run: DryRun = False, actor: Actor = "command line", as_json: JsonFlag = False) -> None:
        """Remove what is past its time."""
        with opened(ctx.obj) as tools:
            policy = retention.from_document(tools.registry.documents.get(_POLICY))
            town, now = tools.registry.town(), time.time()
            steps = retention.apply(tools.store, town, policy, now, dry_run=dry_run, prune_uplinks=tools.prune_uplinks)
            if not dry_run:
                tools.registry.audit.add(AuditEntry(now, actor, "retention.apply", "readings", {str(s.data): s.rows for s in steps}))
        rows = [{"class": str(s.data), "older_than": iso(s.before), "would_remove" if dry_run else "removed": s.rows} for s in steps]
        _table(rows, as_json)

    return app


def _privacy(opened: Opener) -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, help="A person's right to see what is kept, and to have it erased.")

    @app.command()
    def export(ctx: typer.Context, meterpoint: str, folder: Path, actor: Actor = "command line", as_json: JsonFlag = False) -> None:
        """Everything kept about a meter point, into a folder; noted in the access log."""
        with opened(ctx.obj) as tools:
            rows = privacy.export_person(tools.store, tools.registry, meterpoint, folder, actor, time.time())
        _say({"readings": rows, "folder": str(folder)}, as_json)

    @app.command()
    def erase(ctx: typer.Context, meterpoint: str, dry_run: DryRun = False, yes: Annotated[bool, typer.Option(help="Do not ask.")] = False,
              actor: Actor = "command line", as_json: JsonFlag = False) -> None:  # fmt: skip
        """Remove all readings of a meter point for good; noted in the access log."""
        with opened(ctx.obj) as tools:
            if not dry_run and not yes:
                typer.confirm(f"Remove every reading of {meterpoint} for good?", abort=True)
            rows, uplinks = privacy.erase_person(
                tools.store, tools.registry, meterpoint, actor, time.time(), dry_run=dry_run, erase_uplinks=tools.erase_uplinks
            )
        verb = "would_erase" if dry_run else "erased"
        _say({f"{verb}_readings": rows, f"{verb}_uplinks": uplinks if tools.erase_uplinks else None}, as_json)

    return app


def _import_events(tools: Tools, file: Path, maps: list[str], dry_run: bool, as_json: bool) -> None:
    read = event_lists.read_events(file, tools.registry.town(), event_lists.parse_roles(maps))
    changed = [] if dry_run else tools.registry.events.save(read.events)
    bad = [asdict(b) for b in read.bad]
    _say({"events": len(read.events), "new_or_changed": len(changed), "bad": bad if as_json else len(bad)}, as_json)
    if bad and not as_json:
        _table(bad[:_SHOWN], False)
    if bad:
        raise typer.Exit(1)


def _print_import(report: ImportReport, as_json: bool) -> None:
    first, last = (iso(t) if math.isfinite(t) else None for t in (report.first, report.last))
    counts = {
        "rows": report.rows, "new": report.new, "changed": report.changed, "already_there": report.same, "bad": report.bad_count,
        "duplicates_in_file": report.duplicate_count, "outside_physical_bounds": report.out_of_bounds, "first": first, "last": last,
    }  # fmt: skip
    troubles = {"bad_rows": [asdict(b) for b in report.bad], "duplicate_rows": [asdict(d) for d in report.duplicates]}
    _say({**counts, **troubles} if as_json else counts, as_json)
    for title, rows in troubles.items():
        if rows and not as_json:
            Console().print(f"{title.replace('_', ' ')} (first {min(len(rows), _SHOWN)}):")
            _table(rows[:_SHOWN], False)


def _warn(policy: retention.Policy) -> None:
    for warning in policy.warnings():
        typer.echo(f"Note: {warning}", err=True)


def _say(facts: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(facts, ensure_ascii=False))
        return
    for name, value in facts.items():
        typer.echo(f"{name.replace('_', ' ')}: {'–' if value is None else value}")


def _table(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    table = Table(*(rows[0] if rows else ["nothing"]))
    for row in rows:
        table.add_row(*map(str, row.values()))
    Console().print(table)


@contextmanager
def _progress(title: str, as_json: bool) -> Iterator[Callable[[float], None]]:
    """A bar on standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=as_json) as bar:
        task = bar.add_task(title, total=1.0)
        yield lambda share: bar.update(task, completed=share)
