"""A sensor that repeats one value for longer than its place has ever stood still."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.detector import Arrays, Detector, Finding, finite, typical_interval_s
from analytics.spans import runs
from core.model import Floats
from core.quantities import QUANTITIES


@dataclass(frozen=True)
class Params:
    """Defaults: facts, data quality (flat line), judged in time and not in counts because gaps distort counts."""

    least_samples: int = 6
    least_h: float = 8.0
    times_longest: float = 2.5
    """Of the longest standstill of the weeks before."""
    memory_days: float = 28.0
    level_least_h: float = 24.0
    """Levels may stand still for a dry night."""


def detect(arrays: Arrays, p: Params) -> list[Finding]:
    """Findings `sensor_fault` (stuck); score is how long it stood still [h], threshold how long was too long."""
    track = arrays.tracks[0]
    t, x = finite(track)
    if t.size < p.least_samples:
        return []
    step = QUANTITIES[track.quantity].resolution / 2
    still = np.abs(np.diff(x)) < step
    parts = runs(still)
    if not parts.size:
        return []
    a, b = parts[:, 0], parts[:, 1] + 1
    hours = (t[b] - t[a]) / 3600
    least = p.level_least_h if track.quantity == "level_m" else p.least_h
    found = []
    for i in np.flatnonzero((hours >= least) & (b - a + 1 >= p.least_samples)):
        before = (t[b] < t[a[i]]) & (t[a] > t[a[i]] - p.memory_days * 86_400.0)
        if t[a[i]] - t[0] < 2 * 86_400.0:
            continue
        longest = float(hours[before & (hours < least * 3)].max(initial=0.0))
        limit = max(least, p.times_longest * longest)
        resting = track.quantity == "flow_m3h" and abs(x[a[i]]) < 1e-9
        if hours[i] < limit or resting or _pauses(t[a[i] : b[i] + 1]):
            continue
        start = float(t[a[i]] + limit * 3600)
        lasts = b[i] == t.size - 1
        found.append(
            Finding(
                kind="sensor_fault",
                start=start,
                end=None if lasts else max(start, float(t[b[i]])),
                onset=float(t[a[i]]),
                onset_u_s=typical_interval_s(t) / 2,
                score=float(hours[i]),
                threshold=limit,
                details={"fault": "stuck", "value": float(x[a[i]]), "found_after_s": limit * 3600},
            )
        )
    return found


def _pauses(t: Floats) -> bool:
    """Is the standstill mostly silence?"""
    return bool(np.diff(t).max() > 0.5 * (t[-1] - t[0]))


DETECTOR = Detector(
    key="sensor_stuck",
    title="Sensor that stands still",
    scope="series",
    inputs=("pressure_bar|level_m|flow_m3h",),
    kinds=("sensor_fault",),
    params=Params,
    detect=detect,
    source="flat-line test on time (QARTOD), against the place's own longest standstill",
    memory_s=45 * 86_400.0,
)
