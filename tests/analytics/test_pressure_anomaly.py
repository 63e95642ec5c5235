"""Pressure against its time of week: steps found, ordinary weeks quiet, onset right, false alarms as stated."""

import numpy as np
import pytest

from analytics.detector import Budget
from analytics.detectors.pressure_anomaly import DETECTOR, Params, shape
from tests.analytics.makers import DAY, T0, arrays, diurnal, times, track

YEARLY = Budget(1.0, 100)


def found(x, t, budget=YEARLY, params=None):
    return DETECTOR.detect(arrays(track("pressure_bar", t, x), budget=budget), params or Params())


def test_a_step_down_is_found_within_two_hours_with_its_onset():
    t = times(40)
    x = diurnal(t)
    at = T0 + 30 * DAY + 10 * 3600
    x[(t >= at) & (t < at + DAY)] -= 0.3
    (f,) = found(x, t)
    assert abs(f.onset - at) <= 1800
    assert f.details["found_after_s"] <= 2 * 3600
    assert f.details["change_bar"] == pytest.approx(-0.3, abs=0.05)
    assert f.details["shape"] == "step"
    assert f.end is not None
    assert abs(f.end - at - DAY) <= 4 * 3600


def test_a_rise_is_found_too():
    t = times(40)
    x = diurnal(t)
    x[t >= T0 + 30 * DAY] += 0.25
    assert found(x, t)[0].details["change_bar"] > 0.15


@pytest.mark.parametrize(("phi", "step_s"), [(0.0, 3600.0), (0.7, 1800.0), (0.95, 900.0)])
def test_ordinary_weeks_keep_the_stated_budget_whatever_the_correlation(phi, step_s):
    """Sixty series of eleven weeks under a budget of two alarms a week for all: two weeks go to learning, eighteen may be expected."""
    alarms = 0
    for seed in range(60):
        t = times(77, step_s)
        alarms += len(found(diurnal(t, seed=seed, phi=phi), t, Budget(2.0, 60), Params(least_change_bar=0.0)))
    assert alarms <= 36


def test_a_weekend_unlike_workdays_is_no_anomaly():
    t = times(70)
    x = diurnal(t)
    x[((t - T0) // DAY % 7) >= 5] += 0.3
    late = [f for f in found(x, t) if f.start > T0 + 28 * DAY]
    assert late == []


def test_step_or_ramp():
    noise = np.random.default_rng(1).normal(0, 0.1, 60)
    assert shape(1 + noise) == "step"
    assert shape(np.linspace(0, 3, 60) + noise) == "ramp"
