"""Progress towards a target with the method of Open SDG (Statistics Canada): actual growth against the growth that was needed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from analytics.indicators.entry import Polarity, Text

ZERO = 0.001
"""A zero value or target is replaced by this, as the method says."""
WITH_TARGET = ((95.0, "on_track"), (60.0, "acceleration_needed"), (0.0, "limited_progress"), (-math.inf, "deterioration"))
WITHOUT_TARGET = ((1.5, "on_track"), (0.5, "acceleration_needed"), (0.0, "limited_progress"), (-math.inf, "deterioration"))
LABELS = {
    "on_track": Text("On track", "I rute"),
    "acceleration_needed": Text("Progress, but must speed up", "Framgang, men tempoet må opp"),
    "limited_progress": Text("Limited progress", "Begrenset framgang"),
    "deterioration": Text("Deterioration", "Tilbakegang"),
}


@dataclass(frozen=True, slots=True)
class Progress:
    """growth and needed: compound yearly growth [%]; ratio [%] of the two (None without a target)."""

    growth: float
    needed: float | None
    ratio: float | None
    status: str


def progress(
    first: tuple[float, float], newest: tuple[float, float], polarity: Polarity, target: tuple[float, float] | None = None
) -> Progress:
    """Progress from first to newest, each (year, value), towards target (deadline year, value).

    A target that the newest value already meets is on track. Raises ValueError where the years do not ascend.
    """
    (y0, v0), (y1, v1) = first, newest
    if not y1 > y0 or (target is not None and not target[0] > y0):
        raise ValueError("progress needs a first year before the newest, and before the target's")
    growth = _growth(v0, v1, y1 - y0)
    good = growth if polarity == "higher_is_better" else -growth
    if target is None:
        return Progress(growth, None, None, _status(good, WITHOUT_TARGET))
    needed = _growth(v0, target[1], target[0] - y0)
    met = v1 >= target[1] if polarity == "higher_is_better" else v1 <= target[1]
    if met or needed == 0:
        return Progress(growth, needed, None, "on_track" if met else _status(good, WITHOUT_TARGET))
    ratio = 100.0 * growth / needed
    return Progress(growth, needed, ratio, _status(ratio, WITH_TARGET))


def _growth(first: float, last: float, years: float) -> float:
    return 100.0 * (math.pow(max(last, ZERO) / max(first, ZERO), 1.0 / years) - 1.0)


def _status(x: float, table: tuple[tuple[float, str], ...]) -> str:
    return next(name for low, name in table if x >= low)
