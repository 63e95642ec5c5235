"""The quality class of one value after KS/SSB: five principles of ESS QAF 2.0; worked out per value, never set by hand.

Class 1: all five hold. Class 3: it cannot be produced; the value is null with a reason. Class 2: everything else, with the failed
principles named. Limits are proposals (P) but the 90 % cover, which England's event duration monitoring asks for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from analytics.indicators.amounts import Amount
from analytics.indicators.entry import Indicator, Profile

COMPLETENESS_MIN = 0.90
COMPLETENESS_NULL = 0.50
ESTIMATED_MAX = 0.10
POINTS_MEETING_MIN = 0.95
"""Share of the points of an event figure that have the completeness of class 1."""
PUBLISH_WITHIN_DAYS = 45
MASTER_MAX_AGE_MONTHS = 12.05
"""Twelve months, and the rounding of a leap year."""
MASTER_NULL_AGE_MONTHS = 36.0
ZONE_RESIDUAL_MAX = 0.02
RELATIVE_U_MAX: Mapping[Profile, float] = {"vol": 0.10}
PRINCIPLES = ("relevance", "accuracy", "timeliness", "coherence", "accessibility")


@dataclass(frozen=True, slots=True)
class Quality:
    """Class 1–3, the principles that failed, why in words (English), and for class 3 the reason code."""

    quality_class: int
    failed: tuple[str, ...]
    why: tuple[str, ...]
    reason: str | None = None


def obstacle(inputs: Mapping[str, Amount], completeness: float) -> tuple[str, str] | None:
    """(reason code, what) that makes a value impossible (class 3), or None."""
    for name, amount in inputs.items():
        if amount.value is None:
            return amount.reason or "required_input_missing", f"{name}: {', '.join(amount.notes) or 'missing'}"
    stale = next((n for n, a in inputs.items() if a.age_months is not None and a.age_months > MASTER_NULL_AGE_MONTHS), None)
    if stale:
        return "master_data_stale", f"{stale}: over {MASTER_NULL_AGE_MONTHS:.0f} months old"
    if completeness < COMPLETENESS_NULL:
        return "low_completeness", f"{completeness:.0%} of the expected samples"
    return None


def assess(
    indicator: Indicator,
    inputs: Mapping[str, Amount],
    *,
    completeness: float,
    estimated: float,
    relative_expanded_u: float,
    published_after_days: float,
    zone_residual: float,
    outside: str = "",
) -> Quality:
    """The class of a value that could be produced. Shares and completeness are 0–1; NaN: does not apply."""
    checks = (
        ("relevance", not indicator.sdg.targets, "no SDG target"),
        ("accuracy", completeness < COMPLETENESS_MIN, f"completeness {completeness:.0%} < {COMPLETENESS_MIN:.0%}"),
        *(
            ("accuracy", a.points_meeting < POINTS_MEETING_MIN, f"{name}: {a.points_meeting:.0%} of points with 90 % cover")
            for name, a in inputs.items()
        ),
        ("accuracy", estimated > ESTIMATED_MAX, f"estimated share {estimated:.0%} > {ESTIMATED_MAX:.0%}"),
        ("accuracy", relative_expanded_u > RELATIVE_U_MAX.get(indicator.profile, math.inf), f"relative U {relative_expanded_u:.0%} > 10%"),
        ("accuracy", not all(a.calibration_valid for a in inputs.values()), "calibration or meter test has run out"),
        ("timeliness", published_after_days > PUBLISH_WITHIN_DAYS, f"first published {published_after_days:.0f} days after the period"),
        *(("timeliness", *_age(name, a)) for name, a in inputs.items()),
        ("coherence", indicator.is_proxy, f"{indicator.sdg.relation} of {indicator.sdg.indicator}: not the official definition"),
        ("coherence", indicator.profile == "prox" and not indicator.is_proxy, "definition deviates from the official one"),
        ("coherence", bool(outside), f"outside the formula's published limits: {outside}"),
        ("coherence", zone_residual > ZONE_RESIDUAL_MAX, f"zones differ from the whole by {zone_residual:.1%}"),
        *(("coherence", a.cap > 1, f"{name}: {'; '.join(a.notes)}") for name, a in inputs.items()),
    )
    failed = [(principle, why) for principle, broken, why in checks if broken]
    names = tuple(p for p in PRINCIPLES if any(p == q for q, _ in failed))
    return Quality(2 if failed else 1, names, tuple(why for _, why in failed))


def _age(name: str, amount: Amount) -> tuple[bool, str]:
    age = amount.age_months
    if age is None:
        return False, ""
    if math.isnan(age):
        return True, f"{name}: undated"
    return age > MASTER_MAX_AGE_MONTHS, f"{name}: {age:.0f} months old"
