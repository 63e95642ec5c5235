"""Pressure transients: what a device that samples fast sums up, against the water hammer a change of flow can make."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from core.model import Floats

WAVE_M_S = {"ductile_iron": 1200.0, "steel": 1200.0, "pvc": 450.0, "pe": 400.0}
"""Speed of the pressure wave by pipe material [m/s]."""
_M_PER_BAR = 10.197
G = 9.81


class Transient(NamedTuple):
    """One summary: lowest, highest and range [bar] in a window, and how many swings passed the limit."""

    start: float
    low_bar: float
    high_bar: float
    range_bar: float
    swings: int


def joukowsky_bar(dv_m_s: float, material: str = "ductile_iron") -> float:
    """Pressure step [bar] of a sudden change of velocity: a·Δv/g (Joukowsky 1898)."""
    return WAVE_M_S[material] * dv_m_s / G / _M_PER_BAR


def summaries(t: Floats, x: Floats, window_s: float = 900.0, swing_bar: float = 0.5) -> list[Transient]:
    """Windows of t [s] whose pressure x [bar] swings by more than swing_bar from sample to sample; NaN is skipped."""
    keep = np.isfinite(x)
    t, x = t[keep], x[keep]
    if t.size < 2:
        return []
    cell = np.floor_divide(t, window_s).astype(np.int64)
    first = np.flatnonzero(np.diff(cell, prepend=cell[0] - 1))
    low, high = np.minimum.reduceat(x, first), np.maximum.reduceat(x, first)
    swing = np.abs(np.diff(x, prepend=x[0])) > swing_bar
    count = np.add.reduceat(swing.astype(np.int64), first)
    return [
        Transient(float(cell[f] * window_s), float(a), float(b), float(b - a), int(n))
        for f, a, b, n in zip(first, low, high, count, strict=True)
        if n
    ]
