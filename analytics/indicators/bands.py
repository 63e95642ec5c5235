"""U4SSC's bands of goal distance: score = 100·(value − start)/(target − start); the start decides the band, so it is always printed."""

from __future__ import annotations

from dataclasses import dataclass

from analytics.indicators.entry import Indicator

BOUNDS = ((95.0, 4, "95 %+"), (66.0, 3, "66–95 %"), (33.0, 2, "33–66 %"), (float("-inf"), 1, "< 33 %"))


@dataclass(frozen=True, slots=True)
class Band:
    """Score [%] of the way from start (worst) to target, and its band: 4 is best. A score may be negative or over 100."""

    score: float
    points: int
    label: str
    start: float
    target: float


def band(value: float, start: float, target: float) -> Band:
    """The band of a value. Raises ValueError where start and target are the same."""
    if start == target:
        raise ValueError("start and target must differ")
    score = 100.0 * (value - start) / (target - start)
    points, label = next((points, label) for low, points, label in BOUNDS if score >= low)
    return Band(score, points, label, start, target)


def band_of(indicator: Indicator, value: float | None, start: float | None = None, target: float | None = None) -> Band | None:
    """The band against given or the catalogue's own goal; None without a goal. A percentage starts at its worst end, 0 or 100."""
    goal = target if target is not None else next((b.value for b in indicator.benchmarks if b.op != "=" and b.status == "V"), None)
    lower = indicator.polarity == "lower_is_better"
    worst = start if start is not None else (100.0 if lower else 0.0) if indicator.unit == "%" else None
    if value is None or goal is None or worst is None or goal == worst:
        return None
    return band(value, worst, goal)
