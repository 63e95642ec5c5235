"""What a meter's index says of the meter: reverse flow, roll-over, exchange, standstill, impossible flow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.detector import Arrays, Detector, Finding, finite, ordered
from analytics.meter_use import ROLLOVER_DIGITS
from analytics.spans import runs
from core.model import Floats


@dataclass(frozen=True)
class Params:
    """Defaults: facts, meters (counters). Q4 = 1.25·Q3 of EN 14154."""

    q4_m3h: float = 20.0
    """Where the meter's size is not known; bulk meters are judged against their own past."""
    reverse_m3: float = 0.5
    stopped_days: float = 14.0
    stopped_times: float = 4.0
    """Of its own longest standstill before."""
    least_history_days: float = 7.0
    resolution_m3: float = 1e-6


def detect(arrays: Arrays, p: Params) -> list[Finding]:
    """Findings `reverse_flow`, `rollover`, `meter_exchange`, `meter_fault`, `stopped_meter`; score in m³ or days."""
    found: list[Finding] = []
    for track in arrays.tracks:
        t, x = finite(track)
        if t.size < 2:
            continue
        found += (
            _reverse_register(t, x, p)
            if track.quantity == "reverse_volume_m3"
            else [*_backwards(t, x, p), *_standstill(t, x, arrays.end, p)]
        )
    return ordered(found)


def _backwards(t: Floats, x: Floats, p: Params) -> list[Finding]:
    found = []
    for i in np.flatnonzero(np.diff(x) < -p.resolution_m3):
        step, hours = float(x[i + 1] - x[i]), float(t[i + 1] - t[i]) / 3600
        kind = (
            "rollover"
            if _rolls_over(float(x[i]), float(x[i + 1]), hours, p)
            else "reverse_flow"
            if -step <= p.reverse_m3
            else "meter_exchange"
        )
        if kind == "meter_exchange" and x[i + 1] > 0.5 * x[i]:
            kind = "meter_fault"
        severity = {"rollover": "info", "meter_exchange": "info", "reverse_flow": "warning", "meter_fault": "warning"}[kind]
        found.append(
            Finding(
                kind=kind,
                start=float(t[i + 1]),
                end=float(t[i + 1]),
                onset=float(t[i] + t[i + 1]) / 2,
                onset_u_s=hours * 1800,
                score=-step,
                threshold=p.resolution_m3,
                severity=severity,
                details={"before_m3": float(x[i]), "after_m3": float(x[i + 1])},
            )
        )
    return _joined(found)


def _rolls_over(before: float, after: float, hours: float, p: Params) -> bool:
    """Was the index near the end of its digits and is near zero, with a possible flow between?"""
    for digits in ROLLOVER_DIGITS:
        full = 10.0**digits
        if 0.9 * full < before < full and after < 0.1 * full and (full - before + after) <= p.q4_m3h * max(hours, 1.0):
            return True
    return False


def _joined(found: list[Finding]) -> list[Finding]:
    """Reverse flows of one day are one."""
    out: list[Finding] = []
    for f in found:
        last = out[-1] if out else None
        if last is not None and last.kind == f.kind == "reverse_flow" and f.start - (last.end or last.start) < 86_400:
            out[-1] = Finding(
                kind=f.kind,
                start=last.start,
                end=f.end,
                onset=last.onset,
                onset_u_s=last.onset_u_s,
                score=last.score + f.score,
                threshold=f.threshold,
                severity=f.severity,
                details={**last.details, "after_m3": f.details["after_m3"]},
            )
        else:
            out.append(f)
    return out


def _reverse_register(t: Floats, x: Floats, p: Params) -> list[Finding]:
    """The meter's own register of reverse flow has grown."""
    return _joined(
        [
            Finding(
                kind="reverse_flow",
                start=float(t[i + 1]),
                end=float(t[i + 1]),
                onset=float(t[i] + t[i + 1]) / 2,
                onset_u_s=float(t[i + 1] - t[i]) / 2,
                score=float(x[i + 1] - x[i]),
                threshold=p.resolution_m3,
                severity="warning",
                details={"before_m3": float(x[i]), "after_m3": float(x[i + 1])},
            )
            for i in np.flatnonzero(np.diff(x) > p.resolution_m3)
        ]
    )


def _standstill(t: Floats, x: Floats, now: float, p: Params) -> list[Finding]:
    parts = runs(np.abs(np.diff(x)) <= p.resolution_m3)
    if not parts.size:
        return []
    a, b = parts[:, 0], parts[:, 1] + 1
    days = (t[b] - t[a]) / 86_400
    found = []
    for i in np.flatnonzero(days >= p.stopped_days):
        earlier = days[:i]
        limit = max(p.stopped_days, p.stopped_times * float(earlier.max(initial=0.0)))
        if days[i] < limit or t[a[i]] - t[0] < p.least_history_days * 86_400:
            continue
        start = float(t[a[i]] + limit * 86_400)
        found.append(
            Finding(
                kind="stopped_meter",
                start=start,
                end=None if b[i] == t.size - 1 else max(start, float(t[b[i]])),
                onset=float(t[a[i]]),
                onset_u_s=3600.0,
                score=float(days[i]),
                threshold=limit,
                severity="info",
                details={"found_after_s": limit * 86_400},
            )
        )
    return found


DETECTOR = Detector(
    key="meter_index",
    title="What a meter's index says of the meter",
    scope="series",
    inputs=("volume_m3|reverse_volume_m3",),
    kinds=("reverse_flow", "rollover", "meter_exchange", "meter_fault", "stopped_meter"),
    params=Params,
    detect=detect,
    source="rules for cumulative indices (facts, meters)",
    memory_s=120 * 86_400.0,
)
