"""Water hammer by hand."""

import numpy as np
import pytest

from analytics.transients import joukowsky_bar, summaries


def test_joukowsky_of_three_tenths_of_a_metre_a_second():
    assert joukowsky_bar(0.3) * 10.197 == pytest.approx(36.7, abs=0.1)
    assert joukowsky_bar(0.3, "pe") * 10.197 == pytest.approx(12.2, abs=0.1)


def test_only_windows_that_swing_are_summed_up():
    t = np.arange(0, 2700, 0.5)
    x = np.full(t.size, 4.0)
    x[(t >= 1000) & (t < 1010)] = np.tile([6.0, 2.5], 10)
    x[2500] = np.nan
    (one,) = summaries(t, x)
    assert (one.start, one.low_bar, one.high_bar, one.range_bar) == (900.0, 2.5, 6.0, 3.5)
    assert one.swings == 21
    assert summaries(t[:1], x[:1]) == []
