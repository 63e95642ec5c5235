"""Every format, read back by a reader of that format; all carry the same figures."""

import csv
import io
import json
import zipfile
from dataclasses import replace

import jsonschema
import openpyxl
import pandas as pd
import pytest
import rdflib
import yaml
from rdflib.compare import isomorphic
from rdflib.namespace import DCAT, DCTERMS, RDF

from analytics.indicators import compute
from analytics.indicators.entry import Text
from analytics.indicators.exports.json_stat import dataset
from analytics.indicators.file_format import Format, csv_bytes
from analytics.indicators.formats import FORMATS, export
from analytics.indicators.release import period_name, release, rounded
from core.errors import NotFound
from core.timekeeping import period
from tests.indicators.town import END, START, filled, nothing, overflow, town

MADE_AT = END + 20 * 86400.0


def published(place=None):
    events = [overflow("cso1", 5, 9, 120.0), overflow("cso2", 30, 31)]
    arguments = {"events": events, "master": nothing, "now": MADE_AT}
    place = place or town()
    values = compute(filled(), place, START, END, **arguments) + compute(filled(), place, *period("2026-04"), **arguments)
    return release(place, values, MADE_AT, base_url="https://vann.example.no", contact="vann@example.no")


@pytest.fixture(scope="module")
def made():
    return published()


@pytest.fixture(scope="module")
def expected(made):
    return {(v.indicator, period_name(v.start, v.end), v.zone): rounded(v.value) for v in made.values}


@pytest.mark.parametrize("key", FORMATS)
def test_every_format_writes_the_same_bytes_twice(key, made):
    assert isinstance(FORMATS[key], Format)
    assert isinstance(FORMATS[key].name, Text)
    assert export(made, key) == export(published(), key)
    assert export(made, key)


def test_an_unknown_format_is_named():
    with pytest.raises(NotFound, match=r"'word'.*tidy_csv"):
        export(published(), "word")


def test_tidy_csv_has_the_agreed_columns_first_and_blank_for_missing(made, expected):
    rows = list(csv.DictReader(io.StringIO(export(made, "tidy_csv").decode())))
    agreed = (
        "indicator,period,zone,unit,value,lower,upper,quality_class,failed_principles,completeness,direct_share,"
        "extrapolated_share,estimated_share,method_version,status"
    )
    assert ",".join(list(rows[0])[:15]) == agreed
    found = {(r["indicator"], r["period"], r["zone"]): float(r["value"]) if r["value"] else None for r in rows}
    assert found == expected
    assert any(v is None for v in found.values())
    assert all(r["reason"] for r in rows if not r["value"])


def test_norwegian_csv_opens_with_semicolon_decimal_comma_and_mark(made, expected):
    data = export(made, "norwegian_csv")
    assert data.startswith(b"\xef\xbb\xbf")
    frame = pd.read_csv(io.BytesIO(data), sep=";", decimal=",", encoding="utf-8-sig", dtype={"period": str})
    found = {(r.indicator, r.period, r.zone): None if pd.isna(r.value) else float(r.value) for r in frame.itertuples()}
    assert found == expected


def test_names_that_would_run_as_a_formula_are_quoted():
    assert csv_bytes(["a", "b"], [["=1+1", -5.0], [None, "x"]]) == b"a,b\r\n'=1+1,-5.0\r\n,x\r\n"


def test_workbook_has_the_figures_and_explains_them(made, expected):
    book = openpyxl.load_workbook(io.BytesIO(export(made, "xlsx")))
    assert book.sheetnames == ["figures", "metadata", "about"]
    header, *rows = book["figures"].iter_rows(values_only=True)
    at = {name: i for i, name in enumerate(header)}
    found = {(r[at["indicator"]], r[at["period"]], r[at["zone"]]): r[at["value"]] for r in rows}
    assert found == expected
    explained = {row[0] for row in book["metadata"].iter_rows(min_row=2, values_only=True)}
    assert explained == {i for i, _, _ in expected}


def test_json_keeps_numerator_denominator_and_lineage(made):
    document = json.loads(export(made, "json_values"))
    value = next(v for v in document["values"] if v["indicator"] == "W01" and v["zone"] == "A" and v["value"] is not None)
    assert value["value"] == pytest.approx(100 * value["numerator"] / value["denominator"])
    assert value["lineage"]["inputs"]["V_met"]["sensors"] == 5
    assert document["indicators"]["W01"]["name_nb"] == "Andel av vannleveransen til lekkasje"


def test_json_stat_is_a_full_cube_in_row_major_order(made, expected):
    cube = json.loads(export(made, "json_stat"))
    assert (cube["version"], cube["class"]) == ("2.0", "dataset")
    assert cube["id"] == ["indicator", "zone", "time"]
    axes = [cube["dimension"][d]["category"]["index"] for d in cube["id"]]
    assert cube["size"] == [len(a) for a in axes]
    cells = [(i, t, z) for i in axes[0] for z in axes[1] for t in axes[2]]
    assert len(cube["value"]) == len(cube["status"]) == len(cells)
    for cell, value, status in zip(cells, cube["value"], cube["status"], strict=True):
        assert value == expected.get(cell)
        assert (status == "M") == (value is None)
    for d in cube["id"]:
        assert set(cube["dimension"][d]["category"]["label"]) == set(cube["dimension"][d]["category"]["index"])
    assert set().union(*cube["role"].values()) == set(cube["id"])


def test_json_stat_selects_with_the_words_of_pxweb(made):
    def axes(**selection):
        cube = dataset(made, selection)
        return [cube["dimension"][d]["category"]["index"] for d in cube["id"]]

    assert axes(time="top(1)")[2] == ["2026-05"]
    assert axes(time="bottom(1)")[2] == ["2026-04"]
    assert axes(time="from(2026-05)")[2] == ["2026-05"]
    assert axes(time="range(2026-04,2026-05)")[2] == ["2026-04", "2026-05"]
    assert axes(indicator="S01,W0*")[0] == [f"W{i:02}" for i in range(1, 10)] + ["S01"]
    assert axes(zone="*")[1] == ["A", "B", "town", "S"]
    for bad, words in (({"time": "top(x)"}, "no selection"), ({"zone": "Q"}, "matches nothing"), ({"colour": "*"}, "no dimension")):
        with pytest.raises(NotFound, match=words):
            dataset(made, bad)


def test_sdmx_csv_speaks_under_its_own_agency(made, expected):
    rows = list(csv.DictReader(io.StringIO(export(made, "sdmx_csv").decode())))
    assert {(r["STRUCTURE"], r["STRUCTURE_ID"], r["ACTION"]) for r in rows} == {("dataflow", "TESTBY:DF_WATER_INDICATORS(1.0)", "R")}
    assert len(rows) == len(expected)
    assert {r["FREQ"] for r in rows} == {"M"}
    for r in rows:
        assert (r["OBS_STATUS"] == "M") == (r["OBS_VALUE"] == "") == (expected[r["INDICATOR"], r["TIME_PERIOD"], r["REF_AREA"]] is None)
    assert {r["INDICATOR"]: r["NATURE"] for r in rows}["S07"] == "LOCAL_PROXY"


def test_open_sdg_has_year_first_value_last_and_the_whole_town_blank(made):
    archive = zipfile.ZipFile(io.BytesIO(export(made, "open_sdg")))
    header, *rows = csv.reader(io.StringIO(archive.read("data/indicator_6-4-w01.csv").decode()))
    assert (header[0], header[-2], header[-1]) == ("Year", "GeoCode", "Value")
    whole = [r for r in rows if r[1] == ""]
    assert [r[0] for r in whole] == ["2026-04", "2026-05"]
    assert float(whole[1][-1]) == pytest.approx(50.0)
    assert whole[0][-1] == ""
    meta = yaml.safe_load(archive.read("meta/6-4-w01.yml"))
    assert {"STAT_CONC_DEF", "DATA_COMP", "QUALITY_ASSMNT", "REC_USE_LIM", "COMPARABILITY"} <= set(meta)
    configs = {n: yaml.safe_load(archive.read(n)) for n in archive.namelist() if n.startswith("indicator-config/")}
    assert configs["indicator-config/6-3-s07.yml"]["proxy"] == "proxy"
    assert all(c["reporting_status"] in ("notstarted", "complete", "notapplicable") for c in configs.values())


def test_u4ssc_upload_has_exactly_three_columns_whole_years_and_no_proxy(made):
    assert export(made, "u4ssc") == b"indicator;dataseries;data\r\n"
    start, end = period("2026")
    year = replace(made, values=tuple(replace(v, start=start, end=end) for v in made.values if v.start == START))
    rows = list(csv.reader(io.StringIO(export(year, "u4ssc").decode()), delimiter=";"))
    assert rows[0] == ["indicator", "dataseries", "data"]
    found = {r[0]: float(r[2]) for r in rows[1:]}
    assert found["EC: I: WS: 3C"] == pytest.approx(50.0)
    assert "EN: EN: WS: 4C" not in found
    evidence = list(csv.reader(io.StringIO(export(year, "u4ssc_evidence").decode()), delimiter=";"))
    assert evidence[0] == [*rows[0], "evidence"]
    assert [r[:3] for r in evidence[1:]] == rows[1:]
    assert all("numerator" in r[3] and "quality class" in r[3] for r in evidence[1:])


KPI_SCHEMA = {
    "type": "object",
    "required": ["id", "type", "kpiValue", "calculationPeriod", "@context"],
    "properties": {
        "id": {"type": "string", "pattern": "^urn:ngsi-ld:KeyPerformanceIndicator:"},
        "type": {"const": "KeyPerformanceIndicator"},
        "kpiValue": {"type": "number"},
        "calculationMethod": {"enum": ["manual", "automatic", "semiautomatic"]},
        "calculationFrequency": {"enum": ["hourly", "daily", "weekly", "monthly", "yearly", "quarterly", "bimonthly", "biweekly"]},
        "currentStanding": {"enum": ["veryGood", "good", "fair", "bad", "veryBad"]},
        "calculationPeriod": {"type": "object", "required": ["from", "to"]},
        "process": {"type": "string"},
    },
}


def test_smart_data_models_entities_follow_the_kpi_model(made):
    entities = json.loads(export(made, "smart_data_models"))
    assert entities
    for entity in entities:
        jsonschema.validate(entity, KPI_SCHEMA)
    assert len({e["id"] for e in entities}) == len(entities)
    leakage = next(e for e in entities if ":W01:town:" in e["id"])
    assert leakage["currentStanding"] == "good"


def test_esrs_table_splits_measured_from_estimated_and_says_why_a_point_is_empty(made):
    rows = list(csv.DictReader(io.StringIO(export(made, "esrs_e3").decode())))
    may = {r["datapoint"]: r for r in rows if r["period"] == "2026-05"}
    hours = (END - START) / 3600
    assert float(may["E3-4 28(a)"]["value"]) == pytest.approx(5 * hours)
    shares = [float(may["E3-4 28(a)"][s]) for s in ("measured_share", "extrapolated_share", "estimated_share")]
    assert sum(shares) == pytest.approx(1.0)
    assert may["E3-4 28(c)"]["value"] == ""
    assert may["E3-4 28(c)"]["note"]
    assert "unverified" in next(r["datapoint"] for r in rows if "28(d)" in r["datapoint"])


MANDATORY = (DCTERMS.title, DCTERMS.description, DCTERMS.publisher, DCAT.contactPoint, DCAT.theme)


@pytest.mark.parametrize(("key", "syntax"), [("dcat_turtle", "turtle"), ("dcat_jsonld", "json-ld")])
def test_dcat_has_what_the_norwegian_profile_demands(made, key, syntax):
    graph = rdflib.Graph().parse(data=export(made, key), format=syntax)
    datasets = list(graph.subjects(RDF.type, DCAT.Dataset))
    assert len(datasets) == 1
    for term in MANDATORY:
        assert list(graph.objects(datasets[0], term)), term
    assert {t.language for t in graph.objects(datasets[0], DCTERMS.title)} == {"nb", "en"}
    assert len(list(graph.objects(datasets[0], DCAT.distribution))) == len([f for f in FORMATS if not f.startswith("dcat")])
    catalogs = list(graph.subjects(RDF.type, DCAT.Catalog))
    assert list(graph.objects(catalogs[0], DCAT.dataset)) == datasets


def test_both_dcat_files_say_the_same(made):
    a = rdflib.Graph().parse(data=export(made, "dcat_turtle"), format="turtle")
    b = rdflib.Graph().parse(data=export(made, "dcat_jsonld"), format="json-ld")
    assert isomorphic(a, b)
