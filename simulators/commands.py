"""`mjosa simulate`: a scenario as a data folder, or the town live in front of a real ChirpStack."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.table import Table

from core.errors import ConfigError
from core.settings import Settings
from simulators import scenario
from simulators.history import simulate
from simulators.town import build_town
from simulators.truth import Truth

app = typer.Typer(help="Simulate Mjøsby: data folders with known truth.", invoke_without_command=True)


@app.callback()
def main(
    context: typer.Context,
    name: Annotated[str, typer.Option("--scenario", help="A scenario; `list` shows them all.")] = "quiet_month",
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.")] = 1,
    days: Annotated[float | None, typer.Option(min=0.25, help="Length; default: the scenario's own.")] = None,
    scale: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of the town's 13,000 water meters.")] = 0.04,
    out: Annotated[Path | None, typer.Option(help="Folder to write town.yaml, readings.parquet and truth.json to.")] = None,
    lossless: Annotated[bool, typer.Option(help="No reading is lost on the radio.")] = False,
    via_chirpstack: Annotated[
        bool, typer.Option("--via-chirpstack", help="Play the town live as LoRaWAN devices and base stations on the gateway topics.")
    ] = False,
    mqtt_url: Annotated[str | None, typer.Option(help="Broker of the gateway topics; default: MJOSA_MQTT_URL.")] = None,
    keys: Annotated[Path | None, typer.Option(help="Write the devices' made-up keys to this CSV, for provisioning, and stop.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Write a simulated data folder; `mjosa evaluate` scores detectors against its truth."""
    if name == "list":
        _list(as_json)
        return
    if keys is not None:
        _write_keys(seed, scale, keys, as_json)
        return
    if via_chirpstack:
        _play(context.obj, name, seed, scale, mqtt_url)
        return
    target = out or Path(f"simulated-{name}-{seed}")
    truth = simulate(name, seed, days, scale, target, lossless=lossless)
    _tell(truth, target, as_json)


def _write_keys(seed: int, scale: float, path: Path, as_json: bool) -> None:
    from simulators.via_chirpstack import write_keys

    count = write_keys(build_town(seed, scale), path)
    typer.echo(json.dumps({"keys": str(path), "devices": count}) if as_json else f"Keys of {count} simulated devices written to {path}")


def _play(settings: Settings, name: str, seed: int, scale: float, mqtt_url: str | None) -> None:
    """Until Ctrl-C."""
    from simulators.via_chirpstack import ChirpStackTown

    url = mqtt_url or settings.mqtt_url
    if url is None:
        raise ConfigError(["--via-chirpstack needs ChirpStack's broker: set MJOSA_MQTT_URL or give --mqtt-url mqtt://host:1883"])
    address = urlsplit(url)
    password = address.password or (settings.mqtt_password.get_secret_value() if settings.mqtt_password else None)
    town = ChirpStackTown(
        build_town(seed, scale), seed=seed, scenario=name, host=address.hostname or "127.0.0.1", port=address.port or 1883,
        username=address.username or settings.mqtt_username, password=password, state=settings.data_dir / "simulator",
    )  # fmt: skip
    with town:
        typer.echo(
            f"{len(town.town.current)} devices and {len(town.town.base_stations)} base stations play on {address.hostname}", err=True
        )
        try:
            while True:
                time.sleep(1.0)
        except KeyboardInterrupt:
            return


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
