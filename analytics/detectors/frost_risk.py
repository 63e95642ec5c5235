"""A pipe or meter about to freeze."""

from __future__ import annotations

from dataclasses import dataclass

from analytics.detector import Arrays, Detector, Finding, finite, typical_interval_s
from analytics.spans import hysteresis, merge, spans


@dataclass(frozen=True)
class Params:
    """Defaults: Mjøsa's own choice. Water freezes at 0 °C; two degrees leave time to act."""

    warn_c: float = 2.0
    clear_c: float = 3.0
    urgent_c: float = 0.5
    least_s: float = 3600.0
    merge_gap_s: float = 12 * 3600.0
    hold_s: float = 6 * 3600.0


def detect(arrays: Arrays, p: Params) -> list[Finding]:
    """Findings `frost_risk`; score is how far below the warning it went [K]."""
    t, x = finite(arrays.tracks[0])
    if not t.size:
        return []
    cold = hysteresis(-x, -p.warn_c, -p.clear_c)
    found = []
    for group in merge(spans(cold, t, max(p.hold_s, 3 * typical_interval_s(t)) if t.size > 1 else p.hold_s, arrays.end), p.merge_gap_s):
        a, b = group[0], group[-1]
        lowest = float(x[a.first : b.last + 1].min())
        if b.end - a.start >= p.least_s and t[b.last] - t[a.first] >= p.least_s:
            found.append(
                Finding(
                    kind="frost_risk",
                    start=a.start,
                    end=None if b.open_end else b.end,
                    onset=a.start,
                    onset_u_s=a.start_u_s,
                    score=p.warn_c - lowest,
                    threshold=0.0,
                    severity="major" if lowest < p.urgent_c else "warning",
                    details={"lowest_c": lowest},
                )
            )
    return found


DETECTOR = Detector(
    key="frost_risk",
    title="Pipe or meter near freezing",
    scope="series",
    inputs=("temperature_c",),
    kinds=("frost_risk",),
    params=Params,
    detect=detect,
    source="temperature limit with hysteresis",
    memory_s=31 * 86_400.0,
    asset_kinds=("meter_point", "pipe", "junction", "zone_inlet"),
)
