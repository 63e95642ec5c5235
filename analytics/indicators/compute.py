"""From a town's measurements to published values: gather the inputs, apply the formula, judge the quality."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import analytics.indicators.catalogue as catalogue
from analytics.indicators.amounts import Amount, combined_shares
from analytics.indicators.entry import Indicator, Parts
from analytics.indicators.inputs import amount
from analytics.indicators.quality import assess, obstacle
from analytics.indicators.rollup import Rollups
from analytics.indicators.scope import Scope, roots, scopes
from analytics.indicators.uncertainty import COVERAGE, sensitivities, standard
from analytics.indicators.window import Window
from core.discovery import collect
from core.errors import NotFound
from core.model import Event, IndicatorValue
from core.records import Alarm, MasterValue
from core.store import SeriesStore
from core.timekeeping import day_starts, local_day, local_midnight
from core.town import Town

Master = Callable[[str, str, float], MasterValue | None]
CATALOGUE: Mapping[str, Indicator] = MappingProxyType(
    {e.id: e for e in sorted(collect(catalogue, "INDICATOR").values(), key=lambda e: ("WSX".index(e.id[0]), e.id))}
)
"""Every indicator by its id: W01 … W15, S01 … S10, X01, X02."""
FINAL_AFTER_DAYS = 45
DAY_S = 86400.0


def find(key: str) -> Indicator:
    """An indicator by id (W01) or slug. Raises NotFound."""
    found = CATALOGUE.get(key.upper()) or next((e for e in CATALOGUE.values() if e.key == key), None)
    if found is None:
        raise NotFound(f"there is no indicator '{key}': 'mjosa kpi list' shows all {len(CATALOGUE)}")
    return found


def compute(
    store: SeriesStore,
    town: Town,
    start: float,
    end: float,
    *,
    events: Sequence[Event],
    master: Master,
    alarms: Sequence[Alarm] = (),
    now: float,
    keys: Sequence[str] | None = None,
    zones: Sequence[str] | None = None,
    rollups: Rollups | None = None,
    previous: Sequence[IndicatorValue] | None = None,
) -> list[IndicatorValue]:
    """Every asked indicator (all) for every zone of its network and for the whole town (zone id: `town_zone`).

    [start, end) [Unix s] is widened to whole local days; what lies after `now` does not exist yet. `events` should reach back before
    `start`, for blocks and overflows that began earlier. `previous`: what the register holds for the period; the time of first
    publication is kept from there (without it, nothing is said of when a figure was published). Pass the same `rollups` again, after
    `forget(touched)`, to read only what changed. Raises NotFound for an unknown key.
    """
    midnights = day_starts(start, end)
    w = Window(store, town, midnights[0], midnights[-1], now, events, master, alarms, cache=rollups)
    first = _first_published(previous or ())
    values = []
    for indicator in (find(k) for k in keys) if keys is not None else CATALOGUE.values():
        for scope in scopes(town, indicator.network, zones):
            published = first.get((indicator.id, scope.id, w.start, w.end), now) if previous is not None else None
            values.append(value_of(w, indicator, scope, published))
    return values


def settled(now: float, start: float) -> float:
    """Until when an unfinished period is worked out: the last local midnight, in its first day the last full hour.

    Figures of a running period then change once a day, and whenever readings come late, not with every uplink.
    """
    midnight = local_midnight(local_day(now))
    return midnight if midnight > start else now // 3600.0 * 3600.0


def _first_published(previous: Sequence[IndicatorValue]) -> dict[tuple[str, str, float, float], float]:
    return {(v.indicator, v.zone, v.start, v.end): float(v.lineage["published_at"]) for v in previous if v.lineage.get("published_at")}


def value_of(w: Window, indicator: Indicator, scope: Scope, published_at: float | None = None) -> IndicatorValue:
    """One value with its quality, or null with the reason."""
    inputs = {symbol: amount(w, name, scope, _network(indicator)) for symbol, name in indicator.inputs.items()}
    completeness = min((a.completeness for a in inputs.values() if not math.isnan(a.completeness)), default=1.0)
    status = "final" if w.now >= w.end + FINAL_AFTER_DAYS * DAY_S else "provisional"
    base = IndicatorValue(
        indicator.id, scope.id, w.start, w.end, None, None, None, indicator.unit_for(whole_year(w.start, w.end)), 3,
        completeness, status=status, method_version=indicator.method_version, lineage=_lineage(w, indicator, inputs, published_at),
    )  # fmt: skip
    hindrance = obstacle(inputs, completeness)
    if hindrance is not None:
        return _null(base, *hindrance)
    values = {s: a.value for s, a in inputs.items() if a.value is not None}
    parts = indicator.compute(values)
    base = replace(base, numerator=parts.numerator, denominator=parts.denominator)
    if parts.value is None:
        reason = "out_of_validity" if parts.denominator < 0 else "zero_denominator"
        return _null(base, reason, f"denominator {parts.denominator:g}")
    low, high = indicator.validity
    if not low - 1e-9 <= parts.value <= high + 1e-9:
        return _null(base, "out_of_validity", f"{parts.value:.4g} {indicator.unit}: a meter or boundary fault, or wrong master data")
    return _judged(w, indicator, scope, base, inputs, parts)


def _judged(
    w: Window, indicator: Indicator, scope: Scope, base: IndicatorValue, inputs: Mapping[str, Amount], parts: Parts
) -> IndicatorValue:
    values = {s: a.value for s, a in inputs.items() if a.value is not None}
    value = parts.value or 0.0
    slopes = sensitivities(indicator.compute, values)
    u = standard(slopes, {s: a.u for s, a in inputs.items()})
    weighed = [(a.shares, abs(slopes[s] * values[s])) for s, a in inputs.items() if a.shares is not None]
    shares = combined_shares([(s, 0.0 if math.isnan(k) else k) for s, k in weighed]) or (1.0, 0.0, 0.0)
    quality = assess(
        indicator, inputs,
        completeness=base.completeness,
        estimated=shares[2],
        relative_expanded_u=abs(COVERAGE * u / value) if value else math.nan,
        published_after_days=((base.lineage["published_at"] or math.nan) - w.end) / DAY_S,
        zone_residual=_residual(w, indicator, parts) if scope.whole_town and indicator.profile == "vol" else math.nan,
        outside=indicator.outside(values),
    )  # fmt: skip
    known = not math.isnan(u)
    low, high = indicator.validity
    return replace(
        base, value=value, quality_class=quality.quality_class, failed_principles=quality.failed, shares=shares,
        lower=max(low, value - COVERAGE * u) if known else None, upper=min(high, value + COVERAGE * u) if known else None,
        lineage={**base.lineage, "why": list(quality.why)},
    )  # fmt: skip


def _null(base: IndicatorValue, reason: str, what: str) -> IndicatorValue:
    return replace(base, reason=reason, lineage={**base.lineage, "why": [what]})


def _residual(w: Window, indicator: Indicator, town: Parts) -> float:
    """|town − Σ zones| / |town| of the numerator, over the zones that have one; NaN where zones do not add up by their nature."""
    if "median" in indicator.zone_aggregation.en or not town.numerator:
        return math.nan
    total, some = 0.0, False
    for zone in roots(w.town, indicator.network):
        inputs = {s: amount(w, n, zone, _network(indicator)) for s, n in indicator.inputs.items()}
        if any(a.value is None for a in inputs.values()):
            return math.nan
        total += indicator.compute({s: a.value or 0.0 for s, a in inputs.items()}).numerator
        some = True
    return abs(town.numerator - total) / abs(town.numerator) if some else math.nan


def _network(indicator: Indicator) -> str:
    return "sewer" if indicator.network == "sewer" else "water"


def _lineage(w: Window, indicator: Indicator, inputs: Mapping[str, Amount], published_at: float | None) -> dict[str, Any]:
    """Inputs with their numbers and sources; `mjosa kpi trace` goes on from here to the readings."""
    return {
        "published_at": published_at,
        "computed_until": w.until,
        "inputs": {
            symbol: {
                "name": indicator.inputs[symbol], "value": a.value, "u": _plain(a.u), "completeness": _plain(a.completeness),
                "age_months": _plain(a.age_months), "notes": list(a.notes), **dict(a.source),
            }
            for symbol, a in inputs.items()
        },
        "parameters": dict(indicator.parameters),
    }  # fmt: skip


def _plain(x: float | None) -> float | None:
    return None if x is None or not math.isfinite(x) else x


def whole_year(start: float, end: float) -> bool:
    """True for exactly one calendar year of local time."""
    first, last = local_day(start), local_day(end)
    return (first.month, first.day, last.month, last.day, last.year) == (1, 1, 1, 1, first.year + 1)
