"""Was it raining or thawing? Dry, wet, melt or unknown, from rain, air temperature and snow around a place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analytics.detector import Arrays, Track, finite
from core.model import Floats

DAY_S = 86_400.0
CONTEXT = ("rain_mm", "rain_total_mm", "air_temperature_c", "snow_depth_m")
DRY_MM = 0.25
"""England's practice: no more than this on the day of an overflow and the day before."""


def rain_steps(track: Track) -> tuple[Floats, Floats]:
    """(t, mm in the step that ends at t) of a gauge that sends either the step or the running index; a step backwards is a restart."""
    t, x = finite(track)
    if track.quantity == "rain_mm" or t.size < 2:
        return t, np.where(x >= 0, x, 0.0)
    step = np.diff(x, prepend=x[0])
    return t, np.where(step >= 0, step, np.maximum(x, 0.0))


def rain_between(arrays: Arrays, start: float, end: float) -> float:
    """Most rain that any gauge saw in [start, end] [mm]; NaN where no gauge reported."""
    sums = []
    for k in (*arrays.of("rain_mm"), *arrays.of("rain_total_mm")):
        t, mm = rain_steps(k)
        low, high = np.searchsorted(t, [start, end])
        if high > low:
            sums.append(float(mm[low:high].sum()))
    return max(sums) if sums else float("nan")


def _mean(tracks: Sequence[Track], start: float, end: float) -> float:
    parts = [k.x[slice(*np.searchsorted(k.t, [start, end]))] for k in tracks]
    values = np.concatenate(parts) if parts else np.empty(0)
    values = values[np.isfinite(values)]
    return float(values.mean()) if values.size else float("nan")


def weather(arrays: Arrays, start: float, end: float) -> str:
    """'wet', 'melt', 'dry' or 'unknown' for something that lasted from start to end.

    Melt: snow on the ground above freezing; where no snow is measured, thaw (above 1 °C) after a month below freezing.
    """
    rain = rain_between(arrays, start - DAY_S, end)
    if rain > DRY_MM:
        return "wet"
    air = arrays.of("air_temperature_c")
    now, month = _mean(air, start - DAY_S / 2, end), _mean(air, start - 30 * DAY_S, start - 2 * DAY_S)
    snow = _mean(arrays.of("snow_depth_m"), start - DAY_S, end)
    if (snow > 0.01 and now > 0) or (np.isnan(snow) and month < 0 and now > 1):
        return "melt"
    return "unknown" if np.isnan(rain) else "dry"


def wet_mask(arrays: Arrays, t: Floats, hours: float = 24.0, least_mm: float = 0.3) -> Floats:
    """1 where more than least_mm fell in the `hours` before t, 0 where not, NaN where no gauge reported. Shape as t."""
    worst = np.full(t.size, np.nan)
    for k in (*arrays.of("rain_mm"), *arrays.of("rain_total_mm")):
        at, mm = rain_steps(k)
        if not at.size:
            continue
        total = np.concatenate(([0.0], np.cumsum(mm)))
        low, high = np.searchsorted(at, t - hours * 3600.0), np.searchsorted(at, t, "right")
        worst = np.fmax(worst, np.where(high > low, total[high] - total[low], np.nan))
    return np.where(np.isnan(worst), np.nan, (worst > least_mm).astype(np.float64))
