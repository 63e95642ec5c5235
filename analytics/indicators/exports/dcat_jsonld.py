"""DCAT-AP-NO 3: the catalogue entry of the published data set, as JSON-LD."""

from typing import Any

import orjson

from analytics.indicators.entry import Text
from analytics.indicators.file_format import Format
from analytics.indicators.release import Release
from core.timekeeping import iso, local_day

CONTEXT = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcterms": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "dqv": "http://www.w3.org/ns/dqv#",
    "prov": "http://www.w3.org/ns/prov#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
THEMES = (
    "http://publications.europa.eu/resource/authority/data-theme/ENVI",
    "https://psi.norge.no/los/ord/vann-og-avlop",
)
PUBLIC = "http://publications.europa.eu/resource/authority/access-right/PUBLIC"
FILE_TYPES = "http://publications.europa.eu/resource/authority/file-type/"
MEDIA_TYPES = "https://www.iana.org/assignments/media-types/"
FILES = {
    "tidy_csv": "CSV", "norwegian_csv": "CSV", "xlsx": "XLSX", "json_values": "JSON", "json_stat": "JSON", "sdmx_csv": "CSV",
    "open_sdg": "ZIP", "u4ssc": "CSV", "u4ssc_evidence": "CSV", "smart_data_models": "JSON_LD", "esrs_e3": "CSV",
}  # fmt: skip
"""Export format → EU file type."""


def write(release: Release) -> bytes:
    return orjson.dumps({"@context": CONTEXT, "@graph": graph(release)}, option=orjson.OPT_INDENT_2) + b"\n"


def graph(release: Release) -> list[dict[str, Any]]:
    """The catalogue, its data set, publisher, contact point, distributions and quality measurements, as JSON-LD nodes."""
    base = release.base_url
    catalog, dataset, publisher, contact = (f"{base}/#{part}" for part in ("catalog", "indicators", "publisher", "contact"))
    quality = [v for v in release.values if v.indicator == "X01" and v.zone == release.town_zone and v.value is not None]
    nodes = [
        {"@id": catalog, "@type": "dcat:Catalog", **_titled("Mjøsa: åpne data", "Mjøsa: open data"),
         "dcterms:publisher": _ref(publisher), "dcat:contactPoint": _ref(contact), "dcat:dataset": _ref(dataset)},
        {"@id": publisher, "@type": "foaf:Agent", "foaf:name": release.publisher},
        {"@id": contact, "@type": "vcard:Organization", "vcard:fn": release.publisher,
         "vcard:hasEmail" if release.contact else "vcard:hasURL": _ref(f"mailto:{release.contact}" if release.contact else base)},
        {**_dataset(release, dataset), "dcterms:publisher": _ref(publisher), "dcat:contactPoint": _ref(contact)},
        *(_distribution(release, dataset, key) for key in FILES),
    ]  # fmt: skip
    for i, v in enumerate(quality):
        nodes[3].setdefault("dqv:hasQualityMeasurement", []).append(_ref(f"{dataset}-quality-{i}"))
        nodes.append({"@id": f"{dataset}-quality-{i}", "@type": "dqv:QualityMeasurement",
                      "dqv:isMeasurementOf": _ref(f"{base}/#completeness"),
                      "dqv:value": _typed(f"{v.value:.6g}", "decimal"),
                      "prov:generatedAtTime": _typed(iso(v.end), "dateTime")})  # fmt: skip
    return nodes


def _dataset(release: Release, uri: str) -> dict[str, Any]:
    starts, ends = [v.start for v in release.values], [v.end for v in release.values]
    spans = {"dcterms:temporal": {
        "@id": f"{uri}-period", "@type": "dcterms:PeriodOfTime",
        "dcat:startDate": _typed(local_day(min(starts)).isoformat(), "date"),
        "dcat:endDate": _typed(local_day(max(ends) - 1).isoformat(), "date"),
    }} if starts else {}  # fmt: skip
    return {
        "@id": uri, "@type": "dcat:Dataset", "dcterms:identifier": uri,
        **_titled(f"Bærekraftsindikatorer for vann og avløp, {release.publisher}",
                  f"Sustainability indicators of water and sewers, {release.publisher}"),
        "dcterms:description": [
            _text("Indikatorer beregnet av målinger i vann- og avløpsnettet, med usikkerhet, kvalitetsklasse og kilde. Lokale tall, "
                  "ikke offisielle FN-indikatorer.", "nb"),
            _text("Indicators computed from measurements in the water and sewer network, with uncertainty, quality class and source. "
                  "Local figures, not official UN indicators.", "en"),
        ],
        "dcat:theme": [_ref(t) for t in THEMES],
        "dcat:keyword": [_text(w, "nb") for w in ("vann", "avløp", "lekkasje", "overløp", "bærekraft")],
        "dcterms:accessRights": _ref(PUBLIC),
        "dcterms:modified": _typed(iso(release.made_at), "dateTime"),
        "dcat:distribution": [_ref(f"{uri}-{key}") for key in FILES],
        **spans,
    }  # fmt: skip


def _distribution(release: Release, dataset: str, key: str) -> dict[str, Any]:
    return {
        "@id": f"{dataset}-{key}", "@type": "dcat:Distribution", **_titled(key, key),
        "dcat:accessURL": _ref(f"{release.base_url}/api/v1/exports/{key}"), "dcterms:license": _ref(release.licence),
        "dcterms:format": _ref(FILE_TYPES + FILES[key]),
    }  # fmt: skip


def _titled(nb: str, en: str) -> dict[str, Any]:
    return {"dcterms:title": [_text(nb, "nb"), _text(en, "en")]} | (
        {"dcterms:description": [_text(nb, "nb"), _text(en, "en")]} if nb.startswith("Mjøsa") else {}
    )


def _ref(uri: str) -> dict[str, str]:
    return {"@id": uri}


def _text(text: str, language: str) -> dict[str, str]:
    return {"@value": text, "@language": language}


def _typed(text: str, kind: str) -> dict[str, str]:
    return {"@value": text, "@type": f"xsd:{kind}"}


FORMAT = Format("dcat_jsonld", Text("DCAT-AP-NO (JSON-LD)", "DCAT-AP-NO (JSON-LD)"), ".jsonld", "application/ld+json", write)
