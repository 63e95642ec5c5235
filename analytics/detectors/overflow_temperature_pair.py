"""Sewer overflow from two temperatures: the sensor in the dry overflow space takes the sewage's temperature when it is under water."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.detector import Arrays, Detector, Finding, finite, ordered, typical_interval_s
from analytics.spans import merge, runs, spans
from analytics.weather import CONTEXT, weather


@dataclass(frozen=True)
class Params:
    """Principle: Hofer et al. 2018 (Graz, 20 of 20 events); these thresholds are Mjøsa's own choice and not from a source."""

    close_k: float = 0.4
    apart_k: float = 0.8
    usual_k: float = 1.5
    """Where the two usually differ by less, nothing can be seen."""
    fall_k: float = 1.0
    fall_s: float = 1800.0
    """They must come together by fall_k within this time, or two samples; a slower approach is weather."""
    usual_days: float = 3.0
    least_s: float = 300.0
    longest_s: float = 2 * 86_400.0
    merge_gap_s: float = 900.0
    hold_s: float = 3600.0


def detect(arrays: Arrays, p: Params) -> list[Finding]:
    """Findings `overflow`; score is how much closer than usual the temperatures came [K]."""
    pair = arrays.of("temperature_c")
    if len(pair) != 2:
        return []
    (t, a), (u, b) = (finite(k) for k in pair)
    if t.size < 3 or u.size < 3:
        return []
    inside = (t >= u[0]) & (t <= u[-1])
    t, a = t[inside], a[inside]
    apart = np.abs(a - np.interp(t, u, b))
    if t.size < 3:
        return []
    near = apart < p.apart_k
    mask = np.zeros(t.size, np.bool_)
    for first, last in runs(near):
        before = slice(int(np.searchsorted(t, t[first] - p.usual_days * 86_400)), first)
        close = first + int(np.argmin(apart[first : last + 1]))
        recent = max(0, min(first - 2, int(np.searchsorted(t, t[first] - p.fall_s))))
        usual = float(np.median(apart[before])) if first else 0.0
        sudden = apart[recent : first + 1].max() - apart[first : min(last, first + 2) + 1].min() >= p.fall_k
        if usual >= p.usual_k and apart[close] < p.close_k and sudden and p.least_s <= t[last] - t[first] <= p.longest_s:
            mask[first : last + 1] = True
    found = []
    for group in merge(spans(mask, t, max(p.hold_s, 3 * typical_interval_s(t)), arrays.end), p.merge_gap_s):
        first_span, last_span = group[0], group[-1]
        kind = weather(arrays, first_span.start, last_span.end)
        usual = float(np.median(apart[: first_span.first])) if first_span.first else 0.0
        found.append(
            Finding(
                kind="overflow",
                start=first_span.start,
                end=None if last_span.open_end else last_span.end,
                onset=first_span.start,
                onset_u_s=first_span.start_u_s,
                score=usual - float(apart[first_span.first : last_span.last + 1].min()),
                threshold=p.fall_k,
                severity="critical" if kind == "dry" else "major",
                details={
                    "weather": kind,
                    "duration_s": last_span.end - first_span.start,
                    "start_u_s": first_span.start_u_s,
                    "usual_k": usual,
                },
            )
        )
    return ordered(found)


DETECTOR = Detector(
    key="overflow_temperature_pair",
    title="Overflow from two temperatures",
    scope="asset",
    inputs=("temperature_c",),
    context=CONTEXT,
    kinds=("overflow",),
    params=Params,
    detect=detect,
    source="Hofer et al. 2018: temperature pair at a combined sewer overflow",
    memory_s=31 * 86_400.0,
    asset_kinds=("overflow_chamber",),
)
