"""Sequential tests on residuals of a baseline: CUSUM in closed form, its thresholds, onset and end."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from core.model import Floats


class Shift(NamedTuple):
    """A shift of the mean found by CUSUM, in indices: last zero before, alarm, last index of it (None while it lasts)."""

    onset: int
    alarm: int
    end: int | None
    peak: float


def cusum(e: Floats, k: float) -> Floats:
    """C_t = max(0, C_{t−1} + e_t − k) without a loop: S − min(0, running minimum of S), S = Σ(e − k). No NaN. Page 1954."""
    s = np.cumsum(e - k)
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


def shifts(e: Floats, k: float, h: float, h_end: float) -> list[Shift]:
    """Every upward shift of e (standardised, no NaN): CUSUM over h; ended where the sum has since fallen by h_end from its top."""
    found: list[Shift] = []
    position = 0
    while position < e.size:
        c = cusum(e[position:], k)
        over = np.flatnonzero(c > h)
        if not over.size:
            break
        alarm = int(over[0])
        zeros = np.flatnonzero(c[:alarm] <= 0)
        onset = int(zeros[-1]) + 1 if zeros.size else 0
        s = np.cumsum(e[position + onset :] - k)
        fallen = np.flatnonzero((np.maximum.accumulate(s) - s)[alarm - onset :] > h_end)
        stop = alarm - onset + int(fallen[0]) if fallen.size else s.size - 1
        top = int(np.argmax(s[: stop + 1]))
        found.append(Shift(position + onset, position + alarm, position + onset + top if fallen.size else None, float(s[top])))
        if not fallen.size:
            break
        position += onset + stop + 1
    return found
