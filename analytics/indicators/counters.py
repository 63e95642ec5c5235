"""From meter indices and flows to volumes per day, each split into what was measured, extrapolated and estimated. Pure numpy.

Rules: an index at a day's edge is interpolated linearly between the readings around it. Between two readings further apart than
`tolerance_s` the total is known and only its split by day is not: `extrapolated`. Where no reading follows or precedes, the meter's own
mean rate stands in: `extrapolated` within the tolerance, else `estimated`. What cannot be known is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.model import Floats

DAY_S = 86400.0
BACKFLOW_M3 = 0.1
"""A smaller fall of an index is back-flow or rounding, and counts as the negative volume it is."""
ROLLOVER_BAND = 0.05
"""An index within this share of a power of ten before the fall, and of zero after it, has rolled over."""


@dataclass(frozen=True, slots=True)
class Days:
    """Readings of n sensors by day; shape (n, d) each, NaN and count 0 where empty. `edges` [Unix s] has shape (d + 1,).

    first and last are the day's earliest and latest values, first_t and last_t [Unix s] their times.
    """

    edges: Floats
    count: npt.NDArray[np.int64]
    minimum: Floats
    mean: Floats
    maximum: Floats
    first: Floats
    last: Floats
    first_t: Floats
    last_t: Floats


@dataclass(frozen=True, slots=True)
class Volumes:
    """Volumes [m³] by sensor and day, shape (n, d); `extrapolated` and `estimated` are parts of `total`. NaN: unknown."""

    total: Floats
    extrapolated: Floats
    estimated: Floats

    def rows(self, index: npt.NDArray[np.intp]) -> Volumes:
        return Volumes(self.total[index], self.extrapolated[index], self.estimated[index])


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The nearest reading outside the window, of n sensors: t [Unix s] and x, NaN where there is none."""

    t: Floats
    x: Floats


def counter_volumes(days: Days, before: Neighbour, after: Neighbour, tolerance_s: Floats) -> Volumes:
    """Daily volumes of cumulative indices that only rise (see `irregular`). tolerance_s [s]: shape (n,)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        left_t, left = _filled(days.last_t, days.last, before, 1)
        right_t, right = _filled(days.first_t, days.first, after, -1)
        edges = days.edges[None, :]
        known = np.isfinite(left_t) & np.isfinite(right_t)
        index = np.where(known, left + (right - left) * (edges - left_t) / (right_t - left_t), np.nan)
        rate = _mean_rate(left_t, left, right_t, right)
        head, tail = ~known & np.isfinite(right_t), ~known & np.isfinite(left_t)
        index = np.where(head, right - rate[:, None] * (right_t - edges), index)
        index = np.where(tail, left + rate[:, None] * (edges - left_t), index)
        reach = np.where(known, right_t - left_t, np.where(head, right_t - edges, edges - left_t))
    total = np.diff(index, axis=1)
    tolerance = tolerance_s[:, None]
    far = reach > tolerance
    lead, trail, whole = _unseen(days, index)
    extrapolated = _tagged(lead, trail, whole, known & far | ~known & ~far)
    estimated = _tagged(lead, trail, whole, ~known & far)
    return Volumes(total, np.where(np.isnan(total), np.nan, extrapolated), np.where(np.isnan(total), np.nan, estimated))


def _filled(t: Floats, x: Floats, outside: Neighbour, step: int) -> tuple[Floats, Floats]:
    """The nearest reading on one side of every edge: shape (n, d + 1). step 1: the latest before; −1: the earliest after."""
    n = len(t)
    columns = [np.column_stack([outside.t, t]), np.column_stack([outside.x, x])] if step == 1 else [
        np.column_stack([t, outside.t])[:, ::-1], np.column_stack([x, outside.x])[:, ::-1]]  # fmt: skip
    at = np.maximum.accumulate(np.where(np.isfinite(columns[0]), np.arange(columns[0].shape[1]), 0), axis=1)
    rows = np.arange(n)[:, None]
    return columns[0][rows, at][:, ::step], columns[1][rows, at][:, ::step]


def _mean_rate(left_t: Floats, left: Floats, right_t: Floats, right: Floats) -> Floats:
    """Mean rate [m³/s] over everything known; NaN under one day of it."""
    first_t, first, last_t, last = right_t[:, 0], right[:, 0], left_t[:, -1], left[:, -1]
    first_t, first = np.where(np.isfinite(left_t[:, 0]), (left_t[:, 0], left[:, 0]), (first_t, first))
    last_t, last = np.where(np.isfinite(right_t[:, -1]), (right_t[:, -1], right[:, -1]), (last_t, last))
    span = last_t - first_t
    return np.where(span >= DAY_S, (last - first) / span, np.nan)


def _unseen(days: Days, index: Floats) -> tuple[Floats, Floats, Floats]:
    """Volume of each day before its first reading, after its last, and of whole days without a reading."""
    seen = days.count > 0
    lead = np.where(seen, days.first - index[:, :-1], 0.0)
    trail = np.where(seen, index[:, 1:] - days.last, 0.0)
    return lead, trail, np.where(seen, 0.0, np.diff(index, axis=1))


def _tagged(lead: Floats, trail: Floats, whole: Floats, tag: npt.NDArray[np.bool_]) -> Floats:
    """A gap belongs to the edges inside it: a day's lead to its start edge, its trail to its end edge, a whole day to either."""
    start, end = tag[:, :-1], tag[:, 1:]
    return lead * start + trail * end + whole * (start | end)


def rate_volumes(days: Days, interval_s: Floats) -> Volumes:
    """Daily volumes of a flow [m³/h]: mean flow times the day's length; the time no sample covers is tagged.

    A day without samples takes the window's mean flow: `estimated`.
    """
    length = np.diff(days.edges)[None, :]
    with np.errstate(invalid="ignore", divide="ignore"):
        cover = np.clip(days.count * interval_s[:, None] / length, 0.0, 1.0)
        weight = days.count.sum(axis=1)
        overall = np.nansum(days.mean * days.count, axis=1) / weight
    seen = days.count > 0
    flow = np.where(seen, days.mean, np.where(weight > 0, overall, np.nan)[:, None])
    total = flow * length / 3600.0
    cover = np.where(length > 0, cover, 1.0)
    extrapolated = np.where(seen & (cover < 0.9), total * (1 - cover), 0.0)
    return Volumes(total, np.where(np.isnan(total), np.nan, extrapolated), np.where(seen, 0.0, total))


def irregular(days: Days, before: Neighbour, after: Neighbour) -> npt.NDArray[np.bool_]:
    """Sensors whose index falls somewhere in the window, between its readings or within a day: shape (n,)."""
    left_t, left = _filled(days.last_t, days.last, before, 1)
    _, right = _filled(days.first_t, days.first, after, -1)
    with np.errstate(invalid="ignore"):
        between = (right < left) & np.isfinite(left_t)
        within = (days.minimum < days.first) | (days.maximum > days.last)
    return np.asarray(between.any(axis=1) | within.any(axis=1))


def unwrap(t: Floats, x: Floats, exchanged: npt.NDArray[np.bool_] | None = None) -> tuple[Floats, Floats]:
    """A falling index as one that rises, and the volume put in between by estimate: (index, estimated), shape (n,) each.

    One odd reading that the next one contradicts is dropped over; a fall from just under a power of ten to just over zero is a
    rollover; any other fall, and every True in `exchanged` (the first reading of a new device), is an exchange, for which the
    median rate stands in. A fall of at most BACKFLOW_M3 is kept as back-flow.
    """
    n = len(x)
    if n < 2:
        return x.copy(), np.zeros(n)
    x = _without_spikes(x)
    step, gap = np.diff(x), np.diff(t)
    rising = step >= 0
    usual = float(np.median(step[rising] / gap[rising])) if rising.any() else 0.0
    power = 10.0 ** np.ceil(np.log10(np.maximum(x[:-1], 1.0)))
    falls = step < -BACKFLOW_M3
    rolled = falls & (power >= 1000) & (x[:-1] > (1 - ROLLOVER_BAND) * power) & (x[1:] < ROLLOVER_BAND * power)
    other = falls & ~rolled if exchanged is None else (falls & ~rolled) | exchanged[1:]
    step = np.where(other, usual * gap, np.where(rolled, step + power, step))
    return np.concatenate([[x[0]], x[0] + np.cumsum(step)]), np.concatenate([[0.0], np.where(other, step, 0.0)])


def _without_spikes(x: Floats) -> Floats:
    """Single readings outside both neighbours, where the neighbours themselves rise, become the earlier neighbour."""
    if len(x) < 3:
        return x
    before, at, after = x[:-2], x[1:-1], x[2:]
    odd = (after >= before) & ((at < before - BACKFLOW_M3) | (at > after + BACKFLOW_M3))
    clean = x.copy()
    clean[1:-1][odd] = before[odd]
    return clean


def by_day(t: Floats, x: Floats, edges: Floats) -> Days:
    """One sensor's readings as Days of one row, the way the store aggregates them."""
    cut = np.searchsorted(t, edges)
    d = len(edges) - 1
    table = np.full((7, 1, d), np.nan)
    count = np.diff(cut)[None, :].astype(np.int64)
    for i in np.flatnonzero(count[0]):
        part = slice(cut[i], cut[i + 1])
        values = x[part]
        table[:, 0, i] = values.min(), values.mean(), values.max(), values[0], values[-1], t[part][0], t[part][-1]
    return Days(edges, count, *table)
