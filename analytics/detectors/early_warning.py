"""The level will reach the crest within half an hour if it goes on like this."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.detector import Arrays, Detector, Finding, finite, typical_interval_s
from analytics.noise import daily_noise
from analytics.spans import merge, spans


@dataclass(frozen=True)
class Params:
    """Defaults: facts, sewer overflow (early warning)."""

    window_s: float = 1800.0
    ahead_s: float = 1800.0
    slope_sigmas: float = 3.0
    least_rise_m: float = 0.03
    noise_low_m: float = 0.002
    merge_gap_s: float = 3600.0
    watch_s: float = 7200.0
    """How long after the warning the crest may be reached for it to have been right."""


def detect(arrays: Arrays, p: Params) -> list[Finding]:
    """Findings `early_warning` (info); score is the rise in the window over its noise. details.hit: yes, no, or open."""
    track = arrays.tracks[0]
    crest = track.site.crest_m
    if crest is None:
        return []
    t, x = finite(track)
    if t.size < 4:
        return []
    back = np.searchsorted(t, t - p.window_s)
    back = np.minimum(back, np.maximum(np.arange(t.size) - 1, 0))
    span = np.where(t > t[back], t - t[back], np.inf)
    rise = x - x[back]
    sigma = np.maximum(np.nan_to_num(daily_noise(t, x), nan=0.01), p.noise_low_m) * np.sqrt(2.0)
    left = crest - x
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = left / (rise / span)
    recent = span <= 2 * p.window_s
    warn = (left > 0) & (rise > np.maximum(p.slope_sigmas * sigma, p.least_rise_m)) & (reach <= p.ahead_s) & recent
    interval = typical_interval_s(t)
    found = []
    for group in merge(spans(warn, t, max(p.window_s, 3 * interval), arrays.end), p.merge_gap_s):
        a, b = group[0], group[-1]
        at = float(t[a.first])
        over = np.flatnonzero((t > at) & (t <= t[b.last] + p.watch_s) & (x > crest))
        hit = "yes" if over.size else "open" if t[-1] < t[b.last] + p.watch_s else "no"
        details: dict[str, float | str] = {"hit": hit, "minutes_to_crest": float(reach[a.first] / 60)}
        if over.size:
            details["lead_s"] = float(t[over[0]] - at)
        found.append(
            Finding(
                kind="early_warning",
                start=at,
                end=None if hit == "open" else max(at, float(t[over[0]] if over.size else b.end)),
                onset=at,
                onset_u_s=interval / 2,
                score=float(rise[a.first] / sigma[a.first]),
                threshold=p.slope_sigmas,
                severity="info",
                details=details,
            )
        )
    return found


DETECTOR = Detector(
    key="early_warning",
    title="Crest reached within half an hour",
    scope="series",
    inputs=("level_m",),
    kinds=("early_warning",),
    params=Params,
    detect=detect,
    source="time to crest from the rise of the last half hour",
    memory_s=15 * 86_400.0,
)
