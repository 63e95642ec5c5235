"""`mjosa simulate`: a scenario as a data folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from simulators import scenario
from simulators.history import simulate
from simulators.truth import Truth

app = typer.Typer(help="Simulate Mjøsby: data folders with known truth.", invoke_without_command=True)


@app.callback()
def main(
    name: Annotated[str, typer.Option("--scenario", help="A scenario; `list` shows them all.")] = "quiet_month",
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.")] = 1,
    days: Annotated[float | None, typer.Option(min=0.25, help="Length; default: the scenario's own.")] = None,
    scale: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of the town's 13,000 water meters.")] = 0.04,
    out: Annotated[Path | None, typer.Option(help="Folder to write town.yaml, readings.parquet and truth.json to.")] = None,
    lossless: Annotated[bool, typer.Option(help="No reading is lost on the radio.")] = False,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Write a simulated data folder; `mjosa evaluate` scores detectors against its truth."""
    if name == "list":
        _list(as_json)
        return
    target = out or Path(f"simulated-{name}-{seed}")
    truth = simulate(name, seed, days, scale, target, lossless=lossless)
    _tell(truth, target, as_json)


def _list(as_json: bool) -> None:
    plans = [scenario.load(n) for n in scenario.names()]
    if as_json:
        typer.echo(json.dumps([{"name": p.name, "title": p.title, "days": p.days} for p in plans], ensure_ascii=False))
        return
    table = Table("Scenario", "Days", "What happens")
    for p in plans:
        table.add_row(p.name, f"{p.days:g}", p.title)
    Console().print(table)


def _tell(truth: Truth, out: Path, as_json: bool) -> None:
    kinds: dict[str, int] = {}
    for e in truth.events:
        kinds[e.kind] = kinds.get(e.kind, 0) + 1
    if as_json:
        typer.echo(json.dumps({"out": str(out), "scenario": truth.scenario, "seed": truth.seed, "sensors": len(truth.town.current),
                               "events": kinds, "leaks": len(truth.leaks), "sensor_faults": len(truth.sensor_faults)}))  # fmt: skip
        return
    table = Table("Event", "Times")
    for kind, n in sorted(kinds.items()):
        table.add_row(kind, str(n))
    console = Console()
    console.print(table)
    console.print(f"{len(truth.town.current)} sensors, {len(truth.leaks)} leaks, {len(truth.sensor_faults)} sensor faults written to {out}")
