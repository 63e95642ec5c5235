"""Master data: validity, age, files with every mistake at once."""

import math

import pytest

from analytics.indicators import compute
from analytics.indicators.master_file import load_master, template
from core.errors import ConfigError
from core.records import MasterValue
from core.timekeeping import period
from tests.indicators.town import END, START, filled, nothing, town

YEAR = 365.2425 * 86400


def leak(master=nothing, place=None):
    found = compute(filled(), place or town(), START, END, events=(), master=master, now=END + 86400, keys=["W02"], zones=["A"])
    return found[0]


def entered(value, age_years=0.1, name="service_connections"):
    record = MasterValue(name, "A", value, END - age_years * YEAR, math.inf, "survey", END)
    return lambda n, zone, t: record if (n, zone) == (name, "A") else None


def test_an_entered_figure_goes_before_town_yaml_and_names_its_source():
    assert leak(entered(50.0)).denominator == pytest.approx(50 * 31)
    assert leak(entered(50.0)).lineage["inputs"]["Nc"]["source"] == "survey"
    assert leak().lineage["inputs"]["Nc"]["source"] == "town.yaml"


@pytest.mark.parametrize(("years", "quality", "failed"), [(0.5, 1, ()), (1.5, 2, ("timeliness",)), (3.1, 3, ())])
def test_old_master_data_lowers_the_class_and_then_empties_the_figure(years, quality, failed):
    value = leak(entered(5.0, years))
    assert (value.quality_class, value.failed_principles) == (quality, failed)
    assert (value.value is None) == (years > 3)
    assert value.reason == ("master_data_stale" if years > 3 else None)


def test_undated_master_data_is_not_taken_as_fresh():
    data = town().model_dump()
    for zone in data["zones"]:
        zone.pop("master_as_of", None)
    data["utility"].pop("master_as_of", None)
    assert leak(place=town(zones=data["zones"], utility=data["utility"])).failed_principles == ("timeliness",)


def test_a_figure_that_changes_within_the_period_is_weighted_by_days():
    def master(name, zone, t):
        if (name, zone) != ("service_connections", "A"):
            return None
        return MasterValue(name, zone, 10.0 if t < first + 31 * 86400 else 20.0, first - 1, math.inf, "x", first)

    first, last = period("2026")
    parts = compute(filled(), town(), first, last, events=(), master=master, now=last, keys=["W02"], zones=["A"])[0]
    assert parts.lineage["inputs"]["Nc"]["value"] == pytest.approx((31 * 10 + 334 * 20) / 365, rel=1e-3)


def test_yearly_amounts_are_prorated():
    master = entered(365.2425, name="other_authorised_m3")
    value = compute(filled(), town(), START, END, events=(), master=master, now=END + 86400, keys=["W01"], zones=["A"])[0]
    assert value.lineage["inputs"]["V_oth"]["value"] == pytest.approx(31.0)


def test_a_yaml_file_is_read_with_all_its_fields(tmp_path):
    file = tmp_path / "m.yaml"
    file.write_text("- {name: mains_km, zone: A, value: 12.5, valid_from: 2026-01-01, source: kart, relative_u: 0.02}\n", encoding="utf-8")
    (value,) = load_master(file, town(), 1.0, "kari")
    assert (value.name, value.value, value.author, value.relative_u, value.valid_to) == ("mains_km", 12.5, "kari", 0.02, math.inf)


def test_every_mistake_is_told_at_once(tmp_path):
    file = tmp_path / "m.csv"
    file.write_text("name,zone,value,valid_from,source\nmains_kms,A,1,2026-01-01,x\nmains_km,Q,-3,someday,\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_master(file, town(), 1.0)
    text = "\n".join(caught.value.problems)
    for words in (
        "did you mean 'mains_km'?",
        "there is no zone 'Q'",
        "-3 is negative",
        "'someday' is not an ISO 8601",
        "entry 2: source is missing",
    ):
        assert words in text


def test_the_template_names_what_is_lacking():
    assert (
        template(town(), [("sewer_km", "S")])
        == "# Master data of Testby\n- {name: sewer_km, zone: S, value: , valid_from: , source: }  # km\n"
    )
