"""Sequential tests on residuals of a baseline: CUSUM in closed form, its thresholds, onset and end."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from core.model import Floats

_CHUNK = 8192


class Shift(NamedTuple):
    """A shift of the mean found by CUSUM, in indices: last zero before, alarm, last index of it (None while it lasts)."""

    onset: int
    alarm: int
    end: int | None
    peak: float


def cusum(e: Floats, k: float, c0: float = 0.0) -> Floats:
    """C_t = max(0, C_{t−1} + e_t − k) from c0 ≥ 0, no NaN in e (Page 1954).

    Without a loop it is S − min(0, running minimum of S) with S = c0 + Σ(e − k).
    """
    s = c0 + np.cumsum(e - k)
    c: Floats = s - np.minimum(0.0, np.minimum.accumulate(s))
    return c


def threshold(arl0: float, k: float = 0.5) -> float:
    """h so that a one-sided CUSUM on N(0, 1) alarms by chance once in arl0 samples.

    Siegmund's formula (e^{2kb} − 2kb − 1)/(2k²), b = h + 1.166, solved by Newton's method; within 1 % of exact for k = 0.5.
    """
    b = math.log(max(arl0, 2.0) * 2 * k * k + 1) / (2 * k) + 1.0
    for _ in range(50):
        value = (math.exp(2 * k * b) - 2 * k * b - 1) / (2 * k * k) - arl0
        step = value / ((math.exp(2 * k * b) - 1) / k)
        b -= step
        if abs(step) < 1e-9:
            break
    return b - 1.166


def calibrated(e: Floats, k: float, mean_samples: float, first_day: int = 0, days: int = 56, least: int = 20) -> Floats:
    """Thresholds h of each sample of e (days, steps), NaN where not known: flattened, one h a week from the `days` before it.

    `first_day` is the day number of e's first row: weeks begin on the same days whatever the window.

    CUSUM climbs between zeros have tops whose tail is nearly exponential; with n climbs over u in T samples and a mean excess m over it,
    one climb in `mean_samples` exceeds h = u + m · ln(n·mean_samples/T); m is the larger of median/ln 2 and the mean without the two
    largest, so that a true alarm or two do not count. Real data have heavier tails than N(0, 1) and keep some of their correlation; this
    pays for both, series by series. Never below 0.75 of Siegmund's h; until `least` climbs are known, 1.2 times it.
    """
    theory = threshold(mean_samples, k)
    flat = e.ravel()
    known = np.flatnonzero(np.isfinite(flat))
    c = cusum(flat[known], k)
    zero = np.concatenate(([True], c[1:] <= 0)) if c.size else np.empty(0, np.bool_)
    starts = np.flatnonzero(zero)
    tops = np.maximum.reduceat(c, starts) if starts.size else np.empty(0)
    over = tops > 0
    tops, ends = tops[over], np.append(starts[1:], c.size)[over] - 1
    day = known[ends] // e.shape[1]
    samples = np.concatenate(([0], np.cumsum(np.isfinite(e).sum(axis=1))))
    h = np.full(e.shape[0], 1.2 * theory)
    for d in range(-first_day % 7, e.shape[0], 7):
        low, high = np.searchsorted(day, [max(0, d - days), d])
        past = np.sort(tops[low:high])
        if past.size >= least:
            first = math.ceil(0.8 * past.size)
            u, m = float(past[first - 1]), past.size - first
            over_u = past[first:] - u
            excess = max(float(over_u[m // 2]) / math.log(2.0), float(over_u[: max(1, m - 2)].mean()))
            span = samples[d] - samples[max(0, d - days)]
            own = u + excess * math.log(max(1.0, m * mean_samples / span))
            h[d : d + 7] = max(0.75 * theory, own)
    return np.repeat(h, e.shape[1])


def shifts(e: Floats, k: float, h: Floats | float, h_end: float) -> list[Shift]:
    """Every upward shift of e (standardised, no NaN): CUSUM over h (one, or one per sample).

    It is over where the sum has since fallen by h_end from its top.
    """
    found: list[Shift] = []
    position = 0
    bar = np.broadcast_to(np.asarray(h, np.float64), e.shape)
    while position < e.size:
        climb = _climb(e, k, bar, position)
        if climb is None:
            break
        onset, alarm = climb
        end, top, peak = _descent(e, k, h_end, onset, alarm)
        found.append(Shift(onset, alarm, top if end is not None else None, peak))
        if end is None:
            break
        position = end + 1
    return found


def _climb(e: Floats, k: float, h: Floats, position: int) -> tuple[int, int] | None:
    """(first sample of the climb, first sample over h) from a position on, looking through chunks; None where there is none."""
    c0, zero = 0.0, position - 1
    while position < e.size:
        c = cusum(e[position : position + _CHUNK], k, c0)
        over = np.flatnonzero(c > h[position : position + _CHUNK])
        zeros = np.flatnonzero(c[: over[0]] <= 0) if over.size else np.flatnonzero(c <= 0)
        zero = position + int(zeros[-1]) if zeros.size else zero
        if over.size:
            return zero + 1, position + int(over[0])
        c0, position = float(c[-1]), position + _CHUNK
    return None


def _descent(e: Floats, k: float, h_end: float, onset: int, alarm: int) -> tuple[int | None, int, float]:
    """(sample at which the sum has fallen by h_end, sample of its top, the top) of a shift; None where it lasts."""
    total, peak, top, position = float(np.sum(e[onset:alarm] - k)), -math.inf, alarm, alarm
    while position < e.size:
        s = total + np.cumsum(e[position : position + _CHUNK] - k)
        highest = np.maximum(np.maximum.accumulate(s), peak)
        done = np.flatnonzero(highest - s > h_end)
        part = s[: done[0] + 1] if done.size else s
        if part.max() > peak:
            peak, top = float(part.max()), position + int(np.argmax(part))
        if done.size:
            return position + int(done[0]), top, peak
        total, position = float(s[-1]), position + _CHUNK
    return None, top, peak
