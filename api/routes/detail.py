"""More about one sensor: its usual range, the uplinks its readings came in, its radio."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Depends, Path, Query, Response

from api.context import Ctx, as_json, moment, require
from api.network import raw_uplink
from api.now import main_quantity
from api.problems import Problem
from api.routes.town import may_see_household
from api.security.rights import Caller, needs
from api.usual import hour_of_week, usual_range
from core.errors import NotFound
from core.points import read_points
from core.quantities import QUANTITIES
from core.timekeeping import OSLO

router = APIRouter(prefix="/api/v1", tags=["sensors"])
See = Annotated[Caller, Depends(needs("see"))]
WEEK = 7 * 86_400.0


@router.get("/sensors/{key}/usual")
def usual(key: str, ctx: Ctx, who: See, quantity: str | None = None, start: str | None = None, end: str | None = None,
          weeks: Annotated[int, Query(ge=1, le=26)] = 5) -> Response:  # fmt: skip
    """10th, 50th and 90th percentile of the hourly means in the same hour of the week, over the weeks before `start`."""
    sensor = ctx.sensor(key)
    may_see_household(ctx, who, sensor, "usual.read")
    name = quantity or main_quantity(sensor) or ""
    if name not in QUANTITIES or QUANTITIES[name].counter:
        raise Problem(422, f"quantity: '{name}' has no usual range; choose one of {', '.join(sensor.quantities)}")
    until = moment(end, ctx.now(), "end")
    since = moment(start, until - WEEK, "start")
    if not until - 100 * WEEK <= since <= until:
        raise Problem(422, "start: must be before end, by at most 100 weeks")
    first = np.floor((since - weeks * WEEK) / 3600.0) * 3600.0
    edges = np.arange(first, since + 3600.0, 3600.0)
    hourly = ctx.services.store.aggregate([sensor.dev_eui], name, edges)[sensor.dev_eui].mean
    at = np.arange(np.floor(since / 3600.0) * 3600.0, until + 3600.0, 3600.0)
    low, middle, high = usual_range(hour_of_week(edges[:-1], _offsets(edges[:-1])), hourly, hour_of_week(at, _offsets(at)))
    return as_json({"sensor": sensor.id, "quantity": name, "t": at + 1800.0, "low": low, "middle": middle, "high": high})


def _offsets(t: np.ndarray) -> np.ndarray:
    """Local minus UTC [s], looked up once a day."""
    days = np.floor(t / 86_400.0)
    known = {d: _offset(d * 86_400.0 + 43_200.0) for d in np.unique(days)}
    return np.array([known[d] for d in days])


def _offset(t: float) -> float:
    moved = datetime.fromtimestamp(t, UTC).astimezone(OSLO).utcoffset()
    return moved.total_seconds() if moved else 0.0


@router.get("/sensors/{key}/uplinks")
def uplinks(key: str, ctx: Ctx, who: See, limit: Annotated[int, Query(ge=1, le=100)] = 15) -> Response:
    """The newest raw uplinks of a sensor, each with what its device model makes of it now."""
    sensor = ctx.sensor(key)
    may_see_household(ctx, who, sensor, "uplinks.read")
    log = require(ctx.services.log, "The uplink log")
    newest = max((r.measured_at for r in ctx.latest.of(sensor.dev_eui).values()), default=ctx.now())
    span = max(sensor.interval_s or 3600.0, 600.0) * limit * 4
    numbers: set[int] = set()
    for quantity in sensor.quantities:
        found = read_points(ctx.services.store, ctx.town, [sensor], quantity, newest - span, newest + 1.0)[sensor.id]
        numbers |= set(found.uplink[found.uplink > 0].tolist())
    items = []
    for number in sorted(numbers, reverse=True)[:limit]:
        try:
            items.append(raw_uplink(log, ctx.services.models, number, sensor))
        except NotFound:
            continue
    return as_json({"items": items})


@router.get("/uplinks/{seq}")
def uplink(seq: Annotated[int, Path(ge=1, le=2**53)], ctx: Ctx, who: Annotated[Caller, Depends(needs("mend"))]) -> Response:
    """One raw uplink by its number in the log: where a reading came from."""
    found = raw_uplink(require(ctx.services.log, "The uplink log"), ctx.services.models, seq)
    sensor = ctx.town.sensor_at(str(found.get("dev_eui", "")), ctx.now())
    if sensor is not None:
        may_see_household(ctx, who, sensor, "uplink.read")
        found = raw_uplink(ctx.services.log, ctx.services.models, seq, sensor)
    return as_json({**found, "sensor": sensor.id if sensor else None})
