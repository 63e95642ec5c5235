"""Smart Data Models: NGSI-LD entities of type KeyPerformanceIndicator, for a context broker."""

from typing import Any

import orjson

from analytics.indicators.bands import band_of
from analytics.indicators.entry import Text
from analytics.indicators.file_format import Format
from analytics.indicators.release import Release, rounded
from core.model import IndicatorValue
from core.timekeeping import iso, local_day

CONTEXT = [
    "https://raw.githubusercontent.com/smart-data-models/dataModel.KeyPerformanceIndicator/master/context.jsonld",
    "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld",
]
STANDING = {4: "veryGood", 3: "good", 2: "fair", 1: "bad"}


def write(release: Release) -> bytes:
    """One entity per figure that exists, in key-values form; calculationPeriod are local dates."""
    entities = [_entity(release, v) for v in release.values if v.value is not None]
    return orjson.dumps(entities, option=orjson.OPT_INDENT_2) + b"\n"


def _entity(release: Release, v: IndicatorValue) -> dict[str, Any]:
    i = release.of(v)
    entity = {
        "id": f"urn:ngsi-ld:KeyPerformanceIndicator:{release.town_zone}:{v.indicator}:{v.zone}:{local_day(v.start)}:{local_day(v.end)}",
        "type": "KeyPerformanceIndicator",
        "name": i.label("en"),
        "alternateName": i.label("nb"),
        "description": i.description.en,
        "category": ["quantitative"],
        "kpiValue": rounded(v.value),
        "calculationFormula": i.formula,
        "calculationMethod": "automatic",
        "calculationFrequency": "yearly" if i.per_year and "/yr" in v.unit else "monthly",
        "calculationPeriod": {"from": local_day(v.start).isoformat(), "to": local_day(v.end).isoformat()},
        "calculatedBy": {"name": "Mjøsa"},
        "organization": {"name": release.publisher},
        "process": "Water supply" if i.network == "water" else "Sewerage" if i.network == "sewer" else "Measurement",
        "provider": {"name": release.publisher},
        "dateModified": iso(release.made_at),
        "unitText": v.unit,
        "qualityClass": v.quality_class,
        "sdgRelation": i.sdg.relation,
        "@context": CONTEXT,
    }
    band = band_of(i, v.value)
    return entity | ({"currentStanding": STANDING[band.points]} if band else {})


FORMAT = Format("smart_data_models", Text("Smart Data Models KPI", "Smart Data Models KPI"), ".json", "application/ld+json", write)
