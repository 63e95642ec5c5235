"""Use between readings of a cumulative meter. Differences are taken here and nowhere stored."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analytics.detector import Track, finite
from core.model import Floats

ROLLOVER_DIGITS = range(3, 10)


class Steps(NamedTuple):
    """Between one reading and the next: from, to [Unix s], litres used, mean flow [L/h]; steps that go backwards are left out."""

    start: Floats
    end: Floats
    litres: Floats
    lph: Floats


def steps(track: Track) -> Steps:
    """Differences of an index [m³]."""
    t, x = finite(track)
    litres, hours = np.diff(x) * 1000.0, np.diff(t) / 3600.0
    forward = litres >= -1e-6
    litres, hours = np.maximum(litres[forward], 0.0), hours[forward]
    return Steps(t[:-1][forward], t[1:][forward], litres, litres / np.maximum(hours, 1e-9))


def night_rate(s: Steps, day_starts: Floats, from_h: float = 0.0, to_h: float = 6.0) -> Floats:
    """Least mean flow [L/h] of any step that lies in each night, or covers at least half of it: shape (nights,), NaN where none does.

    A meter that reports every six hours has one step per night, one that reports twice a day one that also covers the evening.
    """
    rate = np.full(day_starts.size, np.nan)
    if not s.start.size:
        return rate
    for i, day in enumerate(day_starts):
        a, b = day + from_h * 3600, day + to_h * 3600
        low, high = np.searchsorted(s.end, a, "right"), np.searchsorted(s.start, b)
        if high > low:
            overlap = np.minimum(s.end[low:high], b) - np.maximum(s.start[low:high], a)
            length = s.end[low:high] - s.start[low:high]
            counts = (overlap >= 0.5 * np.minimum(length, b - a)) & (length <= 86_400.0)
            if counts.any():
                rate[i] = s.lph[low:high][counts].min()
    return rate
