"""The usual range of a sensor: what the same hour of the week has been lately. Numpy only."""

from __future__ import annotations

import numpy as np

from core.model import Floats

HOURS = 168
LEAST = 3


def hour_of_week(t: Floats, offset_s: Floats | float) -> np.ndarray:
    """0 is Monday 00–01 local time. t [Unix s], offset_s local minus UTC [s]."""
    return ((np.floor((np.asarray(t) + offset_s) / 3600.0).astype(np.int64)) - 4 * 24) % HOURS


def usual_range(slot: np.ndarray, x: Floats, at: np.ndarray) -> tuple[Floats, Floats, Floats]:
    """(10th percentile, median, 90th percentile) of x by hour of week, looked up at each `at`; shape of `at`.

    slot (n,) hour of week of x (n,); NaN takes no part; NaN where an hour has fewer than LEAST values.
    """
    table = np.full((3, HOURS), np.nan)
    for hour in range(HOURS):
        values = x[(slot == hour) & np.isfinite(x)]
        if len(values) >= LEAST:
            table[:, hour] = np.percentile(values, [10.0, 50.0, 90.0])
    low, middle, high = table[:, at]
    return low, middle, high
