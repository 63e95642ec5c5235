"""What a series normally is at this hour of the week, known from its past alone, and how far from it it is now."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from analytics.local_time import DAY_S, local_seconds, weekday
from core.model import Floats

Ints = npt.NDArray[np.int64]


class Grid(NamedTuple):
    """A series as means over regular steps of local days: `x` of shape (days, steps), NaN where nothing came.

    `t` [Unix s] is the last sample of each step; `n` counts samples per step; `days` are local day
    numbers without gaps; `kind` their weekday (holidays are Sundays).
    """

    x: Floats
    t: Floats
    n: Ints
    days: Ints
    kind: Ints
    step_s: float


STEPS_S = (900.0, 1800.0, 3600.0, 7200.0, 10_800.0, 14_400.0, 21_600.0, 28_800.0, 43_200.0, 86_400.0)


def on_grid(t: Floats, x: Floats, step_s: float) -> Grid:
    """Means of x (no NaN) over steps of local time. In the hour that autumn repeats, both go into one step; in spring's it is empty."""
    local = local_seconds(t)
    per_day = round(DAY_S / step_s)
    cell = np.floor_divide(local, step_s).astype(np.int64)
    first, last = int(cell[0]) // per_day, int(cell[-1]) // per_day
    n_cells = (last - first + 1) * per_day
    place = cell - first * per_day
    if np.any(np.diff(place) < 0):
        place = np.maximum.accumulate(place)
    starts = np.flatnonzero(np.diff(place, prepend=-1))
    count = np.diff(starts, append=place.size)
    values = np.full(n_cells, np.nan)
    times = np.full(n_cells, np.nan)
    number = np.zeros(n_cells, np.int64)
    values[place[starts]] = np.add.reduceat(x, starts) / count
    times[place[starts]] = t[starts + count - 1]
    number[place[starts]] = count
    days = np.arange(first, last + 1)
    shape = (days.size, per_day)
    return Grid(values.reshape(shape), times.reshape(shape), number.reshape(shape), days, weekday(days), step_s)


def step_for(interval_s: float, least_s: float = 900.0) -> float:
    """The finest step of a day that holds a sample each."""
    return next((s for s in STEPS_S if s >= max(interval_s * 0.999, least_s)), DAY_S)


def sorted_median(x: Floats, axis: int) -> tuple[Floats, Ints]:
    """(median of the finite values, their number) along an axis: NaN sorts last, so the middle two of the finite count are picked."""
    n = np.isfinite(x).sum(axis=axis).astype(np.int64)
    order = np.sort(x, axis=axis)
    low = np.take_along_axis(order, np.expand_dims(np.maximum(n - 1, 0) // 2, axis), axis).squeeze(axis)
    high = np.take_along_axis(order, np.expand_dims(np.minimum(n // 2, x.shape[axis] - 1), axis), axis).squeeze(axis)
    return np.where(n > 0, (low + high) / 2, np.nan), n


def expected(grid: Grid, weeks: int = 8, least: int = 3) -> Floats:
    """Baseline of shape (days, steps): for each day the median, hour by hour, over the same weekday of up to `weeks` weeks before it.

    Where fewer than `least` of them have data, over the workdays, or the days off, of three weeks; else over fourteen days.
    Nothing of the day itself or later takes part, except that each hour of a public holiday is compared with a Sunday or with its plain
    weekday, whichever is nearer.
    """
    hourly, per_hour = _hourly(grid)
    recent, n = _trailing(hourly, grid.days, 14, 14)
    recent = np.where(n >= least, recent, np.nan)
    for off in (False, True):
        rows = np.flatnonzero((grid.kind >= 5) == off)
        if not rows.size:
            continue
        alike, n = _trailing(hourly[rows], grid.days[rows], 10, 21)
        recent[rows] = np.where(n >= least, alike, recent[rows])
    plain = (grid.days + 3) % 7
    profile = _by_kind(hourly, grid.days, grid.kind, weeks, least, recent)
    free = np.flatnonzero(plain != grid.kind)
    if free.size:
        workday = _by_kind(hourly, grid.days, plain, weeks, least, recent)[free]
        nearer = np.abs(hourly[free] - workday) < np.abs(hourly[free] - profile[free])
        profile[free] = np.where(nearer, workday, profile[free])
    return _between(profile, per_hour)


def _by_kind(hourly: Floats, days: Ints, kind: Ints, weeks: int, least: int, otherwise: Floats) -> Floats:
    profile = otherwise.copy()
    for one in range(7):
        rows = np.flatnonzero(kind == one)
        if rows.size:
            same, count = _trailing(hourly[rows], days[rows], weeks, weeks * 7 + 1)
            profile[rows] = np.where(count >= least, same, otherwise[rows])
    return profile


def _hourly(grid: Grid) -> tuple[Floats, int]:
    """Means per hour of day (or per step where steps are longer), and the number of steps in each."""
    per = max(1, round(3600.0 / grid.step_s))
    shaped = grid.x.reshape(grid.x.shape[0], -1, per)
    there = np.isfinite(shaped)
    n = there.sum(axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(n > 0, np.where(there, shaped, 0.0).sum(axis=2) / n, np.nan), per


def _trailing(rows: Floats, days: Ints, back: int, within_days: int) -> tuple[Floats, Ints]:
    """For each row the median and count of up to `back` rows before it that are no older than within_days."""
    padded = np.concatenate((np.full((back, rows.shape[1]), np.nan), rows[:-1])) if len(rows) else rows
    age = np.concatenate((np.full(back, -(10**9)), days[:-1])) if len(rows) else days
    window = np.lib.stride_tricks.sliding_window_view(padded, back, axis=0).copy()
    old = days[:, None] - np.lib.stride_tricks.sliding_window_view(age, back) > within_days
    window[np.broadcast_to(old[:, None, :], window.shape)] = np.nan
    return sorted_median(window, 2)


def _between(profile: Floats, per: int) -> Floats:
    """Hourly values as a straight line between the middles of hours, `per` steps each."""
    if per == 1:
        return profile
    previous = np.concatenate((profile[:, :1], profile[:, :-1]), axis=1)
    following = np.concatenate((profile[:, 1:], profile[:, -1:]), axis=1)
    previous, following = (np.where(np.isfinite(other), other, profile) for other in (previous, following))
    place = (np.arange(per) + 0.5) / per - 0.5
    parts = [np.where(w < 0, profile + w * (profile - previous), profile + w * (following - profile)) for w in place]
    return np.stack(parts, axis=2).reshape(profile.shape[0], -1)


def day_level(residual: Floats, rate: float = 0.1, days: int = 28, limit: Floats | float = np.inf) -> Floats:
    """Slow level of each day known from the days before: weighted mean of their median residual, weights (1 − rate)^age.

    `limit` clips each day, so that what is wrong today is not normal tomorrow. Shape (days,)."""
    median, n = sorted_median(residual, 1)
    limit = np.where(np.isfinite(limit), limit, np.inf)
    median = np.clip(np.where(n > 0, median, np.nan), -limit, limit)
    weight = (1 - rate) ** np.arange(days)
    level = np.zeros(median.size)
    value, there = np.nan_to_num(median), np.isfinite(median).astype(np.float64)
    top, bottom = (np.convolve(v, weight)[: median.size] for v in (value, there))
    with np.errstate(invalid="ignore", divide="ignore"):
        level[1:] = np.where(bottom > 0, top / bottom, 0.0)[:-1]
    return level


def pooled_scale(residual: Floats, days: int = 28, blocks: int = 12, floor: float = 0.0) -> Floats:
    """Standard deviation per day and step from the days before: 1.4826 · median |residual| pooled over two-hour blocks.

    Each day and block gives its own median; the trailing mean over `days` days pools them to n ≥ 64 once eight days are there.
    Shape as residual.
    """
    n_days, steps = residual.shape
    blocks = min(blocks, steps)
    size = steps // blocks
    middle, n = sorted_median(np.abs(residual).reshape(n_days, blocks, size), 2)
    value, there = np.where(n > 0, middle, 0.0), (n > 0).astype(np.float64)
    value, there = (v + np.roll(v, 1, axis=1) + np.roll(v, -1, axis=1) for v in (value, there))
    top, bottom = trailing_sum(value, days), trailing_sum(there, days)
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.where(bottom > 0, 1.4826 * top / bottom, np.nan)
    out: Floats = np.maximum(np.repeat(scale, size, axis=1), floor)
    return out


def trailing_sum(rows: Floats, days: int) -> Floats:
    """For each row (a day) the sum over up to `days` rows before it; shape kept."""
    total = np.cumsum(np.concatenate((np.zeros((1, *rows.shape[1:])), rows)), axis=0)
    now = np.arange(rows.shape[0])
    out: Floats = total[now] - total[np.maximum(now - days, 0)]
    return out


def whitened(z: Floats, days: int = 28, least_days: int = 7, clip: float = 5.0) -> Floats:
    """z (days, steps) as nearly independent N(0, 1) values e, judged day by day from the days before; NaN where not known.

    First an AR(1) with φ̂ in [0, .95] is taken out and each value clipped; then what remains is divided by the root of the variance of its
    daily sums (never below 1), so that correlation at any lag costs sensitivity and not false alarms.
    """
    shape = z.shape
    flat = np.clip(z.ravel(), -3, 3)
    before = np.concatenate(([np.nan], flat[:-1]))
    pair = np.isfinite(flat) & np.isfinite(before)
    product = np.where(pair, flat * before, 0.0).reshape(shape).sum(axis=1)
    square = np.where(pair, before * before, 0.0).reshape(shape).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        phi = np.clip(np.nan_to_num(trailing_sum(product, days) / trailing_sum(square, days)), 0.0, 0.95)[:, None]
    last = np.concatenate(([np.nan], z.ravel()[:-1])).reshape(shape)
    e = np.clip(np.where(np.isfinite(last), (z - phi * last) / np.sqrt(1 - phi**2), z), -clip, clip)
    there = np.isfinite(e)
    n = there.sum(axis=1)
    daily = np.abs(np.where(there, np.clip(e, -3, 3), 0.0).sum(axis=1)) / np.sqrt(np.maximum(n, 1))
    spread = 1.4826 * _trailing_median(np.where(n >= max(1, shape[1] // 4), daily, np.nan), days, least_days)
    out: Floats = e / np.maximum(spread, 1.0)[:, None]
    return out


def _trailing_median(values: Floats, days: int, least: int) -> Floats:
    padded = np.concatenate((np.full(days, np.nan), values[:-1]))
    middle, n = sorted_median(np.lib.stride_tricks.sliding_window_view(padded, days), 1)
    return np.where(n >= least, middle, np.nan)
