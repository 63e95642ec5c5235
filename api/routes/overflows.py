"""A year of overflows: hours, count and volume per chamber and day, with the rain beside."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Query, Response

from analytics.counting import block_count, merged
from api import present
from api.context import Context, Ctx, as_json
from api.security.rights import Caller, needs
from core.model import Event, Floats
from core.timekeeping import day_starts, local_day, period

router = APIRouter(prefix="/api/v1", tags=["overflows"])
GAP_S = 60.0


@router.get("/overflows")
def overflows(ctx: Ctx, who: Annotated[Caller, Depends(needs("see"))],
              year: Annotated[int | None, Query(ge=2000, le=2100)] = None) -> Response:  # fmt: skip
    """Hours are split at local midnight. `count` follows the 12/24-hour block method. An event that lasts counts until now."""
    now = ctx.now()
    chosen = year or local_day(now).year
    start, end = period(str(chosen))
    until = min(end, now)
    midnights = np.array(day_starts(start, end))
    events = ctx.services.registry.events.find(start=start, end=end, kind="overflow")
    return as_json({
        "year": chosen, "days": [local_day(t).isoformat() for t in midnights[:-1]], "at": present.when(now),
        "points": _points(ctx, events, midnights, start, until), "rain_mm": _rain(ctx, midnights, until),
        "events": [present.event(e) for e in events],
    })  # fmt: skip


def _points(ctx: Context, events: list[Event], midnights: Floats, start: float, until: float) -> list[dict[str, Any]]:
    """Every chamber that is watched, also those without an event: a dry chamber is a result."""
    town, found = ctx.town, []
    for asset in town.assets:
        watching = [s for s in town.current.values() if s.asset == asset.id]
        if asset.kind != "overflow_chamber" or not watching:
            continue
        own = [e for e in events if e.asset == asset.id or set(e.sensors) & {s.id for s in watching}]
        spans = merged([(max(e.start, start), min(e.end if e.end is not None else until, until)) for e in own if e.start < until], GAP_S)
        volumes = [e.volume_m3 for e in own if e.volume_m3 is not None]
        found.append({
            "asset": asset.id, "name": asset.name or asset.id, "zone": asset.zone, "sensor": watching[0].id, "events": len(own),
            "hours": round(sum(b - a for a, b in spans) / 3600.0, 3), "count": block_count(spans),
            "volume_m3": round(sum(volumes), 1) if volumes else None, "hours_by_day": _by_day(spans, midnights),
            "ongoing": any(e.end is None for e in own),
        })  # fmt: skip
    return sorted(found, key=lambda p: -p["hours"])


def _by_day(spans: list[tuple[float, float]], midnights: Floats) -> dict[int, float]:
    """{day of the year from 0: hours}, only days with any."""
    hours: dict[int, float] = {}
    for a, b in spans:
        for day in range(int(np.searchsorted(midnights, a, "right")) - 1, len(midnights) - 1):
            inside = min(b, midnights[day + 1]) - max(a, midnights[day])
            if inside <= 0:
                break
            hours[day] = round(hours.get(day, 0.0) + inside / 3600.0, 3)
    return hours


def _rain(ctx: Context, midnights: Floats, until: float) -> list[float | None]:
    """Mean over the gauges of the day's sum [mm]; null for a day without any."""
    edges = midnights[: int(np.searchsorted(midnights, until, "right")) + 1]
    gauges = [s.dev_eui for s in ctx.town.sensors_with("rain_mm")]
    if not gauges or len(edges) < 2:
        return []
    found = ctx.remembered(f"rain:{edges[0]}:{len(edges)}", 300.0, lambda: ctx.services.store.aggregate(gauges, "rain_mm", edges))
    sums = np.array([np.where(b.count > 0, b.mean * b.count, np.nan) for b in found.values()])
    known = np.isfinite(sums)
    total, n = np.where(known, sums, 0.0).sum(axis=0), known.sum(axis=0)
    return [round(float(s / k), 1) if k else None for s, k in zip(total, n, strict=True)]
