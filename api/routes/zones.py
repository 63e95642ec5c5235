"""One zone by the day: water in, the night's lowest flow, and what its households used together."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Query, Response

from analytics.indicators.privacy import DOMINANT, K
from api.context import Context, Ctx, as_json
from api.problems import Problem
from api.security.rights import Caller, needs
from core.model import Floats
from core.timekeeping import OSLO, day_starts, local_day
from core.town import Sensor, Zone

router = APIRouter(prefix="/api/v1/zones", tags=["zones"])
See = Annotated[Caller, Depends(needs("see"))]
Days = Annotated[int, Query(ge=1, le=400)]
NIGHT = (2, 4)
"""Local hours in which a zone uses least: 02–04."""


@router.get("/{key}/flow")
def flow(key: str, ctx: Ctx, who: See, days: Days = 30) -> Response:
    """Inflow [m³] and lowest-use flow at night [m³/h] per local day; null for a day that an inlet did not cover."""
    zone = _zone(ctx, key)
    midnights = np.array(day_starts(ctx.now() - days * 86_400.0, ctx.now()))
    nights = _nights(midnights)
    inlets = ctx.town.sensors_with("flow_m3h", zone.id, "zone_inlet")
    indexed = [s for s in ctx.town.sensors_with("volume_m3", zone.id, "zone_inlet") if s not in inlets]
    inflow, night = np.zeros(len(midnights) - 1), np.zeros(len(midnights) - 1)
    for sensor in inlets:
        inflow += _rate(ctx, sensor, midnights) * np.diff(midnights) / 3600.0
        night += _rate(ctx, sensor, nights)[::2]
    for sensor in indexed:
        inflow += _used(ctx, [sensor], midnights)[0]
        night += (_used(ctx, [sensor], nights)[0] / (np.diff(nights) / 3600.0))[::2]
    if not inlets and not indexed:
        inflow[:] = night[:] = np.nan
    return as_json({"zone": zone.id, "inlets": [s.id for s in (*inlets, *indexed)], "t": midnights[:-1],
                    "inflow_m3": inflow, "night_m3h": night, "households": zone.households,
                    "connections": zone.connections, "mains_km": zone.mains_km})  # fmt: skip


@router.get("/{key}/consumption")
def consumption(key: str, ctx: Ctx, who: See, days: Days = 30) -> Response:
    """What the zone's households used together per local day [m³]. A day is null when fewer than the least number of meters answered
    or one of them is most of the sum: no figure may tell what one household uses.
    """
    zone = _zone(ctx, key)
    midnights = np.array(day_starts(ctx.now() - days * 86_400.0, ctx.now()))
    meters = [s for s in ctx.town.current.values() if ctx.town.is_personal(s) and ctx.town.zone_of(s) == zone.id]
    used = (
        ctx.remembered(f"used:{zone.id}:{days}", 300.0, lambda: _used(ctx, meters, midnights))
        if meters
        else np.empty((0, len(midnights) - 1))
    )
    values, counted = publishable_sums(used)
    return as_json({"zone": zone.id, "meters": len(meters), "least_meters": K, "t": midnights[: len(values)], "used_m3": values,
                    "answered": counted, "reason": "suppressed_for_privacy" if len(meters) and len(meters) < K else None})  # fmt: skip


def publishable_sums(used: Floats) -> tuple[Floats, Any]:
    """(sum per day, meters that answered per day) of used (meters, days) [m³]; NaN where K or the dominance rule forbids a sum."""
    known = np.isfinite(used)
    counted, total = known.sum(axis=0), np.where(known, used, 0.0).sum(axis=0)
    largest = np.where(known, used, 0.0).max(axis=0, initial=0.0)
    told = (counted >= K) & (largest <= DOMINANT * total)
    return np.where(told, total, np.nan), counted


def _zone(ctx: Context, key: str) -> Zone:
    found = ctx.town.zone_by_id.get(key)
    if found is None:
        raise Problem(404, f"There is no zone '{key}'; /api/v1/zones lists them")
    return found


def _nights(midnights: Floats) -> Floats:
    """[start, end, start, end, …) of each local night; summer time moves them, so each is made from its date."""
    return np.array([datetime(d.year, d.month, d.day, hour, tzinfo=OSLO).timestamp()
                     for d in (local_day(m + 43_200.0) for m in midnights[:-1]) for hour in NIGHT])  # fmt: skip


def _rate(ctx: Context, sensor: Sensor, edges: Floats) -> Floats:
    return ctx.services.store.aggregate([sensor.dev_eui], "flow_m3h", edges)[sensor.dev_eui].mean


def _used(ctx: Context, meters: list[Sensor], edges: Floats) -> Floats:
    """(meters, len(edges) − 1): how far each index rose between edges [m³], by straight lines between its readings; NaN without any."""
    devices = [m.dev_eui for m in meters]
    found = ctx.services.store.read(devices, "volume_m3", float(edges[0]) - 2 * 86_400.0, float(edges[-1]) + 86_400.0)
    rows = []
    for device in devices:
        t, x = found[device].t, found[device].usable()
        keep = np.isfinite(x)
        at = np.interp(edges, t[keep], x[keep], left=np.nan, right=np.nan) if keep.sum() > 1 else np.full(len(edges), np.nan)
        rows.append(np.where(np.diff(at) >= 0, np.diff(at), np.nan))
    return np.array(rows).reshape(len(devices), len(edges) - 1)
