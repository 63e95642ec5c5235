"""Commands: analyse a folder, evaluate a scenario or folder, planned work."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress as Bar
from rich.table import Table

from analytics.analyse_folder import analyse_folder, events_of, pipe_distances
from analytics.evaluate import Evaluation, evaluate
from analytics.folder import DataFolder, open_folder
from analytics.picture import timeline
from core.errors import MjosaError
from core.model import Event
from core.timekeeping import iso

app = typer.Typer(no_args_is_help=True, help="Find what happened in a folder of data, and judge what was found.")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@app.command()
def analyse(
    folder: Annotated[Path, typer.Argument(help="town.yaml, readings.csv or .parquet, optional network.inp")], as_json: AsJson = False
) -> None:
    """Run everything on a data folder and write events.json into it."""
    with Bar(console=Console(stderr=True), disable=as_json, transient=True) as bar:
        task = bar.add_task("reading", total=None)

        def tell(detector: str, done: int, total: int) -> None:
            bar.update(task, description=detector, completed=done, total=total)

        events = analyse_folder(folder, progress=tell)
    if as_json:
        print(json.dumps({"events": len(events), "file": str(folder / "events.json"), "kinds": _tally(events)}))
        return
    table = Table("kind", "events", "lasting", "first", "last", title=f"{len(events)} events → {folder / 'events.json'}")
    for kind, n in sorted(_tally(events).items()):
        those = [e for e in events if e.kind == kind]
        table.add_row(kind, str(n), str(sum(e.end is None for e in those)), iso(round(those[0].start)), iso(round(those[-1].start)))
    Console().print(table)


@app.command("evaluate")
def evaluate_command(
    what: Annotated[str, typer.Argument(help="A scenario's name, or a data folder with truth.json")],
    seed: Annotated[int, typer.Option(help="Of the scenario.")] = 1,
    days: Annotated[float | None, typer.Option(help="Length of the scenario [days].")] = None,
    scale: Annotated[float, typer.Option(help="Share of the simulated town's meters.")] = 0.01,
    picture: Annotated[Path | None, typer.Option(help="Write a timeline of truth and findings here (SVG).")] = None,
    as_json: AsJson = False,
) -> None:
    """Score what is found against what is true."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = open_folder(Path(what) if Path(what).is_dir() else _simulated(what, seed, days, scale, Path(scratch)))
        if folder.truth is None:
            raise MjosaError(f"{folder.path} has no truth.json to judge by; `mjosa analyse` needs none")
        events = events_of(folder)
        result = evaluate(folder, events, pipe_distances(folder))
        if picture is not None:
            picture.write_text(timeline(folder, events), encoding="utf-8")
    if as_json:
        print(json.dumps({"what": what, "seed": seed, **result.as_data()}, default=float))
    else:
        _print(result, folder, what)


def _simulated(name: str, seed: int, days: float | None, scale: float, scratch: Path) -> Path:
    """A scenario played by the simulators, in a process of its own."""
    root = Path(__file__).resolve().parent.parent
    out = scratch / "data"
    call = [
        sys.executable,
        str(root / "mjosa.py"),
        "simulate",
        "--scenario",
        name,
        "--seed",
        str(seed),
        "--scale",
        str(scale),
        "--out",
        str(out),
    ]
    done = subprocess.run(call + (["--days", f"{days:g}"] if days else []), capture_output=True, text=True, check=False)
    if done.returncode:
        raise MjosaError(f"the scenario '{name}' could not be played: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")
    return out


def _tally(events: tuple[Event, ...]) -> dict[str, int]:
    return {k: sum(e.kind == k for e in events) for k in {e.kind for e in events}}


_ROWS: dict[str, tuple[str, str]] = {
    "true": ("true", "d"),
    "found": ("found", "d"),
    "recall": ("recall", ".3f"),
    "events": ("events", "d"),
    "precision": ("precision", ".3f"),
    "delay_median_h": ("delay, median h", ".1f"),
    "delay_p90_h": ("delay, 90 % h", ".1f"),
    "hours_bias": ("hours, bias", "+.1%"),
    "volume_bias": ("volume, bias", "+.1%"),
    "volume_found": ("volume found", ".1%"),
    "blocks_true": ("12/24 count, true", "d"),
    "blocks_found": ("12/24 count, found", "d"),
    "distance_median_m": ("distance, median m", ".0f"),
    "within_300_m": ("within 300 m", ".0%"),
}


def _print(result: Evaluation, folder: DataFolder, what: str) -> None:
    table = Table("", *(score.kind for score in result.scores), title=f"{what}: {result.weeks:.1f} weeks, {folder.rows:,} readings")
    for name, (title, form) in _ROWS.items():
        cells = [_cell(getattr(score, name), form) for score in result.scores]
        if set(cells) != {"–"}:
            table.add_row(title, *cells)
    console = Console()
    console.print(table)
    console.print(
        f"{result.alarms} alarms, {result.false_alarms} of them false: {result.false_per_week:.2f} a week in the whole town "
        f"(stated {result.stated_per_week:g}), {result.false_per_sensor_year:.2f} per sensor and year. {dict(result.false_kinds)}"
    )


def _cell(value: Any, form: str) -> str:
    return "–" if value is None else format(value, form)
