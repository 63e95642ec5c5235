"""What the Operations page shows, in one answer: zones, sensors with state, sewer lines, base stations, alarms, figures, health."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from api import present
from api.context import Context, Ctx, as_json
from api.now import RANK, alarms_by_sensor, shown
from api.routes.publication import described, released
from api.security.rights import Caller, needs
from core.records import Alarm
from core.town import Asset, Town

router = APIRouter(prefix="/api/v1", tags=["overview"])
FRONT_FIGURES = ("S02", "W01", "X01")


@router.get("/overview")
def overview(ctx: Ctx, who: Annotated[Caller, Depends(needs("see"))]) -> Response:
    """Household meters appear only as a number per zone."""
    town, now = ctx.town, ctx.now()
    alarms = ctx.open_alarms()
    by_sensor = alarms_by_sensor(alarms, now)
    status = ctx.status()
    heard = status["base_stations"]
    return as_json({
        "at": present.when(now), "utility": town.utility.name, "zones": _zones(town, alarms),
        "sensors": [{**_mark(town, s), **present.state(s, ctx.latest.of(s.dev_eui), by_sensor, now)} for s in shown(town, now)],
        "lines": _lines(town),
        "base_stations": [{"id": b.id, "name": b.name, "position": (b.latitude, b.longitude), "heard_at": present.when(heard.get(b.id))}
                          for b in town.base_stations],
        "water": getattr(town, "water", None) or [],
        "alarms": [present.alarm(a, now) for a in alarms],
        "figures": front_figures(ctx),
        "status": {k: v for k, v in status.items() if k != "base_stations"},
    })  # fmt: skip


def _mark(town: Town, sensor: Any) -> dict[str, Any]:
    asset = town.asset_of(sensor)
    return {"id": sensor.id, "name": sensor.name or (asset.name if asset else "") or sensor.id, "zone": town.zone_of(sensor),
            "kind": asset.kind if asset else "other", "position": town.position_of(sensor), "crest_m": town.crest_of(sensor)}  # fmt: skip


def _zones(town: Town, alarms: list[Alarm]) -> list[dict[str, Any]]:
    worst: dict[str | None, str] = {}
    for alarm in alarms:
        if alarm.ended_at is None and RANK.get(alarm.severity, 0) > RANK.get(worst.get(alarm.zone, ""), 0):
            worst[alarm.zone] = alarm.severity
    meters: dict[str | None, int] = {}
    for sensor in town.current.values():
        if town.is_personal(sensor):
            zone = town.zone_of(sensor)
            meters[zone] = meters.get(zone, 0) + 1
    return [{**present.zone(z), "meters": meters.get(z.id, 0), "worst": worst.get(z.id)} for z in town.zones]


def _lines(town: Town) -> list[list[tuple[float, float]]]:
    """Where water runs on: from each asset to the one downstream of it."""
    found = []
    for asset in town.assets:
        below = town.asset_by_id.get(asset.downstream or "")
        if below is not None and not asset.household and _placed(asset) and _placed(below):
            found.append([(asset.latitude, asset.longitude), (below.latitude, below.longitude)])
    return found  # type: ignore[return-value]


def _placed(asset: Asset) -> bool:
    return asset.latitude is not None and asset.longitude is not None


def front_figures(ctx: Context) -> list[dict[str, Any]]:
    """The three front indicators for the whole town: the newest produced of the longest period, with a short history to draw."""
    made = released(ctx)
    found = []
    for key in FRONT_FIGURES:
        values = sorted((v for v in made.values if v.indicator == key and v.zone == made.town_zone), key=lambda v: v.end)
        if not values:
            continue
        shown = next((v for v in reversed(values) if v.value is not None), values[-1])
        alike = [v for v in values if abs((v.end - v.start) - (shown.end - shown.start)) < 4 * 86_400.0][-13:]
        found.append({**present.figure(shown), "name": described(key)["name"],
                      "trend": [{"end": present.when(v.end), "value": v.value} for v in alike]})  # fmt: skip
    return found
