"""What stands in the report: plain data with finished texts, the same for PDF and HTML."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analytics.indicators.bands import band_of
from analytics.indicators.compute import CATALOGUE
from analytics.indicators.entry import Benchmark, Indicator
from analytics.indicators.master import MASTER
from analytics.indicators.progress import LABELS, progress
from analytics.indicators.release import Release, period_name
from analytics.indicators.report.charts import CLASS_COLOURS, coverage_map, sparkline
from analytics.indicators.report.texts import INPUTS, PRINCIPLES, REASONS, T, date_label, number, period_label, unit_label
from core.model import IndicatorValue

HEADLINES = ("W01", "W06", "W08", "S02", "S03", "X01")
BY_ZONE = ("W01", "W05", "S02", "X01")


def content(release: Release, year: int, language: str) -> dict[str, Any]:
    """Everything the report prints, as plain data. `year` is the calendar year; its months draw the trends."""
    mine = [v for v in release.values if period_name(v.start, v.end).startswith(str(year))]
    whole = {i: _chosen(mine, i, release.town_zone, year) for i in CATALOGUE}
    cards = [_card(release, v, mine, language) for i in HEADLINES if (v := whole[i]) is not None]
    rows = [_row(release, v, language) for v in whole.values() if v is not None]
    completeness = {v.zone: v.value / 100 for v in mine if v.indicator == "X01" and v.value is not None}
    return {
        "language": language,
        "t": {key: text.of(language) for key, text in T.items()},
        "publisher": release.publisher,
        "year": str(year),
        "made": date_label(release.made_at, language),
        "cards": cards,
        "rows": rows,
        "zones": _zones(release, mine, year, language),
        "map": coverage_map(release.town, completeness),
        "assumptions": _assumptions(whole.values(), language),
        "lacking": [f"{r['id']} {r['name']}: {r['why']}" for r in rows if not r["has_value"]],
        "licence": release.licence,
        "colours": {str(k): c for k, c in CLASS_COLOURS.items()},
    }


def _chosen(values: Sequence[IndicatorValue], indicator: str, zone: str, year: int) -> IndicatorValue | None:
    """The year's figure where there is one; else the newest month that has one, labelled as that month; else the empty year."""
    mine = [v for v in values if v.indicator == indicator and v.zone == zone]
    whole = next((v for v in mine if period_name(v.start, v.end) == str(year)), None)
    if whole is not None and whole.value is not None:
        return whole
    months = [v for v in mine if v.value is not None and v is not whole]
    finished = [v for v in months if v.lineage.get("computed_until", v.end) >= v.end] or months
    return max(finished, key=lambda v: v.end, default=whole or max(mine, key=lambda v: v.end, default=None))


def _card(release: Release, v: IndicatorValue, values: Sequence[IndicatorValue], language: str) -> dict[str, Any]:
    months = sorted(
        (m for m in values if (m.indicator, m.zone) == (v.indicator, v.zone) and "-" in period_name(m.start, m.end)), key=lambda m: m.start
    )
    return _row(release, v, language) | {
        "description": release.of(v).description.of(language),
        "trend": sparkline([(m.value, m.lower, m.upper) for m in months]),
        "trend_label": f"{period_label(period_name(months[0].start, months[0].end), language)} – "
                       f"{period_label(period_name(months[-1].start, months[-1].end), language)}" if months else "",
        "benchmarks": [benchmark(b, release.of(v), language) for b in release.of(v).benchmarks],
        "band": _band(release.of(v), v.value, language),
        "progress": _progress(release, v, language),
    }  # fmt: skip


def _row(release: Release, v: IndicatorValue, language: str) -> dict[str, Any]:
    i = release.of(v)
    why = REASONS[v.reason].of(language) if v.reason else ""
    detail = next(iter(v.lineage.get("why", ())), "") if v.value is None and v.reason == "required_input_missing" else ""
    return {
        "id": i.id,
        "name": i.label(language),
        "unit": unit_label(v.unit, language),
        "has_value": v.value is not None,
        "value": number(v.value, i.decimals, language),
        "interval": _interval(v, i, language),
        "class": str(v.quality_class),
        "failed": ", ".join(PRINCIPLES[p].of(language) for p in v.failed_principles),
        "why": f"{why} ({_master_words(detail, language)})" if detail else why,
        "period": period_label(period_name(v.start, v.end), language),
        "status": T["provisional"].of(language) if v.status == "provisional" else "",
        "compare": "; ".join(benchmark(b, i, language) for b in i.benchmarks[:2]),
    }


def _interval(v: IndicatorValue, i: Indicator, language: str) -> str:
    if v.lower is None or v.upper is None or v.lower == v.upper:
        return ""
    return f"{number(v.lower, i.decimals, language)} – {number(v.upper, i.decimals, language)}"


def benchmark(b: Benchmark, i: Indicator, language: str) -> str:
    """'Norge 2023 (KOSTRA): 29,9', with a mark where it is not verified."""
    value = number(b.value, 0 if b.value == int(b.value) else 1, language)
    words = f"{b.name.of(language)}: {'' if b.op == '=' else b.op.replace('<=', '≤').replace('>=', '≥') + ' '}{value}"
    return words if b.status == "V" else f"{words} ({T['unverified'].of(language)})"


def _band(i: Indicator, value: float | None, language: str) -> str:
    found = band_of(i, value)
    if found is None or not i.u4ssc:
        return ""
    words = T["of_the_way"].of(language).format(start=number(found.start, 0, language), target=number(found.target, 0, language))
    return f"{number(found.score, 0, language)} % {words}"


def _progress(release: Release, v: IndicatorValue, language: str) -> str:
    """Progress over the whole years of the release, towards the catalogue's own dated goal where it has one."""
    i = release.of(v)
    years = sorted(
        (float(period_name(o.start, o.end)), o.value)
        for o in release.values
        if (o.indicator, o.zone) == (v.indicator, v.zone) and o.value is not None and "-" not in period_name(o.start, o.end)
    )
    if len(years) < 2:
        return ""
    goal = next(((float(b.year), b.value) for b in i.benchmarks if b.op != "=" and b.year and b.status == "V"), None)
    found = progress(years[0], years[-1], i.polarity, goal)
    growth = f"{number(found.growth, 1, language)} % {T['a_year'].of(language)}"
    return f"{LABELS[found.status].of(language)} ({years[0][0]:.0f}–{years[-1][0]:.0f}: {growth})"


def _zones(release: Release, values: Sequence[IndicatorValue], year: int, language: str) -> list[dict[str, Any]]:
    tables = []
    for key in BY_ZONE:
        ids = dict.fromkeys(v.zone for v in values if v.indicator == key and v.zone != release.town_zone)
        chosen = [c for z in ids if (c := _chosen(values, key, z, year)) is not None]
        if chosen:
            indicator = CATALOGUE[key]
            rows = [{"zone": release.zone_name(c.zone), **_row(release, c, language)} for c in chosen]
            tables.append({"id": key, "name": indicator.label(language), "unit": rows[0]["unit"], "rows": rows})
    return tables


def _assumptions(values: Any, language: str) -> list[str]:
    """Defaults and notes behind the figures, once each."""
    found: dict[str, None] = {}
    for v in values:
        for item in (v.lineage.get("inputs", {}) if v is not None and v.value is not None else {}).values():
            for note in item.get("notes", ()):
                name, _, value = note.partition("=")
                if name in MASTER and value:
                    amount = f"{number(float(value), 1, language)} {unit_label(MASTER[name].unit, language)}".strip()
                    found[f"{MASTER[name].text.of(language)}: {amount}"] = None
    return list(found)


def _master_words(detail: str, language: str) -> str:
    """'DWF: dry_weather_flow_m3_d of mjosby' as the name of that master data."""
    name = detail.partition(": ")[2].partition(" of ")[0]
    found = MASTER[name].text if name in MASTER else INPUTS.get(name)
    return (found.of(language) if found else name).lower()
