"""Sewer overflow from the level above the crest: Schmitt trigger, persistence, gaps, duration, volume over the weir."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analytics.baseline import sorted_median
from analytics.counting import block_count
from analytics.detector import Arrays, Detector, Finding, Site, Track, completeness, finite, typical_interval_s
from analytics.noise import daily_noise
from analytics.spans import Span, hysteresis, merge, spans
from analytics.weather import CONTEXT, weather
from analytics.weirs import event_volume
from core.model import Floats


@dataclass(frozen=True)
class Params:
    """Defaults: facts collected for Mjøsa, sewer overflow; the noise bounds keep a rough sensor from hiding an overflow."""

    h_on_m: float = 0.003
    """Least head that starts an overflow; on_sigmas standard deviations of the sensor's own noise where that is more. A level stands far
    below the crest except when it spills, so a low trigger finds trickles at hardly any false alarm (measured on simulated years)."""
    on_sigmas: float = 1.5
    h_off_m: float = 0.0
    noise_low_m: float = 0.002
    noise_high_m: float = 0.01
    persist_s: float = 60.0
    """Shortest overflow where sampling is finer than this; a coarser sample counts alone."""
    merge_gap_s: float = 600.0
    """Pauses no longer than this (or two samples) are one event."""
    creep_days: int = 15
    creep_least_m: float = 0.04
    creep_share: float = 0.7
    """Of the peak head: an overflow no higher than the sensor's own creeping is not believed."""
    hold_intervals: float = 2.0
    """How many intervals of silence the state is held."""


def detect(arrays: Arrays, p: Params) -> list[Finding]:
    """Findings `overflow`, or `sensor_fault` where the level has crept to the crest by itself; score is the peak head [m]."""
    track = arrays.tracks[0]
    site = track.site
    if site.crest_m is None:
        return []
    t, x = finite(track)
    if not t.size:
        return []
    head = x - site.crest_m
    interval = site.interval_s or typical_interval_s(t)
    hold = p.hold_intervals * max(interval if interval > 0 else 0.0, 60.0)
    sigma = np.clip(np.nan_to_num(daily_noise(t, x), nan=p.noise_low_m), p.noise_low_m, p.noise_high_m)
    on = np.maximum(p.h_on_m, p.on_sigmas * sigma)
    parts = [s for s in spans(hysteresis(head, on, p.h_off_m), t, hold, arrays.end) if _lasts(s, t, head, on, p, interval)]
    groups = merge(parts, max(p.merge_gap_s, 2 * interval))
    creep = _creep(t, x, p)
    tail = next((k for k in arrays.context if k.quantity == "level_m" and np.isfinite(k.x).any()), None)
    found = []
    for group in groups:
        kind = weather(arrays, group[0].start, group[-1].end)
        rose = float(creep[group[0].first])
        peak = float(head[group[0].first : group[-1].last + 1].max())
        finding = _finding(group, t, head, on, sigma, site, interval, kind, tail)
        found.append(_fouled(finding, rose) if rose > p.creep_least_m and rose > p.creep_share * peak else finding)
    return found


def _creep(t: Floats, x: Floats, p: Params) -> Floats:
    """How far the daily minimum has crept up, day by day, over the fortnight before [m]: as fouling does and no blockage."""
    day = np.floor_divide(t, 86_400.0).astype(np.int64)
    first = np.flatnonzero(np.diff(day, prepend=day[0] - 1))
    lowest = np.full(day[-1] - day[0] + 1 + p.creep_days, np.nan)
    lowest[day[first] - day[0] + p.creep_days] = np.minimum.reduceat(x, first)
    window = np.lib.stride_tricks.sliding_window_view(lowest[:-1], p.creep_days)
    half = p.creep_days // 3
    parts = [sorted_median(window[:, a:b], 1)[0] for a, b in ((0, half), (half, 2 * half), (2 * half, p.creep_days))]
    steps = np.minimum(parts[1] - parts[0], parts[2] - parts[1])
    rose = np.where(steps > p.creep_least_m / 4, window[:, -1] - parts[0], 0.0)
    out: Floats = np.nan_to_num(rose)[day - day[0]]
    return out


def _fouled(finding: Finding, rose: float) -> Finding:
    """Not believed to be water."""
    details = {**finding.details, "fault": "fouling", "crept_m": rose}
    return replace(finding, kind="sensor_fault", severity="warning", volume_m3=None, volume_u_m3=None, details=details)


def _lasts(s: Span, t: Floats, head: Floats, on: Floats, p: Params, interval: float) -> bool:
    """Two samples over the starting head where they come more often than persist_s; else one."""
    over = int(np.count_nonzero(head[s.first : s.last + 1] > on[s.first : s.last + 1]))
    return over >= (2 if interval <= p.persist_s else 1)


def _finding(
    group: list[Span], t: Floats, head: Floats, on: Floats, sigma: Floats, site: Site, interval: float, kind: str, tail: Track | None
) -> Finding:
    first, last = group[0], group[-1]
    inside = slice(first.first, last.last + 1)
    peak = float(head[inside].max())
    active = sum(s.end - s.start for s in group)
    details: dict[str, float | str] = {
        "weather": kind,
        "duration_s": last.end - first.start,
        "active_s": active,
        "peak_head_m": peak,
        "noise_m": float(sigma[first.first]),
        "start_u_s": first.start_u_s,
        "end_u_s": last.end_u_s,
        "interval_s": interval,
        "parts": float(len(group)),
        "blocks_12_24": float(block_count((s.start, s.end) for s in group)),
        "end_known": "open" if last.open_end else "yes" if last.certain_end else "no: the sensor fell silent",
    }
    volume = volume_u = None
    if site.weir is not None:
        parts = [_edges(s, t, head) for s in group]
        below = None if tail is None or site.crest_m is None else [_tail_head(times, tail, site.crest_m) for times, _ in parts]
        volume, volume_u, peak_flow = event_volume(parts, site.weir, float(sigma[first.first]), below)
        submerged = "unknown" if below is None else "yes" if max(float(h.max()) for h in below) > 0 else "no"
        details |= {"peak_flow_m3h": peak_flow * 3600, "submergence": submerged}
    return Finding(
        kind="overflow",
        start=first.start,
        end=None if last.open_end else last.end,
        onset=first.start,
        onset_u_s=first.start_u_s,
        score=peak,
        threshold=float(on[first.first]),
        severity="critical" if kind == "dry" else "major",
        volume_m3=volume,
        volume_u_m3=volume_u,
        completeness=completeness(t, first.start, last.end, interval),
        details=details,
    )


def _tail_head(times: Floats, tail: Track, crest_m: float) -> Floats:
    """Head of the tail-water above the crest [m] at some times; 0 where it is lower or not known."""
    t, x = finite(tail)
    return np.maximum(np.interp(times, t, x, left=crest_m, right=crest_m) - crest_m, 0.0)


def _edges(s: Span, t: Floats, head: Floats) -> tuple[Floats, Floats]:
    """Times and heads of one span, with head 0 at its start and end."""
    inside = slice(s.first, s.last + 1)
    times, heads = t[inside], np.maximum(head[inside], 0.0)
    if s.start < times[0]:
        times, heads = np.concatenate(([s.start], times)), np.concatenate(([0.0], heads))
    if s.end > times[-1]:
        times, heads = np.concatenate((times, [s.end])), np.concatenate((heads, [0.0]))
    return times, heads


DETECTOR = Detector(
    key="overflow_level",
    title="Overflow from the level above the crest",
    scope="series",
    inputs=("level_m",),
    context=CONTEXT,
    tail_water=("level_m",),
    kinds=("overflow", "sensor_fault"),
    params=Params,
    detect=detect,
    source="Schmitt trigger on head over crest; Poleni volume; Environment Agency 12/24 blocks",
    memory_s=31 * 86_400.0,
)
