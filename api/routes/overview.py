"""What the Operations page shows, in one answer: zones, sensors with state, sewer lines, base stations, alarms, figures, health."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Response

from api import present
from api.answers import json_bytes
from api.context import FRESH_S, Context, Ctx, as_json, moment
from api.now import RANK, SILENT_AFTER_INTERVALS, USUAL_INTERVAL_S, alarms_by_sensor, finite, main_quantity, shown
from api.routes.publication import described, released
from api.security.rights import Caller, needs
from core.quantities import QUANTITIES
from core.records import Alarm
from core.town import Asset, Sensor, Town

router = APIRouter(prefix="/api/v1", tags=["overview"])
FRONT_FIGURES = ("S02", "W01", "X01")


@router.get("/overview")
def overview(ctx: Ctx, who: Annotated[Caller, Depends(needs("see"))]) -> Response:
    """Household meters appear only as a number per zone."""
    return Response(ctx.remembered("now:overview", FRESH_S, lambda: json_bytes(_overview(ctx))), media_type="application/json")


def _overview(ctx: Context) -> dict[str, Any]:
    town, now = ctx.town, ctx.now()
    alarms = ctx.open_alarms()
    by_sensor = alarms_by_sensor(alarms, now)
    status = ctx.status()
    heard = status["base_stations"]
    return {
        "at": present.when(now), "utility": town.utility.name, "zones": _zones(ctx, alarms),
        "sensors": [{**_mark(town, s), **present.state(s, ctx.latest.of(s.dev_eui), by_sensor, now)} for s in ctx.shown()],
        "lines": _lines(town),
        "base_stations": [{"id": b.id, "name": b.name, "position": (b.latitude, b.longitude), "heard_at": present.when(heard.get(b.id))}
                          for b in town.base_stations],
        "water": getattr(town, "water", None) or [],
        "alarms": [present.alarm(a, now) for a in alarms],
        "figures": front_figures(ctx),
        "status": {k: v for k, v in status.items() if k != "base_stations"},
    }  # fmt: skip


@router.get("/overview/at")
def overview_at(ctx: Ctx, who: Annotated[Caller, Depends(needs("see"))], at: str) -> Response:
    """Value and state of every sensor as they were at a time, from what is known now (late data included)."""
    then = min(moment(at, ctx.now(), "at"), ctx.now())
    town, chosen = ctx.town, shown(ctx.town, then)
    events = ctx.services.registry.events.find(start=then, end=then + 1.0, limit=1000)
    by_sensor: dict[str, str] = {}
    by_zone: dict[str, str] = {}
    for event in events:
        for worst, keys in ((by_sensor, event.sensors), (by_zone, (event.zone,) if event.zone else ())):
            for key in keys:
                if RANK.get(event.severity, 0) > RANK.get(worst.get(key, ""), 0):
                    worst[key] = event.severity
    values = _values_at(ctx, chosen, then)
    items = []
    for s in chosen:
        value, t = values.get(s.dev_eui, (None, None))
        quiet = t is None or then - t > SILENT_AFTER_INTERVALS * max(s.interval_s or USUAL_INTERVAL_S, 60.0) + 60.0
        main = main_quantity(s) or ""
        items.append({"sensor": s.id, "state": by_sensor.get(s.id) or ("silent" if quiet else "ok"), "value": value, "quantity": main,
                      "unit": QUANTITIES[main].unit if main in QUANTITIES else "", "heard_at": present.when(t)})  # fmt: skip
    known = {z.id for z in town.zones}
    return as_json({"at": present.when(then), "items": items, "zones": {k: v for k, v in by_zone.items() if k in known}})


def _values_at(ctx: Context, sensors: list[Sensor], then: float) -> dict[str, tuple[float | None, float | None]]:
    """{dev_eui: (last value at or before a time, when)} of each sensor's main quantity, looking back six hours."""
    found: dict[str, tuple[float | None, float | None]] = {}
    for quantity in {main_quantity(s) for s in sensors} - {None}:
        devices = [s.dev_eui for s in sensors if main_quantity(s) == quantity]
        for device, b in ctx.services.store.aggregate(devices, str(quantity), np.array([then - 6 * 3600.0, then + 0.5])).items():
            if b.count[0]:
                found[device] = (finite(float(b.last[0])), float(b.last_t[0]))
    return found


def _mark(town: Town, sensor: Any) -> dict[str, Any]:
    asset = town.asset_of(sensor)
    return {"id": sensor.id, "name": sensor.name or (asset.name if asset else "") or sensor.id, "zone": town.zone_of(sensor),
            "kind": asset.kind if asset else "other", "position": town.position_of(sensor), "crest_m": town.crest_of(sensor)}  # fmt: skip


def _zones(ctx: Context, alarms: list[Alarm]) -> list[dict[str, Any]]:
    town = ctx.town
    worst: dict[str | None, str] = {}
    for alarm in alarms:
        if alarm.ended_at is None and RANK.get(alarm.severity, 0) > RANK.get(worst.get(alarm.zone, ""), 0):
            worst[alarm.zone] = alarm.severity
    meters = ctx.remembered("meters", 60.0, lambda: Counter(town.zone_of(s) for s in town.current.values() if town.is_personal(s)))
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
    """The three front indicators for the whole town: the newest period that is over (the longest such), with a short history to draw."""
    made = released(ctx)
    found = []
    for key in FRONT_FIGURES:
        values = sorted((v for v in made.values if v.indicator == key and v.zone == made.town_zone), key=lambda v: v.end)
        if not values:
            continue
        made_of = [v for v in values if v.value is not None]
        whole = [v for v in made_of if v.end <= ctx.now() + 60.0]
        shown = max(whole, key=lambda v: (v.end, v.end - v.start)) if whole else max(made_of or values, key=lambda v: v.start - v.end)
        alike = [v for v in values if abs((v.end - v.start) - (shown.end - shown.start)) < 4 * 86_400.0][-13:]
        found.append({**present.figure(shown), "name": described(key)["name"],
                      "trend": [{"end": present.when(v.end), "value": v.value} for v in alike]})  # fmt: skip
    return found
