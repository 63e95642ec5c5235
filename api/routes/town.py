"""The town: zones, assets, sensors, and what each measured last. Household meters are never listed here without `read_meters`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from api import present
from api.answers import json_bytes
from api.context import FRESH_S, Context, Ctx, as_json
from api.now import alarms_by_sensor
from api.problems import Problem
from api.security.audit import note
from api.security.rights import Caller, needs
from core.town import Sensor

router = APIRouter(prefix="/api/v1", tags=["town"])
See = Annotated[Caller, Depends(needs("see"))]
Limit = Annotated[int, Query(ge=1, le=20_000)]


@router.get("/zones")
def zones(ctx: Ctx, who: See) -> Response:
    """Every zone with its outline as (latitude, longitude) pairs."""
    return as_json({"items": [present.zone(z) for z in ctx.town.zones]})


@router.get("/zones/{key}")
def zone(key: str, ctx: Ctx, who: See) -> Response:
    found = ctx.town.zone_by_id.get(key)
    if found is None:
        raise Problem(404, f"There is no zone '{key}'; /api/v1/zones lists them")
    return as_json(present.zone(found))


@router.get("/assets")
def assets(ctx: Ctx, who: See, kind: str | None = None, zone: str | None = None) -> Response:
    """Pipes, manholes, overflow chambers and other places. Private meter points are left out."""
    return as_json({"items": [a.model_dump(mode="json") for a in ctx.town.assets
                              if not a.household and kind in (None, a.kind) and zone in (None, a.zone)]})  # fmt: skip


@router.get("/base-stations")
def base_stations(ctx: Ctx, who: See) -> Response:
    heard = ctx.status()["base_stations"]
    return as_json({"items": [{**b.model_dump(mode="json"), "heard_at": present.when(heard.get(b.id))} for b in ctx.town.base_stations]})


def _chosen(ctx: Context, zone: str | None, kind: str | None, quantity: str | None) -> list[Sensor]:
    town = ctx.town
    return [
        s for s in ctx.shown()
        if (zone is None or town.zone_of(s) == zone)
        and (quantity is None or quantity in s.quantities)
        and (kind is None or ((a := town.asset_of(s)) is not None and a.kind == kind))
    ]  # fmt: skip


@router.get("/sensors")
def sensors(ctx: Ctx, who: See, zone: str | None = None, kind: str | None = None, quantity: str | None = None,
            limit: Limit = 1000, after: str | None = None) -> Response:  # fmt: skip
    """Sensors in use, in the order of their ids; `next` is the `after` of the following page."""
    chosen = sorted(_chosen(ctx, zone, kind, quantity), key=lambda s: s.id)
    page = [s for s in chosen if after is None or s.id > after]
    following = page[limit - 1].id if len(page) > limit else None
    return as_json({"items": [present.sensor(ctx.town, s) for s in page[:limit]], "next": following, "total": len(chosen)})


@router.get("/sensors/{key}")
def sensor(key: str, ctx: Ctx, who: See) -> Response:
    """One sensor with its placements (devices it has had) and its newest readings."""
    found = ctx.sensor(key)
    may_see_household(ctx, who, found, "sensor.read")
    town, rows = ctx.town, ctx.latest.of(found.dev_eui)
    alarms = alarms_by_sensor(ctx.open_alarms(), ctx.now())
    places = [{"dev_eui": p.dev_eui, "model": p.model, "valid_from": present.when(p.valid_from), "valid_to": present.when(p.valid_to)}
              for p in town.placements[found.id]]  # fmt: skip
    return as_json({
        **present.sensor(town, found), **present.state(found, rows, alarms, ctx.now()), "placements": places,
        "latest": [present.reading(r) for r in rows.values()],
    })  # fmt: skip


@router.get("/latest")
def latest(ctx: Ctx, who: See, zone: str | None = None, kind: str | None = None, quantity: str | None = None) -> Response:
    """The newest value and state of every sensor in use (households' meters left out)."""
    body = ctx.remembered(f"now:latest:{zone}:{kind}:{quantity}", FRESH_S, lambda: json_bytes(_latest(ctx, zone, kind, quantity)))
    return Response(body, media_type="application/json")


def _latest(ctx: Context, zone: str | None, kind: str | None, quantity: str | None) -> dict[str, Any]:
    now = ctx.now()
    alarms = alarms_by_sensor(ctx.open_alarms(), now)
    items = []
    for s in _chosen(ctx, zone, kind, quantity):
        rows = ctx.latest.of(s.dev_eui)
        readings = [present.reading(r) for q, r in rows.items() if quantity in (None, q)]
        items.append({"sensor": s.id, **present.state(s, rows, alarms, now), "readings": readings})
    return {"at": present.when(now), "items": items}


def may_see_household(ctx: Context, who: Caller, sensor: Sensor, action: str) -> None:
    """Lets through readers of household meters, and writes it down. Raises 403 for others."""
    if not ctx.town.is_personal(sensor):
        return
    if not who.may("read_meters"):
        zone = ctx.town.zone_of(sensor)
        raise Problem(
            403, f"This is a household's meter: it needs the role meter_reader. Its zone's sum is at /api/v1/zones/{zone}/consumption"
        )
    note(ctx.services, who, action, sensor.id, personal=True)
