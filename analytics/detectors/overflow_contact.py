"""Sewer overflow from a wet contact or float, where no level above the crest is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.counting import block_count
from analytics.detector import Arrays, Detector, Finding, Track, completeness, finite, ordered, typical_interval_s
from analytics.spans import Span, merge, spans
from analytics.weather import CONTEXT, weather


@dataclass(frozen=True)
class Params:
    """Defaults: two-state with debounce; a contact that is wet while the level is well below the crest is stuck (facts, sewer overflow)."""

    debounce_s: float = 60.0
    merge_gap_s: float = 600.0
    hold_s: float = 7200.0
    stuck_below_m: float = 0.05
    stuck_after_s: float = 7200.0


def detect(arrays: Arrays, p: Params) -> list[Finding]:
    """Findings `overflow` (score 1) and `sensor_fault` for a contact that is wet without water [s over what is allowed]."""
    levels = [k for k in arrays.of("level_m") if k.site.crest_m is not None and np.isfinite(k.x).any()]
    found: list[Finding] = []
    for track in arrays.of("contact"):
        t, x = finite(track)
        if not t.size:
            continue
        interval = track.site.interval_s or typical_interval_s(t)
        hold = max(p.hold_s, 3 * interval if interval > 0 else 0.0)
        parts = spans(x > 0.5, t, hold, arrays.end)
        for group in merge(parts, p.merge_gap_s):
            last = t[group[-1].last]
            dry_s = max((_dry_seconds(k, group[0].start, last, p) for k in levels), default=0.0)
            if dry_s > p.stuck_after_s:
                found.append(_stuck(group, track, dry_s, p))
            elif not _seen(levels, group) and group[-1].end - group[0].start >= p.debounce_s:
                found.append(_overflow(group, track, arrays, interval))
    return ordered(found)


def _seen(levels: list[Track], group: list[Span]) -> bool:
    """Does a level say itself what happened then?"""
    return any(((k.t >= group[0].start - 3600) & (k.t <= group[-1].end + 3600) & np.isfinite(k.x)).any() for k in levels)


def _dry_seconds(k: Track, start: float, end: float, p: Params) -> float:
    """How long the level stood below the crest between two times [s]."""
    t, x = finite(k)
    low, high = np.searchsorted(t, [start, end])
    if high - low < 2 or k.site.crest_m is None:
        return 0.0
    below = x[low:high] < k.site.crest_m - p.stuck_below_m
    return float(np.sum(np.diff(t[low:high])[below[:-1] & below[1:]]))


def _stuck(group: list[Span], track: Track, dry_s: float, p: Params) -> Finding:
    return Finding(
        kind="sensor_fault",
        start=group[0].start + p.stuck_after_s,
        end=None if group[-1].open_end else max(group[-1].end, group[0].start + p.stuck_after_s),
        onset=group[0].start,
        onset_u_s=group[0].start_u_s,
        score=dry_s,
        threshold=p.stuck_after_s,
        sensors=(track.site.sensor,),
        details={"fault": "stuck_wet", "found_after_s": p.stuck_after_s},
    )


def _overflow(group: list[Span], track: Track, arrays: Arrays, interval: float) -> Finding:
    first, last = group[0], group[-1]
    kind = weather(arrays, first.start, last.end)
    return Finding(
        kind="overflow",
        start=first.start,
        end=None if last.open_end else last.end,
        onset=first.start,
        onset_u_s=first.start_u_s,
        score=1.0,
        threshold=0.5,
        severity="critical" if kind == "dry" else "major",
        sensors=(track.site.sensor,),
        completeness=completeness(track.t, first.start, last.end, interval),
        details={
            "weather": kind,
            "duration_s": last.end - first.start,
            "active_s": sum(s.end - s.start for s in group),
            "start_u_s": first.start_u_s,
            "end_u_s": last.end_u_s,
            "blocks_12_24": float(block_count((s.start, s.end) for s in group)),
        },
    )


DETECTOR = Detector(
    key="overflow_contact",
    title="Overflow from a wet contact",
    scope="asset",
    inputs=("contact",),
    optional=("level_m",),
    context=CONTEXT,
    kinds=("overflow", "sensor_fault"),
    params=Params,
    detect=detect,
    source="two-state contact with debounce; checked against the level beside it",
    memory_s=31 * 86_400.0,
)
