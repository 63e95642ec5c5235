"""Contacts, temperatures, blockage, pumps, fouling, early warning, weather: small stories with known ends."""

import numpy as np
import pytest

from analytics.detector import Budget
from analytics.scan import detectors
from analytics.weather import rain_steps, weather, wet_mask
from core.town import Weir
from tests.analytics.makers import DAY, T0, arrays, times, track


def run(key, *tracks, **more):
    d = detectors()[key]
    return d.detect(arrays(*tracks, **more), d.params())


def quiet_level(days, step_s=900.0, mean=0.3, noise=0.004, seed=1):
    t = times(days, step_s)
    rng = np.random.default_rng(seed)
    return t, mean + 0.05 * np.sin(2 * np.pi * (t - T0) / DAY) + rng.normal(0, noise, t.size)


def rain(t, mm, sensor="r"):
    return track("rain_mm", t, mm, sensor=sensor)


def test_weather_classes():
    t = times(40, 3600.0)
    dry, wet = np.zeros(t.size), np.where((t > T0 + 20 * DAY) & (t < T0 + 20 * DAY + 7200), 3.0, 0.0)
    level = track("level_m", t, np.zeros(t.size))
    at = T0 + 20 * DAY + 3600
    assert weather(arrays(level, context=(rain(t, wet),)), at, at + 3600) == "wet"
    assert weather(arrays(level, context=(rain(t, dry),)), at, at + 3600) == "dry"
    assert weather(arrays(level), at, at + 3600) == "unknown"
    thaw = track("air_temperature_c", t, np.where(t > T0 + 19 * DAY, 4.0, -6.0), sensor="a")
    assert weather(arrays(level, context=(rain(t, dry), thaw)), at, at + 3600) == "melt"
    cold = track("air_temperature_c", t, np.full(t.size, -6.0), sensor="a")
    snow = track("snow_depth_m", t, np.full(t.size, 0.4), sensor="n")
    assert weather(arrays(level, context=(rain(t, dry), cold, snow)), at, at + 3600) == "dry"


def test_a_rain_index_that_restarts_loses_no_rain():
    t = times(1, 3600.0)[:5]
    _, mm = rain_steps(track("rain_total_mm", t, [10.0, 12.0, 12.0, 0.5, 1.5]))
    assert mm.tolist() == [0.0, 2.0, 0.0, 0.5, 1.0]
    mask = wet_mask(arrays(rain(t, [0, 1.0, 0, 0, 0])), t, hours=2.0)
    assert mask.tolist() == [0, 1, 1, 1, 0]


def test_a_wet_contact_is_an_overflow():
    t = T0 + 60.0 * np.arange(0, 600)
    x = ((t >= T0 + 6000) & (t < T0 + 9600)).astype(float)
    (f,) = run("overflow_contact", track("contact", t, x))
    assert f.kind == "overflow"
    assert f.end - f.start == 3600


def test_a_wet_contact_above_low_water_is_stuck():
    t = times(2, 900.0)
    contact = track("contact", t, (t > T0 + DAY / 2).astype(float), sensor="c")
    level = track("level_m", t, np.full(t.size, 0.5), sensor="l", crest_m=1.0)
    (f,) = run("overflow_contact", contact, level)
    assert (f.kind, f.details["fault"], f.sensors) == ("sensor_fault", "stuck_wet", ("c",))
    high = track("level_m", t, np.where(t > T0 + DAY / 2, 1.1, 0.5), sensor="l", crest_m=1.0)
    assert run("overflow_contact", contact, high) == []


def test_temperatures_that_meet_are_an_overflow_and_a_warm_day_is_not():
    t = times(6, 120.0)
    rng = np.random.default_rng(2)
    sewer = 12 + rng.normal(0, 0.05, t.size)
    space = 5 + 1.5 * np.sin(2 * np.pi * (t - T0) / DAY) + rng.normal(0, 0.05, t.size)
    under = (t > T0 + 4 * DAY) & (t < T0 + 4 * DAY + 5400)
    space[under] = sewer[under] + 0.1
    (f,) = run("overflow_temperature_pair", track("temperature_c", t, space, sensor="o"), track("temperature_c", t, sewer, sensor="s"))
    assert abs(f.start - T0 - 4 * DAY) <= 240
    assert abs(f.end - f.start - 5400) <= 300
    slow = 5 + 7 * np.clip((t - T0 - 3 * DAY) / (2 * DAY), 0, 1)
    assert run("overflow_temperature_pair", track("temperature_c", t, slow, sensor="o"), track("temperature_c", t, sewer, sensor="s")) == []


def test_blockage_in_dry_weather_and_not_in_rain():
    t, x = quiet_level(30)
    held = (t > T0 + 25 * DAY) & (t < T0 + 26 * DAY)
    x[held] += 0.15
    dry, wet = np.zeros(t.size), np.where(held & (t < T0 + 25 * DAY + 7200), 1.0, 0.0)
    level = track("level_m", t, x, diameter_m=0.5, asset="m1", asset_kind="manhole")
    (f,) = run("blockage", level, context=(rain(t, dry),))
    assert abs(f.onset - T0 - 25 * DAY) <= 3 * 3600
    assert f.details["rise_m"] == pytest.approx(0.15, abs=0.05)
    assert f.severity == "critical"  # 0.5 m is over 80 % of the pipe
    assert run("blockage", level, context=(rain(t, wet),)) == []


def test_what_all_sewers_do_together_is_no_blockage_and_a_fall_below_points_at_the_pipe_between():
    levels = []
    for i in range(5):
        t, x = quiet_level(30, seed=i)
        up = (t > T0 + 25 * DAY) & (t < T0 + 26 * DAY)
        x[up] += 0.1
        levels.append((t, x))
    assert (
        run("blockage", *(track("level_m", t, x, sensor=f"l{i}", asset=f"m{i}", asset_kind="manhole") for i, (t, x) in enumerate(levels)))
        == []
    )
    t, above = quiet_level(30, seed=8)
    _, below = quiet_level(30, seed=9)
    above[t > T0 + 25 * DAY] += 0.12
    below[t > T0 + 25 * DAY] -= 0.1
    found = run(
        "blockage", track("level_m", t, above, sensor="a", asset="ma", downstream="mb"), track("level_m", t, below, sensor="b", asset="mb")
    )
    assert found[0].sensors == ("a",)
    assert found[0].details["downstream"] == "lower"


def test_a_pumping_station_that_fills_up():
    t = times(12, 300.0)
    x = 1.0 + 0.4 * ((t - T0) % 3600) / 3600
    down = (t > T0 + 10 * DAY) & (t < T0 + 10 * DAY + 3 * 3600)
    x[down] = 1.4 + (t[down] - T0 - 10 * DAY) / 3600 * 0.5
    (f,) = run("pump_failure", track("level_m", t, x, asset_kind="pumping_station"))
    assert 0 <= f.start - (T0 + 10 * DAY) <= 1.5 * 3600
    assert f.score == pytest.approx(1.5, abs=0.1)


def test_a_creeping_minimum_is_fouling_and_an_overflow_made_of_it_is_not_believed():
    t, x = quiet_level(60, mean=0.75, noise=0.002)
    x = x + 0.012 * np.clip((t - T0 - 20 * DAY) / DAY, 0, None)
    site = {"crest_m": 1.0, "weir": Weir(width_m=1.0), "asset": "c1", "asset_kind": "overflow_chamber"}
    (f,) = run("fouling", track("level_m", t, x, **site))
    assert 25 * DAY < f.start - T0 < 36 * DAY
    kinds = {g.kind for g in run("overflow_level", track("level_m", t[t < T0 + 39 * DAY], x[t < T0 + 39 * DAY], **site))}
    assert kinds == {"sensor_fault"}


def test_early_warning_tells_how_long_before():
    t = T0 + 300.0 * np.arange(0, 600)
    x = np.full(t.size, 0.4)
    rise = (t >= T0 + 60_000) & (t < T0 + 63_600)
    x[rise] = 0.4 + (t[rise] - T0 - 60_000) / 3000 * 0.6
    x[t >= T0 + 63_600] = 0.3
    (f,) = run("early_warning", track("level_m", t, x, crest_m=1.0))
    assert f.details["hit"] == "yes"
    assert 600 <= f.details["lead_s"] <= 2400


def test_tail_water_makes_the_overflow_smaller():
    t = T0 + 300.0 * np.arange(0, 48)
    x = np.where((t > T0 + 3600) & (t < T0 + 10_800), 1.2, 0.5)
    level = track("level_m", t, x, crest_m=1.0, weir=Weir(width_m=2.0), interval_s=300.0)
    below = track("level_m", t, np.full(t.size, 1.1), sensor="tail")
    (free,), (held,) = run("overflow_level", level), run("overflow_level", level, context=(below,))
    assert (free.details["submergence"], held.details["submergence"]) == ("unknown", "yes")
    assert held.volume_m3 / free.volume_m3 == pytest.approx((1 - 0.5**1.5) ** 0.385, abs=0.03)


def test_budget_of_a_single_place():
    assert Budget(0.5, 10).mean_time_between_s() == 20 * 7 * DAY
