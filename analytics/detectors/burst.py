"""A burst: the zone takes more water than this hour of the week ever does, and its pressure falls with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.baseline import Grid, Ints, expected, on_grid, pooled_scale, sorted_median, step_for, trailing_sum, whitened
from analytics.detector import Arrays, Detector, Finding, finite, ordered, typical_interval_s
from analytics.sequential import Shift, calibrated, shifts
from analytics.zone_flow import Inflow, aligned, flows_of, inflows, steady, step_ends
from core.model import Floats


@dataclass(frozen=True)
class Params:
    """Defaults: CUSUM for one standard deviation (Page 1954); sizes below `least_m3h` are left to the night-flow test."""

    least_step_s: float = 900.0
    weeks: int = 8
    level_days: int = 3
    """The level is taken from this many days before, so that an old leak does not hide a new one."""
    least_peers: int = 3
    k: float = 0.5
    end_drop: float = 4.0
    least_m3h: float = 3.0
    least_share: float = 0.12
    """Of the zone's usual flow."""
    idle_share: float = 0.03
    """Of the flow's 90th percentile: less than that is a pump at rest."""
    resolution_m3h: float = 0.05
    resolution_bar: float = 0.005


def detect(arrays: Arrays, p: Params) -> list[Finding]:
    """Findings `burst`; score is the top of the CUSUM of flow, or of flow and pressure together [σ]."""
    found = []
    for flow in inflows(arrays, p.least_step_s):
        if not steady(flow.grid, p.idle_share):
            continue
        base = expected(flow.grid, p.weeks)
        residual = _residual(flow.grid, base, p)
        z = residual / pooled_scale(residual, floor=p.resolution_m3h)
        common = _common(arrays, flow, p)
        e_flow = whitened(_less_common(z, common))
        fall = _pressure_fall(arrays, flow, common, p)
        together = None if fall is None else np.where(np.isfinite(fall), (e_flow + fall) / np.sqrt(2.0), e_flow)
        tests = [e_flow] if together is None else [together, e_flow]
        best: list[Finding] = []
        for e in tests:
            flat = e.ravel()
            known = np.flatnonzero(np.isfinite(flat))
            h = calibrated(e, p.k, 2 * arrays.budget.mean_time_between_s() / flow.grid.step_s, int(flow.grid.days[0]))[known]
            for s in shifts(flat[known], p.k, h, p.end_drop):
                f = _finding(s, known, flow, base, residual, fall, h, p)
                if f is not None and not any(abs(f.onset - g.onset) < 86_400 or g.start <= f.onset <= (g.end or np.inf) for g in best):
                    best.append(f)
        found += best
    return ordered(found)


def _residual(grid: Grid, base: Floats, p: Params) -> Floats:
    """Flow less its baseline and less the level of the days before."""
    residual = grid.x - base
    daily, n = sorted_median(residual, 1)
    daily = np.where(n >= grid.x.shape[1] // 4, daily, np.nan)
    padded = np.concatenate((np.full(p.level_days, np.nan), daily[:-1]))
    level, _ = sorted_median(np.lib.stride_tricks.sliding_window_view(padded, p.level_days), 1)
    return residual - np.nan_to_num(level)[:, None]


def _common(arrays: Arrays, flow: Inflow, p: Params) -> Floats | None:
    """What the other zones do at the time, standardised: holidays, weather and football are the same for all; None for fewer than three."""
    parts = []
    for k in flows_of(arrays.peers):
        t, x = finite(k)
        if t.size < 3 or step_for(typical_interval_s(t), p.least_step_s) > flow.grid.step_s:
            continue
        grid = aligned([flow.grid, on_grid(t, x, flow.grid.step_s)])[1]
        if steady(grid, p.idle_share):
            first = int(flow.grid.days[0] - grid.days[0])
            residual = _residual(grid, expected(grid, p.weeks), p)
            parts.append((residual / pooled_scale(residual, floor=p.resolution_m3h))[first : first + flow.grid.days.size])
    if len(parts) < p.least_peers:
        return None
    return sorted_median(np.stack(parts), 0)[0]


def _less_common(z: Floats, common: Floats | None, days: int = 28) -> Floats:
    """z less its usual share of what all zones do, the share taken from the days before."""
    if common is None:
        return z
    a, b = np.clip(z, -4, 4), np.clip(common, -4, 4)
    both = np.isfinite(a) & np.isfinite(b)
    product, square = (np.where(both, v, 0.0).sum(axis=1) for v in (a * b, b * b))
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.clip(np.nan_to_num(trailing_sum(product, days) / trailing_sum(square, days)), 0.0, 1.5)[:, None]
    rest = np.where(np.isfinite(common), z - share * common, z)
    return rest / pooled_scale(rest, floor=0.3)


def _pressure_fall(arrays: Arrays, flow: Inflow, common: Floats | None, p: Params) -> Floats | None:
    """Standardised fall of the zone's pressures together, on the flow's grid; None where no pressure is measured."""
    parts = []
    for k in arrays.of("pressure_bar"):
        t, x = finite(k)
        if t.size < 3 or step_for(typical_interval_s(t), p.least_step_s) > flow.grid.step_s:
            continue
        grid = aligned([flow.grid, on_grid(t, x, flow.grid.step_s)])[1]
        first = int(flow.grid.days[0] - grid.days[0])
        residual = _residual(grid, expected(grid, p.weeks), p)
        parts.append((-residual / pooled_scale(residual, floor=p.resolution_bar))[first : first + flow.grid.days.size])
    if not parts:
        return None
    stack = np.stack(parts)
    n = np.isfinite(stack).sum(axis=0)
    mean = np.where(n > 0, np.nansum(np.clip(stack, -8, 8), axis=0) / np.maximum(n, 1), np.nan)
    return whitened(_less_common(mean / pooled_scale(mean, floor=0.05), common))


def _finding(
    s: Shift, known: Ints, flow: Inflow, base: Floats, residual: Floats, fall: Floats | None, h: Floats, p: Params
) -> Finding | None:
    onset, alarm = int(known[s.onset]), int(known[s.alarm])
    t, r = step_ends(flow.grid), residual.ravel()
    size = float(np.nanmedian(r[onset : alarm + 1]))
    usual = float(np.nanmedian(flow.grid.x.ravel()[max(0, onset - 7 * flow.grid.x.shape[1]) : max(1, onset)]))
    if not size >= max(p.least_m3h, p.least_share * usual):
        return None
    before = float(t[max(onset - 1, 0)])
    end = _end(flow.grid, base, onset, alarm, size, p)
    details: dict[str, float | str] = {
        "flow_m3h": size,
        "found_after_s": float(t[alarm]) - before,
        "usual_m3h": usual,
        "evidence": "flow" if fall is None else "flow and pressure",
    }
    if fall is not None:
        there = fall.ravel()[onset : alarm + 1]
        details["pressure_fall_sigma"] = float(np.nanmean(there)) if np.isfinite(there).any() else 0.0
    return Finding(
        kind="burst",
        sensors=flow.sensors,
        start=float(t[alarm]),
        end=None if end is None else float(t[end]),
        onset=(before + float(t[onset])) / 2,
        onset_u_s=(float(t[onset]) - before) / 2,
        score=s.peak,
        threshold=float(h[s.alarm]),
        severity="major",
        details=details,
    )


def _end(grid: Grid, base: Floats, onset: int, alarm: int, size: float, p: Params) -> int | None:
    """The step at which the flow is back to less than half the burst over what the week before the onset was like; None while it is not."""
    steps = grid.x.shape[1]
    day = onset // steps
    base = base[: day + 1]
    week = {int(kind): row for kind, row in zip(grid.kind[: day + 1], base, strict=True)}
    level = np.nanmedian((grid.x[: day + 1] - base).ravel()[max(0, onset - p.level_days * steps) : onset])
    usual = np.array([week.get(int(kind), base[-1]) for kind in grid.kind[day:]])
    over = (grid.x[day:] - usual - level).ravel()[alarm - day * steps + 1 :]
    quarter, day_long = (max(1, round(h * 3600.0 / grid.step_s)) for h in (6.0, 24.0))
    if over.size < day_long:
        return None
    short, long = (
        sorted_median(np.lib.stride_tricks.sliding_window_view(over, w), 1)[0][: over.size - day_long + 1] for w in (quarter, day_long)
    )
    back = np.flatnonzero((short < size / 2) & (long < size / 2))
    return alarm + 1 + int(back[0]) if back.size else None


DETECTOR = Detector(
    key="burst",
    title="Burst: flow up and pressure down",
    scope="zone",
    inputs=("flow_m3h|volume_m3",),
    optional=("pressure_bar",),
    peers=("flow_m3h", "volume_m3"),
    kinds=("burst",),
    params=Params,
    detect=detect,
    source="Stouffer's sum of prewhitened flow and pressure residuals, CUSUM (Page 1954)",
    memory_s=180 * 86_400.0,
    budget_share=0.35,
)
