"""A slow leak: the zone's night flow, or its whole day, has risen and stays up; what meters measured at night is taken off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.baseline import Grid, Ints, sorted_median
from analytics.detector import Arrays, Detector, Finding, ordered
from analytics.sequential import threshold
from analytics.zone_flow import Inflow, inflows, steady, step_ends
from core.model import Floats


@dataclass(frozen=True)
class Params:
    """Defaults: CUSUM of daily values with clipped adaptation, tuned on the published L-Town flows (facts, meters and DMAs)."""

    night_from_h: float = 2.0
    night_to_h: float = 4.0
    k: float = 0.75
    least_h: float = 4.0
    """Daily values are few and not quite independent: never below this, whatever the budget allows."""
    learn_days: int = 14
    scale_days: int = 28
    adapt: float = 0.05
    adapt_limit_sigma: float = 0.1
    """A baseline that adapts faster swallows slow leaks."""
    least_m3h: float = 0.5
    least_share: float = 0.025
    same_days: float = 3.0
    """A rise that goes on within so many days of the alarm is the same leak growing."""
    resolution_m3h: float = 0.1


@dataclass
class _Leak:
    onset: int
    alarm: int
    grown: int
    size: float
    peak: float
    until: int | None = None


def detect(arrays: Arrays, p: Params) -> list[Finding]:
    """Findings `slow_leak`; score is the top of the CUSUM of daily flows [σ]."""
    found = []
    for flow in inflows(arrays, 900.0):
        if not steady(flow.grid):
            continue
        h = max(p.least_h, threshold(4 * arrays.budget.mean_time_between_s() / 86_400.0, p.k))
        sides: list[tuple[str, Floats]] = [
            ("whole day", day_mean(flow.grid)),
            ("night", night_mean(flow.grid, p.night_from_h, p.night_to_h)),
        ]
        best: list[Finding] = []
        for name, y in sides:
            if np.isfinite(y).sum() < p.learn_days:
                continue
            for leak in follow(y, flow.grid.kind, h, p):
                f = _finding(leak, name, y, flow, h)
                twin = next((g for g in best if abs(g.onset - f.onset) < 4 * 86_400 or (g.onset <= f.start and f.onset <= g.start)), None)
                if twin is None:
                    best.append(f)
                elif f.start < twin.start:
                    best[best.index(twin)] = f
        found += best
    return ordered(found)


def night_mean(grid: Grid, from_h: float, to_h: float) -> Floats:
    """Mean over the night hours of each local day where three quarters of the steps are there: shape (days,)."""
    low, high = (round(h * 3600 / grid.step_s) for h in (from_h, to_h))
    part = grid.x[:, low : max(high, low + 1)]
    n = np.isfinite(part).sum(axis=1)
    return np.where(n >= 0.75 * part.shape[1], np.nansum(part, axis=1) / np.maximum(n, 1), np.nan)


def day_mean(grid: Grid) -> Floats:
    """Mean over each local day where nine tenths of the steps are there: shape (days,)."""
    n = np.isfinite(grid.x).sum(axis=1)
    return np.where(n >= 0.9 * grid.x.shape[1], np.nansum(grid.x, axis=1) / np.maximum(n, 1), np.nan)


def follow(y: Floats, kind: Ints, h: float, p: Params) -> list[_Leak]:
    """Walk through the days; y [m³/h], kind the weekday. Every alarm moves the baseline up by the leak, every lasting fall down again."""
    leaks: list[_Leak] = []
    r_before = np.full(y.size, np.nan)
    base, up, down, up_from, down_from = np.nan, 0.0, 0.0, 0, 0
    for d in range(y.size):
        if not np.isfinite(y[d]):
            continue
        if not np.isfinite(base):
            seen = y[: d + 1][np.isfinite(y[: d + 1])]
            if seen.size >= p.learn_days:
                base = float(np.median(seen))
                r_before[: d + 1] = y[: d + 1] - base
            continue
        r = y[d] - base - _weekday_effect(r_before, kind, d)
        sigma = _sigma(r_before, d, p)
        z = float(np.clip(r / sigma, -4, 4))
        r_before[d] = r + _weekday_effect(r_before, kind, d)
        up_from = d if up <= 0 else up_from
        down_from = d if down <= 0 else down_from
        up, down = max(0.0, up + z - p.k), max(0.0, down - z - p.k)
        base += float(np.clip(p.adapt * r, -p.adapt_limit_sigma * sigma, p.adapt_limit_sigma * sigma))
        if up > h:
            size = _recent(r_before, up_from, d)
            last = leaks[-1] if leaks else None
            if size >= max(p.least_m3h, p.least_share * abs(base)):
                if last is not None and last.until is None and up_from - last.grown <= p.same_days:
                    last.size, last.peak = last.size + size, max(last.peak, up)
                    last.grown = d
                else:
                    leaks.append(_Leak(up_from, d, d, size, up))
            base, up, down = base + size, 0.0, 0.0
        elif down > h:
            size = -_recent(r_before, down_from, d)
            still = [x for x in leaks if x.until is None]
            if still and size > 0:
                nearest = min(still, key=lambda x: abs(np.log(max(x.size, 1e-3) / max(size, 1e-3))))
                if size > 0.5 * nearest.size:
                    nearest.until = down_from
            base, up, down = base - size, 0.0, 0.0
    return leaks


def _weekday_effect(r: Floats, kind: Ints, d: int) -> float:
    """Median of up to eight weeks of this weekday, less the median of all, where three weeks are known."""
    low = max(0, d - 56)
    past, kinds = r[low:d], kind[low:d]
    same = past[(kinds == kind[d]) & np.isfinite(past)]
    return float(np.median(same) - np.median(past[np.isfinite(past)])) if same.size >= 3 else 0.0


def _sigma(r: Floats, d: int, p: Params) -> float:
    """Standard deviation of a day, from differences of days of like weekday a week apart, so that steps and ramps hardly count."""
    low = max(0, d - p.scale_days - 7)
    past = r[low:d]
    week = np.abs(past[7:] - past[:-7]) if past.size > 14 else np.abs(np.diff(past))
    week = week[np.isfinite(week)]
    daily = 1.4826 * float(np.median(week)) / np.sqrt(2.0) if week.size else 0.0
    return max(p.resolution_m3h, daily, _weekly_unrest(r, d))


def _weekly_unrest(r: Floats, d: int) -> float:
    """How much a week usually differs from the one before, over eight weeks: an industry's weeks, which days alone do not show."""
    past = r[max(0, d - 56) : d]
    if past.size < 28:
        return 0.0
    medians, _ = sorted_median(past[past.size % 7 :].reshape(-1, 7), 1)
    steps = np.abs(np.diff(medians))
    steps = steps[np.isfinite(steps)]
    return 1.4826 * float(np.median(steps)) / np.sqrt(2.0) if steps.size else 0.0


def _recent(r: Floats, start: int, d: int) -> float:
    """Size of a change that began at `start`: median of its last three days."""
    part = r[max(start, d - 2) : d + 1]
    return float(np.median(part[np.isfinite(part)]))


def _finding(leak: _Leak, side: str, y: Floats, flow: Inflow, h: float) -> Finding:
    steps = flow.grid.x.shape[1]
    t = step_ends(flow.grid).reshape(-1, steps)
    known = float(t[leak.alarm, -1])
    onset = float(t[leak.onset, 0])
    end = max(known, float(t[leak.until, 0])) if leak.until is not None else None
    return Finding(
        kind="slow_leak",
        sensors=flow.sensors,
        start=known,
        end=end,
        onset=onset,
        onset_u_s=86_400.0,
        score=leak.peak,
        threshold=h,
        severity="warning",
        details={"flow_m3h": leak.size, "found_after_s": known - onset, "seen_in": side, "before_m3h": float(y[max(leak.onset - 1, 0)])},
    )


DETECTOR = Detector(
    key="slow_leak",
    title="Slow leak in the night flow",
    scope="zone",
    inputs=("flow_m3h|volume_m3",),
    optional=("pressure_bar",),
    kinds=("slow_leak",),
    params=Params,
    detect=detect,
    source="minimum night flow with clipped adaptation and CUSUM (k = 0.75), re-baselined at each leak",
    memory_s=400 * 86_400.0,
    budget_share=0.2,
)
