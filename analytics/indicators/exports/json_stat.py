"""JSON-stat 2.0: a cube of indicator × zone × time, as statistical agencies publish it (json-stat.org/full)."""

from typing import Any

import orjson

from analytics.indicators.entry import Text
from analytics.indicators.file_format import Format
from analytics.indicators.release import Release, observation_status, period_name, rounded
from analytics.indicators.select import choose
from core.timekeeping import iso

DIMENSIONS = ("indicator", "zone", "time")


def write(release: Release) -> bytes:
    return orjson.dumps(dataset(release), option=orjson.OPT_INDENT_2) + b"\n"


def dataset(release: Release, selection: dict[str, str] | None = None, language: str = "nb") -> dict[str, Any]:
    """The cube, row-major in the order of `id`; a cell nobody has is null with status "M". `selection` uses PxWeb's query words."""
    codes = choose(_codes(release), selection or {})
    cells = {(v.indicator, v.zone, period_name(v.start, v.end)): v for v in release.values}
    found = [cells.get((i, z, t)) for i in codes["indicator"] for z in codes["zone"] for t in codes["time"]]
    labels = {
        "indicator": {i: _catalogue(release)[i].label(language) for i in codes["indicator"]},
        "zone": {z: release.zone_name(z) for z in codes["zone"]},
        "time": {t: t for t in codes["time"]},
    }
    names = {"indicator": ("Indikator", "Indicator"), "zone": ("Sone", "Zone"), "time": ("Periode", "Period")}
    return {
        "version": "2.0",
        "class": "dataset",
        "label": {"nb": "Bærekraftsindikatorer for vann og avløp", "en": "Sustainability indicators of water and sewers"}[language],
        "source": release.publisher,
        "updated": iso(release.made_at),
        "id": list(DIMENSIONS),
        "size": [len(codes[d]) for d in DIMENSIONS],
        "role": {"time": ["time"], "geo": ["zone"], "metric": ["indicator"]},
        "dimension": {d: {"label": names[d][language == "en"], "category": _category(release, d, codes[d], labels[d])} for d in DIMENSIONS},
        "value": [rounded(v.value) if v else None for v in found],
        "status": [observation_status(v) if v else "M" for v in found],
        "extension": {
            "licence": release.licence,
            "status": {"A": "normal", "E": "estimated", "P": "provisional", "M": "missing"},
            "quality_class": [v.quality_class if v else None for v in found],
            "lower": [rounded(v.lower) if v else None for v in found],
            "upper": [rounded(v.upper) if v else None for v in found],
        },
    }


def _codes(release: Release) -> dict[str, list[str]]:
    return {
        "indicator": list(dict.fromkeys(v.indicator for v in release.values)),
        "zone": list(dict.fromkeys(v.zone for v in release.values)),
        "time": sorted({period_name(v.start, v.end) for v in release.values}),
    }


def _catalogue(release: Release) -> dict[str, Any]:
    return {v.indicator: release.of(v) for v in release.values}


def _category(release: Release, dimension: str, codes: list[str], labels: dict[str, str]) -> dict[str, Any]:
    category: dict[str, Any] = {"index": codes, "label": labels}
    if dimension == "indicator":
        entries = _catalogue(release)
        category["unit"] = {i: {"label": entries[i].unit, "decimals": entries[i].decimals} for i in codes}
        notes = {i: [f"{entries[i].sdg.relation}: {entries[i].sdg.indicator}"] for i in codes if entries[i].is_proxy}
        if notes:
            category["note"] = notes
    return category


FORMAT = Format("json_stat", Text("JSON-stat 2.0", "JSON-stat 2.0"), ".json", "application/json", write)
