"""Which sensors need a visit, why, and in which order to drive: work orders from what the store and the event list know."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.model import Event, Floats
from core.store import SeriesStore
from core.town import Sensor, Town
from gateway.commissioning import SNR_FLOOR_DB
from gateway.evidence import distance_m

DAY_S = 86_400.0
FAULT_KINDS = ("sensor_fault", "fouling", "stopped_meter")
"""Open events that a person must go out for."""
CUTOFF = {"battery_pct": 10.0, "battery_v": 2.7}
"""Where a battery counts as empty (own)."""
_BATTERY_MONTHS, _BATTERY_DAYS, _BATTERY_BUCKET_DAYS = 3.0, 120, 5
_LINK_RESERVE_DB, _LINK_DAYS = 6.0, 3
_SILENT_INTERVALS, _SILENT_LEAST_S = 3.0, 12 * 3600.0
_MONTH_DAYS = 30.4
_WEIGHT = {"silent": 4, "never_seen": 4, "battery": 3, "fault": 2, "link": 1}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why to go: a key of `_WEIGHT`, with its number in the unit its name says."""

    kind: str
    value: float = math.nan
    detail: str = ""


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """One stop: the sensor, every reason to go there, and its place in the route (from 1). `leg_m` is the way from the stop before."""

    stop: int
    sensor: Sensor
    reasons: tuple[Reason, ...]
    position: tuple[float, float] | None
    leg_m: float | None = None


def visits(store: SeriesStore, town: Town, open_events: Iterable[Event], now: float, *, intervals_s: Mapping[str, float],
           here: tuple[float, float] | None = None) -> list[WorkOrder]:  # fmt: skip
    """Every sensor with a reason, in driving order from `here`. `intervals_s` by model, for sensors that have none of their own."""
    current = [s for s in town.current.values() if s.valid_from <= now < s.valid_to]
    reasons: dict[str, list[Reason]] = {s.id: [] for s in current}
    seen: dict[str, float] = {}
    for reading in store.latest([s.dev_eui for s in current]):
        seen[reading.sensor] = max(seen.get(reading.sensor, -math.inf), reading.measured_at)
    for sensor in current:
        silence = silent(sensor, seen.get(sensor.dev_eui), now, sensor.interval_s or intervals_s.get(sensor.model))
        reasons[sensor.id] += [silence] if silence else []
    for quantity in CUTOFF:
        _add(reasons, current, batteries(store, current, quantity, now))
    _add(reasons, current, weak_links(store, current, now))
    for event in open_events:
        if event.kind in FAULT_KINDS:
            for key in event.sensors:
                if key in reasons:
                    reasons[key].append(Reason("fault", event.score, str(event.details.get("fault", event.kind))))
    return route(town, [(s, tuple(reasons[s.id])) for s in current if reasons[s.id]], here)


def silent(sensor: Sensor, last_seen: float | None, now: float, interval_s: float | None) -> Reason | None:
    """Not heard for three intervals and at least twelve hours; value: hours."""
    if last_seen is None:
        registered_h = (now - sensor.valid_from) / 3600
        return Reason("never_seen", min(registered_h, 24 * 365.0)) if registered_h > _SILENT_LEAST_S / 3600 else None
    limit_s = max(_SILENT_INTERVALS * (interval_s or 0.0), _SILENT_LEAST_S)
    return Reason("silent", (now - last_seen) / 3600) if now - last_seen > limit_s else None


def batteries(store: SeriesStore, sensors: Sequence[Sensor], quantity: str, now: float) -> dict[str, Reason]:
    """dev_eui → months left, where a line through the last 120 days reaches the cut-off within three months."""
    edges = now - DAY_S * np.arange(_BATTERY_DAYS, -1, -_BATTERY_BUCKET_DAYS, dtype=np.float64)
    found = {}
    for dev_eui, buckets in store.aggregate([s.dev_eui for s in sensors], quantity, edges).items():
        months = months_left(buckets.last_t, buckets.last, CUTOFF[quantity])
        if months is not None and months < _BATTERY_MONTHS:
            found[dev_eui] = Reason("battery", months, quantity)
    return found


def months_left(t: Floats, x: Floats, cutoff: float) -> float | None:
    """Months from the newest value until a least-squares line falls to the cut-off; 0 below it, None where it does not fall.

    t [Unix s], x in the battery's unit, NaN where nothing was measured.
    """
    known = np.isfinite(x)
    if not known.any():
        return None
    if x[known][-1] <= cutoff:
        return 0.0
    if known.sum() < 4:
        return None
    days = (t[known] - t[known][-1]) / DAY_S
    slope, level = np.polyfit(days, x[known], 1)
    return float((level - cutoff) / -slope / _MONTH_DAYS) if slope < -1e-6 else None


def weak_links(store: SeriesStore, sensors: Sequence[Sensor], now: float) -> dict[str, Reason]:
    """dev_eui → dB in reserve at SF12, where the last three days' mean leaves less than 6 dB."""
    edges = np.array([now - _LINK_DAYS * DAY_S, now])
    found = {}
    for dev_eui, buckets in store.aggregate([s.dev_eui for s in sensors], "snr_db", edges).items():
        reserve_db = float(buckets.mean[0]) - SNR_FLOOR_DB[12]
        if reserve_db < _LINK_RESERVE_DB:
            found[dev_eui] = Reason("link", reserve_db)
    return found


def route(town: Town, stops: Sequence[tuple[Sensor, tuple[Reason, ...]]], here: tuple[float, float] | None) -> list[WorkOrder]:
    """Nearest neighbour from `here` (else from the most urgent); sensors without a position come last, most urgent first."""
    urgent = sorted(stops, key=lambda s: (-sum(_WEIGHT[r.kind] for r in s[1]), s[0].id))
    placed = [(sensor, reasons, place) for sensor, reasons in urgent if (place := town.position_of(sensor))]
    ordered: list[WorkOrder] = []
    at = here
    while placed:
        ways_m = [0.0 if at is None else distance_m(at, place) for _, _, place in placed]
        nearest = ways_m.index(min(ways_m))
        sensor, reasons, place = placed.pop(nearest)
        ordered.append(WorkOrder(len(ordered) + 1, sensor, reasons, place, None if at is None else ways_m[nearest]))
        at = place
    lost = [(s, r) for s, r in urgent if town.position_of(s) is None]
    return ordered + [WorkOrder(len(ordered) + 1 + i, s, r, None) for i, (s, r) in enumerate(lost)]


def _add(reasons: dict[str, list[Reason]], sensors: Iterable[Sensor], found: Mapping[str, Reason]) -> None:
    for sensor in sensors:
        if sensor.dev_eui in found:
            reasons[sensor.id].append(found[sensor.dev_eui])


_SAYS = {
    "silent": ("Har vært taus i {value:.0f} timer.", "Silent for {value:.0f} hours."),
    "never_seen": ("Har aldri meldt seg.", "Has never been heard."),
    "battery": ("Batteriet varer omtrent {value:.1f} måneder til.", "About {value:.1f} months of battery left."),
    "fault": ("Målingen ser feil ut ({detail}).", "The reading looks wrong ({detail})."),
    "link": ("Svak radio: {value:.0f} dB i reserve.", "Weak radio: {value:.0f} dB in reserve."),
}


def sentence(reason: Reason, language: str) -> str:
    """A reason in words. language: nb or en."""
    text = _SAYS[reason.kind][language != "nb"].format(value=reason.value, detail=reason.detail.replace("_", " "))
    return re.sub(r"(?<=\d)\.(?=\d)", ",", text) if language == "nb" else text
