"""A publication: figures that may leave the house, with who answers for them. Every export and the report are made of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from analytics.indicators.compute import CATALOGUE, whole_year
from analytics.indicators.entry import Indicator
from analytics.indicators.privacy import Cell, dominated, household_cells, is_personal, publishable
from analytics.indicators.scope import town_zone
from core.model import IndicatorValue
from core.timekeeping import iso, local_day
from core.town import Town

LICENCE = "https://data.norge.no/nlod/no/2.0"


@dataclass(frozen=True)
class Release:
    """What is published together. values are safe to publish; `made_at` [Unix s] is the only time that is not a period's."""

    town: Town
    values: tuple[IndicatorValue, ...]
    made_at: float
    base_url: str = "https://example.invalid/mjosa"
    contact: str = ""
    licence: str = LICENCE
    cells: Mapping[tuple[float, float], tuple[Cell, ...]] = field(default_factory=dict)
    """Household cells published here, by finished period: the ledger that the next release must know."""
    held_back: frozenset[tuple[str, str, float, float]] = frozenset()
    """(indicator, zone, start, end) of what is held back for privacy, in every revision."""

    @property
    def publisher(self) -> str:
        return self.town.utility.name

    @property
    def town_zone(self) -> str:
        return town_zone(self.town)

    def of(self, value: IndicatorValue) -> Indicator:
        return CATALOGUE[value.indicator]

    def zone_name(self, zone: str) -> str:
        found = self.town.zone_by_id.get(zone)
        return (found.name or found.id) if found else self.publisher


def release(
    town: Town,
    values: Sequence[IndicatorValue],
    made_at: float,
    *,
    earlier: Mapping[tuple[float, float], Sequence[Cell]] | None = None,
    base_url: str = Release.base_url,
    contact: str = "",
) -> Release:
    """Make values safe to publish: cells that tell of few households become null with the reason suppressed_for_privacy."""
    out: list[IndicatorValue] = []
    held_back: set[tuple[str, str, float, float]] = set()
    ledger: dict[tuple[float, float], tuple[Cell, ...]] = {}
    for period in sorted({(v.start, v.end) for v in values}):
        chosen = sorted((v for v in values if (v.start, v.end) == period), key=lambda v: (list(CATALOGUE).index(v.indicator), v.zone))
        personal = [v for v in chosen if is_personal(CATALOGUE[v.indicator])]
        everyone = household_cells(town, *period)
        cells = {v.zone: everyone[v.zone] for v in personal if v.zone in everyone}
        allowed = publishable(cells, dominated(personal), (earlier or {}).get(period, ()))
        if period[1] <= made_at:
            ledger[period] = tuple(cells[z] for z in sorted(allowed) if cells[z])
        secret = [v for v in personal if v.zone not in allowed]
        held_back |= {(v.indicator, v.zone, *period) for v in secret}
        out += [suppressed(v) if is_personal(CATALOGUE[v.indicator]) and v.zone not in allowed else v for v in chosen]
    return Release(town, tuple(out), made_at, base_url, contact, cells=ledger, held_back=frozenset(held_back))


def suppressed(value: IndicatorValue) -> IndicatorValue:
    """The value without anything that household use can be read from; one that is null already keeps its own reason."""
    return replace(
        value, value=None, numerator=None, denominator=None, lower=None, upper=None, quality_class=3, shares=(0.0, 0.0, 0.0),
        failed_principles=(), reason=value.reason or "suppressed_for_privacy", lineage={"published_at": value.lineage.get("published_at")},
    )  # fmt: skip


def period_name(start: float, end: float) -> str:
    """'2026', '2026-05', '2026-05-17', or an ISO 8601 interval of local dates for any other period."""
    first, last = local_day(start), local_day(end)
    if whole_year(start, end):
        return f"{first.year}"
    if first.day == last.day == 1 and (last.year * 12 + last.month) - (first.year * 12 + first.month) == 1:
        return f"{first:%Y-%m}"
    if (last - first).days == 1:
        return first.isoformat()
    return f"{first.isoformat()}/{last.isoformat()}"


def rounded(x: float | None) -> float | None:
    """Eight significant digits: the same figure in every format."""
    return None if x is None else float(f"{x:.8g}")


def observation_status(value: IndicatorValue) -> str:
    """SDMX OBS_STATUS: M missing, E mostly estimated, P provisional, A normal."""
    if value.value is None:
        return "M"
    if value.shares[2] > 0.5:
        return "E"
    return "P" if value.status == "provisional" else "A"


def columns(release: Release, value: IndicatorValue) -> dict[str, object]:
    """One figure as a tidy row; None for what is missing."""
    indicator = release.of(value)
    measured = value.value is not None
    return {
        "indicator": value.indicator,
        "period": period_name(value.start, value.end),
        "zone": value.zone,
        "unit": value.unit,
        "value": rounded(value.value),
        "lower": rounded(value.lower),
        "upper": rounded(value.upper),
        "quality_class": value.quality_class,
        "failed_principles": " ".join(value.failed_principles),
        "completeness": rounded(value.completeness),
        "direct_share": rounded(value.shares[0]) if measured else None,
        "extrapolated_share": rounded(value.shares[1]) if measured else None,
        "estimated_share": rounded(value.shares[2]) if measured else None,
        "method_version": value.method_version,
        "status": value.status,
        "reason": value.reason or "",
        "revision": value.revision,
        "sdg_relation": indicator.sdg.relation,
        "sdg": indicator.sdg.indicator or " ".join(indicator.sdg.targets),
        "name_en": indicator.label("en"),
        "name_nb": indicator.label("nb"),
        "start": iso(value.start),
        "end": iso(value.end),
    }
