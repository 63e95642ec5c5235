"""`mjosa sensors`: the field engineer's work from the command line."""

from __future__ import annotations

import getpass
import json
import time
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import track

from core.errors import ConfigError, NotFound
from core.timekeeping import iso
from core.town import Calibration, Sensor
from gateway import bulk
from gateway.cli import At, DryRun, JsonFlag, actor, console, database_url, made, moment, opened, pair, show, tell, use
from gateway.commands_zones import app as zones_app
from gateway.downlink import Downlinks
from gateway.registration import Entry, Keys
from gateway.table import read_list, write_list

__all__ = ["app", "database_url", "use", "zones_app"]
app = typer.Typer(no_args_is_help=True, help="Sensors: list, import, export, adopt, register, move, swap, calibrate, retire, tell.")


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
    show(rows, json_)


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
    listing = read_list(file, dict(pair(m) for m in map_ or ()))
    with opened(ctx) as registration:
        judged = bulk.run(registration, listing.rows, actor(), dry_run=dry_run, default_model=model)
        verdicts = list(track(judged, "Registering …", len(listing.rows), console=console, transient=True))
    counts: dict[str, int] = {}
    for verdict in verdicts:
        counts[verdict.verdict] = counts.get(verdict.verdict, 0) + 1
    if json_:
        print(json.dumps({"counts": counts, "ignored_columns": listing.ignored, "rows": [asdict(v) for v in verdicts]}, ensure_ascii=False))
    else:
        show([asdict(v) for v in verdicts if v.text or dry_run], False)
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
                rows.append(asdict(bulk.adopt(registration, device, product, actor())))
    show(rows, json_)


@app.command()
def announce(ctx: typer.Context, json_: JsonFlag = False) -> None:
    """Make every registered sensor known to ChirpStack, without keys: after a town came from a file."""
    with opened(ctx) as registration:
        if registration.fleet is None:
            raise NotFound("There is no network server; set MJOSA_CHIRPSTACK_URL, or start 'mjosa up'.")
        made_ = bulk.announce(registration)
    show([{"announced": made_}], json_)


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
    new = made(Sensor, {"id": sensor, "dev_eui": dev_eui.lower(), "model": model, "asset": asset, "join_eui": join_eui,
                         "valid_from": moment(at)})  # fmt: skip
    with opened(ctx) as registration:
        tell(registration.register(Entry(str(uuid.uuid4()), new, Keys(key) if key else None), actor()), json_)


@app.command()
def move(ctx: typer.Context, sensor: str, asset: str, at: At = None, json_: JsonFlag = False) -> None:
    """The same device to another asset; what it measured stays with the old one."""
    with opened(ctx) as registration:
        tell(registration.move(str(uuid.uuid4()), sensor, asset, moment(at), actor()), json_)


@app.command()
def swap(ctx: typer.Context, sensor: str, dev_eui: str, at: At = None, model: str | None = None,
         key_file: Annotated[Path | None, typer.Option(help="File with the AppKey; asked for if not given.")] = None,
         json_: JsonFlag = False) -> None:  # fmt: skip
    """Another device at the same point; the history goes on."""
    key = key_file.read_text().strip() if key_file else getpass.getpass("AppKey (32 hexadecimal digits, Enter for none): ")
    with opened(ctx) as registration:
        keys = Keys(key) if key else None
        tell(registration.swap(str(uuid.uuid4()), sensor, dev_eui, moment(at), actor(), keys=keys, model=model), json_)


@app.command()
def calibrate(ctx: typer.Context, sensor: str, quantity: str, offset: float = 0.0, scale: float = 1.0, at: At = None,
              json_: JsonFlag = False) -> None:  # fmt: skip
    """value = raw · scale + offset, from a moment on."""
    with opened(ctx) as registration:
        calibration = Calibration(quantity=quantity, offset=offset, scale=scale, valid_from=moment(at))
        tell(registration.calibrate(str(uuid.uuid4()), sensor, calibration, actor()), json_)


@app.command()
def retire(ctx: typer.Context, sensor: str, at: At = None, json_: JsonFlag = False) -> None:
    """The point ends; its history stays."""
    with opened(ctx) as registration:
        tell(registration.retire(str(uuid.uuid4()), sensor, moment(at), actor()), json_)


@app.command("flush-nonces")
def flush_nonces(ctx: typer.Context, sensor: str, json_: JsonFlag = False) -> None:
    """Let a device join again that ChirpStack turns away with 'DevNonce has already been used'."""
    with opened(ctx) as registration:
        tell(registration.flush_nonces(sensor), json_)


@app.command()
def retry(ctx: typer.Context, json_: JsonFlag = False) -> None:
    """Tell ChirpStack now what has been waiting for it."""
    with opened(ctx) as registration:
        done = registration.retry(now=True)
        rows = registration.waiting()
    show([{**row, "since": iso(row["since"]), "not_before": iso(row["not_before"])} for row in rows], json_)
    console.print(f"{done} told, {len(rows)} waiting")


@app.command("tell")
def tell_(ctx: typer.Context, sensor: str, command: str, value: float, json_: JsonFlag = False) -> None:
    """Tell a sensor something (interval_s, threshold_m …); it hears it after its next message. `told` shows what became of it."""
    with opened(ctx) as registration:
        sent = Downlinks(registration.registry, registration.fleet).send(sensor, command, value, actor())
    show([asdict(sent)], json_)


@app.command("tell-raw")
def tell_raw(ctx: typer.Context, sensor: str, f_port: int, payload: str, json_: JsonFlag = False) -> None:
    """Bytes in hexadecimal from the maker's manual, to a product whose commands Mjøsa does not know."""
    try:
        data = bytes.fromhex(payload)
    except ValueError as error:
        raise ConfigError([f"'{payload}' is not hexadecimal"]) from error
    with opened(ctx) as registration:
        sent = Downlinks(registration.registry, registration.fleet).send_raw(sensor, f_port, data, actor())
    show([asdict(sent)], json_)


@app.command()
def told(ctx: typer.Context, sensor: Annotated[str | None, typer.Argument()] = None, json_: JsonFlag = False) -> None:
    """What sensors were told, newest first: waiting, sent, acknowledged or failed."""
    with opened(ctx) as registration:
        rows = [asdict(d) for d in Downlinks(registration.registry, registration.fleet).find(sensor)]
    show([{**row, "at": iso(row["at"]), "state_at": iso(row["state_at"])} for row in rows], json_)
