"""Values end to end from stored readings, against numbers worked out by hand."""

import pytest

from analytics.indicators import compute, town_zone
from core.model import concatenate
from tests.indicators.town import END, HOURS, LATER, START, filled, flat, index, measured, nothing, overflow, town


def figures(store=None, place=None, events=(), now=END + 10 * 86400, start=START, end=END, **more):
    found = compute(store or filled(), place or town(), start, end, events=events, master=nothing, now=now, **more)
    return {(v.indicator, v.zone): v for v in found}


def test_the_leakage_share_of_zones_and_town():
    found = figures(keys=["W01"])
    assert found["W01", "A"].value == pytest.approx(100 * 3.5 / 6)
    assert found["W01", "B"].value == pytest.approx(100 * 1.5 / 4)
    assert found["W01", "town"].value == pytest.approx(100 * 5 / 10)
    assert found["W01", "town"].numerator == pytest.approx(5 * HOURS)
    assert found["W01", "town"].shares == pytest.approx((1, 0, 0))
    assert found["W01", "town"].completeness == pytest.approx(1.0)


def test_the_whole_town_has_the_utilitys_id():
    assert town_zone(town()) == "town"
    assert {z for _, z in figures(keys=["W01"])} == {"A", "B", "town"}


def test_overflow_hours_are_split_at_the_period_and_counted_once_per_point():
    events = [overflow("cso1", -2, 3), overflow("cso1", 2, 4), overflow("cso2", HOURS - 1, None)]
    found = figures(keys=["S02"], events=events, now=END + 86400)
    assert found["S02", "S"].numerator == pytest.approx(4 + 1)
    assert found["S02", "S"].value == pytest.approx(2.5)
    assert found["S02", "S"].unit == "h/point"
    assert found["S02", "S"].lower < 2.5 < found["S02", "S"].upper


def test_completeness_is_received_over_expected():
    parts = [p for p in measured() if p.sensor[0] != "d-cso1"] + [flat("d-cso1", "level_m", 0.2, end=START + HOURS / 4 * 3600)]
    found = figures(filled(parts), keys=["X01"])
    assert found["X01", "S"].numerator == pytest.approx(HOURS * 2.25)
    assert found["X01", "S"].value == pytest.approx(100 * 2.25 / 3)
    assert found["X01", "town"].denominator == pytest.approx(18 * HOURS)


def test_class_one_needs_all_five_principles():
    found = figures(keys=["S02", "W01"])
    assert (found["S02", "S"].quality_class, found["S02", "S"].failed_principles) == (1, ())
    assert (found["W01", "A"].quality_class, found["W01", "A"].failed_principles) == (1, ())


def test_a_month_without_readings_is_null_with_a_reason_and_not_zero():
    found = figures(filled([flat("d-gauge", "rain_mm", 0.0)]), keys=["W01", "S02", "X01"])
    assert (found["W01", "A"].value, found["W01", "A"].reason, found["W01", "A"].quality_class) == (None, "required_input_missing", 3)
    assert (found["S02", "S"].value, found["S02", "S"].reason) == (None, "low_completeness")
    assert found["X01", "A"].value == 0.0


def test_a_negative_balance_is_a_fault_and_not_clipped():
    parts = [p for p in measured() if p.sensor[0] != "d-inA"] + [index("d-inA", 6.0)]
    value = figures(filled(parts), keys=["W01"])["W01", "A"]
    assert (value.value, value.reason) == (None, "out_of_validity")
    assert value.numerator == pytest.approx(-0.5 * HOURS)


def test_values_turn_final_after_45_days():
    assert figures(keys=["X01"])["X01", "A"].status == "provisional"
    assert figures(keys=["X01"], now=LATER)["X01", "A"].status == "final"


def test_what_lies_after_now_does_not_exist():
    now = START + 10 * 86400
    store = filled([concatenate(measured())])
    value = figures(store, keys=["X01"], now=now)["X01", "A"]
    assert value.denominator == pytest.approx(10 * 24 * 7)
