"""What the utility tolerates and what it gets: false alarms stated, measured, and how far each rule can be trusted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from analytics.detector import Detector

WEEK_S = 7 * 86_400.0


class Trust(NamedTuple):
    """Posterior of a rule's precision: mean and 90 % interval, and how many alarms people have judged."""

    mean: float
    low: float
    high: float
    judged: int


@dataclass(frozen=True, slots=True)
class Spent:
    """Measured beside stated [per week, whole town]; `low`, `high`: 90 % interval of the measured; `ratio`: measured/stated."""

    stated: float
    measured: float
    low: float
    high: float
    ratio: float | None
    weeks: float


def shares(detectors: Mapping[str, Detector], per_week: float) -> dict[str, float]:
    """False alarms per week that each detector may raise by chance in the whole town; they sum to at most what the utility tolerates."""
    return {key: per_week * d.budget_share for key, d in detectors.items() if d.budget_share > 0}


def spent(false_alarms: int, seconds: float, stated_per_week: float) -> Spent:
    """The measured rate of false alarms over a time, with the Poisson 90 % interval (Wilson–Hilferty form of its χ² quantiles)."""
    weeks = seconds / WEEK_S
    low = _chi2(0.05, 2 * false_alarms) / 2 if false_alarms else 0.0
    high = _chi2(0.95, 2 * (false_alarms + 1)) / 2
    rate = false_alarms / weeks
    return Spent(stated_per_week, rate, low / weeks, high / weeks, rate / stated_per_week if stated_per_week > 0 else None, weeks)


def trust(feedback: Iterable[str | None], prior: tuple[float, float] = (2.0, 1.0)) -> Trust:
    """Beta posterior of a rule's precision from people's verdicts ("true", "false"; anything else does not count).

    The prior of two true and one false says: believed, but not much. Interval by the normal approximation of the logit.
    """
    verdicts = [v for v in feedback if v in ("true", "false")]
    a = prior[0] + sum(v == "true" for v in verdicts)
    b = prior[1] + sum(v == "false" for v in verdicts)
    middle, spread = math.log(a / b), 1.645 * math.sqrt(1 / a + 1 / b)
    return Trust(a / (a + b), _sigmoid(middle - spread), _sigmoid(middle + spread), len(verdicts))


def precision_by_rule(verdicts: Iterable[tuple[str, str | None]]) -> dict[str, Trust]:
    """Trust in every kind of alarm from (kind, feedback) of all that were raised."""
    by: dict[str, list[str | None]] = {}
    for kind, feedback in verdicts:
        by.setdefault(kind, []).append(feedback)
    return {kind: trust(given) for kind, given in sorted(by.items())}


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def _chi2(q: float, df: int) -> float:
    """Quantile of χ² with df degrees of freedom (Wilson and Hilferty 1931), q of 0.05 or 0.95."""
    z = 1.6448536 if q > 0.5 else -1.6448536
    return float(df * (1 - 2 / (9 * df) + z * math.sqrt(2 / (9 * df))) ** 3)
