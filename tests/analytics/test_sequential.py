"""CUSUM against its own recursion, thresholds against published run lengths, onset and end by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analytics.sequential import cusum, shifts, threshold


@given(arrays(np.float64, st.integers(0, 60), elements=st.floats(-5, 5)), st.floats(0.1, 1))
def test_closed_form_is_the_recursion(e, k):
    c, expected = 0.0, []
    for value in e:
        c = max(0.0, c + value - k)
        expected.append(c)
    np.testing.assert_allclose(cusum(e, k), expected, atol=1e-9)


@pytest.mark.parametrize(("h", "arl0"), [(4, 335), (5, 931), (6, 2553), (8, 18962), (10, 140208), (12, 1.04e6)])
def test_thresholds_invert_the_exact_run_lengths(h, arl0):
    assert threshold(arl0, 0.5) == pytest.approx(h, abs=0.05)


def test_measured_run_length_is_the_stated_one():
    e = np.random.default_rng(5).normal(size=400_000)
    alarms = len(shifts(e, 0.5, threshold(2000.0), 4.0))
    assert alarms == pytest.approx(200, rel=0.25)


def test_onset_end_and_peak():
    e = np.array([0.0, -1, 0, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    (s,) = shifts(e, 0.5, 4.0, 3.0)
    assert (s.onset, s.alarm, s.end) == (3, 5, 6)
    assert s.peak == pytest.approx(6.0)


def test_a_shift_that_lasts_has_no_end():
    (s,) = shifts(np.concatenate((np.zeros(10), np.full(10, 2.0))), 0.5, 4.0, 3.0)
    assert (s.onset, s.end) == (10, None)


def test_two_shifts():
    block = np.concatenate((np.zeros(30), np.full(8, 3.0), np.full(30, -0.5)))
    assert [s.onset for s in shifts(np.concatenate((block, block)), 0.5, 5.0, 4.0)] == [30, 98]
