"""Pressures that no longer agree with one another: a leak where many move by degrees, a sensor fault where one moves alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from analytics.baseline import Grid, Ints, on_grid, sorted_median, whitened
from analytics.detector import Arrays, Detector, Finding, finite, ordered, typical_interval_s
from analytics.sequential import Shift, calibrated, shifts
from analytics.zone_flow import aligned, inflows, step_ends
from core.model import Floats


@dataclass(frozen=True)
class Params:
    """Defaults: principal components of the zone's pressures and inflow (Hotelling 1947; Jackson and Mudholkar 1979 for the residual)."""

    step_s: float = 3600.0
    block_h: int = 6
    train_days: int = 42
    least_train_days: int = 14
    refit_days: int = 7
    least_sensors: int = 3
    eigen_ratio: float = 8.0
    """A component is kept where its variance is this many times the noise's."""
    k: float = 0.75
    end_drop: float = 6.0
    one_sensor_share: float = 0.8
    """A change is one sensor's own where it explains this share of it and no flow has risen."""
    surely_one_share: float = 0.95
    least_m3h: float = 1.0
    resolution_bar: float = 0.003


class Fit(NamedTuple):
    """What is normal: mean, scale (columns,), components (columns, K), whitening of block residuals (sensors, sensors)."""

    mean: Floats
    scale: Floats
    parts: Floats
    weight: Floats


def detect(arrays: Arrays, p: Params) -> list[Finding]:
    """Findings `leak` and `sensor_fault`; score is the top of the CUSUM of the residual's size [σ]."""
    data = _table(arrays, p)
    if data is None:
        return []
    sensors, grid, columns, flow = data
    blocks, fits = _residuals(columns, grid, len(sensors), p)
    size = np.full(blocks.shape[:2], np.nan)
    for d, fit in fits.items():
        r = blocks[d]
        there = np.isfinite(r).all(axis=1)
        size[d, there] = _normal(np.einsum("bi,ij,bj->b", r[there], fit.weight, r[there]), len(sensors))
    usual, n = _trailing_median(size)
    z = np.where(n >= 4 * p.block_h // 6 * 2, (size - usual), np.nan)
    e = whitened(z)
    known = np.flatnonzero(np.isfinite(e.ravel()))
    h = calibrated(e, p.k, arrays.budget.mean_time_between_s() / (p.block_h * 3600.0), int(grid.days[0]))[known]
    ends = step_ends(grid).reshape(blocks.shape[0], blocks.shape[1], -1)[:, :, -1].ravel()
    found = [_finding(s, known, blocks, fits, sensors, flow, ends, h, p) for s in shifts(e.ravel()[known], p.k, h, p.end_drop)]
    return ordered([f for f in found if f is not None])


def _table(arrays: Arrays, p: Params) -> tuple[list[str], Grid, Floats, Floats | None] | None:
    """(sensors, a grid, columns (days, steps, sensors + flow terms), flow (days, steps)) or None where there are too few pressures."""
    tracks = [k for k in arrays.of("pressure_bar") if len(k) > 2]
    parts = [(k.site.sensor, finite(k)) for k in tracks]
    parts = [(s, tx) for s, tx in parts if tx[0].size > 48 and typical_interval_s(tx[0]) <= p.step_s]
    if len(parts) < p.least_sensors:
        return None
    grids = [on_grid(t, x, p.step_s) for _, (t, x) in parts]
    flows = [f.grid for f in inflows(arrays, p.step_s) if f.grid.step_s == p.step_s][:3]
    laid = aligned([*grids, *flows])
    pressures = np.stack([g.x for g in laid[: len(parts)]], axis=2)
    q = np.stack([g.x for g in laid[len(parts) :]], axis=2) if flows else np.empty((*pressures.shape[:2], 0))
    whole = laid[0]._replace(t=np.nanmax(np.stack([np.where(np.isfinite(g.t), g.t, -np.inf) for g in laid]), axis=0))
    whole = whole._replace(t=np.where(np.isfinite(whole.t), whole.t, np.nan))
    return [s for s, _ in parts], whole, np.concatenate((pressures, q, q**2), axis=2), q.sum(axis=2) if flows else None


def _residuals(columns: Floats, grid: Grid, n: int, p: Params) -> tuple[Floats, dict[int, Fit]]:
    """(block means of what the components leave of each pressure (days, blocks, n), the fit each day was judged by)."""
    days, steps, width = columns.shape
    per = max(1, round(p.block_h * 3600 / p.step_s))
    blocks = np.full((days, steps // per, n), np.nan)
    fits: dict[int, Fit] = {}
    fit: Fit | None = None
    for d in range(p.least_train_days, days):
        if fit is None or int(grid.days[d]) % p.refit_days == 0:
            fit = _fit(columns[max(0, d - p.train_days) : d].reshape(-1, width), n, per, p) or fit
        if fit is None:
            continue
        r = _left(columns[d], fit, n).reshape(-1, per, n)
        count = np.isfinite(r).sum(axis=1)
        blocks[d] = np.where(count >= (per + 1) // 2, np.nansum(r, axis=1) / np.maximum(count, 1), np.nan)
        fits[d] = fit
    return blocks, fits


def _fit(rows: Floats, n: int, per: int, p: Params) -> Fit | None:
    """Components of the complete rows; None where they are too few."""
    full = rows[np.isfinite(rows).all(axis=1)]
    if full.shape[0] < max(5 * rows.shape[1], 7 * 24):
        return None
    mean, scale = np.median(full, axis=0), np.maximum(full.std(axis=0), p.resolution_bar)
    z = np.clip((full - mean) / scale, -6, 6)
    values, vectors = np.linalg.eigh(z.T @ z / z.shape[0])
    values, vectors = values[::-1], vectors[:, ::-1]
    noise = float(np.median(values[max(1, values.size // 2) :]))
    keep = int(np.clip(np.sum(values > p.eigen_ratio * max(noise, 1e-9)), 1, max(1, n // 2)))
    fit = Fit(mean, scale, vectors[:, :keep], np.eye(n))
    left = _left(full, fit, n)
    whole = left[: left.shape[0] // per * per].reshape(-1, per, n).mean(axis=1)
    spread = whole.T @ whole / whole.shape[0]
    floor = (p.resolution_bar**2 / per) * np.eye(n)
    return fit._replace(weight=np.linalg.inv(0.7 * spread + 0.3 * np.diag(np.diag(spread)) + floor))


def _left(rows: Floats, fit: Fit, n: int) -> Floats:
    """Pressures less what the components say [bar]; a row with a hole is judged by least squares on what is there."""
    z = (rows - fit.mean) / fit.scale
    out = np.full((rows.shape[0], n), np.nan)
    whole = np.isfinite(z).all(axis=1)
    out[whole] = (z[whole] - z[whole] @ fit.parts @ fit.parts.T)[:, :n]
    for i in np.flatnonzero(~whole & (np.isfinite(z).sum(axis=1) > 2 * fit.parts.shape[1])):
        there = np.isfinite(z[i])
        weight, *_ = np.linalg.lstsq(fit.parts[there], z[i, there], rcond=None)
        out[i] = (z[i] - fit.parts @ weight)[:n]
    return out * fit.scale[:n]


def _normal(t2: Floats, n: int) -> Floats:
    """χ² of n degrees as nearly N(0, 1) (Wilson and Hilferty 1931)."""
    out: Floats = (np.cbrt(t2 / n) - (1 - 2 / (9 * n))) / np.sqrt(2 / (9 * n))
    return out


def _trailing_median(size: Floats, days: int = 28) -> tuple[Floats, Floats]:
    """(median, count) of the blocks of the days before each day, as a column; scaled by their own spread elsewhere."""
    padded = np.concatenate((np.full((days, size.shape[1]), np.nan), size[:-1]))
    window = np.lib.stride_tricks.sliding_window_view(padded, days, axis=0).reshape(size.shape[0], -1)
    middle, n = sorted_median(window, 1)
    return middle[:, None], n[:, None].astype(np.float64)


def _finding(
    s: Shift, known: Ints, blocks: Floats, fits: dict[int, Fit], sensors: list[str], flow: Floats | None, ends: Floats, h: Floats, p: Params
) -> Finding | None:
    onset, alarm = int(known[s.onset]), int(known[s.alarm])
    per_day = blocks.shape[1]
    fit = fits[alarm // per_day]
    r = np.nanmean(blocks.reshape(-1, len(sensors))[onset : alarm + 1], axis=0)
    if not np.isfinite(r).all():
        return None
    n = len(sensors)
    alone = (np.eye(fit.parts.shape[0]) - fit.parts @ fit.parts.T)[:n, :n] * np.outer(fit.scale[:n], 1 / fit.scale[:n])
    explained = (
        (alone.T @ fit.weight @ r) ** 2 / np.maximum(np.einsum("ji,jk,ki->i", alone, fit.weight, alone), 1e-12) / (r @ fit.weight @ r)
    )
    top = int(np.argmax(explained))
    rise = _rise(flow, onset, alarm, per_day)
    share = float(explained[top])
    fault = (share > p.one_sensor_share and not rise > p.least_m3h) or (share > p.surely_one_share and not rise > 3 * p.least_m3h)
    by_weight = np.argsort(-np.abs(r) * np.sqrt(np.diag(fit.weight)))
    mended = rise < -p.least_m3h or (not rise > p.least_m3h and float(np.sum(r * np.diag(fit.weight) * np.abs(r))) > 0)
    if mended and not fault:
        return None
    change = float((alone[:, top] @ fit.weight @ r) / max(alone[:, top] @ fit.weight @ alone[:, top], 1e-12))
    details: dict[str, float | str] = {
        "change_bar": change if fault else float(r[by_weight[0]]),
        "one_sensor_share": share,
        "found_after_s": float(ends[alarm] - ends[max(onset - 1, 0)]),
    }
    if np.isfinite(rise):
        details["flow_m3h"] = max(rise, 0.0)
    before = float(ends[max(onset - 1, 0)])
    end = float(ends[known[s.end]]) if s.end is not None else None
    return Finding(
        kind="sensor_fault" if fault else "leak",
        start=float(ends[alarm]),
        end=None if end is None else max(end, float(ends[alarm])),
        onset=(before + float(ends[onset])) / 2,
        onset_u_s=(float(ends[onset]) - before) / 2,
        score=s.peak,
        threshold=float(h[s.alarm]),
        sensors=(sensors[top],) if fault else tuple(sensors[i] for i in by_weight[:5]),
        details={**details, "fault": "offset"} if fault else details,
    )


def _rise(flow: Floats | None, onset: int, alarm: int, per_day: int) -> float:
    """Inflow after the onset less that of the same hours one and two weeks before [m³/h]; 0 within 3 σ, NaN where not measured."""
    if flow is None:
        return float("nan")
    q = flow.reshape(flow.shape[0] * per_day, -1)
    q = np.where(np.isfinite(q).any(axis=1), np.nansum(q, axis=1) / np.maximum(np.isfinite(q).sum(axis=1), 1), np.nan)
    after = np.arange(onset, min(max(alarm + 1, onset + per_day), q.size))
    past = [q[after - w * 7 * per_day] for w in (1, 2) if onset >= w * 7 * per_day]
    if not past:
        return float("nan")
    diff = q[after] - np.mean(past, axis=0)
    diff = diff[np.isfinite(diff)]
    if not diff.size:
        return float("nan")
    middle = float(np.median(diff))
    doubt = 3 * 1.25 * 1.4826 * float(np.median(np.abs(diff - middle))) / np.sqrt(diff.size)
    return middle if abs(middle) > doubt else 0.0


DETECTOR = Detector(
    key="pressure_pattern",
    title="Pressures that no longer agree",
    scope="zone",
    inputs=("pressure_bar",),
    optional=("flow_m3h",),
    kinds=("leak", "sensor_fault"),
    params=Params,
    detect=detect,
    source="principal components of pressures and inflow, CUSUM of the residual's Hotelling size, contribution of each sensor",
    memory_s=180 * 86_400.0,
    budget_share=0.2,
)
