"""A pumping station whose well rises above anything it has shown: the pumps do not keep up or do not start."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.baseline import sorted_median
from analytics.detector import Arrays, Detector, Finding, finite
from analytics.local_time import DAY_S
from analytics.spans import hysteresis, merge, spans
from analytics.weather import CONTEXT, weather


@dataclass(frozen=True)
class Params:
    """Defaults: Mjøsa's own; the well's daily maxima say where its pumps usually start."""

    days: int = 14
    least_days: int = 3
    margin_m: float = 0.15
    margin_share: float = 0.25
    """Of the usual daily range of the well."""
    least_s: float = 600.0
    merge_gap_s: float = 3600.0
    hold_s: float = 7200.0


def detect(arrays: Arrays, p: Params) -> list[Finding]:
    """Findings `pump_failure`; score is the highest level over the usual daily maximum [m]."""
    t, x = finite(arrays.tracks[0])
    if t.size < 3:
        return []
    day = np.floor_divide(t, DAY_S).astype(np.int64)
    first = np.flatnonzero(np.diff(day, prepend=day[0] - 1))
    shape = day[-1] - day[0] + 1 + p.days
    top, low = np.full(shape, np.nan), np.full(shape, np.nan)
    top[day[first] - day[0] + p.days] = np.maximum.reduceat(x, first)
    low[day[first] - day[0] + p.days] = np.minimum.reduceat(x, first)
    usual_top, n = sorted_median(np.lib.stride_tricks.sliding_window_view(top[:-1], p.days), 1)
    usual_low, _ = sorted_median(np.lib.stride_tricks.sliding_window_view(low[:-1], p.days), 1)
    usual_top = np.where(n >= p.least_days, usual_top, np.nan)
    where = day - day[0]
    margin = np.maximum(p.margin_m, p.margin_share * (usual_top - usual_low))
    over = x - (usual_top + margin)[where]
    over = np.where(np.isfinite(over), over, -1.0)
    found = []
    for group in merge(spans(hysteresis(over, 0.0, -p.margin_m / 2), t, p.hold_s, arrays.end), p.merge_gap_s):
        a, b = group[0], group[-1]
        if t[b.last] - t[a.first] >= p.least_s:
            score = float((x - usual_top[where])[a.first : b.last + 1].max())
            kind = weather(arrays, a.start, b.end)
            found.append(
                Finding(
                    kind="pump_failure",
                    start=a.start + p.least_s,
                    end=None if b.open_end else max(b.end, a.start + p.least_s),
                    onset=a.start,
                    onset_u_s=a.start_u_s,
                    score=score,
                    threshold=float(margin[where[a.first]]),
                    severity="warning" if kind == "wet" else "critical",
                    details={"weather": kind, "level_m": float(x[a.first : b.last + 1].max()), "found_after_s": p.least_s},
                )
            )
    return found


DETECTOR = Detector(
    key="pump_failure",
    title="Pumping station that does not keep up",
    scope="series",
    inputs=("level_m",),
    context=CONTEXT,
    kinds=("pump_failure",),
    params=Params,
    detect=detect,
    source="well level against the daily maxima of the fortnight before",
    memory_s=31 * 86_400.0,
    asset_kinds=("pumping_station",),
)
