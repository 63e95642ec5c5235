"""Quality flags at ingest, after QARTOD: gross range, the product's span, the usual range, the clock.

Every flag here depends on the reading and the registry alone, never on its neighbours, so the same uplinks leave the same
store in whatever order they come. Spike, rate and flat-line tests need neighbours and belong to analytics, which sees the
whole series again when late data arrive.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from core.model import Flag, Flags, Floats
from core.quantities import QUANTITIES

USUAL: Mapping[str, tuple[float, float]] = {"pressure_bar": (1.0, 10.0)}
"""Outside this a value is suspect, not wrong: a burst looks like that."""
NETWORK_SPAN: Mapping[str, tuple[float, float]] = {"pressure_bar": (-0.5, 25.0)}
"""Tighter than the hard physical bounds: no water network goes there."""
_EVERYTHING = (-np.inf, np.inf)


class Limits(NamedTuple):
    """Fail outside [low, high], suspect outside [usual_low, usual_high]; canonical unit."""

    low: float
    high: float
    usual_low: float
    usual_high: float


def limits_of(quantity: str, bounds: Mapping[str, tuple[float, float]]) -> Limits:
    """The narrowest of hard bounds, network span and the product's measuring span; and the usual range."""
    hard, usual = QUANTITIES[quantity], USUAL.get(quantity, _EVERYTHING)
    spans = (NETWORK_SPAN.get(quantity, _EVERYTHING), bounds.get(quantity, _EVERYTHING))
    return Limits(max(hard.low, *(s[0] for s in spans)), min(hard.high, *(s[1] for s in spans)), *usual)


def evaluate(x: Floats, limits: Floats, given: Flags) -> Flags:
    """Flags of n values. limits: shape (n, 4), columns as `Limits`; given: what product and clock say (0 to 4).

    The worst counts: missing, fail, suspect, good.
    """
    with np.errstate(invalid="ignore"):
        fail = (x < limits[:, 0]) | (x > limits[:, 1])
        suspect = (x < limits[:, 2]) | (x > limits[:, 3])
    flag = np.where(fail, Flag.FAIL, np.where(suspect, Flag.SUSPECT, Flag.GOOD)).astype(np.uint8)
    flag = np.where(given >= Flag.SUSPECT, np.maximum(flag, given), flag)
    return np.where(np.isfinite(x), flag, Flag.MISSING).astype(np.uint8)
