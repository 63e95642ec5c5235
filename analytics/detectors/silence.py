"""A sensor that has stopped reporting: longer than it ever pauses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.detector import Arrays, Detector, Finding


@dataclass(frozen=True)
class Params:
    """Defaults: three missed intervals (facts, data quality), and never less than half a day: radio below ground loses frames."""

    intervals: float = 3.0
    least_h: float = 12.0
    worry_h: float = 48.0
    """A shorter silence is information, not an alarm."""
    times_usual: float = 3.0
    """Of the 99.5th percentile of its own pauses."""


def detect(arrays: Arrays, p: Params) -> list[Finding]:
    """Findings `silence`; score is its length [h], threshold what was too long."""
    t = arrays.t
    if t.size < 10:
        return []
    pause = np.diff(t)
    interval = arrays.site.interval_s or float(np.median(pause))
    usual = float(np.quantile(pause[: 4096 if pause.size > 4096 else None], 0.995))
    limit = max(p.intervals * interval, p.least_h * 3600, p.times_usual * min(usual, 4 * p.least_h * 3600))
    found = []
    for i in np.flatnonzero(np.append(pause, arrays.end - t[-1]) > limit):
        start = float(t[i] + limit)
        end = float(t[i + 1]) if i + 1 < t.size else None
        found.append(
            Finding(
                kind="silence",
                start=start,
                end=end,
                onset=float(t[i] + interval),
                onset_u_s=interval / 2,
                score=float(((end or arrays.end) - t[i]) / 3600),
                threshold=limit / 3600,
                completeness=0.0,
                severity="warning" if (end or arrays.end) - t[i] >= p.worry_h * 3600 else "info",
                details={"last_heard_s": float(t[i]), "found_after_s": limit - interval},
            )
        )
    return found


DETECTOR = Detector(
    key="silence",
    title="Sensor that no longer reports",
    scope="series",
    inputs=("pressure_bar|level_m|flow_m3h|volume_m3|contact|rain_mm|rain_total_mm|temperature_c",),
    kinds=("silence",),
    params=Params,
    detect=detect,
    source="dead-man's handle on the sensor's own intervals",
    memory_s=31 * 86_400.0,
)
