"""Open SDG: a zip of data/indicator_*.csv, meta/*.yml and indicator-config/*.yml for a site of one's own.

Ids are the SDG target and our own id (6-4-w01), so that a local figure never takes the place of an official indicator.
"""

from typing import Any

import yaml

from analytics.indicators.entry import Indicator, Text
from analytics.indicators.file_format import Format, csv_bytes, zip_bytes
from analytics.indicators.metadata import mapped
from analytics.indicators.release import Release, period_name, rounded
from core.model import IndicatorValue

HEADER = ("Year", "Zone", "Units", "GeoCode", "Value")


def write(release: Release) -> bytes:
    """Year first, Value last, GeoCode before it; a blank zone is the whole town, a missing value is blank, never 0."""
    files: dict[str, bytes] = {}
    for key in dict.fromkeys(v.indicator for v in release.values):
        values = [v for v in release.values if v.indicator == key]
        indicator = release.of(values[0])
        name = slug(indicator)
        files[f"data/indicator_{name}.csv"] = csv_bytes(HEADER, [_row(release, v) for v in values])
        files[f"meta/{name}.yml"] = _yaml(_meta(release, indicator, values))
        files[f"indicator-config/{name}.yml"] = _yaml(_config(indicator, values))
    return zip_bytes(files)


def slug(indicator: Indicator) -> str:
    return f"{indicator.sdg.targets[0].replace('.', '-')}-{indicator.id.lower()}"


def _row(release: Release, v: IndicatorValue) -> tuple[object, ...]:
    whole = v.zone == release.town_zone
    return (period_name(v.start, v.end), None if whole else release.zone_name(v.zone), v.unit, None if whole else v.zone, rounded(v.value))


def _meta(release: Release, i: Indicator, values: list[IndicatorValue]) -> dict[str, Any]:
    newest = max(values, key=lambda v: v.start)
    failed = ", ".join(newest.failed_principles) or "none"
    return {
        "SDG_GOAL": i.sdg.targets[0].split(".", maxsplit=1)[0],
        "SDG_TARGET": i.sdg.targets[0],
        "SDG_INDICATOR": f"{slug(i)} ({i.sdg.relation})",
        "STAT_CONC_DEF": i.description.en,
        "DATA_COMP": f"{i.formula}. {i.time_aggregation.en} {i.zone_aggregation.en}",
        "UNIT_MEASURE": i.unit,
        "QUALITY_ASSMNT": f"Newest value: class {newest.quality_class} after KS/SSB; failed: {failed}.",
        "REC_USE_LIM": " ".join(e.en for e in i.edge_cases),
        "COMPARABILITY": mapped(i) or "none",
        "SOURCE_ORGANISATION": release.publisher,
    }


def _config(i: Indicator, values: list[IndicatorValue]) -> dict[str, Any]:
    return {
        "indicator_name": i.label("en"),
        "indicator_number": slug(i).replace("-", "."),
        "computation_units": i.unit,
        "graph_type": "line",
        "graph_title": i.label("en"),
        "data_show_map": False,
        "data_non_statistical": False,
        "proxy": "proxy" if i.is_proxy else "both",
        "national_geographical_coverage": "municipality",
        "reporting_status": "complete" if any(v.value is not None for v in values) else "notstarted",
        "progress_calculation_options": [{"direction": "negative" if i.polarity == "lower_is_better" else "positive"}],
    }


def _yaml(data: dict[str, Any]) -> bytes:
    return yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=100).encode()


FORMAT = Format("open_sdg", Text("Open SDG data and metadata", "Open SDG, data og metadata"), ".zip", "application/zip", write)
