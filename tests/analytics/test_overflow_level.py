"""Overflow from level: times, gaps, volume, by hand."""

import numpy as np
import pytest

from analytics.counting import HOUR_S
from analytics.detectors.overflow_level import DETECTOR, Params
from core.town import Weir
from tests.analytics.makers import T0, arrays, track

detect = DETECTOR.detect
WEIR = Weir(width_m=2.0, crest_u_m=0.0)


def level(minutes, values, **site):
    return track("level_m", T0 + np.asarray(minutes) * 60.0, values, **{"crest_m": 1.0, "interval_s": 300.0, **site})


def test_start_and_end_lie_between_the_samples():
    found = detect(arrays(level([0, 5, 10, 15, 20, 25], [0.9, 0.95, 1.2, 1.1, 0.9, 0.8])), Params())
    assert len(found) == 1
    (f,) = found
    assert (f.start - T0, f.end - T0) == (7.5 * 60, 17.5 * 60)
    assert f.onset_u_s == 150
    assert f.details["duration_s"] == 600
    assert f.score == pytest.approx(0.2)


def test_no_crest_no_overflow():
    assert detect(arrays(level([0, 5], [9, 9], crest_m=None)), Params()) == []


def test_below_the_trigger_is_none():
    assert detect(arrays(level([0, 5, 10], [0.9, 1.002, 0.9])), Params()) == []


def test_a_single_coarse_sample_counts_but_a_single_fine_one_does_not():
    assert len(detect(arrays(level([0, 15, 30], [0.5, 1.3, 0.5], interval_s=900.0)), Params())) == 1
    assert detect(arrays(level([0, 1, 2, 3], [0.5, 1.3, 0.5, 0.5], interval_s=60.0)), Params()) == []


def test_volume_of_a_constant_head_is_poleni_times_time():
    minutes = np.arange(0, 125, 5)
    values = np.where((minutes >= 10) & (minutes <= 110), 1.1, 0.5)
    (f,) = detect(arrays(level(minutes, values, weir=WEIR)), Params())
    q = 2 / 3 * 0.62 * 2.0 * np.sqrt(2 * 9.81) * 0.1**1.5
    bias = 1 - 0.375 * (0.002 / 0.1) ** 2
    assert f.volume_m3 == pytest.approx(q * bias * 6000 + q * bias * 150, rel=1e-6)  # 100 min, and two half-triangles of 2.5 min
    assert f.volume_u_m3 / f.volume_m3 == pytest.approx(0.05)
    assert f.details["peak_flow_m3h"] == pytest.approx(q * bias * 3600)


def test_crest_error_does_not_average_out():
    minutes = np.arange(0, 125, 5)
    values = np.where((minutes >= 10) & (minutes <= 110), 1.05, 0.5)
    weir = Weir(width_m=2.0, crest_u_m=0.01)
    (f,) = detect(arrays(level(minutes, values, weir=weir)), Params())
    assert f.volume_u_m3 / f.volume_m3 == pytest.approx(np.hypot(0.05, 1.5 * 0.01 / 0.05), rel=0.02)


def test_silence_ends_it_uncertain():
    (f,) = detect(arrays(level([0, 5, 10, 200, 205], [0.5, 1.2, 1.2, 0.5, 0.5])), Params())
    assert f.end - T0 == 10 * 60 + 300
    assert f.details["end_known"].startswith("no")


def test_it_lasts_while_the_last_sample_is_over():
    (f,) = detect(arrays(level([0, 5, 10], [0.5, 1.2, 1.2])), Params())
    assert f.end is None


def test_short_pauses_are_one_event_long_ones_two():
    minutes = np.arange(0, 65, 5)
    values = np.full(13, 0.5)
    values[[2, 4, 10]] = 1.2
    first, second = detect(arrays(level(minutes, values)), Params())
    assert first.details["parts"] == 2
    assert first.details["active_s"] == 600
    assert second.details["blocks_12_24"] == 1


def test_two_days_are_three_blocks():
    minutes = np.arange(0, 37 * 60 + 15, 15)
    values = np.where((minutes > 0) & (minutes < 37 * 60), 1.3, 0.5)
    (f,) = detect(arrays(level(minutes, values, interval_s=900.0)), Params())
    assert f.end - f.start == pytest.approx(37 * HOUR_S, abs=1800)
    assert f.details["blocks_12_24"] == 3


def test_noise_raises_the_trigger():
    t = T0 + np.arange(0, 5 * 86_400, 300.0)
    x = 0.98 + np.random.default_rng(3).normal(0, 0.008, t.size)
    found = detect(arrays(track("level_m", t, x, crest_m=1.0, interval_s=300.0)), Params())
    after_first_day = [f for f in found if f.start > T0 + 2 * 86_400]
    assert len(after_first_day) <= 2
