"""Readings of one measuring point, across the devices it has had: raw or in buckets; JSON pages, or CSV, Arrow and Parquet streams."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import numpy as np
import pyarrow as pa
from fastapi import APIRouter, Depends, Query, Request, Response

from api.answers import ARROW, CSV, JSON, PARQUET, Table, iso_times, json_bytes, stream, tagged, wanted
from api.context import Context, Ctx, moment
from api.now import main_quantity
from api.problems import Problem
from api.routes.town import may_see_household
from api.security.rights import Caller, needs
from core.model import Series
from core.points import read_points
from core.quantities import QUANTITIES
from core.timekeeping import day_starts, iso
from core.town import Sensor

router = APIRouter(prefix="/api/v1", tags=["readings"])
DAY = 86_400.0
CHUNK_S = 14 * DAY
BUCKETS = {"10m": 600.0, "1h": 3600.0, "1d": DAY}
MOST_BUCKETS = 20_000
RAW = pa.schema([("time", pa.timestamp("ms", "UTC")), ("value", pa.float64()), ("flag", pa.uint8()), ("uplink", pa.int64())])
BUCKETED = pa.schema([("start", pa.timestamp("ms", "UTC")), ("count", pa.int64()), ("min", pa.float64()), ("mean", pa.float64()),
                      ("max", pa.float64()), ("last", pa.float64())])  # fmt: skip
EXAMPLE = {"sensor": "PT-1", "quantity": "pressure_bar", "unit": "bar", "start": "2026-05-01T00:00:00Z", "end": "2026-05-02T00:00:00Z",
           "items": [{"time": "2026-05-01T00:00:00.000Z", "value": 5.21, "flag": 1, "uplink": 4711}], "next": None}  # fmt: skip
Offered: dict[int | str, dict[str, Any]] = {200: {"content": {
    JSON: {"example": EXAMPLE}, CSV: {}, ARROW: {}, PARQUET: {}}}}  # fmt: skip


@router.get("/sensors/{key}/readings", responses=Offered)
def readings(request: Request, key: str, ctx: Ctx, who: Annotated[Caller, Depends(needs("see"))], quantity: str | None = None,
             start: str | None = None, end: str | None = None, bucket: Literal["10m", "1h", "1d"] | None = None,
             limit: Annotated[int, Query(ge=1, le=100_000)] = 10_000, cursor: str | None = None,
             form: Literal["rows", "columns"] = "rows") -> Response:  # fmt: skip
    """Readings in [start, end), the last seven days by default. JSON comes in pages (`next` is the following cursor); the other
    formats come whole. `bucket` gives min, mean, max and last per bucket (1d: local days); `form=columns` suits charts.
    """
    sensor = ctx.sensor(key)
    may_see_household(ctx, who, sensor, "readings.read")
    name = quantity or main_quantity(sensor) or ""
    if name not in QUANTITIES:
        raise Problem(422, f"quantity: '{name}' is not known; this sensor has {', '.join(sensor.quantities) or 'none'}")
    until = moment(end, ctx.now(), "end")
    since = moment(start, until - 7 * DAY, "start")
    if not since <= until:
        raise Problem(422, "start: must not be later than end")
    media = wanted(request)
    if bucket:
        return _bucketed(request, ctx, sensor, name, since, until, bucket, media)
    if media != JSON:
        file = f"{sensor.id}-{name}-{iso(since)[:10]}"
        return stream(Table(file, RAW, lambda: _chunks(ctx, sensor, name, since, until)), media)
    return _page(request, ctx, sensor, name, since, until, limit, cursor, form)


def _page(request: Request, ctx: Context, sensor: Sensor, name: str, since: float, until: float, limit: int, cursor: str | None,
          form: str) -> Response:  # fmt: skip
    first = _from_cursor(cursor) if cursor else since
    found = read_points(ctx.services.store, ctx.town, [sensor], name, max(first, since), until)[sensor.id]
    n = min(limit, len(found))
    following = _to_cursor(float(found.t[n])) if len(found) > n else None
    head = {"sensor": sensor.id, "quantity": name, "unit": QUANTITIES[name].unit, "start": iso(since), "end": iso(until)}
    times = found.t[:n] if form == "columns" else iso_times(found.t[:n])
    values, flags, uplinks = found.x[:n], found.flag[:n], found.uplink[:n]
    body: dict[str, Any]
    if form == "columns":
        body = {**head, "t": times, "x": values, "flag": flags.astype(np.int64), "next": following}
    else:
        rows = zip(times, values.tolist(), flags.tolist(), uplinks.tolist(), strict=True)
        body = {**head, "items": [{"time": t, "value": x, "flag": f, "uplink": u or None} for t, x, f, u in rows], "next": following}
    return tagged(request, json_bytes(body), JSON)


def _chunks(ctx: Context, sensor: Sensor, name: str, since: float, until: float) -> Iterator[dict[str, Any]]:
    """Two weeks at a time, so that ten years take no more memory than two weeks; periods without data are not asked for."""
    devices = {p.dev_eui for p in ctx.town.placements[sensor.id]}
    spans = [(c.first, c.last) for c in ctx.services.store.coverage(sorted(devices)) if c.quantity == name]
    if not spans:
        return
    at, until = max(since, min(s for s, _ in spans)), min(until, max(e for _, e in spans) + 0.001)
    while at < until:
        following = min(until, at + CHUNK_S)
        found: Series = read_points(ctx.services.store, ctx.town, [sensor], name, at, following)[sensor.id]
        if len(found):
            yield {
                "time": (found.t * 1000.0).round().astype("datetime64[ms]"),
                "value": found.x,
                "flag": found.flag,
                "uplink": found.uplink,
            }
        at = following


def _bucketed(request: Request, ctx: Context, sensor: Sensor, name: str, since: float, until: float, bucket: str, media: str) -> Response:
    if (until - since) / BUCKETS[bucket] > MOST_BUCKETS:
        raise Problem(422, f"bucket: at most {MOST_BUCKETS:,} buckets at a time; ask for a shorter period or longer buckets")
    step = BUCKETS[bucket]
    edges = np.array(day_starts(since, until)) if bucket == "1d" else np.arange(np.floor(since / step) * step, until + step, step)
    if len(edges) < 2:
        edges = np.array([since, since + step])
    columns = _merged(ctx, sensor, name, edges)
    if media != JSON:
        chunk = {"start": (edges[:-1] * 1000).astype("datetime64[ms]"), **columns}
        return stream(Table(f"{sensor.id}-{name}-{bucket}", BUCKETED, lambda: iter([chunk])), media)
    head = {"sensor": sensor.id, "quantity": name, "unit": QUANTITIES[name].unit, "bucket": bucket}
    return tagged(request, json_bytes({**head, "t": edges[:-1], **columns}), JSON)


def _merged(ctx: Context, sensor: Sensor, name: str, edges: Any) -> dict[str, Any]:
    """Buckets over every device the point has had; where two devices share a bucket, sums of counts and weighted means."""
    places = ctx.town.placements[sensor.id]
    if len(places) == 1 and places[0].valid_from <= edges[0] and places[0].valid_to >= edges[-1]:
        b = ctx.services.store.aggregate([sensor.dev_eui], name, edges)[sensor.dev_eui]
        return {"count": b.count, "min": b.minimum, "mean": b.mean, "max": b.maximum, "last": b.last}
    found = read_points(ctx.services.store, ctx.town, [sensor], name, float(edges[0]), float(edges[-1]))[sensor.id]
    x = found.usable()
    keep = np.isfinite(x)
    t, x = found.t[keep], x[keep]
    place = np.searchsorted(edges, t, "right") - 1
    n = len(edges) - 1
    count = np.bincount(place, minlength=n).astype(np.int64)
    low, high, last = np.full(n, np.inf), np.full(n, -np.inf), np.full(n, np.nan)
    np.minimum.at(low, place, x)
    np.maximum.at(high, place, x)
    last[place] = x
    empty = count == 0
    mean = np.divide(np.bincount(place, x, n), count, out=np.full(n, np.nan), where=~empty)
    low[empty], high[empty] = np.nan, np.nan
    return {"count": count, "min": low, "mean": mean, "max": high, "last": last}


def _to_cursor(t: float) -> str:
    return base64.urlsafe_b64encode(repr(t).encode()).decode().rstrip("=")


def _from_cursor(text: str) -> float:
    try:
        return float(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error) as error:
        raise Problem(422, "cursor: take it from `next` of the page before") from error
