"""One input of an indicator: its value and everything the quality rule must know about it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Shares = tuple[float, float, float]
"""(direct, extrapolated, estimated), summing to 1."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A value in its input's unit, None where it cannot be had (then `reason` is one of REASONS).

    u: standard uncertainty in the same unit, NaN unknown. completeness: share of expected samples received, NaN where no sensor
    is behind it. shares: None where nothing was measured or estimated (registers). age_months: of master data, NaN undated.
    """

    value: float | None
    u: float = 0.0
    completeness: float = math.nan
    shares: Shares | None = None
    age_months: float | None = None
    reason: str | None = None
    cap: int = 1
    """The best class a figure using it can have; `notes` say why."""
    calibration_valid: bool = True
    points_meeting: float = math.nan
    """Share of the points whose own completeness is at least 90 %; NaN where that is not asked."""
    notes: tuple[str, ...] = ()
    source: Mapping[str, Any] = field(default_factory=dict)


REASONS = (
    "required_input_missing", "low_completeness", "zero_denominator", "master_data_stale", "out_of_validity", "method_changed",
    "suppressed_for_privacy",
)  # fmt: skip


def missing(what: str, reason: str = "required_input_missing") -> Amount:
    """An input that is not there, and why."""
    return Amount(None, math.nan, reason=reason, notes=(what,))


def total(parts: Sequence[Amount]) -> Amount:
    """The sum of amounts; missing where any part is. Uncertainties of one kind of input add linearly: they share their cause."""
    absent = next((p for p in parts if p.value is None), None)
    if absent is not None or not parts:
        return absent or missing("nothing to sum")
    values = [p.value or 0.0 for p in parts]
    weights = [abs(v) for v in values]
    weighed = [(p, w) for p, w in zip(parts, weights, strict=True) if p.shares is not None]
    ages = [p.age_months for p in parts if p.age_months is not None]
    return Amount(
        sum(values),
        sum(p.u for p in parts),
        _mean([p.completeness for p in parts], weights),
        combined_shares([(p.shares, w) for p, w in weighed if p.shares is not None]),
        max(ages, key=lambda a: math.inf if math.isnan(a) else a) if ages else None,
        cap=max(p.cap for p in parts),
        calibration_valid=all(p.calibration_valid for p in parts),
        points_meeting=min((p.points_meeting for p in parts if not math.isnan(p.points_meeting)), default=math.nan),
        notes=tuple(dict.fromkeys(n for p in parts for n in p.notes)),
        source={"parts": [dict(p.source) | {"value": p.value} for p in parts]} if len(parts) > 1 else parts[0].source,
    )


def combined_shares(parts: Sequence[tuple[Shares, float]]) -> Shares | None:
    """Weighted mean of shares; None without parts. Parts that all weigh nothing weigh the same."""
    if not parts:
        return None
    whole = sum(w for _, w in parts)
    weights = [w / whole if whole > 0 else 1 / len(parts) for _, w in parts]
    direct, extrapolated, estimated = (sum(s[i] * w for (s, _), w in zip(parts, weights, strict=True)) for i in range(3))
    return direct, extrapolated, estimated


def _mean(values: Sequence[float], weights: Sequence[float]) -> float:
    pairs = [(v, w) for v, w in zip(values, weights, strict=True) if not math.isnan(v)]
    whole = sum(w for _, w in pairs)
    if not pairs:
        return math.nan
    return sum(v * w for v, w in pairs) / whole if whole > 0 else sum(v for v, _ in pairs) / len(pairs)
