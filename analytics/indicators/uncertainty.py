"""Propagation of uncertainty through any formula of the catalogue (GUM, first order, numeric derivatives)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from analytics.indicators.entry import Inputs, Parts

COVERAGE = 2.0
"""k for the 95 % interval."""
STEP = 1e-6


def sensitivities(compute: Callable[[Inputs], Parts], values: Mapping[str, float]) -> dict[str, float]:
    """∂value/∂input at the inputs, by central differences with a relative step; NaN where the formula gives no value."""
    return {name: _derivative(compute, values, name) for name in values}


def _derivative(compute: Callable[[Inputs], Parts], values: Mapping[str, float], name: str) -> float:
    h = STEP * max(abs(values[name]), 1e-3)
    up = compute({**values, name: values[name] + h}).value
    down = compute({**values, name: values[name] - h}).value
    return math.nan if up is None or down is None else (up - down) / (2 * h)


def standard(derivatives: Mapping[str, float], u: Mapping[str, float]) -> float:
    """u(value) = √Σ(∂f/∂x·u(x))², inputs independent of one another; NaN where any u that matters is unknown."""
    terms = [0.0 if derivatives[n] == 0 else derivatives[n] * u[n] for n in derivatives]
    return math.sqrt(sum(t * t for t in terms)) if not any(math.isnan(t) for t in terms) else math.nan
