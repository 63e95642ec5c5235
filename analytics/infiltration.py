"""Foreign water in a sewer: dry-weather flow, groundwater infiltration, rain-derived inflow, its RTK unit hydrographs. Flows in m³/h."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np

from analytics.baseline import Ints, sorted_median
from core.model import Floats


def dry_days(rain_mm: Floats, thaw: Floats | None = None, least_mm: float = 1.0) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Days with less than least_mm on them and on the two before, and no melt. rain_mm, thaw: (days,), thaw > 0 where snow melts."""
    rain = np.asarray(rain_mm)
    quiet = rain < least_mm
    dry = quiet.copy()
    dry[1:] &= quiet[:-1]
    dry[2:] &= quiet[:-2]
    return dry if thaw is None else dry & ~(np.asarray(thaw) > 0)


def dry_weather_flow(flow: Floats, kind: Ints, dry: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Floats:
    """Median over dry days of each weekday: (7, steps) from flow (days, steps); weekdays without dry days take the median of all."""
    profile = np.empty((7, flow.shape[1]))
    overall, _ = sorted_median(flow[dry], 0)
    for day in range(7):
        rows = flow[dry & (kind == day)]
        profile[day] = sorted_median(rows, 0)[0] if len(rows) else overall
    return np.where(np.isfinite(profile), profile, overall)


def groundwater(profile: Floats, foul_share: float = 0.1) -> float:
    """Groundwater infiltration: night minimum less a tenth of the mean foul flow, solved from GWI = min − s·(mean − GWI)."""
    low, mean = float(profile.min()), float(profile.mean())
    return max(0.0, (low - foul_share * mean) / (1 - foul_share))


def rain_derived(flow: Floats, kind: Ints, profile: Floats) -> Floats:
    """RDII (days, steps): flow less the dry-weather flow of its weekday, never below 0."""
    out: Floats = np.maximum(flow - profile[kind], 0.0)
    return out


def response_ratio(rdii_m3: float, area_m2: float, rain_mm: float) -> float:
    """R = share of the rain on the catchment that reaches the sewer."""
    return rdii_m3 / (area_m2 * rain_mm / 1000)


class Rtk(NamedTuple):
    """Fitted triangles: R (share of rain), T [h] to the peak and K (recession/T) of each, and the modelled flow [m³/h]."""

    r: Floats
    t_h: Floats
    k: Floats
    flow: Floats


def unit_hydrograph(t_h: float, k: float, step_h: float) -> Floats:
    """Triangle with its peak at T and base T·(1 + K), as shares of the volume per step (sums to 1)."""
    n = max(1, int(np.ceil(t_h * (1 + k) / step_h)))
    edges = np.arange(n + 1) * step_h
    rising = np.minimum(edges, t_h) ** 2 / (t_h * t_h * (1 + k))
    falling = np.where(edges > t_h, (k * k * t_h * t_h - np.maximum(t_h * (1 + k) - edges, 0.0) ** 2) / (k * t_h * t_h * (1 + k)), 0.0)
    share: Floats = np.diff(rising + falling)
    out: Floats = share / share.sum()
    return out


def fit_rtk(
    rain_mm: Floats,
    rdii_m3h: Floats,
    area_m2: float,
    step_h: float,
    times_h: tuple[float, ...] = (0.5, 1, 2, 4, 8, 16, 32, 64),
    ks: tuple[float, ...] = (1.5, 2.0, 2.5),
) -> Rtk:
    """Non-negative least squares on a grid of triangles (Lawson and Hanson's active set); the ones that matter come back.

    rain_mm, rdii_m3h: (n,) regular steps. No NaN.
    """
    grid = list(product(times_h, ks))
    volume = rain_mm / 1000 * area_m2 / step_h
    columns = np.stack([np.convolve(volume, unit_hydrograph(t, k, step_h))[: rain_mm.size] for t, k in grid], axis=1)
    r = nnls(columns, rdii_m3h)
    kept = np.flatnonzero(r > 1e-6)
    return Rtk(r[kept], np.array([grid[i][0] for i in kept]), np.array([grid[i][1] for i in kept]), columns @ r)


def nnls(a: Floats, b: Floats, rounds: int = 500) -> Floats:
    """x ≥ 0 that minimises |a·x − b| (Lawson and Hanson 1974, active set)."""
    x = np.zeros(a.shape[1])
    free = np.zeros(a.shape[1], np.bool_)
    tolerance = 1e-10 * max(1.0, float(np.abs(a.T @ b).max(initial=0.0)))
    for _ in range(rounds):
        gradient = a.T @ (b - a @ x)
        gradient[free] = -np.inf
        if not gradient.size or gradient.max() <= tolerance:
            break
        free[int(np.argmax(gradient))] = True
        while True:
            z = np.zeros_like(x)
            z[free] = np.linalg.lstsq(a[:, free], b, rcond=None)[0]
            low = free & (z <= 0)
            if not low.any():
                x = z
                break
            step = float(np.min(x[low] / np.maximum(x[low] - z[low], 1e-300)))
            x = x + step * (z - x)
            free &= x > 1e-14
            x[~free] = 0.0
    return x


def cold_water_share(temperature_c: Floats, foul_c: float, foreign_c: float) -> Floats:
    """Share of foreign water from temperatures (conductivities work the same): (T_foul − T)/(T_foul − T_foreign)."""
    out: Floats = np.clip((foul_c - temperature_c) / (foul_c - foreign_c), 0.0, 1.0)
    return out
