"""A meter that never rests at night: a leak behind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.baseline import sorted_median
from analytics.detector import Arrays, Detector, Finding, typical_interval_s
from analytics.local_time import DAY_S, local_seconds
from analytics.meter_use import night_rate, steps
from core.model import Floats


@dataclass(frozen=True)
class Params:
    """Defaults: facts, meters (customer leak): three nights in a row, cleared by two; small < 0.3 L/min, large > 5 L/min."""

    nights: int = 3
    clear_nights: int = 2
    least_lph: float = 4.0
    index_step_l: float = 1.0
    over_usual: float = 3.0
    """A user who always draws water at night counts from this multiple of his own usual rate."""
    usual_nights: int = 42
    coarse_lph: float = 8.0
    """Least flow where readings are further apart than two hours: a flush then hides in the mean."""
    coarse_s: float = 7200.0
    small_lpm: float = 0.3
    large_lpm: float = 5.0


def detect(arrays: Arrays, p: Params) -> list[Finding]:
    """Findings `customer_leak`; score is the median night flow [L/h], threshold the least that counts."""
    track = arrays.tracks[0]
    s = steps(track)
    if s.start.size < 3 * p.nights:
        return []
    first = np.floor_divide(local_seconds(s.start[:1]), DAY_S)[0]
    shift = local_seconds(s.start[:1])[0] - s.start[0]
    days = first * DAY_S - shift + DAY_S * np.arange(int((s.end[-1] - s.start[0]) / DAY_S) + 2)
    rate = night_rate(s, days)
    interval = typical_interval_s(s.start)
    coarse = interval > p.coarse_s
    floor = max(p.coarse_lph if coarse else p.least_lph, 2 * p.index_step_l * 3600.0 / max(interval, 3600.0))
    padded = np.concatenate((np.full(p.usual_nights, np.nan), rate[:-1]))
    usual, n = sorted_median(np.lib.stride_tricks.sliding_window_view(padded, p.usual_nights), 1)
    always = np.where((n >= 7) & (usual > floor) & ~np.bool_(track.site.household), usual, 0.0)
    if coarse:
        always = np.where(n >= 7, np.maximum(always, usual), np.inf)
    limit = np.maximum(floor, p.over_usual * always)
    found: list[Finding] = []
    begun, clear = -1, 0
    for d in map(int, np.flatnonzero(np.isfinite(rate))):
        if begun < 0:
            recent = rate[max(0, d - p.nights + 1) : d + 1]
            if recent.size == p.nights and np.all(recent >= limit[d]):
                begun, clear, bar = d, 0, float(limit[d])
            continue
        clear = clear + 1 if rate[d] < bar else 0
        if clear >= p.clear_nights:
            found.append(_finding(days, rate, begun, d - p.clear_nights + 1, bar, p))
            begun = -1
    if begun >= 0:
        found.append(_finding(days, rate, begun, None, bar, p))
    return found


def _finding(days: Floats, rate: Floats, begun: int, until: int | None, bar: float, p: Params) -> Finding:
    part = rate[begun - p.nights + 1 : until]
    flow = float(np.nanmedian(part))
    size = "small" if flow < p.small_lpm * 60 else "large" if flow > p.large_lpm * 60 else "medium"
    start = float(days[begun] + 6 * 3600)
    onset = float(days[begun - p.nights + 1])
    return Finding(
        kind="customer_leak",
        start=start,
        end=None if until is None else max(start, float(days[until])),
        onset=onset,
        onset_u_s=DAY_S / 2,
        score=flow,
        threshold=bar,
        severity={"small": "info", "medium": "warning", "large": "major"}[size],
        details={"flow_lph": flow, "size": size, "found_after_s": start - onset},
    )


DETECTOR = Detector(
    key="customer_leak",
    title="Leak behind a meter",
    scope="series",
    inputs=("volume_m3",),
    kinds=("customer_leak",),
    params=Params,
    detect=detect,
    source="least night flow over three nights, from the cumulative index",
    memory_s=60 * 86_400.0,
    asset_kinds=("meter_point", "other"),
)
