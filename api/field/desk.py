"""The work behind the phone's routes: what it may carry along, what an entry does, whether a sensor works, the signed record."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

import gateway.care as care
from api.context import Context, require
from api.field.bodies import FieldEntry, Json, SignOff
from api.problems import Problem
from api.security.audit import note
from api.security.rights import Caller
from core.errors import MjosaError
from core.records import Commissioning
from core.town import Asset, Calibration, Sensor, Town
from gateway.commissioning import judge, verdict
from gateway.commissioning_texts import name, sentence
from gateway.downlink import Downlinks
from gateway.evidence import expected, gather, nearest
from gateway.registration import Entry, Keys, Outcome, Registration

_PHOTO_PIXELS = 1600


def registration(ctx: Context) -> Registration:
    found: Registration = require(ctx.services.registration, "Registration")
    return found


def carried(ctx: Context) -> Json:
    """What the phone keeps for work without coverage: assets, sensors and products. Nobody's home is among them."""
    town = ctx.town
    return {
        "revision": ctx.services.registry.town_revision(),
        "utility": town.utility.name,
        "assets": [_asset(a, town) for a in town.assets if not a.household],
        "sensors": [_sensor(s, town) for s in town.current.values() if not town.is_personal(s)],
        "zones": [{"id": z.id, "name": z.name} for z in town.zones],
        "products": products(ctx),
    }


def products(ctx: Context) -> list[Json]:
    """Every product a sensor can be, by its makers' names."""
    library = require(ctx.services.models, "The list of products")
    names: list[str] = library.keys()
    found = ((key, library.get(key)) for key in names)
    return [{"key": key, "name": f"{m.vendor} {m.product}".strip(), "measures": list(m.measures)} for key, m in found if m and m.measures]


def near(ctx: Context, latitude: float, longitude: float, text: str, limit: int = 20) -> list[Json]:
    """The nearest assets, households too, whose id or name holds the text."""
    town = ctx.town
    positions = {a.id: (a.latitude, a.longitude) for a in town.assets
                 if a.latitude is not None and a.longitude is not None and text.lower() in f"{a.id} {a.name}".lower()}  # fmt: skip
    return [{**_asset(town.asset_by_id[key], town), "metres": round(m)} for key, m in nearest(positions, (latitude, longitude), limit)]


def work(ctx: Context, entry: FieldEntry, actor: str) -> Outcome:
    """Does what an entry says. Raises the errors of Registration; a body that lacks something is a 422."""
    desk = registration(ctx)
    at = entry.moment(ctx.now())
    try:
        if entry.kind == "register":
            model = require(ctx.services.models, "The list of products").get(entry.model or "")
            return _register(desk, entry, at, actor, model.measures if model else ())
        return _WORK[entry.kind](desk, entry, at, actor)
    except ValidationError as error:
        raise Problem(422, "; ".join(f"{e['loc'][0]}: {e['msg']}" for e in error.errors())) from error


def _register(desk: Registration, e: FieldEntry, at: float, actor: str, measures: Sequence[str]) -> Outcome:
    _has(e, "dev_eui", "model")
    asset = Asset.model_validate(e.new_asset.model_dump(exclude_none=True)) if e.new_asset else None
    quantities = [q for q in measures if not q.startswith(("battery", "status"))]
    if e.reference_m is not None and "distance_m" in quantities:
        quantities.insert(0, "level_m")
    fields = {
        "id": e.sensor, "dev_eui": str(e.dev_eui).lower(), "model": e.model, "asset": asset.id if asset else e.asset,
        "join_eui": e.join_eui, "valid_from": at, "mounting": e.mounting, "interval_s": e.interval_s, "reference_m": e.reference_m,
        "quantities": tuple(quantities),
    }  # fmt: skip
    sensor = Sensor.model_validate({k: v for k, v in fields.items() if v is not None})
    return desk.register(Entry(e.client_id, sensor, _keys(e), asset), actor)


def _move(desk: Registration, e: FieldEntry, at: float, actor: str) -> Outcome:
    _has(e, "asset")
    changes = {"mounting": e.mounting.model_dump(exclude_defaults=True)} if e.mounting else {}
    return desk.move(e.client_id, e.sensor, str(e.asset), at, actor, changes=changes)


def _swap(desk: Registration, e: FieldEntry, at: float, actor: str) -> Outcome:
    _has(e, "dev_eui")
    return desk.swap(e.client_id, e.sensor, str(e.dev_eui), at, actor, keys=_keys(e), model=e.model, join_eui=e.join_eui)


def _calibrate(desk: Registration, e: FieldEntry, at: float, actor: str) -> Outcome:
    _has(e, "quantity")
    calibration = Calibration(quantity=str(e.quantity), offset=e.offset, scale=e.scale, valid_from=at)
    return desk.calibrate(e.client_id, e.sensor, calibration, actor)


def _rekey(desk: Registration, e: FieldEntry, at: float, actor: str) -> Outcome:
    _has(e, "app_key")
    keys = _keys(e)
    assert keys is not None
    return desk.rekey(e.sensor, keys)


_WORK: dict[str, Callable[[Registration, FieldEntry, float, str], Outcome]] = {
    "move": _move,
    "swap": _swap,
    "calibrate": _calibrate,
    "retire": lambda desk, e, at, actor: desk.retire(e.client_id, e.sensor, at, actor),
    "rekey": _rekey,
    "flush": lambda desk, e, at, actor: desk.flush_nonces(e.sensor),
}


def check(ctx: Context, key: str, typed: Mapping[str, float], *, cover_open: bool, since: float | None, language: str) -> Json:
    """Does the sensor work? Checks with their sentences, the verdict, and the newest values."""
    services, sensor = ctx.services, ctx.sensor(key)
    model = services.models.get(sensor.model) if services.models else None
    start = max(sensor.valid_from if since is None else since, ctx.now() - 7 * 86_400.0)
    evidence = gather(services.store, services.log, sensor, start, ctx.now(), joined=_joined(services.registration, sensor))
    usual_s = model.profile.uplink_s if model is not None and hasattr(model, "profile") else None
    wanted = expected(ctx.town, sensor, services.store, ctx.now(), bounds=model.bounds if model else {}, interval_s=usual_s, typed=typed,
                      cover_open=cover_open)  # fmt: skip
    checks = judge(evidence, wanted)
    waiting = services.registration is not None and _waits(services.registration, sensor)
    return {
        "sensor": sensor.id, "dev_eui": sensor.dev_eui, "asset": sensor.asset, "quantities": list(wanted.quantities), "since": start,
        "verdict": verdict(checks), "network_waits": waiting, "frames": len({r.uplink for r in evidence.readings}),
        "checks": [{**c, "check": n, "name": name(n, language), "text": sentence(c, language)} for n, c in checks.items()],
    }  # fmt: skip


def note_personal(ctx: Context, who: Caller, key: str) -> None:
    """A household's reading was looked at: an entry in the audit trail, where the last hour has none."""
    sensor, hour_ago = ctx.sensor(key), ctx.now() - 3600.0
    if ctx.town.is_personal(sensor):
        seen = ctx.services.registry.audit.find(start=hour_ago, actor=who.name, action="field.verdict", subject=sensor.id, limit=1)
        if not seen:
            note(ctx.services, who, "field.verdict", sensor.id, personal=True)


def visits(ctx: Context, here: tuple[float, float] | None, language: str) -> list[Json]:
    """Work orders in driving order, with their reasons in words."""
    services, town = ctx.services, ctx.town
    library = services.models
    models = {s.model: library.get(s.model) for s in town.current.values()} if library else {}
    intervals = {key: m.profile.uplink_s for key, m in models.items() if m is not None and hasattr(m, "profile")}
    orders = care.visits(services.store, town, services.registry.events.find(open_only=True, limit=2000), ctx.now(),
                         intervals_s=intervals, here=here)  # fmt: skip
    return [
        {"stop": o.stop, "sensor": o.sensor.id, "asset": o.sensor.asset, "leg_m": o.leg_m and round(o.leg_m),
         "place": (asset.name or asset.id) if (asset := town.asset_of(o.sensor)) else None,
         "lat": o.position and o.position[0], "lon": o.position and o.position[1],
         "reasons": [{"kind": r.kind, "value": r.value, "text": care.sentence(r, language)} for r in o.reasons]}
        for o in orders
    ]  # fmt: skip


def downlinks(ctx: Context) -> Downlinks:
    desk = registration(ctx)
    return Downlinks(desk.registry, desk.fleet, ctx.services.clock)


def sign_off(ctx: Context, body: SignOff, author: str, language: str) -> Commissioning:
    """The record of a sensor's commissioning, judged here and now; signing again with the same id replaces nothing."""
    known = [c for c in ctx.services.registry.commissionings.find(sensor=body.sensor) if c.id == body.client_id]
    if known:
        return known[0]
    found = check(ctx, body.sensor, body.typed, cover_open=body.cover_open, since=body.since, language=language)
    photo = _keep_photo(ctx.services.settings.data_dir / "photos", body.client_id, body.photo) if body.photo else None
    checks = {c["check"]: {k: v for k, v in c.items() if k not in ("check", "name")} for c in found["checks"]}
    record = Commissioning(body.client_id, found["sensor"], found["dev_eui"], found["since"], author, checks, found["verdict"], ctx.now(),
                           photo, body.note)  # fmt: skip
    ctx.services.registry.commissionings.put(record)
    return record


def _keep_photo(folder: Path, client_id: str, data: str) -> str:
    """A photo made small and without its metadata (a phone writes place and owner into it). Raises a 422."""
    from PIL import Image, UnidentifiedImageError

    try:
        image = Image.open(io.BytesIO(base64.b64decode(data.partition(",")[2] or data, validate=True)), formats=("JPEG", "PNG", "WEBP"))
        image.thumbnail((_PHOTO_PIXELS, _PHOTO_PIXELS))
        folder.mkdir(parents=True, exist_ok=True)
        image.convert("RGB").save(folder / f"{client_id}.jpg", "JPEG", quality=80)
    except (UnidentifiedImageError, OSError, binascii.Error, Image.DecompressionBombError) as error:
        raise Problem(422, "The photo cannot be read; take it again") from error
    return f"{client_id}.jpg"


def _waits(desk: Registration, sensor: Sensor) -> bool:
    """Whether ChirpStack has yet to be told of the device, now that it was tried again where that was due."""
    if not any(w["dev_eui"] == sensor.dev_eui for w in desk.waiting()):
        return False
    desk.retry()
    return any(w["dev_eui"] == sensor.dev_eui for w in desk.waiting())


def _joined(desk: Registration | None, sensor: Sensor) -> bool:
    """Whether the network server has a session; False where it cannot say."""
    try:
        return bool(desk and desk.fleet and desk.fleet.client.dev_addr(sensor.dev_eui))
    except MjosaError:
        return False


def _keys(e: FieldEntry) -> Keys | None:
    if e.app_key is None:
        return None
    return Keys(e.app_key.get_secret_value(), e.nwk_key.get_secret_value() if e.nwk_key else None)


def _has(e: FieldEntry, *names: str) -> None:
    missing = [n for n in names if not getattr(e, n)]
    if missing:
        raise Problem(422, f"This needs {' and '.join(missing)}")


def _asset(asset: Asset, town: Town) -> Json:
    return {"id": asset.id, "name": asset.name, "kind": asset.kind, "zone": asset.zone, "lat": asset.latitude, "lon": asset.longitude,
            "depth_m": asset.depth_m}  # fmt: skip


def _sensor(sensor: Sensor, town: Town) -> Json:
    return {"id": sensor.id, "dev_eui": sensor.dev_eui, "name": sensor.name, "asset": sensor.asset, "model": sensor.model,
            "quantities": list(sensor.quantities), "retired": sensor.valid_to < 1e12}  # fmt: skip


def parsed_typed(pairs: list[str]) -> dict[str, Any]:
    """`level_m:1.23` … as numbers. Raises a 422."""
    try:
        return {q: float(v.replace(",", ".")) for q, v in (pair.split(":", 1) for pair in pairs)}
    except ValueError as error:
        raise Problem(422, "typed must be written as quantity:number, such as level_m:1.23") from error
