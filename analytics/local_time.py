"""Local time of a whole array at once: Europe/Oslo's clock, days, hours of the week, public holidays."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache

import numpy as np
import numpy.typing as npt

from core.model import Floats
from core.timekeeping import OSLO

DAY_S = 86_400.0
WEEK_S = 7 * DAY_S
_MONDAY = 4 * DAY_S  # Unix time began on a Thursday


def local_seconds(t: Floats) -> Floats:
    """Unix s shifted so that whole days are local days: t + the offset of Europe/Oslo at t. t ascends, no NaN in it."""
    t = np.asarray(t, np.float64)
    if not t.size:
        return t
    low, high = float(t.min()), float(t.max())
    first, last = datetime.fromtimestamp(low, UTC).year, datetime.fromtimestamp(high, UTC).year
    shifted = t.copy()
    before = 0.0
    for at, offset in (change for year in range(first - 1, last + 1) for change in _changes(year)):
        shifted[np.searchsorted(t, at) :] += offset - before
        before = offset
        if at > high:
            break
    return shifted


@cache
def _changes(year: int) -> tuple[tuple[float, float], ...]:
    """(Unix s, offset from then on [s]) of a year's clock changes, and of its first moment."""
    found = []
    moment = datetime(year, 1, 1, tzinfo=UTC)
    offset = None
    while moment.year == year:
        now = moment.astimezone(OSLO).utcoffset()
        if now != offset:
            at = moment
            if offset is not None:
                while (at - timedelta(hours=1)).astimezone(OSLO).utcoffset() == now:
                    at -= timedelta(hours=1)
            found.append((at.timestamp(), now.total_seconds() if now else 0.0))
            offset = now
        moment += timedelta(days=1)
    return tuple(found)


def week_number(local: Floats) -> npt.NDArray[np.int64]:
    """Weeks since the first Monday of Unix time, of local seconds."""
    return np.floor_divide(local - _MONDAY, WEEK_S).astype(np.int64)


def day_number(local: Floats) -> npt.NDArray[np.int64]:
    return np.floor_divide(local, DAY_S).astype(np.int64)


def weekday(days: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """0 Monday … 6 Sunday; a public holiday is a Sunday."""
    out = (days + 3) % 7
    if days.size:
        years = range(_date(int(days.min())).year, _date(int(days.max())).year + 1)
        free = np.array([d for year in years for d in holidays(year)])
        out = np.where(np.isin(days, free), 6, out)
    return out


def _date(day: int) -> date:
    return date(1970, 1, 1) + timedelta(days=day)


@cache
def holidays(year: int) -> tuple[int, ...]:
    """Norwegian public holidays as day numbers: the fixed ones and those that follow Easter (Butcher's rule)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e, f = b // 4, b % 4, (b + 8) // 25
    g = (b - f + 1) // 3
    h = (19 * a + b - d - g + 15) % 30
    i, k = c // 4, c % 4
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    easter = date(year, (h + m - 7 * n + 114) // 31, (h + m - 7 * n + 114) % 31 + 1)
    moving = [easter + timedelta(days=shift) for shift in (-3, -2, 0, 1, 39, 49, 50)]
    fixed = [date(year, month, day) for month, day in ((1, 1), (5, 1), (5, 17), (12, 25), (12, 26))]
    return tuple(sorted((day - date(1970, 1, 1)).days for day in {*moving, *fixed}))
