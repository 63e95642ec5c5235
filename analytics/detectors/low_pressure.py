"""Too little pressure at the tap: below the service limit for a quarter of an hour, counted in person-minutes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.detector import Arrays, Detector, Finding, completeness, finite, ordered, typical_interval_s
from analytics.spans import hysteresis, merge, spans


@dataclass(frozen=True)
class Params:
    """Defaults: 20 m of head as in the L-Town rules; below 10 m dirt may be sucked in (facts, pressure)."""

    limit_bar: float = 2.0
    urgent_bar: float = 1.0
    hysteresis_bar: float = 0.1
    usual_share: float = 0.7
    """Where a point usually has less than the limit allows, this share of its own median is the limit."""
    least_s: float = 900.0
    merge_gap_s: float = 1800.0
    hold_s: float = 3600.0


def detect(arrays: Arrays, p: Params) -> list[Finding]:
    """Findings `low_pressure`; score is the deepest fall below the limit [bar]."""
    found = []
    tracks = [k for k in arrays.of("pressure_bar") if np.isfinite(k.x).any()]
    for track in tracks:
        t, x = finite(track)
        early = x[t < max(arrays.start, t[0] + 7 * 86_400)]
        limit = min(p.limit_bar, np.floor(4 * p.usual_share * float(np.median(early))) / 4)
        if limit <= 0.1:
            continue
        interval = typical_interval_s(t)
        under = hysteresis(-x, -limit, -(limit + p.hysteresis_bar))
        for group in merge(spans(under, t, max(p.hold_s, 3 * interval), arrays.end), p.merge_gap_s):
            a, b = group[0], group[-1]
            seconds = b.end - a.start
            if seconds < p.least_s or (a.first == b.last and interval < p.least_s):
                continue
            lowest = float(x[a.first : b.last + 1].min())
            details: dict[str, float | str] = {"lowest_bar": lowest, "limit_bar": limit, "duration_s": seconds}
            if "population" in arrays.zone:
                details["person_minutes"] = seconds / 60 * arrays.zone["population"] / len(tracks)
            found.append(
                Finding(
                    kind="low_pressure",
                    start=a.start,
                    end=None if b.open_end else b.end,
                    onset=a.start,
                    onset_u_s=a.start_u_s,
                    score=limit - lowest,
                    threshold=0.0,
                    severity="critical" if lowest < p.urgent_bar else "major",
                    sensors=(track.site.sensor,),
                    details=details,
                    completeness=completeness(t, a.start, b.end, interval),
                )
            )
    return ordered(found)


DETECTOR = Detector(
    key="low_pressure",
    title="Pressure below the service limit",
    scope="zone",
    inputs=("pressure_bar",),
    kinds=("low_pressure",),
    params=Params,
    detect=detect,
    source="service limit with hysteresis; person-minutes from the zone's population shared between its points",
    memory_s=60 * 86_400.0,
)
