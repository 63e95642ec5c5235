"""The class of a value: each principle fails on its own, and nothing lifts a class."""

import math

import pytest

from analytics.indicators import CATALOGUE
from analytics.indicators.amounts import Amount, combined_shares, missing, total
from analytics.indicators.quality import assess, obstacle

FINE = {"completeness": 0.95, "estimated": 0.05, "relative_expanded_u": 0.05, "published_after_days": 10.0, "zone_residual": 0.001}
GOOD = {"V_in": Amount(1.0, age_months=6.0)}


def judged(key="W01", inputs=GOOD, **changes):
    found = assess(CATALOGUE[key], inputs, **(FINE | changes))
    return found.quality_class, found.failed


def test_all_five_hold():
    assert judged() == (1, ())


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        ({"completeness": 0.89}, "accuracy"),
        ({"estimated": 0.11}, "accuracy"),
        ({"relative_expanded_u": 0.11}, "accuracy"),
        ({"inputs": {"V_in": Amount(1.0, calibration_valid=False)}}, "accuracy"),
        ({"published_after_days": 46.0}, "timeliness"),
        ({"inputs": {"V_in": Amount(1.0, age_months=13.0)}}, "timeliness"),
        ({"inputs": {"V_in": Amount(1.0, age_months=math.nan)}}, "timeliness"),
        ({"zone_residual": 0.03}, "coherence"),
        ({"inputs": {"V_in": Amount(1.0, cap=2)}}, "coherence"),
        ({"inputs": {"V_in": Amount(1.0, points_meeting=0.94)}}, "accuracy"),
        ({"outside": "pressure outside 25–100 m"}, "coherence"),
        ({"key": "S07"}, "coherence"),
        ({"key": "S04"}, "coherence"),
    ],
)
def test_one_failure_makes_class_two_and_is_named(changes, failed):
    assert judged(**changes) == (2, (failed,))


def test_what_does_not_apply_does_not_fail():
    nothing = dict.fromkeys(("relative_expanded_u", "published_after_days", "zone_residual"), math.nan)
    assert judged(**nothing) == (1, ())
    assert judged(key="S02", relative_expanded_u=0.5) == (1, ())


def test_principles_are_named_once_in_their_order():
    assert judged(key="S07", completeness=0.6, estimated=0.5, published_after_days=99.0) == (2, ("accuracy", "timeliness", "coherence"))


@pytest.mark.parametrize(
    ("inputs", "completeness", "reason"),
    [
        ({"V_in": missing("zone inlets")}, 1.0, "required_input_missing"),
        ({"V_in": Amount(1.0, age_months=37.0)}, 1.0, "master_data_stale"),
        ({"V_in": Amount(1.0)}, 0.49, "low_completeness"),
        ({"V_in": Amount(1.0, age_months=math.nan)}, 0.5, None),
    ],
)
def test_what_makes_a_value_impossible(inputs, completeness, reason):
    found = obstacle(inputs, completeness)
    assert (found[0] if found else None) == reason


def test_sums_of_inputs_keep_the_worst_and_add_their_uncertainty():
    a = Amount(30.0, 1.0, 1.0, (1.0, 0.0, 0.0), age_months=3.0, notes=("a",))
    b = Amount(10.0, 2.0, 0.6, (0.0, 0.5, 0.5), age_months=math.nan, cap=2, calibration_valid=False, notes=("b",))
    both = total([a, b])
    assert (both.value, both.u, both.cap, both.calibration_valid, both.notes) == (40.0, 3.0, 2, False, ("a", "b"))
    assert both.completeness == pytest.approx(0.9)
    assert both.shares == pytest.approx((0.75, 0.125, 0.125))
    assert math.isnan(both.age_months)
    assert total([a, missing("x")]).value is None
    assert total([]).reason == "required_input_missing"


def test_shares_of_nothing_weigh_the_same():
    assert combined_shares([((1.0, 0.0, 0.0), 0.0), ((0.0, 0.0, 1.0), 0.0)]) == (0.5, 0.0, 0.5)
    assert combined_shares([]) is None
