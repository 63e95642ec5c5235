"""Schmitt trigger and spans on arrays short enough to follow by hand."""

import numpy as np

from analytics.spans import hysteresis, merge, runs, spans


def test_runs():
    assert runs(np.array([True, True, False, True])).tolist() == [[0, 1], [3, 3]]
    assert runs(np.zeros(3, bool)).tolist() == []
    assert runs(np.empty(0, bool)).tolist() == []


def test_hysteresis_needs_the_upper_threshold_and_holds_to_the_lower():
    x = np.array([-1, 0.5, 2, 0.5, 0.1, -0.1, 0.5, 0.9, -1])
    assert hysteresis(x, 1.0, 0.0).tolist() == [False, True, True, True, True, False, False, False, False]


def test_edges_are_midway():
    (s,) = spans(np.array([False, True, True, False]), np.array([0.0, 60, 120, 240]), hold_s=600)
    assert (s.start, s.end, s.start_u_s, s.end_u_s, s.open_end) == (30, 180, 30, 60, False)


def test_silence_cuts_and_nothing_is_invented():
    t = np.array([0.0, 60, 120, 4000, 4060])
    a, b = spans(np.array([False, True, True, True, False]), t, hold_s=120)
    assert (a.start, a.end, a.certain_end) == (30, 180, False)
    assert (b.start, b.end, b.certain_end) == (3940, 4030, True)


def test_a_run_at_the_end_is_open_until_silence_says_otherwise():
    t, mask = np.array([0.0, 60, 120]), np.array([False, True, True])
    assert spans(mask, t, 120, until=180.0)[0].open_end
    (closed,) = spans(mask, t, 120, until=1000.0)
    assert not closed.open_end
    assert closed.end == 180


def test_merge_by_pause():
    parts = spans(np.array([0, 1, 0, 1, 0, 0, 0, 1, 0], bool), np.arange(9) * 60.0, 600)
    assert [len(g) for g in merge(parts, 60.0)] == [2, 1]
