"""Working every published value out again: from its own stored inputs, and from the readings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from analytics.indicators.compute import FINAL_AFTER_DAYS, Master, compute, find
from analytics.indicators.rollup import Rollups
from core.model import Event, IndicatorValue
from core.records import Alarm
from core.store import SeriesStore
from core.town import Town

TOLERANCE = 1e-6
"""Relative: what summing in another order may change, and no more."""


@dataclass(frozen=True, slots=True)
class Check:
    """A published value, what it should be, and what is wrong ("" where nothing is)."""

    value: IndicatorValue
    expected: float | None
    problem: str


def from_inputs(value: IndicatorValue) -> Check:
    """The value against the formula on the inputs kept with it. A null has nothing to check but its reason."""
    if value.value is None:
        return Check(value, None, "" if value.reason else "null without a reason")
    inputs = {s: i["value"] for s, i in value.lineage.get("inputs", {}).items()}
    try:
        parts = find(value.indicator).compute(inputs)
    except (KeyError, TypeError):
        return Check(value, None, "its inputs were not kept")
    wrong = [n for n, a, b in (("value", value.value, parts.value), ("numerator", value.numerator, parts.numerator),
                               ("denominator", value.denominator, parts.denominator)) if not _same(a, b)]  # fmt: skip
    return Check(value, parts.value, f"{', '.join(wrong)} differ from the formula" if wrong else "")


def from_readings(store: SeriesStore, town: Town, values: Sequence[IndicatorValue], *, events: Sequence[Event], master: Master,
                  alarms: Sequence[Alarm] = ()) -> list[Check]:  # fmt: skip
    """Every value worked out anew from what the store and registry hold now; late data shows as a difference."""
    rollups = Rollups(store)
    checks = []
    for start, end, until in sorted({(v.start, v.end, float(v.lineage.get("computed_until", v.end))) for v in values}):
        chosen = [v for v in values if (v.start, v.end, float(v.lineage.get("computed_until", v.end))) == (start, end, until)]
        again = compute(store, town, start, end, events=events, master=master, alarms=alarms, now=as_of(end, until), rollups=rollups,
                        keys=sorted({v.indicator for v in chosen}), zones=sorted({v.zone for v in chosen}))  # fmt: skip
        found = {(v.indicator, v.zone): v for v in again}
        checks += [_compared(v, found.get((v.indicator, v.zone))) for v in chosen]
    return checks


def as_of(end: float, computed_until: float) -> float:
    """A `now` that gives a kept value again: for a finished period, one that lets readings after its end be seen."""
    return computed_until if computed_until < end else end + FINAL_AFTER_DAYS * 86400.0


def _compared(value: IndicatorValue, again: IndicatorValue | None) -> Check:
    if again is None:
        return Check(value, None, "the zone or indicator is no longer there")
    if _same(value.value, again.value):
        return Check(value, again.value, "")
    return Check(value, again.value, f"published {_text(value)}, now {_text(again)}")


def _same(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is b
    return math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=1e-12)


def _text(v: IndicatorValue) -> str:
    return f"null ({v.reason})" if v.value is None else f"{v.value:.6g}"
