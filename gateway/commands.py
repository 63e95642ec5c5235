"""`mjosa sensors` and `mjosa zones`: the field engineer's work from the command line.

What lies outside this folder (products, how to open the registry) is handed over with `use` by the composition root.
"""

from __future__ import annotations

import getpass
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import track
from rich.table import Table

from core.errors import ConfigError, NotFound
from core.registry import Registry
from core.settings import Settings
from core.timekeeping import iso, unix
from core.town import Asset, Calibration, Sensor, Zone
from gateway import bulk
from gateway.connect import open_registration
from gateway.provisioning import Product
from gateway.registration import Entry, Keys, Outcome, Registration
from gateway.table import read_list, write_list

Part = TypeVar("Part", Zone, Asset, Sensor)
app = typer.Typer(no_args_is_help=True, help="Sensors: list, import, export, adopt, register, move, swap, calibrate, retire.")
zones_app = typer.Typer(no_args_is_help=True, help="Zones and their assets.")
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


@app.command("list")
def list_(ctx: typer.Context, zone: Annotated[str | None, typer.Option(help="Only this zone.")] = None, json_: JsonFlag = False) -> None:
    """Every sensor, its device and place."""
    with opened(ctx) as registration:
        town = registration.registry.town()
        rows = [
            {"sensor": s.id, "dev_eui": s.dev_eui, "model": s.model, "asset": s.asset, "zone": town.zone_of(s),
             "retired": s.valid_to < time.time()}
            for s in town.current.values() if zone is None or town.zone_of(s) == zone
        ]  # fmt: skip
        waiting = {w["sensor"]: w["error"] for w in registration.waiting()}
    for row in rows:
        row["waiting"] = waiting.get(str(row["sensor"]))
    _show(rows, json_)


@app.command("import")
def import_(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A .csv or .xlsx with one device per row, keys and all.")],
    dry_run: DryRun = False,
    map_: Annotated[list[str] | None, typer.Option("--map", help="THEIRS=OURS: which of the file's columns is which of ours.")] = None,
    model: Annotated[str, typer.Option(help="The product of rows that do not say.")] = "",
    json_: JsonFlag = False,
) -> None:
    """Register a list of sensors. Run it again after a break or a correction: what is done already is left alone."""
    listing = read_list(file, dict(_pair(m) for m in map_ or ()))
    with opened(ctx) as registration:
        judged = bulk.run(registration, listing.rows, _actor(), dry_run=dry_run, default_model=model)
        verdicts = list(track(judged, "Registering …", len(listing.rows), console=console, transient=True))
    counts: dict[str, int] = {}
    for verdict in verdicts:
        counts[verdict.verdict] = counts.get(verdict.verdict, 0) + 1
    if json_:
        print(json.dumps({"counts": counts, "ignored_columns": listing.ignored, "rows": [asdict(v) for v in verdicts]}, ensure_ascii=False))
    else:
        _show([asdict(v) for v in verdicts if v.text or dry_run], False)
        if listing.ignored:
            console.print(f"Not understood and left out: {', '.join(listing.ignored)}", highlight=False)
        console.print(", ".join(f"{n} {kind}" for kind, n in counts.items()) + (" (nothing written)" if dry_run else ""), highlight=False)
    raise typer.Exit(1 if counts.get("wrong") or counts.get("conflict") else 0)


@app.command()
def export(
    ctx: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="A .csv or .xlsx; standard output if not given.")] = None,
    with_keys: Annotated[bool, typer.Option("--with-keys", help="Also the root keys from ChirpStack: keep such a file safe.")] = False,
) -> None:
    """Every sensor as a list that `import` reads."""
    with opened(ctx) as registration:
        if with_keys and registration.fleet is None:
            raise NotFound("There is no network server to read keys from; set MJOSA_CHIRPSTACK_URL, or start 'mjosa up'.")
        text = write_list(bulk.export(registration.registry.town(), registration.fleet, with_keys=with_keys), file)
    if file is None:
        print(text, end="")


@app.command()
def adopt(
    ctx: typer.Context,
    dry_run: DryRun = False,
    model: Annotated[str, typer.Option(help="The product, where it cannot be told.")] = "",
    json_: JsonFlag = False,
) -> None:
    """Register the devices that ChirpStack has already; they keep application, keys, session and past."""
    with opened(ctx) as registration:
        if registration.fleet is None:
            raise NotFound("There is no network server; set MJOSA_CHIRPSTACK_URL, or start 'mjosa up'.")
        rows: list[dict[str, Any]] = []
        for device, guess in list(bulk.adoptable(registration.fleet, registration.registry.town())):
            product = guess or model
            if dry_run or not product:
                said = product or "unknown product: run again with --model"
                rows.append({"sensor": device.name, "dev_eui": device.dev_eui, "verdict": "new" if product else "wrong", "text": said})
            else:
                rows.append(asdict(bulk.adopt(registration, device, product, _actor())))
    _show(rows, json_)


@app.command()
def register(
    ctx: typer.Context,
    sensor: Annotated[str, typer.Argument(help="Name of the measuring point.")],
    dev_eui: Annotated[str, typer.Argument()],
    model: Annotated[str, typer.Option(help="Product; `mjosa devices` lists them.")],
    asset: Annotated[str, typer.Option(help="The asset it sits on.")],
    join_eui: Annotated[str | None, typer.Option()] = None,
    key_file: Annotated[Path | None, typer.Option(help="File with the AppKey; asked for if not given.")] = None,
    at: At = None,
    json_: JsonFlag = False,
) -> None:
    """Register one sensor in ChirpStack and here. The key never stands on the command line."""
    key = key_file.read_text().strip() if key_file else getpass.getpass("AppKey (32 hexadecimal digits, Enter for none): ")
    new = _made(Sensor, {"id": sensor, "dev_eui": dev_eui.lower(), "model": model, "asset": asset, "join_eui": join_eui,
                         "valid_from": _moment(at)})  # fmt: skip
    with opened(ctx) as registration:
        _tell(registration.register(Entry(str(uuid.uuid4()), new, Keys(key) if key else None), _actor()), json_)


@app.command()
def move(ctx: typer.Context, sensor: str, asset: str, at: At = None, json_: JsonFlag = False) -> None:
    """The same device to another asset; what it measured stays with the old one."""
    with opened(ctx) as registration:
        _tell(registration.move(str(uuid.uuid4()), sensor, asset, _moment(at), _actor()), json_)


@app.command()
def swap(ctx: typer.Context, sensor: str, dev_eui: str, at: At = None, model: str | None = None,
         key_file: Annotated[Path | None, typer.Option(help="File with the AppKey; asked for if not given.")] = None,
         json_: JsonFlag = False) -> None:  # fmt: skip
    """Another device at the same point; the history goes on."""
    key = key_file.read_text().strip() if key_file else getpass.getpass("AppKey (32 hexadecimal digits, Enter for none): ")
    with opened(ctx) as registration:
        keys = Keys(key) if key else None
        _tell(registration.swap(str(uuid.uuid4()), sensor, dev_eui, _moment(at), _actor(), keys=keys, model=model), json_)


@app.command()
def calibrate(ctx: typer.Context, sensor: str, quantity: str, offset: float = 0.0, scale: float = 1.0, at: At = None,
              json_: JsonFlag = False) -> None:  # fmt: skip
    """value = raw · scale + offset, from a moment on."""
    with opened(ctx) as registration:
        calibration = Calibration(quantity=quantity, offset=offset, scale=scale, valid_from=_moment(at))
        _tell(registration.calibrate(str(uuid.uuid4()), sensor, calibration, _actor()), json_)


@app.command()
def retire(ctx: typer.Context, sensor: str, at: At = None, json_: JsonFlag = False) -> None:
    """The point ends; its history stays."""
    with opened(ctx) as registration:
        _tell(registration.retire(str(uuid.uuid4()), sensor, _moment(at), _actor()), json_)


@app.command("flush-nonces")
def flush_nonces(ctx: typer.Context, sensor: str, json_: JsonFlag = False) -> None:
    """Let a device join again that ChirpStack turns away with 'DevNonce has already been used'."""
    with opened(ctx) as registration:
        _tell(registration.flush_nonces(sensor), json_)


@app.command()
def retry(ctx: typer.Context, json_: JsonFlag = False) -> None:
    """Tell ChirpStack now what has been waiting for it."""
    with opened(ctx) as registration:
        done = registration.retry(now=True)
        rows = registration.waiting()
    _show([{**row, "since": iso(row["since"]), "not_before": iso(row["not_before"])} for row in rows], json_)
    console.print(f"{done} told, {len(rows)} waiting")


@zones_app.command("list")
def zones_list(ctx: typer.Context, json_: JsonFlag = False) -> None:
    """Every zone, with its assets and sensors counted."""
    with opened(ctx) as registration:
        town = registration.registry.town()
    _show([
        {"zone": z.id, "name": z.name, "kind": z.kind, "parent": z.parent, "population": z.population,
         "assets": sum(a.zone == z.id for a in town.assets), "sensors": sum(town.zone_of(s) == z.id for s in town.current.values())}
        for z in town.zones
    ], json_)  # fmt: skip


@zones_app.command("put")
def zones_put(ctx: typer.Context, zone: str, name: str = "", kind: str = "dma", parent: str | None = None, population: int | None = None,
              json_: JsonFlag = False) -> None:  # fmt: skip
    """Add a zone, or change the one of this name; what is not given stays."""
    with opened(ctx) as registration:
        known = registration.registry.town().zone_by_id.get(zone)
        given = {"name": name, "parent": parent, "population": population, **({"kind": kind} if known is None or kind != "dma" else {})}
        base = known.model_dump(exclude_defaults=True) if known else {}
        new = _made(Zone, {**base, **{k: v for k, v in given.items() if v not in (None, "")}, "id": zone})
        registration.registry.put(new, _actor())
    _show([new.model_dump(mode="json", include={"id", "name", "kind", "parent", "population"})], json_)


@zones_app.command("asset")
def zones_asset(ctx: typer.Context, asset: str, zone: str | None = None, kind: str | None = None, name: str | None = None,
                latitude: float | None = None, longitude: float | None = None, depth_m: float | None = None,
                crest_m: float | None = None, json_: JsonFlag = False) -> None:  # fmt: skip
    """Add an asset, or change the one of this name; what is not given stays."""
    given = {"zone": zone, "kind": kind, "name": name, "latitude": latitude, "longitude": longitude, "depth_m": depth_m, "crest_m": crest_m}
    with opened(ctx) as registration:
        known = registration.registry.town().asset_by_id.get(asset)
        base = known.model_dump(exclude_defaults=True) if known else {}
        new = _made(Asset, {**base, **{k: v for k, v in given.items() if v is not None}, "id": asset})
        registration.registry.put(new, _actor())
    _show([new.model_dump(mode="json", exclude_defaults=True)], json_)


def _made(kind: type[Part], data: Mapping[str, Any]) -> Part:
    """A part of the town from what was typed."""
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise ConfigError([f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]) from error


def _pair(text: str) -> tuple[str, str]:
    theirs, separator, ours = text.rpartition("=")
    if not separator:
        raise ConfigError([f"--map {text}: write THEIRS=OURS"])
    return theirs, ours


def _moment(text: str | None) -> float:
    try:
        return unix(text) if text else time.time()
    except ValueError as error:
        raise ConfigError([f"--at: {error}"]) from error


def _actor() -> str:
    return f"command line: {getpass.getuser()}"


def _tell(outcome: Outcome, as_json: bool) -> None:
    if as_json:
        print(json.dumps(asdict(outcome), ensure_ascii=False))
    else:
        waits = f"registered; ChirpStack will be told later: {outcome.message}" if outcome.status == "queued" else "done"
        console.print(f"{outcome.sensor} ({outcome.dev_eui}): {waits}", highlight=False)


def _show(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, default=str))
        return
    if not rows:
        return
    table = Table(*(k.replace("_", " ") for k in rows[0]))
    for row in rows:
        table.add_row(*("" if v is None else str(v) for v in row.values()), style=_COLOURS.get(str(row.get("verdict", "")), ""))
    Console().print(table)
