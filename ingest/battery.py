"""A battery's trend: daily means, a robust slope, and the months until it is empty."""

from __future__ import annotations

from statistics import median

DAY_S = 86_400.0
DAYS = 90
ENOUGH_DAYS = 7
CUTOFF = {"battery_v": 3.0, "battery_pct": 10.0}
"""Where a sensor is counted as empty unless its own data sheet says otherwise."""


class BatteryTrend:
    """Values by day, at most the last 90 days."""

    def __init__(self) -> None:
        self._days: dict[int, tuple[float, int]] = {}
        self._newest = (0.0, float("nan"))

    @property
    def value(self) -> float:
        """The newest value; NaN before the first."""
        return self._newest[1]

    def add(self, t: float, value: float) -> None:
        """Note a value at a time [Unix s]."""
        if t >= self._newest[0]:
            self._newest = (t, value)
        day = int(t // DAY_S)
        total, n = self._days.get(day, (0.0, 0))
        self._days[day] = (total + value, n + 1)
        if len(self._days) > DAYS:
            del self._days[min(self._days)]

    def slope_per_day(self) -> float | None:
        """Theil–Sen slope over the daily means; None before a week of days (Sen 1968, J. Am. Stat. Assoc. 63:1379)."""
        if len(self._days) < ENOUGH_DAYS:
            return None
        points = [(day, total / n) for day, (total, n) in self._days.items()]
        return median((b - a) / (q - p) for i, (p, a) in enumerate(points) for q, b in points[i + 1 :])

    def months_left(self, cutoff: float) -> float | None:
        """Months until the line through the newest value reaches `cutoff`; None when it does not fall or is not known yet."""
        slope = self.slope_per_day()
        if slope is None or slope >= 0.0:
            return None
        return max(0.0, (self.value - cutoff) / -slope / 30.44)
