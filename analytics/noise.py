"""How noisy a series is, from its own second differences."""

from __future__ import annotations

import numpy as np

from core.model import Floats

DAY_S = 86_400.0


def daily_noise(t: Floats, x: Floats, days: int = 14, clip: float = 0.03) -> Floats:
    """Standard deviation of the measurement noise [unit of x] known at each sample: shape (n,), NaN before the first whole day.

    Second differences over √6 remove levels and slopes; each UTC day gives their clipped mean (times √(π/2) for a normal distribution), and
    what is known on a day is the lower quartile of the `days` days before it, so that storms and pumps hardly count. No NaN in x.
    """
    if t.size < 3:
        return np.full(t.shape, np.nan)
    second = np.zeros(t.size)
    second[1:-1] = np.minimum(np.abs(x[2:] - 2 * x[1:-1] + x[:-2]), clip)
    day = np.floor_divide(t, DAY_S).astype(np.int64)
    first = np.flatnonzero(np.diff(day, prepend=day[0] - 1))
    number = day[first]
    sigma = np.add.reduceat(second, first) / np.diff(first, append=t.size) * np.sqrt(np.pi / 12)
    calendar = np.full(number[-1] - number[0] + 1 + days, np.nan)
    calendar[number - number[0] + days] = sigma
    window = np.sort(np.lib.stride_tricks.sliding_window_view(calendar[:-1], days), axis=1)
    there = np.isfinite(window).sum(axis=1)
    before = np.take_along_axis(window, np.maximum(there - 1, 0)[:, None] // 4, axis=1)[:, 0]
    return np.repeat(before[number - number[0]], np.diff(first, append=t.size))
