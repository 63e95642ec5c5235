"""`mjosa devices`: what is supported, trying bytes and codecs, adding a product, templates for ChirpStack."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

from core.errors import DecodeError, MjosaError, NotFound
from core.model import Flag, Sample
from core.settings import Settings
from core.timekeeping import iso
from ingest.codecs.adding import add_codec
from ingest.codecs.checking import check_path, read_text
from ingest.codecs.chirpstack import profile_of
from ingest.codecs.codec import MAP_NAME, Codec
from ingest.codecs.paths import leaves
from ingest.codecs.script import Script
from ingest.device_model import DeviceModel, meanings
from ingest.models import Decoder, ModelLibrary

app = typer.Typer(help="Sensor products: list, show, test, decode, add, export-chirpstack.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def library(ctx: typer.Context) -> ModelLibrary:
    return ModelLibrary(folder(ctx))


def folder(ctx: typer.Context) -> Path:
    settings: Settings = ctx.obj
    return settings.data_dir / "devices"


@app.command("list")
def list_models(ctx: typer.Context, as_json: Json = False) -> None:
    """Every product Mjøsa reads, native or added."""
    found = [_summary(model) for model in _all(library(ctx))]
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    table = Table(Column("model", no_wrap=True), "vendor", "product", "quantities", "decoder")
    for m in found:
        table.add_row(m["key"], m["vendor"], m["product"], ", ".join(m["quantities"]), m["decoder"])
    Console().print(table)


@app.command()
def show(ctx: typer.Context, model: str, as_json: Json = False) -> None:
    """One product: quantities, bounds, options, status bits, LoRaWAN profile, published frames."""
    found = _details(_get(library(ctx), model))
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    for name, value in found.items():
        if isinstance(value, dict):
            typer.echo(f"{name}:" + "".join(f"\n  {k}: {v}" for k, v in value.items()))
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            typer.echo(f"{name}:" + "".join(f"\n  fPort {v['f_port']} {v['bytes']}  ({v['source']})" for v in value))
        else:
            typer.echo(f"{name}: {', '.join(value) if isinstance(value, list) else value}")


@app.command("test")
def try_codec(
    file: Annotated[Path, typer.Argument(help="A codec folder, codec.js, map.yaml, or a TTN *-codec.yaml.")],
    map_file: Annotated[Path | None, typer.Option("--map", help="The map file of a codec.js.")] = None,
    loose: Annotated[bool, typer.Option(help="TTN's loose mode.")] = False,
    as_json: Json = False,
) -> None:
    """Try a codec: does it load, do its examples give what they should? Exits 1 where they do not."""
    checks = check_path(file, map_file, loose)
    if as_json:
        typer.echo(json.dumps([{"what": c.what, "problem": c.problem} for c in checks], ensure_ascii=False, indent=2))
    else:
        for c in checks:
            typer.echo(f"{'ok  ' if c.problem is None else 'FAIL'} {c.what}" + (f": {c.problem}" if c.problem else ""))
    if any(c.problem is not None for c in checks):
        raise typer.Exit(1)


@app.command()
def decode(
    ctx: typer.Context,
    payload: Annotated[str, typer.Argument(metavar="HEX", help="The payload's bytes in hexadecimal.")],
    model: Annotated[str, typer.Option("--model", "-m", help="Key of the product.")] = "",
    f_port: Annotated[int, typer.Option("--fport", "-p", help="LoRaWAN port.")] = 1,
    option: Annotated[list[str] | None, typer.Option("--option", "-o", help="name=number, what the decoder must know of the unit.")] = None,
    codec: Annotated[Path | None, typer.Option("--codec", help="A codec.js not added yet: shows its fields, to write the map by.")] = None,
    loose: Annotated[bool, typer.Option(help="TTN's loose mode, for --codec.")] = False,
    as_json: Json = False,
) -> None:
    """Decode one frame by a product's model, or by a script that is not added yet."""
    try:
        raw = bytes.fromhex(payload.removeprefix("0x"))
    except ValueError as error:
        raise DecodeError(f"'{payload}' is not hexadecimal bytes such as 01755c") from error
    if codec is not None:
        data = Script(read_text(codec), loose=loose).decode(raw, f_port, 0.0, {k: f"{v:g}" for k, v in _options(option or []).items()})
        typer.echo(
            json.dumps(data, ensure_ascii=False, indent=2) if as_json else "\n".join(f"{path}: {value}" for path, value in leaves(data))
        )
        return
    reader = _get(library(ctx), model)
    samples = reader.read(raw, f_port, _options(option or []))
    if as_json:
        typer.echo(json.dumps([_sample(s) for s in samples], ensure_ascii=False, indent=2))
    elif not samples:
        typer.echo("no measurement in this frame")
    else:
        table = Table("quantity", "value", "measured", "flag")
        for s in samples:
            measured = iso(s.at) if s.at is not None else f"{s.age_s:g} s before sending" if s.age_s else "when sent"
            said = ", ".join(meanings(reader.status, int(s.value))) if s.quantity == "status_bits" else ""
            table.add_row(s.quantity, f"{s.value:.10g}" + (f" ({said})" if said else ""), measured, Flag(s.flag).name.lower())
        Console().print(table)


@app.command()
def add(
    ctx: typer.Context,
    codec: Annotated[Path | None, typer.Argument(help="The vendor's codec; none to map what ChirpStack decodes.")] = None,
    map_file: Annotated[Path, typer.Option("--map", help="Which output field is which quantity.")] = Path(MAP_NAME),
    key: Annotated[str, typer.Option(help="Key of the product; else the map's key, vendor and product.")] = "",
    loose: Annotated[bool, typer.Option(help="TTN's loose mode, for scripts that do not declare their variables.")] = False,
    replace_it: Annotated[bool, typer.Option("--replace", help="Replace the codec of this key.")] = False,
) -> None:
    """Add a product from a vendor's ChirpStack or TTN codec. Nothing is written unless codec, map and examples are sound."""
    made = add_codec(folder(ctx), read_text(map_file), read_text(codec) if codec else None, key=key, loose=loose, replace=replace_it,
                     name=str(map_file))  # fmt: skip
    typer.echo(
        f"{made.key}: reads {', '.join(made.measures)}" + (f" through {made.script.entry}" if made.script else " from ChirpStack's object")
    )


@app.command("export-chirpstack")
def export_chirpstack(
    ctx: typer.Context,
    models: Annotated[list[str] | None, typer.Argument(help="Keys; none for all.")] = None,
    out: Annotated[Path, typer.Option(help="Folder to write one JSON file per model to.")] = Path("chirpstack-profiles"),
) -> None:
    """Write ChirpStack device profiles: EU868, measurements, and the codec script where there is one."""
    known = library(ctx)
    chosen = [_get(known, key) for key in models] if models else _all(known)
    out.mkdir(parents=True, exist_ok=True)
    for model in chosen:
        (out / f"{model.key}.json").write_text(json.dumps(profile_of(model), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    typer.echo(f"{len(chosen)} device profiles in {out}")


def _get(known: ModelLibrary, key: str) -> Decoder:
    model = known.get(key)
    if model is None:
        near = [k for k in known.keys() if key.lower() in k]  # noqa: SIM118
        raise NotFound(f"there is no model '{key}'; " + (f"did you mean {', '.join(near)}?" if near else "`mjosa devices list` shows all"))
    return model


def _all(known: ModelLibrary) -> list[Decoder]:
    return [model for key in known.keys() if (model := known.get(key)) is not None]  # noqa: SIM118


def _options(texts: list[str]) -> dict[str, float]:
    try:
        return {name: float(value) for name, value in (text.split("=", 1) for text in texts)}
    except ValueError as error:
        raise MjosaError("an option is written name=number, such as litres_per_pulse=10") from error


def _sample(s: Sample) -> dict[str, Any]:
    value = None if math.isnan(s.value) else s.value
    return {**s._asdict(), "value": value, "at": None if s.at is None else iso(s.at), "flag": int(s.flag)}


def _summary(model: Decoder) -> dict[str, Any]:
    kind = "native" if isinstance(model, DeviceModel) else "codec" if isinstance(model, Codec) and model.script else "object"
    return {"key": model.key, "vendor": model.vendor, "product": model.product, "version": model.version,
            "quantities": list(model.measures), "decoder": kind}  # fmt: skip


def _details(model: Decoder) -> dict[str, Any]:
    found = _summary(model)
    found["bounds"] = {q: f"{low:g} to {high:g}" for q, (low, high) in model.bounds.items()}
    found["status bits"] = {f"0x{mask:02x}": meaning for mask, meaning in model.status.items()}
    found["LoRaWAN"] = f"{model.profile.mac_version}, class {model.profile.device_class}, every {model.profile.uplink_s:g} s"
    if isinstance(model, DeviceModel):
        found["options"] = dict(model.options)
        found["frames"] = [{"f_port": v.f_port, "bytes": v.payload, "source": v.source} for v in model.vectors]
    elif isinstance(model, Codec):
        found["options"] = dict(model.map_file.options)
        found["source"] = model.map_file.source
    return found
