"""`mjosa kpi`: the catalogue, values, their origin and their proof, exports, master data. `mjosa report`: the report.

The composition root says with `use` how a store and a registry are opened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from analytics.indicators import CATALOGUE, compute, find, settled
from analytics.indicators.bands import band_of
from analytics.indicators.compare import over_time, ranked, read_others
from analytics.indicators.exports.json_stat import dataset
from analytics.indicators.formats import FORMATS, export
from analytics.indicators.master import MASTER
from analytics.indicators.master_file import load_master, template
from analytics.indicators.metadata import describe
from analytics.indicators.printing import print_comparison, print_json, print_master, print_trace, print_values
from analytics.indicators.publication import publish
from analytics.indicators.release import Release, period_name
from analytics.indicators.report.page import html
from analytics.indicators.report.pdf import pdf
from analytics.indicators.report.texts import unit_label
from analytics.indicators.trace import trace as trace_back
from analytics.indicators.verify import Check, as_of, from_inputs, from_readings
from analytics.indicators.window import Window
from core.errors import ConfigError, NotFound
from core.model import IndicatorValue
from core.records import AuditEntry
from core.registry import Registry
from core.settings import Settings
from core.timekeeping import iso, local_day, period

app = typer.Typer(no_args_is_help=True, help="Sustainability indicators: catalogue, values, origin, proof, exports.")
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Period = Annotated[str | None, typer.Option("--period", help="2026, 2026-05 or 2026-05-17; default: everything kept.")]
Keys = Annotated[list[str] | None, typer.Option("--indicator", "-i", help="W01 … X02; may be repeated.")]
BLOCK_S = 30 * 86_400.0


_how: list[Callable[[Settings], AbstractContextManager[Any]]] = []


def use(open_system: Callable[[Settings], AbstractContextManager[Any]]) -> None:
    """Tell how to open what the commands work on: an object with `store`, `registry` and `clock`."""
    _how[:] = [open_system]


def opened(ctx: typer.Context) -> AbstractContextManager[Any]:
    return _how[0](ctx.obj)


def language(ctx: typer.Context) -> str:
    settings: Settings = ctx.obj
    return settings.language


@app.command("list")
def list_indicators(ctx: typer.Context, as_json: Json = False) -> None:
    """Every indicator of the catalogue."""
    if as_json:
        print_json([describe(key) for key in CATALOGUE])
        return
    table = Table("id", "indicator", "unit", "SDG", "relation", "U4SSC", "needs")
    for i in CATALOGUE.values():
        table.add_row(i.id, i.label(language(ctx)), unit_label(i.unit, language(ctx)), " ".join(i.sdg.targets), i.sdg.relation,
                      (i.u4ssc or "") if not i.u4ssc_context else "", ", ".join(i.inputs.values()))  # fmt: skip
    Console().print(table)


@app.command()
def show(indicator: str, as_json: Json = False) -> None:
    """All that the catalogue says of one indicator; what is unverified says so."""
    row = describe(indicator)
    if as_json:
        print_json(row)
        return
    table = Table("field", "value", show_lines=True)
    for field, value in row.items():
        if value:
            table.add_row(field, str(value))
    Console().print(table)


@app.command()
def values(ctx: typer.Context, period_: Period = None, indicator: Keys = None, zone: str | None = None, history: bool = False,
           fresh: Annotated[bool, typer.Option(help="Work the period out now and keep it.")] = False,
           as_json: Json = False) -> None:  # fmt: skip
    """Figures with interval, class and status; `--history` adds superseded revisions."""
    with opened(ctx) as system:
        if fresh:
            _compute(system, period_ or f"{local_day(system.clock()).year}")
        found = _figures(system.registry, period_, indicator, zone, history)
    if as_json:
        print_json([asdict(v) | {"start": iso(v.start), "end": iso(v.end)} for v in found])
        return
    print_values(found, language(ctx))


@app.command()
def trace(ctx: typer.Context, indicator: str, period_: Annotated[str, typer.Argument(metavar="PERIOD")], zone: str,
          points: int = 5, as_json: Json = False) -> None:  # fmt: skip
    """From a value to its inputs, measuring points, days, readings and uplinks. Reading household meters is logged."""
    with opened(ctx) as system:
        kept = _figures(system.registry, period_, [indicator], zone)
        value = next((v for v in kept if period_name(v.start, v.end) == period_), None)
        if value is None:
            raise NotFound(
                f"no value of {indicator} for {zone} in {period_} is kept: 'mjosa kpi values --period {period_} --fresh' makes it"
            )
        w = _window(system, value)
        tree = trace_back(w, value, points=points)
        personal = sorted({p["sensor"] for i in tree["inputs"] for p in i["points"] if p["personal"]})
        if personal:
            system.registry.audit.add(AuditEntry(system.clock(), "command line", "kpi trace", f"{indicator} {period_} {zone}",
                                                 {"sensors": personal}, personal=True))  # fmt: skip
    if as_json:
        print_json(tree)
        return
    print_trace(tree)


@app.command()
def verify(ctx: typer.Context, period_: Period = None, indicator: Keys = None, as_json: Json = False) -> None:
    """Work every kept value out again, from its inputs and from the readings; exit code 1 where any differs."""
    with opened(ctx) as system:
        kept = _figures(system.registry, period_, indicator)
        checks = [from_inputs(v) for v in kept]
        if kept:
            checks += _from_readings(system, kept)
    wrong = [c for c in checks if c.problem]
    if as_json:
        print_json({"checked": len(kept), "wrong": [_check(c) for c in wrong]})
    else:
        for c in wrong:
            typer.echo(f"{c.value.indicator} {c.value.zone} {period_name(c.value.start, c.value.end)}: {c.problem}")
        typer.echo(f"{len(kept)} values checked twice, {len(wrong)} differ.")
    raise typer.Exit(1 if wrong else 0)


@app.command("export")
def export_figures(ctx: typer.Context, format_: Annotated[str, typer.Argument(metavar="FORMAT", help=", ".join(FORMATS))],
                   period_: Period = None,
                   out: Annotated[Path | None, typer.Option(help="File to write; default: the terminal.")] = None,
                   select: Annotated[list[str] | None, typer.Option(help="json_stat only: time=top(5), indicator=W0*")] = None,
                   ) -> None:  # fmt: skip
    """Figures in a format somebody asks for, safe to publish: small household cells are held back."""
    if format_ not in FORMATS:
        raise NotFound(f"there is no export format '{format_}': choose one of {', '.join(FORMATS)}")
    with opened(ctx) as system:
        made = _release(system, ctx.obj, period_)
    if select:
        if format_ != "json_stat":
            raise ConfigError(["--select goes with json_stat alone"])
        words = dict(s.partition("=")[::2] for s in select)
        data = orjson.dumps(dataset(made, words, language(ctx)), option=orjson.OPT_INDENT_2) + b"\n"
    else:
        data = export(made, format_)
    _deliver(data, out)


@app.command()
def master(ctx: typer.Context,
           file: Annotated[Path | None, typer.Argument(help="YAML or CSV to enter; without it: what is there")] = None,
           missing: Annotated[bool, typer.Option(help="A file to fill in with what is lacking.")] = False,
           as_json: Json = False) -> None:  # fmt: skip
    """Enter master data from a file, or show what is entered and how old it is."""
    with opened(ctx) as system:
        town, now = system.registry.town(), system.clock()
        for value in load_master(file, town, now, "command line") if file else ():
            system.registry.master.put(value)
        entered = system.registry.master.all()
        lacking = _lacking(system.registry.figures.find())
    if missing:
        typer.echo(template(town, lacking), nl=False)
    elif as_json:
        print_json([asdict(v) for v in entered])
    else:
        print_master(entered, now)


@app.command()
def compare(ctx: typer.Context, indicator: str, period_: Period = None, start: float | None = None, target: float | None = None,
            others: Annotated[list[Path] | None, typer.Option(help="Others' values, JSON-stat or CSV.")] = None,
            as_json: Json = False) -> None:  # fmt: skip
    """Zones against one another, benchmarks and other municipalities, and each against its own past."""
    entry = find(indicator)
    with opened(ctx) as system:
        kept = _figures(system.registry, period_, [entry.id])
        town = system.registry.town()
    outside = [o for f in others or () for o in read_others(f.read_bytes(), f.name, entry.id)]
    newest = {v.zone: v for v in sorted(kept, key=lambda v: v.end) if v.value is not None}
    places = ranked(list(newest.values()), outside, {z.id: z.name or z.id for z in town.zones})
    months = {z: over_time([v for v in kept if v.zone == z and "-" in period_name(v.start, v.end)]) for z in newest}
    bands = {z: band_of(entry, v.value, start, target) for z, v in newest.items()}
    if as_json:
        print_json({"places": [asdict(p) for p in places], "changes": {z: [asdict(c) for c in cs] for z, cs in months.items()},
                     "bands": {z: asdict(b) for z, b in bands.items() if b}})  # fmt: skip
        return
    print_comparison(entry, places, months, bands, language(ctx))


def report(ctx: typer.Context, year: Annotated[int | None, typer.Option(help="Default: this year.")] = None,
           lang: Annotated[str | None, typer.Option(help="nb or en; default: the setting.")] = None,
           out: Annotated[Path | None, typer.Option(help="Folder to write to.")] = None, as_json: Json = False) -> None:  # fmt: skip
    """The year's report as PDF and HTML, with the same figures as CSV."""
    with opened(ctx) as system:
        year = year or local_day(system.clock()).year
        if not _figures(system.registry, str(year)):
            for name in (str(year), *(f"{year}-{m:02}" for m in range(1, 13) if period(f"{year}-{m:02}")[0] < system.clock())):
                _compute(system, name)
        made = _release(system, ctx.obj, str(year))
    chosen = lang or language(ctx)
    if chosen not in ("nb", "en"):
        raise ConfigError([f"--lang: '{chosen}' is neither nb nor en"])
    folder = out or Path()
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        f"{year}-{chosen}.pdf": pdf(made, year, chosen),
        f"{year}-{chosen}.html": html(made, year, chosen),
        f"{year}.csv": export(made, "tidy_csv"),
    }
    paths = [folder / f"mjosa-{name}" for name in files]
    for path, data in zip(paths, files.values(), strict=True):
        path.write_bytes(data)
    if as_json:
        print_json({"files": [str(p) for p in paths]})
    else:
        typer.echo("\n".join(str(p) for p in paths))


def _figures(registry: Registry, name: str | None, keys: Sequence[str] | None = None, zone: str | None = None,
             history: bool = False) -> list[IndicatorValue]:  # fmt: skip
    """Figures kept for a period and the periods inside it."""
    try:
        start, end = period(name) if name else (None, None)
    except ValueError as error:
        raise ConfigError([str(error)]) from error
    wanted = {find(k).id for k in keys or ()}
    found = registry.figures.find(start=start, end=end, zone=zone, history=history)
    return [v for v in found if not wanted or v.indicator in wanted]


def _compute(system: Any, name: str) -> None:
    """Work a period out and keep it."""
    (start, end), now, registry = period(name), system.clock(), system.registry
    kept = registry.figures.find(start=start, end=end)
    registry.figures.save(compute(
        system.store, registry.town(), start, end, events=registry.events.find(start=start - BLOCK_S, end=end), master=registry.master.at,
        alarms=registry.alarms.find(), now=now if now >= end else settled(now, start), previous=kept,
    ))  # fmt: skip


def _window(system: Any, value: IndicatorValue) -> Window:
    registry, now = system.registry, as_of(value.end, float(value.lineage.get("computed_until", value.end)))
    events = registry.events.find(start=value.start - BLOCK_S, end=value.end)
    return Window(system.store, registry.town(), value.start, value.end, now, events, registry.master.at, registry.alarms.find())


def _from_readings(system: Any, kept: Sequence[IndicatorValue]) -> list[Check]:
    registry = system.registry
    events = registry.events.find(start=min(v.start for v in kept) - BLOCK_S, end=max(v.end for v in kept))
    return from_readings(system.store, registry.town(), kept, events=events, master=registry.master.at, alarms=registry.alarms.find())


def _release(system: Any, settings: Settings, name: str | None) -> Release:
    kept = _figures(system.registry, name)
    made_at = max((float(v.lineage.get("published_at") or v.end) for v in kept), default=system.clock())
    base = str(settings.public_url or f"http://{settings.host}:{settings.port}").rstrip("/")
    return publish(system.registry.documents, system.registry.town(), kept, made_at, base_url=base)


def _lacking(kept: Sequence[IndicatorValue]) -> list[tuple[str, str]]:
    """(name, zone) of master data whose lack leaves a figure empty."""
    found = {(i["name"], v.zone): None for v in kept if v.reason == "required_input_missing"
             for i in v.lineage.get("inputs", {}).values() if i["value"] is None and i["name"] in MASTER}  # fmt: skip
    return sorted(found)


def _check(c: Check) -> dict[str, Any]:
    return {"indicator": c.value.indicator, "zone": c.value.zone, "period": period_name(c.value.start, c.value.end),
            "published": c.value.value, "expected": c.expected, "problem": c.problem}  # fmt: skip


def _deliver(data: bytes, out: Path | None) -> None:
    if out is not None:
        out.write_bytes(data)
        typer.echo(str(out))
    else:
        typer.get_binary_stream("stdout").write(data)
