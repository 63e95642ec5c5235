"""Bursts, slow leaks, patterns of pressure, sensor faults, low pressure, meters: small stories with known ends."""

import numpy as np
import pytest

from analytics.detector import Budget
from analytics.meter_use import night_rate, steps
from analytics.scan import detectors
from tests.analytics.makers import DAY, T0, arrays, diurnal, times, track

ONE_ZONE = Budget(0.2, 6)


def run(key, *tracks, **more):
    d = detectors()[key]
    return d.detect(arrays(*tracks, **{"budget": ONE_ZONE, **more}), d.params())


def inlet(days=50, step_s=900.0, seed=1, mean=40.0, noise=1.5):
    t = times(days, step_s)
    return t, diurnal(t, mean=mean, swing=15.0, noise=noise, seed=seed, phi=0.5)


def test_a_burst_raises_the_flow_and_lowers_the_pressure():
    t, q = inlet()
    p = diurnal(t, seed=2)
    at = T0 + 40 * DAY + 14 * 3600
    during = (t >= at) & (t < at + 20 * 3600)
    q[during] += 20
    p[during] -= 0.15
    flow, pressure = track("flow_m3h", t, q, sensor="q", asset_kind="zone_inlet"), track("pressure_bar", t, p, sensor="p")
    (f,) = run("burst", flow, pressure)
    assert abs(f.onset - at) <= 1800
    assert f.start - at <= 2 * 3600
    assert abs(f.end - at - 20 * 3600) <= 6 * 3600
    assert f.details["flow_m3h"] == pytest.approx(20, abs=5)
    assert f.details["evidence"] == "flow and pressure"


def test_inlets_add_up_and_what_passes_through_is_taken_off():
    t, q = inlet()
    at = T0 + 40 * DAY
    burst = np.where((t >= at) & (t < at + DAY), 20.0, 0.0)
    split = [track("flow_m3h", t, q * s + burst / 2, sensor=f"q{s}", asset_kind="zone_inlet", zone="z1") for s in (0.4, 0.6)]
    (f,) = run("burst", *split)
    assert set(f.sensors) == {"q0.4", "q0.6"}
    passing = track("flow_m3h", t, burst, sensor="child", asset_kind="zone_inlet", zone="z2")
    assert run("burst", *split, context=(passing,)) == []


def test_a_pump_that_runs_by_turns_is_no_burst():
    t, _ = inlet()
    assert run("burst", track("flow_m3h", t, np.where((t // 7200) % 2 < 1, 100.0, 0.0), asset_kind="source")) == []


def test_slow_leaks_are_found_in_a_week_sized_and_ended_and_a_second_one_too():
    t, q = inlet(170, 1800.0)
    t = t + 13 * 7 * DAY  # a summer: no change of the clock
    first, second, mended = t[0] + 60 * DAY, t[0] + 100 * DAY, t[0] + 140 * DAY
    q += 5 * np.clip((t - first) / (5 * DAY), 0, 1) * (t < mended)
    q += 8 * (t >= second)
    found = run("slow_leak", track("flow_m3h", t, q, sensor="q", asset_kind="zone_inlet"))
    a, b = found[:2]
    assert 0 < a.start - first <= 8 * DAY
    assert a.details["flow_m3h"] == pytest.approx(5, abs=2.5)
    assert abs(a.end - mended) <= 3 * DAY
    assert 0 < b.start - second <= 4 * DAY
    assert b.end is None


def test_a_leak_is_seen_where_pressures_part_and_a_faulty_sensor_is_told_from_it():
    t = times(60, 3600.0)
    rng = np.random.default_rng(3)
    use = 40 - 15 * np.sin(2 * np.pi * (t - T0) / DAY) + rng.normal(0, 4, t.size)
    near = np.array([0.3, 0.2, 0.12, 0.08, 0.05, 0.03])
    base = [5 - 0.0001 * (i + 3) * use**1.85 / 10 + rng.normal(0, 0.008, t.size) for i in range(6)]
    at = T0 + 45 * DAY
    leak = [track("pressure_bar", t, x - 0.3 * near[i] * (t >= at), sensor=f"p{i}") for i, x in enumerate(base)]
    found = [
        f
        for f in run("pressure_pattern", *leak, track("flow_m3h", t, use + 6 * (t >= at), sensor="q", asset_kind="zone_inlet"))
        if f.onset > at - DAY
    ]
    assert found[0].kind == "leak"
    assert abs(found[0].onset - at) <= 12 * 3600
    assert found[0].sensors[0] == "p0"
    sick = [track("pressure_bar", t, x + 0.1 * (t >= at) * (i == 2), sensor=f"p{i}") for i, x in enumerate(base)]
    found = [
        f for f in run("pressure_pattern", *sick, track("flow_m3h", t, use, sensor="q", asset_kind="zone_inlet")) if f.onset > at - DAY
    ]
    assert (found[0].kind, found[0].sensors) == ("sensor_fault", ("p2",))


@pytest.mark.parametrize(
    ("name", "change"), [("offset", lambda t, at: 0.3 * (t >= at)), ("drift", lambda t, at: 0.03 * np.clip((t - at) / DAY, 0, None))]
)
def test_one_pressure_that_leaves_the_others(name, change):
    t = times(60, 3600.0)
    at = T0 + 35 * DAY
    tracks = [track("pressure_bar", t, diurnal(t, seed=i) + change(t, at) * (i == 1), sensor=f"p{i}") for i in range(5)]
    found = run("sensor_drift", *tracks)
    assert {f.sensors for f in found} == {("p1",)}
    assert found[0].details["fault"] == name
    assert 0 < found[0].start - at <= 15 * DAY
    together = [track("pressure_bar", t, diurnal(t, seed=i) + change(t, at), sensor=f"p{i}") for i in range(5)]
    assert run("sensor_drift", *together) == []


def test_stuck_noisy_and_spiking_sensors():
    t = times(30, 900.0)
    x = diurnal(t)
    stuck = x.copy()
    stuck[(t > T0 + 20 * DAY) & (t < T0 + 22 * DAY)] = 4.123
    (f,) = run("sensor_stuck", track("pressure_bar", t, stuck))
    assert (f.details["fault"], round((f.onset - T0) / DAY)) == ("stuck", 20)
    rng = np.random.default_rng(1)
    noisy = x + rng.normal(0, 0.3, t.size) * ((t > T0 + 20 * DAY) & (t < T0 + 25 * DAY))
    assert [f.details["fault"] for f in run("sensor_noise", track("pressure_bar", t, noisy))] == ["noise"]
    spiking = x + 2.0 * (rng.uniform(size=t.size) < 0.03) * ((t > T0 + 20 * DAY) & (t < T0 + 25 * DAY))
    assert [f.details["fault"] for f in run("sensor_noise", track("pressure_bar", t, spiking))] == ["spikes"]
    assert run("sensor_stuck", track("pressure_bar", t, x)) == run("sensor_noise", track("pressure_bar", t, x)) == []


def test_silence_is_longer_than_the_sensor_ever_pauses():
    t = times(20, 900.0)
    kept = t[(t < T0 + 10 * DAY) | (t > T0 + 13 * DAY)]
    (f,) = run("silence", track("pressure_bar", kept, np.ones(kept.size)))
    assert f.start - T0 == pytest.approx(10.5 * DAY, abs=1800)
    assert f.severity == "warning"
    (f,) = run("silence", track("pressure_bar", t, np.ones(t.size)), end=t[-1] + 2 * DAY)
    assert f.end is None


def test_low_pressure_counts_person_minutes():
    t = times(10, 300.0)
    x = np.where((t >= T0 + 8 * DAY) & (t < T0 + 8 * DAY + 3600), 1.5, 4.0)
    (f,) = run("low_pressure", track("pressure_bar", t, x), zone={"population": 600.0})
    assert f.details["person_minutes"] == pytest.approx(600 * 60)
    assert f.severity == "major"
    always_low = track("pressure_bar", t, np.full(t.size, 1.6))
    assert run("low_pressure", always_low) == []


def meter(days, step_s=3600.0, leak_lph=0.0, since=0.0, until=1e9, seed=1):
    """A household: uses by day and evening, rests at night."""
    t = times(days, step_s)
    rng = np.random.default_rng(seed)
    hour = (t - T0) / 3600 % 24
    litres = np.where((hour > 6) & (hour < 23), rng.gamma(0.5, 25.0, t.size), 0.0) * step_s / 3600
    litres += leak_lph * step_s / 3600 * ((t >= T0 + since * DAY) & (t < T0 + until * DAY))
    return t, np.floor(np.cumsum(litres)) / 1000 + 100


@pytest.mark.parametrize(("step_s", "leak_lph"), [(3600.0, 30.0), (6 * 3600.0, 30.0), (8 * 3600.0, 90.0)])
def test_a_leak_behind_a_meter_at_any_pace_of_reading(step_s, leak_lph):
    """Three readings a day blur the night with the morning: there only a larger leak stands out."""
    t, x = meter(40, step_s, leak_lph=leak_lph, since=20, until=30)
    (f,) = run("customer_leak", track("volume_m3", t, x, household=True, asset_kind="meter_point"))
    assert 20.0 <= (f.start - T0) / DAY <= 24.5
    assert 29.0 <= (f.end - T0) / DAY <= 32.0
    assert f.details["flow_lph"] == pytest.approx(leak_lph, rel=0.5)
    assert f.details["size"] == "medium"
    t, x = meter(40, step_s)
    assert run("customer_leak", track("volume_m3", t, x, household=True)) == []


def test_night_rate_of_steps():
    s = steps(track("volume_m3", T0 + 3600.0 * np.arange(8), [1, 1.01, 1.02, 1.02, 1.03, 1.04, 1.05, 1.2]))
    assert night_rate(s, np.array([T0]))[0] == 0.0
    assert s.litres.tolist() == pytest.approx([10, 10, 0, 10, 10, 10, 150])


def test_index_rules():
    t = times(3, 3600.0)[:6]
    kinds = lambda x: [f.kind for f in run("meter_index", track("volume_m3", t, x))]  # noqa: E731
    assert kinds([99998, 99999, 99999.5, 0.5, 1, 2]) == ["rollover"]
    assert kinds([100, 101, 100.9, 101, 102, 103]) == ["reverse_flow"]
    assert kinds([812, 813, 0.01, 0.5, 1, 2]) == ["meter_exchange"]
    assert kinds([812, 813, 500, 501, 502, 503]) == ["meter_fault"]
    assert kinds([1, 2, 3, 4, 5, 6]) == []


def test_a_meter_that_stands_still():
    t, x = meter(70)
    x[t > T0 + 30 * DAY] = x[t <= T0 + 30 * DAY][-1]
    (f,) = run("meter_index", track("volume_m3", t, x))
    assert f.kind == "stopped_meter"
    assert f.onset == pytest.approx(T0 + 30 * DAY, abs=DAY)


def test_frost():
    t = times(3, 900.0)
    x = np.where((t > T0 + DAY) & (t < T0 + 1.5 * DAY), 0.2, 6.0)
    (f,) = run("frost_risk", track("temperature_c", t, x))
    assert f.severity == "major"
    assert f.details["lowest_c"] == 0.2
