"""The phone's routes under /field: the page itself for everybody, its data for those who may register."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

import api.field.desk as desk
from api.context import Ctx, as_json
from api.field.bodies import FieldEntry, SignOff, Tell
from api.problems import Problem
from api.security.audit import note
from api.security.rights import Caller, needs
from core.errors import DecodeError
from gateway.qr import parse, read_photo

router = APIRouter(prefix="/field", tags=["field"])
STATIC = Path(__file__).parent / "static"
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".webmanifest": "application/manifest+json",
         ".png": "image/png", ".svg": "image/svg+xml"}  # fmt: skip
Public = Annotated[Caller, Depends(needs("public"))]
Engineer = Annotated[Caller, Depends(needs("register"))]
Language = Annotated[str, Query(pattern="^(nb|en)$")]


@cache
def shell() -> dict[str, tuple[bytes, str]]:
    """Every file of the page by name: bytes and type. The service worker is told all names, and a version that changes with them."""
    files = {p.name: p.read_bytes() for p in sorted(STATIC.iterdir()) if p.suffix in TYPES}
    version = hashlib.sha256(b"".join(files.values())).hexdigest()[:12]
    names = ",".join(f'"{n}"' for n in files if n not in ("sw.js", "index.html"))
    files["sw.js"] = files["sw.js"].replace(b"__VERSION__", version.encode()).replace(b"/* __FILES__ */", names.encode())
    return {name: (data, f"{TYPES[Path(name).suffix]}; charset=utf-8") for name, data in files.items()}


@router.get("", include_in_schema=False)
def slash(who: Public) -> Response:
    return RedirectResponse("/field/", 308)


@router.get("/", include_in_schema=False)
def page(who: Public) -> Response:
    data, kind = shell()["index.html"]
    return Response(data, media_type=kind)


@router.get("/{name}", include_in_schema=False)
def file(name: str, who: Public) -> Response:
    if name not in shell():
        raise Problem(404, f"There is nothing at /field/{name}")
    data, kind = shell()[name]
    return Response(data, media_type=kind, headers={"Cache-Control": "no-cache"})


@router.get("/api/me")
def me(ctx: Ctx, who: Engineer) -> Any:
    """Who is signed in, and the token that changes must carry in X-CSRF-Token."""
    return {"name": who.name, "csrf": who.csrf, "language": who.language, "utility": ctx.town.utility.name}


@router.get("/api/town")
def town(ctx: Ctx, who: Engineer) -> Response:
    """What the phone carries along."""
    return as_json(desk.carried(ctx))


@router.get("/api/nearby")
def nearby(ctx: Ctx, who: Engineer, lat: float, lon: float, text: str = "") -> Response:
    """The nearest assets, households too."""
    return as_json(desk.near(ctx, lat, lon, text))


@router.post("/api/qr")
async def qr(request: Request, who: Engineer) -> Any:
    """A photo (JPEG or PNG) as the body; what its code says."""
    return await run_in_threadpool(_read_code, await request.body())


def _read_code(photo: bytes) -> dict[str, Any]:
    texts = read_photo(photo)
    if not texts:
        raise Problem(422, "There is no code to be seen in the photo: go closer, hold still, give it light")
    error: DecodeError | None = None
    for text in texts:
        try:
            return asdict(parse(text))
        except DecodeError as refused:
            error = refused
    raise Problem(422, str(error))


@router.get("/api/label")
def label(who: Engineer, text: str) -> Any:
    """What a code's text says."""
    return asdict(parse(text))


@router.post("/api/entries")
def entries(ctx: Ctx, who: Engineer, entry: FieldEntry) -> Any:
    """Register, move, swap, calibrate, retire, re-key, flush: sent as often as need be, done once."""
    outcome = desk.work(ctx, entry, who.name)
    if not outcome.repeated:
        note(ctx.services, who, f"field.{entry.kind}", outcome.sensor, client_id=entry.client_id, status=outcome.status)
    return asdict(outcome)


@router.get("/api/sensors/{key}/verdict")
def verdict(ctx: Ctx, who: Engineer, key: str, typed: Annotated[list[str] | None, Query()] = None, cover_open: bool = False,
            since: float | None = None, lang: Language = "nb") -> Response:  # fmt: skip
    """Does the sensor work? `typed` as quantity:number, read by hand. Looking at a home's meter is noted, once an hour."""
    desk.note_personal(ctx, who, key)
    return as_json(desk.check(ctx, key, desk.parsed_typed(typed or []), cover_open=cover_open, since=since, language=lang))


@router.post("/api/commissionings")
def commission(ctx: Ctx, who: Engineer, body: SignOff, lang: Language = "nb") -> Response:
    """Sign off a sensor: judged once more, kept with note and photo."""
    record = desk.sign_off(ctx, body, who.name, lang)
    note(ctx.services, who, "field.sign_off", record.sensor, verdict=record.verdict)
    return as_json(asdict(record))


@router.get("/api/commissionings")
def commissionings(ctx: Ctx, who: Engineer, sensor: str | None = None, limit: Annotated[int, Query(ge=1, le=500)] = 50) -> Response:
    """Signed-off records, newest first."""
    return as_json([asdict(c) for c in ctx.services.registry.commissionings.find(sensor=sensor, limit=limit)])


@router.get("/api/photos/{record}")
def photo(ctx: Ctx, who: Engineer, record: str) -> Response:
    """The photo of a signed-off record."""
    name = ctx.services.registry.commissionings.get(record).photo
    path = ctx.services.settings.data_dir / "photos" / (name or "")
    if not name or not path.is_file():
        raise Problem(404, f"There is no photo with record {record}")
    return Response(path.read_bytes(), media_type="image/jpeg")


@router.get("/api/waiting")
def waiting(ctx: Ctx, who: Engineer) -> Response:
    """What ChirpStack has not been told yet."""
    return as_json(desk.registration(ctx).waiting())


@router.get("/api/visits")
def visits(ctx: Ctx, who: Engineer, lat: float | None = None, lon: float | None = None, lang: Language = "nb") -> Response:
    """Sensors that need a visit, with the reasons, in driving order from (lat, lon)."""
    here = (lat, lon) if lat is not None and lon is not None else None
    return as_json(desk.visits(ctx, here, lang))


@router.get("/api/sensors/{key}/downlinks")
def downlinks(ctx: Ctx, who: Engineer, key: str) -> Response:
    """What this sensor can be told, and what it was told, newest first."""
    desk_of, sensor = desk.downlinks(ctx), ctx.sensor(key)
    offered = {name: {"low": c.low, "high": c.high, "unit": c.unit} for name, c in desk_of.offered(sensor.id).items()}
    return as_json({"offered": offered, "sent": [asdict(d) for d in desk_of.find(sensor.id)]})


@router.post("/api/sensors/{key}/downlinks")
def tell(ctx: Ctx, who: Engineer, key: str, body: Tell) -> Any:
    """Tells a sensor something; it hears it after its next uplink."""
    sent = desk.downlinks(ctx).send(ctx.sensor(key).id, body.command, body.value, who.name)
    note(ctx.services, who, "field.downlink", sent.sensor, command=sent.command, value=sent.value)
    return asdict(sent)
