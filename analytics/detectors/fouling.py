"""A level whose daily minimum creeps up for a fortnight: the sewer silts up, or the sensor does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.baseline import sorted_median
from analytics.detector import Arrays, Detector, Finding, finite
from analytics.local_time import DAY_S
from analytics.spans import runs
from core.model import Floats


@dataclass(frozen=True)
class Params:
    """Defaults: facts, sewer overflow (slow fouling). Theil 1950, Sen 1968 for the slope."""

    days: int = 14
    least_slope_m_d: float = 0.006
    least_rise_m: float = 0.08
    least_agreement: float = 0.8
    """Share of all pairs of days that rise."""
    least_days: int = 10


def detect(arrays: Arrays, p: Params) -> list[Finding]:
    """Findings `fouling`; score is the steepest slope [m/day], threshold the least that counts."""
    t, x = finite(arrays.tracks[0])
    if t.size < p.least_days:
        return []
    day = np.floor_divide(t, DAY_S).astype(np.int64)
    first = np.flatnonzero(np.diff(day, prepend=day[0] - 1))
    lowest = np.full(day[-1] - day[0] + 1, np.nan)
    lowest[day[first] - day[0]] = np.minimum.reduceat(x, first)
    slope, agreement, rise = _trend(lowest, p)
    creeping = (slope >= p.least_slope_m_d) & (agreement >= p.least_agreement) & (rise >= p.least_rise_m)
    found = []
    for a, b in runs(creeping):
        start = float((day[0] + a + 1) * DAY_S)
        found.append(
            Finding(
                kind="fouling",
                start=start,
                end=None if b == creeping.size - 1 else max(start, float((day[0] + b + 1) * DAY_S)),
                onset=start - p.days * DAY_S,
                onset_u_s=p.days / 2 * DAY_S,
                score=float(slope[a : b + 1].max()),
                threshold=p.least_slope_m_d,
                severity="warning",
                details={"rise_m": float(rise[a : b + 1].max()), "found_after_s": p.days * DAY_S},
            )
        )
    return found


def _trend(lowest: Floats, p: Params) -> tuple[Floats, Floats, Floats]:
    """(Theil–Sen slope [m/day], share of pairs that rise, rise [m]) over the days that end with each day."""
    padded = np.concatenate((np.full(p.days - 1, np.nan), lowest))
    window = np.lib.stride_tricks.sliding_window_view(padded, p.days)
    i, j = np.triu_indices(p.days, 1)
    slope, agreement = np.zeros(lowest.size), np.zeros(lowest.size)
    for chunk in range(0, lowest.size, 1024):
        part = window[chunk : chunk + 1024]
        steps = (part[:, j] - part[:, i]) / (j - i)
        middle, n = sorted_median(steps, 1)
        enough = np.isfinite(part).sum(axis=1) >= p.least_days
        slope[chunk : chunk + 1024] = np.where(enough, middle, 0.0)
        agreement[chunk : chunk + 1024] = np.where(enough, (steps > 0).sum(axis=1) / np.maximum(n, 1), 0.0)
    return slope, agreement, slope * (p.days - 1)


DETECTOR = Detector(
    key="fouling",
    title="Daily minimum creeping up",
    scope="series",
    inputs=("level_m",),
    kinds=("fouling",),
    params=Params,
    detect=detect,
    source="Theil–Sen slope of daily minima over 14 days",
    memory_s=60 * 86_400.0,
    asset_kinds=("manhole", "overflow_chamber", "pipe"),
)
