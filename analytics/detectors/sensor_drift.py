"""A pressure that moves away from its neighbours, at once or slowly, while they stay together: the sensor, not the water."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.baseline import on_grid, sorted_median
from analytics.detector import Arrays, Detector, Finding, finite, ordered, typical_interval_s
from analytics.sequential import threshold
from analytics.zone_flow import aligned, step_ends
from core.model import Floats


@dataclass(frozen=True)
class Params:
    """Defaults: facts, pressure (faults)."""

    step_s: float = 3600.0
    least_sensors: int = 3
    night_to_h: int = 5
    learn_days: int = 14
    scale_days: int = 28
    k: float = 0.75
    least_h: float = 6.0
    adapt: float = 0.02
    least_bar: float = 0.08
    neighbours_share: float = 0.35
    """A change is the sensor's own where its neighbours' median moved by less than this part of it."""
    resolution_bar: float = 0.01
    again_days: float = 14.0
    """What moves on within this time is the same fault."""


def detect(arrays: Arrays, p: Params) -> list[Finding]:
    """Findings `sensor_fault` (offset or drift); score is the top of the CUSUM of nightly differences from the neighbours [σ]."""
    parts = [(k.site.sensor, finite(k)) for k in arrays.of("pressure_bar")]
    parts = [(s, tx) for s, tx in parts if tx[0].size > 24 and typical_interval_s(tx[0]) <= 6 * p.step_s]
    if len(parts) < p.least_sensors:
        return []
    grids = aligned([on_grid(t, x, p.step_s) for _, (t, x) in parts])
    nightly = np.stack([sorted_median(g.x[:, : p.night_to_h], 1)[0] for g in grids], axis=1)
    ends = np.nanmax(np.stack([step_ends(g).reshape(g.x.shape)[:, -1] for g in grids]), axis=0)
    own = nightly - _usual(nightly, p)
    level = nightly - sorted_median(nightly[: p.learn_days], 0)[0]
    found = []
    for i, (sensor, _) in enumerate(parts):
        others = sorted_median(np.delete(own, i, axis=1), 1)[0]
        apart = level[:, i] - sorted_median(np.delete(level, i, axis=1), 1)[0]
        found += _walk(apart, others, ends, sensor, arrays, p)
    return ordered(found)


def _usual(nightly: Floats, p: Params) -> Floats:
    """Median of each sensor's nights before."""
    padded = np.concatenate((np.full((p.learn_days, nightly.shape[1]), np.nan), nightly[:-1]))
    return sorted_median(np.lib.stride_tricks.sliding_window_view(padded, p.learn_days, axis=0), 2)[0]


def _walk(apart: Floats, others: Floats, ends: Floats, sensor: str, arrays: Arrays, p: Params) -> list[Finding]:
    """CUSUM both ways over nights, re-based at each alarm."""
    there = np.flatnonzero(np.isfinite(apart))
    if there.size < p.learn_days + 2:
        return []
    h = max(p.least_h, threshold(2 * arrays.budget.mean_time_between_s() * arrays.budget.places / 86_400.0, p.k))
    y = apart[there]
    base = float(np.median(y[: p.learn_days]))
    found: list[Finding] = []
    up = down = 0.0
    up_from = down_from = 0
    for n in range(p.learn_days, y.size):
        past = np.diff(y[max(0, n - p.scale_days) : n])
        sigma = max(p.resolution_bar, 1.4826 * float(np.median(np.abs(past))) / np.sqrt(2.0) * 1.5)
        z = float(np.clip((y[n] - base) / sigma, -4, 4))
        up_from, down_from = (n if up <= 0 else up_from), (n if down <= 0 else down_from)
        up, down = max(0.0, up + z - p.k), max(0.0, down - z - p.k)
        if max(up, down) <= h:
            base += p.adapt * float(np.clip(y[n] - base, -sigma, sigma)) * 0.5
            continue
        first = up_from if up >= down else down_from
        change = float(np.median(y[max(first, n - 2) : n + 1])) - base
        moved = others[there[first : n + 1]]
        moved = moved[np.isfinite(moved)]
        common = float(np.median(moved)) if moved.size else 0.0
        if abs(change) >= p.least_bar and abs(common) < p.neighbours_share * abs(change):
            sudden = n - first <= 3
            last = found[-1] if found else None
            onset, known = float(ends[there[first]]) - 86_400.0, float(ends[there[n]])
            if last is None or onset - last.start >= p.again_days * 86_400.0:
                found.append(
                    Finding(
                        kind="sensor_fault",
                        start=known,
                        end=None,
                        onset=onset,
                        onset_u_s=86_400.0,
                        score=max(up, down),
                        threshold=h,
                        sensors=(sensor,),
                        details={"fault": "offset" if sudden else "drift", "change_bar": change, "found_after_s": known - onset},
                    )
                )
        base, up, down = base + change, 0.0, 0.0
    return found


DETECTOR = Detector(
    key="sensor_drift",
    title="Pressure that leaves its neighbours",
    scope="zone",
    inputs=("pressure_bar",),
    kinds=("sensor_fault",),
    params=Params,
    detect=detect,
    source="nightly difference from the neighbours' median, CUSUM; the neighbours' own change tells hydraulics apart",
    memory_s=120 * 86_400.0,
    budget_share=0.05,
)
