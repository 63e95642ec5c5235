"""A lasting change of pressure against what this hour of the week normally shows: step or ramp, with its onset."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analytics.baseline import day_level, expected, on_grid, pooled_scale, step_for, whitened
from analytics.detector import Arrays, Detector, Finding, completeness, finite, ordered, typical_interval_s
from analytics.sequential import Shift, calibrated, shifts
from core.model import Floats


@dataclass(frozen=True)
class Params:
    """Defaults after Page 1954 (k for a shift of one standard deviation) and the facts' advice on pooled scales."""

    least_step_s: float = 900.0
    weeks: int = 8
    k: float = 0.5
    end_drop: float = 4.0
    """The change is over where the sum has fallen this far from its top [σ]."""
    resolution_bar: float = 0.005
    """Least standard deviation believed: the sensor's resolution and specification."""
    least_change_bar: float = 0.03
    """Smaller changes are of no use to anyone."""


def detect(arrays: Arrays, p: Params) -> list[Finding]:
    """Findings `pressure_anomaly`; score is the top of the CUSUM [σ], threshold the one the false-alarm budget sets."""
    t, x = finite(arrays.tracks[0])
    if t.size < 2:
        return []
    interval = arrays.site.interval_s or typical_interval_s(t)
    grid = on_grid(t, x, step_for(typical_interval_s(t), p.least_step_s))
    residual = grid.x - expected(grid, p.weeks)
    step_scale = pooled_scale(residual, floor=p.resolution_bar)
    residual = residual - day_level(residual, limit=step_scale.mean(axis=1))[:, None]
    scale = pooled_scale(residual, floor=p.resolution_bar)
    e = whitened(residual / scale)
    known = np.isfinite(e.ravel())
    times, r = grid.t.ravel()[known], residual.ravel()[known]
    found = []
    for sign in (-1.0, 1.0):
        h = calibrated(sign * e, p.k, 2 * arrays.budget.mean_time_between_s() / grid.step_s, int(grid.days[0]))[known]
        found += [f for s in shifts(sign * e.ravel()[known], p.k, h, p.end_drop) if (f := _finding(s, sign, times, r, h, p)) is not None]
    return ordered([_complete(f, t, interval) for f in found])


def _finding(s: Shift, sign: float, t: Floats, residual: Floats, h: Floats, p: Params) -> Finding | None:
    stop = (s.end if s.end is not None else t.size - 1) + 1
    part = residual[s.onset : max(stop, s.onset + 1)]
    change = float(np.median(part))
    if abs(change) < p.least_change_bar:
        return None
    before = float(t[s.onset - 1] if s.onset else t[s.onset])
    end = float(t[s.end]) if s.end is not None else None
    return Finding(
        kind="pressure_anomaly",
        start=float(t[s.alarm]),
        end=end,
        onset=float(before + t[s.onset]) / 2,
        onset_u_s=float(t[s.onset] - before) / 2,
        score=s.peak,
        threshold=float(h[s.alarm]),
        details={
            "change_bar": change,
            "extreme_bar": float(part[np.argmax(sign * part)]),
            "found_after_s": float(t[s.alarm] - before),
            "shape": shape(part),
        },
    )


def shape(part: Floats) -> str:
    """'step' or 'ramp': the one whose least-squares fit has the smaller Bayesian information criterion."""
    n = part.size
    if n < 4:
        return "step"
    i = np.arange(n) - (n - 1) / 2
    flat = part - part.mean()
    slope = float(i @ part / (i @ i))
    step, ramp = float(flat @ flat), float(np.sum((flat - slope * i) ** 2))
    return "ramp" if n * np.log(max(ramp, 1e-12) / max(step, 1e-12)) + np.log(n) < 0 else "step"


def _complete(f: Finding, t: Floats, interval_s: float) -> Finding:
    return replace(f, completeness=completeness(t, f.start, f.end or float(t[-1]), interval_s))


DETECTOR = Detector(
    key="pressure_anomaly",
    title="Pressure unlike this hour of the week",
    scope="series",
    inputs=("pressure_bar",),
    kinds=("pressure_anomaly",),
    params=Params,
    detect=detect,
    source="time-of-week median, pooled MAD, AR(1) prewhitening, CUSUM (Page 1954) with a threshold calibrated per series",
    memory_s=180 * 86_400.0,
    budget_share=0.1,
)
