"""The sensor layer and the radio: each fault as promised, published airtimes, and a hard life below ground."""

import dataclasses
import json

import numpy as np
import pytest

from core.timekeeping import unix
from core.town import Mounting
from simulators import meters, scenario
from simulators.happenings import SensorFault
from simulators.meter_events import exchanged
from simulators.radio import airtime_s, burst_losses, fast_interval_s, link
from simulators.scenario import Action
from simulators.sensing import NOISE, network_columns, observe
from simulators.town import build_town, meter_counts
from simulators.truth import simulate_truth
from simulators.weather import DEGREE_DAY_MM, Storm, Thaw, weather

START = unix("2026-09-07T00:00:00Z")
DAY = 86_400.0


@pytest.fixture(scope="module")
def town():
    return build_town(1, 0.01)


@pytest.fixture(scope="module")
def truth(town):
    return simulate_truth(town, "quiet_month", 1, START, 4)


def column(truth, sensor, quantity, faults=()):
    faulty = dataclasses.replace(truth, sensor_faults=tuple(faults))
    return next(c for c in network_columns(faulty, lossless=True) if (c.sensor.id, c.quantity) == (sensor, quantity))


def fault(kind, sensor="tr-n00", **details):
    return SensorFault(sensor, kind, START + DAY, START + 2 * DAY, details)


def inside(c):
    return (c.t >= START + DAY) & (c.t < START + 2 * DAY)


def test_a_healthy_sensor_is_the_truth_with_its_noise_and_resolution(truth):
    c = column(truth, "tr-n00", "pressure_bar")
    sigma, resolution = NOISE["milesight_em500_pp", "pressure_bar"]
    error = c.x - truth.signals["vk-n00", "pressure_bar"].at(c.t)
    assert abs(error.mean()) < 0.002
    assert error.std() == pytest.approx(np.hypot(sigma, resolution / np.sqrt(12)), rel=0.15)
    assert np.allclose(np.round(c.x / resolution) * resolution, c.x)


def test_each_fault_does_what_it_says_and_only_then(truth):
    good = column(truth, "tr-n00", "pressure_bar")
    now = inside(good)

    def of(kind, **details):
        c = column(truth, "tr-n00", "pressure_bar", [fault(kind, **details)])
        assert np.array_equal(c.x[~now], good.x[~now]) or kind == "noise"
        return c.x[now] - good.x[now], c.x[now]

    assert np.ptp(of("stuck")[1]) == 0
    assert of("drift", per_day=0.1)[0][-1] == pytest.approx(0.1, abs=0.015)
    assert np.allclose(np.abs(of("offset", by=0.3)[0]), 0.3, atol=0.011)
    assert of("noise", sigma=0.3)[0].std() == pytest.approx(0.3, rel=0.25)
    spikes = of("spikes", by=2.0, share=0.1)[0]
    assert 0.02 < (np.abs(spikes) > 1).mean() < 0.25


def test_a_dead_sensor_is_silent_and_a_wrong_clock_shifts_time(truth):
    assert not inside(column(truth, "tr-n00", "pressure_bar", [fault("dead")])).any()
    good, late = column(truth, "tr-n00", "pressure_bar"), column(truth, "tr-n00", "pressure_bar", [fault("clock", by_s=600.0)])
    assert np.isclose(late.t - good.t, 600.0).sum() == inside(good).sum()


def test_a_stuck_contact_reports_water_that_is_not_there(truth):
    assert column(truth, "ro-02-kontakt", "contact").x.max() == 0
    assert column(truth, "ro-02-kontakt", "contact", [fault("stuck_wet", "ro-02-kontakt")]).x.sum() == 96


def test_overflow_sensors_send_by_the_minute_while_it_spills(town):
    storm = Action("storm", START + 6 * 3_600, START + 8 * 3_600, "", {"mm": 30.0})
    wet = simulate_truth(town, "quiet_month", 1, START, 1, extra=[storm])
    spill = next(e for e in wet.events if e.asset == "ro-02")
    c = column(wet, "ro-02-niva", "level_m")
    during = c.t[(c.t >= spill.start) & (c.t < spill.end)]
    assert np.diff(during).max() <= fast_interval_s(link(town, c.sensor))
    assert np.median(np.diff(c.t[c.t < spill.start - 3_600])) == 900


def test_meters_add_up_and_two_windows_meet_without_a_seam(town):
    park = meters.park(town, 1)
    index, use = meters.hourly(park, START, 24 * 10)
    later, _ = meters.hourly(park, START + 7 * DAY, 24)
    assert np.abs(index + use[:, : 24 * 7].sum(axis=1, dtype=float) - later).max() < 2.0
    assert (use >= 0).all()


def test_meter_counts_follow_the_scale():
    for scale in (0.04, 0.3, 1.0):
        total = sum(a + b for a, b in meter_counts(scale).values())
        assert total == pytest.approx(13_000 * scale, rel=0.02)


def test_an_exchanged_meter_has_two_devices_and_a_stopped_one_stands_still(town):
    point = next(s.id for s in town.sensors if s.id.startswith("vm-") and town.is_personal(s))
    other = [s.id for s in town.sensors if s.id.startswith("vm-") and town.is_personal(s)][5]
    orders = [Action("meter_exchange", START + DAY, START + DAY, point), Action("meter_stop", START + DAY, START + 9e6, other)]
    swapped = exchanged(town, orders)
    truth = simulate_truth(swapped, "quiet_month", 1, START, 3, extra=orders)
    columns = [c for c in observe(truth, lossless=True) if c.quantity == "volume_m3"]
    parts = [c for c in columns if c.sensor.id == point]
    assert len({c.sensor.dev_eui for c in parts}) == 2
    assert parts[0].t.max() < START + DAY <= parts[1].t.min()
    assert parts[1].x[0] < 0.1 < parts[0].x[-1]
    still = next(c for c in columns if c.sensor.id == other)
    assert np.ptp(still.x[still.t >= START + DAY]) == 0


@pytest.mark.parametrize(("factor", "payload", "milliseconds"), [
    (7, 11, 61.7), (7, 51, 118.0), (8, 24, 143.9), (9, 47, 369.7), (10, 51, 698.4), (11, 11, 823.3), (12, 47, 2_629.6), (12, 11, 1_482.8),
])  # fmt: skip
def test_published_airtimes(factor, payload, milliseconds):
    assert airtime_s(factor, payload + 13) * 1_000 == pytest.approx(milliseconds, abs=0.6)


def test_the_fact_sheet_airtime_to_the_microsecond():
    assert airtime_s(9, 13) == pytest.approx(0.164864, abs=1e-9)


def test_nodes_below_ground_lose_about_five_times_more_frames(town):
    rng = np.random.default_rng(4)
    lost = {below: [] for below in (True, False)}
    for s in town.sensors:
        for below in lost:
            mounting = Mounting(depth_m=1.2, cover="cast_iron") if below else Mounting()
            node = link(town, s.model_copy(update={"mounting": mounting}))
            lost[below].append(1 - node.heard_mask(4_000, rng).mean())
    ratio = np.mean(lost[True]) / np.mean(lost[False])
    assert 2.5 < ratio < 12


def test_losses_come_in_bursts():
    lost = burst_losses(400_000, np.random.default_rng(1), 5.0)
    after = lost[1:][lost[:-1]].mean()
    assert after > 20 * lost.mean()


def test_weather_is_the_same_whichever_window_asks():
    whole = weather(3, START, START + 20 * DAY)
    part = weather(3, START + 5 * DAY, START + 6 * DAY)
    i = round(5 * DAY / 300)
    assert np.allclose(whole.rain_mm[:, i : i + 288], part.rain_mm)
    assert np.allclose(whole.air_c[i : i + 288], part.air_c)


def test_a_storm_brings_its_rain_and_a_thaw_its_degree_days():
    rain = weather(3, START, START + DAY, storms=[Storm(START + 3_600, 25, 2)], natural=False)
    assert np.allclose(rain.rain_mm.sum(axis=1), 25, rtol=1e-6)
    march = unix("2026-03-10T00:00:00Z")
    thaw = weather(3, march, march + 3 * DAY, thaws=[Thaw(march, 72, 9.0, 200.0)], natural=False)
    assert thaw.melt_mm.sum() == pytest.approx(3 * 9.0 * DEGREE_DAY_MM, rel=0.25)


def test_truth_json_is_plain_data(truth):
    data = json.loads(json.dumps(truth.as_data()))
    assert set(data) == {"format", "scenario", "seed", "start", "end", "events", "leaks", "sensor_faults", "water_balance_m3",
                         "sewer_continuity_pct"}  # fmt: skip


def test_an_unknown_scenario_names_the_nearest():
    with pytest.raises(Exception, match="did you mean 'storm'"):
        scenario.load("strom")
