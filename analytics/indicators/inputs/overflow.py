"""Inputs from overflow events: hours, 12/24-hour blocks, volume, dry-weather overflows, response time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from analytics.counting import block_count
from analytics.indicators.amounts import Amount, missing
from analytics.indicators.quality import COMPLETENESS_MIN
from analytics.indicators.scope import Scope
from analytics.indicators.window import Window, remembered
from core.model import Event
from core.points import read_points
from core.town import Sensor

SENSED_BY = ("level_m", "distance_m", "contact", "temperature_c")
RAIN_LIMIT_MM = 1.0
RAIN_BEFORE_S = 86400.0


@remembered
def overflow_points(w: Window, scope: Scope) -> dict[str, list[Sensor]]:
    """Monitored overflow points, asset id → the sensors on it; a sensor with a crest and no asset is its own point."""
    found: dict[str, list[Sensor]] = {}
    for sensor in w.within(scope):
        asset = w.town.asset_of(sensor)
        at_overflow = asset is not None and asset.kind == "overflow_chamber"
        if not any(q in SENSED_BY for q in sensor.quantities):
            continue
        if at_overflow or w.town.crest_of(sensor) is not None:
            found.setdefault(asset.id if asset else sensor.id, []).append(sensor)
    return found


def _overflows(w: Window, scope: Scope, start: float, end: float) -> list[Event]:
    """Overflow events of the scope's points that overlap [start, end)."""
    points = overflow_points(w, scope)
    sensors = {s.id for group in points.values() for s in group}
    return [e for e in w.events if e.kind == "overflow" and e.start < end and _end(w, e) > start
            and (e.asset in points or any(s in sensors for s in e.sensors))]  # fmt: skip


def _end(w: Window, event: Event) -> float:
    return w.until if event.end is None else max(event.end, event.start)


def _point(event: Event) -> str:
    return event.asset or (event.sensors[0] if event.sensors else event.id)


@remembered
def _watched(w: Window, scope: Scope) -> tuple[float, int, float]:
    """(uptime, points, share of points with enough cover): a point is as complete as its best sensor."""
    points = overflow_points(w, scope)
    shares = []
    for sensors in points.values():
        best = 0.0
        for sensor in sensors:
            quantity = next(q for q in sensor.quantities if q in SENSED_BY)
            received, due = w.expected([sensor], quantity)
            best = max(best, float(received[0] / due[0]) if due[0] > 0 else 0.0)
        shares.append(best)
    if not shares:
        return 0.0, 0, math.nan
    return float(np.mean(shares)), len(points), float(np.mean(np.array(shares) >= COMPLETENESS_MIN))


def _from_events(w: Window, scope: Scope, value: Callable[[list[Event]], tuple[float, float]]) -> Amount:
    """Something counted in the period's events; missing where no point is monitored, never scaled up by uptime."""
    uptime, n, meeting = _watched(w, scope)
    if n == 0:
        return missing("overflow points")
    chosen = _overflows(w, scope, w.start, w.until)
    amount, u = value(chosen)
    unsure = sum(1 for e in chosen if str(e.details.get("end_known", "")).startswith("no"))
    return Amount(amount, u, uptime, (1.0, 0.0, 0.0), source={"points": n, "uptime": uptime, "events": [e.id for e in chosen][:200]},
                  notes=(f"{unsure} events with unknown end",) if unsure else (), points_meeting=meeting)  # fmt: skip


def overflow_hours(w: Window, scope: Scope) -> Amount:
    """Hours with overflow, split where the period ends. Each end of an event is uncertain by its onset's uncertainty."""

    def hours(events: list[Event]) -> tuple[float, float]:
        by_point: dict[str, list[tuple[float, float]]] = {}
        for e in events:
            by_point.setdefault(_point(e), []).append((max(e.start, w.start), min(_end(w, e), w.until)))
        seconds = sum(_covered(spans) for spans in by_point.values())
        return seconds / 3600.0, math.sqrt(sum(2 * e.onset_uncertainty_s**2 for e in events)) / 3600.0

    return _from_events(w, scope, hours)


def _covered(spans: Sequence[tuple[float, float]]) -> float:
    """Length of the union of intervals: two sensors on one weir see one overflow."""
    length, reached = 0.0, -math.inf
    for a, b in sorted(spans):
        length += max(0.0, b - max(a, reached))
        reached = max(reached, b)
    return length


def overflow_blocks(w: Window, scope: Scope) -> Amount:
    """12/24-hour blocks whose first discharge falls in the period: blocks until its end less blocks until its start."""
    everything = _overflows(w, scope, -math.inf, w.until)
    by_point: dict[str, list[tuple[float, float]]] = {}
    for e in everything:
        by_point.setdefault(_point(e), []).append((e.start, _end(w, e)))

    def blocks(_: list[Event]) -> tuple[float, float]:
        return float(sum(_blocks_before(s, w.until) - _blocks_before(s, w.start) for s in by_point.values())), 0.0

    return _from_events(w, scope, blocks)


def _blocks_before(spans: Sequence[tuple[float, float]], t: float) -> int:
    return block_count([(a, min(b, t)) for a, b in spans if a < t])


def overflow_volume_m3(w: Window, scope: Scope) -> Amount:
    """Volume over the weirs; a point without a weir gives none, and then the figure covers fewer points."""
    points = overflow_points(w, scope)
    with_weir = [p for p, sensors in points.items() if any(w.town.weir_of(s) is not None for s in sensors)]
    if points and not with_weir:
        return missing("weir geometry")

    def volume(events: list[Event]) -> tuple[float, float]:
        known = [e for e in events if e.volume_m3 is not None]
        return sum(_part(w, e) * (e.volume_m3 or 0.0) for e in known), sum(_part(w, e) * (e.volume_u_m3 or 0.0) for e in known)

    found = _from_events(w, scope, volume)
    lacking = len(points) - len(with_weir)
    covered = found.completeness * len(with_weir) / max(len(points), 1)
    return replace(found, completeness=covered, notes=(*found.notes, f"{lacking} points without a weir")) if lacking else found


def _part(w: Window, e: Event) -> float:
    """Share of an event's time inside the period."""
    length = _end(w, e) - e.start
    return 1.0 if length <= 0 else max(0.0, min(_end(w, e), w.until) - max(e.start, w.start)) / length


def dry_weather_overflows(w: Window, scope: Scope) -> Amount:
    """Overflows that began in the period after under 1 mm of rain in 24 h and without melt; missing without rain data."""
    rain = [s for s in w.town.current.values() if {"rain_mm", "rain_total_mm"} & set(s.quantities)]
    if not rain:
        return missing("rain")
    started = [e for e in _overflows(w, scope, w.start, w.until) if e.start >= w.start]
    before = [rain_before_mm(w, rain, e.start) for e in started]
    dry = [e for e, mm in zip(started, before, strict=True) if mm is not None and mm < RAIN_LIMIT_MM and e.details.get("weather") != "melt"]
    if started and all(mm is None for mm in before):
        return missing("rain")
    return _from_events(w, scope, lambda _: (float(len(dry)), 0.0))


def rain_before_mm(w: Window, sensors: Sequence[Sensor], t: float) -> float | None:
    """The most rain any gauge saw in the 24 hours before t; None where none reported."""
    found = []
    for sensor in sensors:
        quantity = "rain_mm" if "rain_mm" in sensor.quantities else "rain_total_mm"
        series = read_points(w.store, w.town, [sensor], quantity, t - RAIN_BEFORE_S, t + 1)[sensor.id]
        x = series.usable()
        x = x[np.isfinite(x)]
        if len(x):
            found.append(float(x.sum()) if quantity == "rain_mm" else float(np.clip(np.diff(x), 0, None).sum()))
    return max(found) if found else None


def response_median_min(w: Window, scope: Scope) -> Amount:
    """Median minutes from raised to acknowledged, over the overflow alarms raised in the period.

    An alarm nobody acknowledged counts with the time until the period's end: a lower bound, and their number is noted.
    """
    chosen = [a for a in w.alarms if "overflow" in a.kind and w.start <= a.raised_at < w.until and scope.has(a.zone)]
    if not chosen:
        return missing("overflow alarms")
    waits = [((a.acknowledged_at if a.acknowledged_at is not None else w.until) - a.raised_at) / 60.0 for a in chosen]
    waiting = sum(1 for a in chosen if a.acknowledged_at is None)
    u = float(1.2533 * np.std(waits) / math.sqrt(len(waits)))
    return Amount(float(np.median(waits)), u, 1.0, (1.0, 0.0, 0.0), source={"alarms": len(chosen), "unacknowledged": waiting},
                  notes=(f"{waiting} of {len(chosen)} not acknowledged",) if waiting else ())  # fmt: skip


INPUTS: dict[str, Callable[[Window, Scope], Amount]] = {
    "overflow_hours": overflow_hours,
    "overflow_blocks": overflow_blocks,
    "overflow_points": lambda w, s: Amount(float(len(overflow_points(w, s)))) if overflow_points(w, s) else missing("overflow points"),
    "overflow_volume_m3": overflow_volume_m3,
    "dry_weather_overflows": dry_weather_overflows,
    "response_median_min": response_median_min,
}
