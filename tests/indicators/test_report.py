"""The report: the release's own figures, two languages, few pages, the same bytes each time, nothing fetched."""

import csv
import io
import re
from html.parser import HTMLParser

import pytest

from analytics.indicators import CATALOGUE, compute
from analytics.indicators.formats import export
from analytics.indicators.release import release
from analytics.indicators.report.charts import coverage_map, sparkline
from analytics.indicators.report.content import content
from analytics.indicators.report.page import html
from analytics.indicators.report.pdf import pdf, typeset
from analytics.indicators.report.texts import T, number, period_label, unit_label
from core.timekeeping import period
from core.town import Town, Utility
from tests.indicators.town import END, START, filled, nothing, overflow, town

MADE_AT = END + 20 * 86400.0


@pytest.fixture(scope="module")
def made():
    arguments = {"events": [overflow("cso1", 5, 9, 120.0)], "master": nothing, "now": MADE_AT}
    place = town(base_stations=[{"id": "00" * 8, "latitude": 60.8, "longitude": 10.7}])
    values = compute(filled(), place, START, END, **arguments) + compute(filled(), place, *period("2026"), **arguments)
    return release(place, values, MADE_AT)


@pytest.mark.parametrize("language", ["nb", "en"])
def test_pdf_has_two_to_six_pages_and_the_same_bytes_each_time(made, language):
    data = pdf(made, 2026, language)
    assert data.startswith(b"%PDF")
    assert data == pdf(made, 2026, language)
    assert 2 <= len(typeset(content(made, 2026, language), int(MADE_AT), "svg")) <= 6


@pytest.mark.parametrize("language", ["nb", "en"])
def test_every_figure_printed_is_the_one_in_the_csv(made, language):
    rows = {(r["indicator"], r["period"]): r for r in csv.DictReader(io.StringIO(export(made, "tidy_csv").decode())) if r["zone"] == "town"}
    printed = content(made, 2026, language)["rows"]
    assert [r["id"] for r in printed] == list(CATALOGUE)
    filled_rows = [r for r in printed if r["has_value"]]
    assert len(filled_rows) > 8
    for row in filled_rows:
        name = "2026-05" if row["period"] in ("mai 2026", "May 2026") else row["period"]
        source = rows[row["id"], name]
        assert row["value"] == number(float(source["value"]), CATALOGUE[row["id"]].decimals, language)
        assert row["class"] == source["quality_class"]
        assert row["value"] in html(made, 2026, language).decode()


def test_a_year_that_cannot_be_stood_for_shows_the_month_and_says_which(made):
    row = next(r for r in content(made, 2026, "nb")["rows"] if r["id"] == "W01")
    assert (row["value"], row["period"], row["status"]) == ("50,0", "mai 2026", "foreløpig")


class Links(HTMLParser):
    """Everything a page would fetch, and the tags left open."""

    def __init__(self):
        super().__init__()
        self.fetched, self.open = [], []

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.fetched += [named[k] for k in ("src", "data") if named.get(k)] + ([named["href"]] if tag == "link" else [])
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("language", ["nb", "en"])
def test_html_is_whole_and_fetches_nothing(made, language):
    text = html(made, 2026, language).decode()
    page = Links()
    page.feed(text)
    assert page.fetched == []
    assert page.open == []
    assert f'lang="{language}"' in text
    assert "<script" not in text


def test_names_from_outside_cannot_break_the_page(made):
    evil = made.town.model_copy(update={"utility": made.town.utility.model_copy(update={"name": "<script>alert(1)</script>"})})
    text = html(release(evil, made.values, MADE_AT), 2026).decode()
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert pdf(release(evil, made.values, MADE_AT), 2026).startswith(b"%PDF")


def test_no_proxy_is_printed_as_the_official_figure(made):
    for row in content(made, 2026, "nb")["rows"]:
        if CATALOGUE[row["id"]].is_proxy:
            assert "lokal" in row["name"].rpartition("–")[2]
        assert not re.search(r"SDG \d|FN-indikator \d", row["name"])


def test_an_unverified_benchmark_says_so(made):
    row = next(r for r in content(made, 2026, "en")["rows"] if r["id"] == "S04")
    assert "(unverified)" in row["compare"]


def test_numbers_units_and_months_follow_the_language():
    assert number(12345.678, 1, "nb") == "12\u202f345,7"
    assert number(-0.5, 1, "en") == "−0.5"
    assert number(None, 1, "nb") == "–"
    assert unit_label("L/connection/d", "nb") == "L/tilknytning/d"
    assert unit_label("1", "nb") == ""
    assert period_label("2026-03", "nb") == "mars 2026"
    assert period_label("2026", "en") == "2026"


def test_texts_are_in_both_languages_with_the_same_places_to_fill():
    for text in T.values():
        assert text.en
        assert text.nb
        assert set(re.findall(r"{\w+}", text.en)) == set(re.findall(r"{\w+}", text.nb))


def test_a_sparkline_leaves_a_gap_for_a_missing_month():
    picture = sparkline([(1.0, 0.5, 1.5), (None, None, None), (2.0, None, None), (3.0, None, None)])
    assert picture.count("<polyline") == 2
    assert picture.count("<circle") == 3
    assert "<polyline" not in sparkline([(None, None, None)])


def test_the_map_draws_no_household(made):
    place = town(
        zones=[{"id": "A", "polygon": [(60.0, 10.0), (60.1, 10.0), (60.1, 10.2)]}, {"id": "S", "kind": "sewer"}],
        assets=[{"id": "p", "kind": "junction", "zone": "A", "latitude": 60.05, "longitude": 10.1},
                {"id": "m", "kind": "meter_point", "zone": "A", "household": True, "latitude": 60.06, "longitude": 10.1}],
        sensors=[{"id": "s1", "dev_eui": "d1", "asset": "p"}, {"id": "s2", "dev_eui": "d2", "asset": "m"}],
    )  # fmt: skip
    picture = coverage_map(place, {"A": 0.95})
    assert picture.count("<circle") == 1
    assert picture.count("<polygon") == 1


def test_a_town_without_anything_still_gets_its_report():
    place = Town(utility=Utility(name="Tomby"))
    values = compute(filled(), place, *period("2026"), events=(), master=nothing, now=MADE_AT)
    made = release(place, values, MADE_AT)
    assert pdf(made, 2026).startswith(b"%PDF")
    assert all(not r["has_value"] for r in content(made, 2026, "en")["rows"])
    assert b"Tomby" in html(made, 2026)
