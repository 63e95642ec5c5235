"""What has arrived from a sensor since it was mounted, and what was to be expected: store, uplink log and town in, judgement out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from core.errors import MjosaError
from core.model import Reading, Series, Uplink
from core.store import SeriesStore
from core.town import Sensor, Town
from gateway.commissioning import Evidence, Expected, possible_range
from gateway.events import parse_event

EARTH_RADIUS_M = 6_371_000.0
_ENOUGH_HISTORY = 100
_MAX_UPLINKS = 50


class RawLog(Protocol):
    """ingest.uplink_log.UplinkLog: `get(seq)` gives topic, payload, received_at."""

    def get(self, seq: int) -> Any: ...


def gather(store: SeriesStore, log: RawLog | None, sensor: Sensor, since: float, now: float, *, joined: bool) -> Evidence:
    """Readings of the device since a time, and the frames they came in."""
    readings: list[Reading] = []
    for newest in store.latest([sensor.dev_eui]):  # the only answer that tells which clock a time is from
        series = store.read([sensor.dev_eui], newest.quantity, since, now + 86_400.0)[sensor.dev_eui]
        readings += _readings(series, newest.origin)
    frames = sorted({r.uplink for r in readings if r.uplink > 0})[-_MAX_UPLINKS:]
    return Evidence(now, since, joined, [u for seq in frames if (u := _uplink(log, seq))], readings)


def _readings(series: Series, origin: int) -> list[Reading]:
    return [Reading(series.sensor, series.quantity, float(t), float(x), int(f), int(u), origin)
            for t, x, f, u in zip(series.t, series.x, series.flag, series.uplink, strict=True)]  # fmt: skip


def _uplink(log: RawLog | None, seq: int) -> Uplink | None:
    if log is None:
        return None
    try:
        raw = log.get(seq)
        event = parse_event(raw.topic, raw.payload, raw.received_at, seq)
    except (MjosaError, KeyError):
        return None
    return event if isinstance(event, Uplink) else None


def expected(town: Town, sensor: Sensor, store: SeriesStore, now: float, *, bounds: Mapping[str, tuple[float, float]],
             interval_s: float | None, typed: Mapping[str, float], cover_open: bool) -> Expected:  # fmt: skip
    """What this sensor should show at its asset. `bounds` is the product's span, `interval_s` its usual one."""
    asset = town.asset_of(sensor)
    quantities = sensor.quantities or tuple(typed)
    return Expected(
        quantities, sensor.interval_s or interval_s, sensor.mounting, cover_open, nearest_station_m(town, sensor),
        {q: possible_range(q, asset, bounds) for q in quantities},
        {q: usual for q in quantities if (usual := usual_range(store, town, sensor, q, now))},
        typed,
    )  # fmt: skip


def usual_range(store: SeriesStore, town: Town, sensor: Sensor, quantity: str, now: float) -> tuple[float, float] | None:
    """1st to 99th percentile of the last 30 days of the asset's other devices, half its width wider; None without history."""
    if sensor.asset is None:
        return None
    others = sorted({p.dev_eui for places in town.placements.values() for p in places if p.asset == sensor.asset} - {sensor.dev_eui})
    if not others:
        return None
    values = np.concatenate([s.usable() for s in store.read(others, quantity, now - 30 * 86_400.0, now).values()])
    values = values[np.isfinite(values)]
    if len(values) < _ENOUGH_HISTORY:
        return None
    low, high = (float(v) for v in np.percentile(values, [1, 99]))
    return low - 0.5 * (high - low), high + 0.5 * (high - low)


def nearest_station_m(town: Town, sensor: Sensor) -> float | None:
    """Metres to the nearest base station; None where a position is missing."""
    here = town.position_of(sensor)
    if here is None or not town.base_stations:
        return None
    return min(distance_m(here, (b.latitude, b.longitude)) for b in town.base_stations)


def distance_m(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Great-circle distance between (latitude, longitude) pairs (haversine)."""
    (lat1, lon1), (lat2, lon2) = (tuple(map(math.radians, p)) for p in (a, b))
    h = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(h)))


def nearest(positions: Mapping[str, tuple[float, float]], here: tuple[float, float], limit: int) -> Sequence[tuple[str, float]]:
    """(id, metres), nearest first."""
    return sorted(((key, distance_m(here, place)) for key, place in positions.items()), key=lambda pair: pair[1])[:limit]
