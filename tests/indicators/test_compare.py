"""Progress, bands, change over time, others' values."""

import json
from dataclasses import replace

import pytest

from analytics.indicators import CATALOGUE, compute
from analytics.indicators.bands import band, band_of
from analytics.indicators.compare import flatten, over_time, ranked, read_others
from analytics.indicators.exports.json_stat import dataset
from analytics.indicators.progress import progress
from analytics.indicators.release import release
from core.errors import ConfigError
from tests.indicators.town import END, START, filled, nothing, town


def test_progress_of_the_worked_example():
    """Leakage 34.7 (2015) → 30.1 (2024), target 25 (2033): −1.568 % against −1.805 % a year, 86.9 %."""
    found = progress((2015, 34.7), (2024, 30.1), "lower_is_better", (2033, 25.0))
    assert (found.growth, found.needed) == (pytest.approx(-1.568, abs=5e-4), pytest.approx(-1.805, abs=5e-4))
    assert found.ratio == pytest.approx(86.9, abs=0.05)
    assert found.status == "acceleration_needed"


@pytest.mark.parametrize(
    ("newest", "polarity", "status"),
    [(120.0, "higher_is_better", "on_track"), (101.0, "higher_is_better", "acceleration_needed"),
     (100.1, "higher_is_better", "limited_progress"),
     (98.0, "higher_is_better", "deterioration"), (98.0, "lower_is_better", "on_track"), (120.0, "lower_is_better", "deterioration")],
)  # fmt: skip
def test_progress_without_a_target(newest, polarity, status):
    assert progress((2024, 100.0), (2025, newest), polarity).status == status


def test_progress_with_a_target_of_zero_and_one_that_is_met():
    assert progress((2020, 4.0), (2022, 1.0), "lower_is_better", (2030, 0.0)).ratio > 0
    assert progress((2020, 30.0), (2024, 24.0), "lower_is_better", (2033, 25.0)).status == "on_track"
    with pytest.raises(ValueError, match="first year before"):
        progress((2024, 1.0), (2024, 1.0), "lower_is_better")


def test_the_start_decides_the_band():
    """34.7 % loss, target 10: from 100 it is 72.6 %, from 50 it is 38.2 %."""
    assert (band(34.7, 100, 10).score, band(34.7, 100, 10).label) == (pytest.approx(72.6, abs=0.05), "66–95 %")
    assert (band(34.7, 50, 10).score, band(34.7, 50, 10).label) == (pytest.approx(38.2, abs=0.06), "33–66 %")
    assert band(9.0, 50, 10).points == 4
    assert band(60.0, 50, 10).points == 1
    with pytest.raises(ValueError, match="differ"):
        band(1, 5, 5)


def test_an_unverified_goal_makes_no_band():
    assert band_of(CATALOGUE["S04"], 1.0) is None
    assert band_of(CATALOGUE["W01"], 30.0).target == 25.0


def value(period_start=START):
    return next(v for v in compute(filled(), town(), START, END, events=(), master=nothing, now=END, keys=["W01"], zones=["A"]))


def test_a_change_is_certain_only_beyond_its_uncertainty():
    first = replace(value(), value=30.0, lower=28.0, upper=32.0)
    near, far = (replace(first, start=first.start + 1, end=first.end + 1, value=v, lower=v - 2, upper=v + 2) for v in (28.5, 20.0))
    assert [c.certain for c in over_time([first, near])] == [False]
    (change,) = over_time([far, first])
    assert (change.difference, change.u, change.certain) == (pytest.approx(-10.0), pytest.approx(2**0.5), True)
    assert not over_time([first, replace(far, lower=None)])[0].certain


def test_our_own_json_stat_reads_back_as_another_municipalitys():
    values = compute(filled(), town(), START, END, events=(), master=nothing, now=END, keys=["W01"])
    others = read_others(json.dumps(dataset(release(town(), values, END))).encode(), "nabo.json")
    assert {o.period for o in others} == {"2026-05"}
    assert {o.place: round(o.value, 3) for o in others} == {"A": 58.333, "B": 37.5, "Testby": 50.0}


def test_json_stat_with_sparse_values_and_index_objects():
    cube = {"id": ["Region", "Tid"], "size": [2, 2], "role": {"time": ["Tid"], "geo": ["Region"]}, "value": {"0": 30.1, "3": 20.0},
            "dimension": {"Region": {"category": {"index": {"3407": 0, "3405": 1}, "label": {"3407": "Gjøvik", "3405": "Lillehammer"}}},
                          "Tid": {"category": {"index": ["2022", "2023"]}}}}  # fmt: skip
    assert flatten(cube)[0] == {"geo": "Gjøvik", "time": "2022", "value": 30.1}
    found = read_others(json.dumps(cube).encode(), "ssb.json", "W01")
    assert [(o.place, o.period, o.value) for o in found] == [("Gjøvik", "2022", 30.1), ("Lillehammer", "2023", 20.0)]
    with pytest.raises(ConfigError, match="not a JSON-stat"):
        read_others(b'{"id": ["a"], "value": [1]}', "x.json", "W01")


def test_norwegian_csv_of_others_and_a_file_without_places():
    (found,) = read_others("zone;period;value\nHamar;2024;27,5\nRingsaker;2024;\n".encode("utf-8-sig"), "h.csv", "W01")
    assert (found.place, found.value) == ("Hamar", 27.5)
    with pytest.raises(ConfigError, match="row 1: needs"):
        read_others(b"a,b\n1,2\n", "x.csv", "W01")


def test_places_are_ranked_best_first_and_doubt_is_kept():
    rows = ranked([value()], [], {"A": "Nord"})
    assert [r.name for r in rows] == ["National goal for 2033", "Norway 2023 (KOSTRA)", "Nord"]
    assert ranked([], [], {}) == []
