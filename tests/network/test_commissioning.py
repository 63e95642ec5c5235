"""Commissioning: each check's verdict from numbers that can be reckoned by hand."""

import json
from dataclasses import replace

import numpy as np
import pytest

from core.model import Reading, Readings, Reception, TimeOrigin, Uplink
from core.network import Message
from core.stores.memory import MemoryStore
from core.town import Asset, BaseStation, Mounting, Sensor, Town, Utility
from gateway.commissioning import CHECKS, Evidence, Expected, expected_rssi_dbm, judge, possible_range, verdict
from gateway.commissioning_texts import sentence
from gateway.evidence import distance_m, expected, gather, usual_range
from ingest.uplink_log import UplinkLog
from simulators import chirpstack_events as wire

T0, EUI = 1_780_000_000.0, "a81758fffe0a0b0c"


def uplink(at=T0 + 60, snr=2.0, rssi=-95.0, stations=("a", "b"), seq=1):
    return Uplink(EUI, "01020304", seq, 5, b"", at, None, None, at, tuple(Reception(s, rssi, snr) for s in stations), 9, seq=seq)


def reading(quantity="level_m", value=1.2, at=T0 + 58, seq=1, origin=TimeOrigin.PAYLOAD):
    return Reading(EUI, quantity, at, value, 1, seq, origin)


GOOD = Evidence(T0 + 700, T0, True, [uplink(), uplink(T0 + 660, seq=2)],
                [reading(), reading(value=1.21, at=T0 + 658, seq=2), reading("battery_v", 3.5)])  # fmt: skip
EXPECTED = Expected(("level_m",), 600.0, possible={"level_m": (-0.1, 3.5)}, usual={"level_m": (0.2, 2.0)}, typed={"level_m": 1.22})


def test_all_is_well():
    checks = judge(GOOD, EXPECTED)
    assert {name: c["verdict"] for name, c in checks.items()} == dict.fromkeys(CHECKS, "good")
    assert verdict(checks) == "good"
    assert (checks["link"]["reserve_db"], checks["link"]["stations"], checks["interval"]["seen_s"]) == (22.0, 2, 600.0)


def test_nothing_has_come_yet():
    checks = judge(Evidence(T0 + 30, T0, False), EXPECTED)
    assert {c["verdict"] for c in checks.values()} == {"waiting"}
    assert verdict(checks) == "waiting"
    assert judge(Evidence(T0 + 1000, T0, False), EXPECTED)["joined"]["verdict"] == "bad"


@pytest.mark.parametrize(
    ("check", "evidence", "wanted", "grade", "reason"),
    [
        ("link", replace(GOOD, uplinks=[uplink(snr=-13.0)]), EXPECTED, "bad", "link_weak"),
        ("link", replace(GOOD, uplinks=[uplink(snr=-8.0)]), EXPECTED, "look_again", "link_tight"),
        ("link", replace(GOOD, uplinks=[uplink(stations=("a",))]), EXPECTED, "look_again", "one_station"),
        ("link", GOOD, replace(EXPECTED, mounting=Mounting(cover="cast_iron"), cover_open=True), "bad", "link_weak"),
        ("link", GOOD, replace(EXPECTED, mounting=Mounting(cover="cast_iron")), "good", "link_good"),
        ("link", replace(GOOD, uplinks=[uplink(rssi=-115.0)]), replace(EXPECTED, distance_m=100.0), "look_again", "link_below_budget"),
        ("link", replace(GOOD, uplinks=[uplink(snr=float("nan"))]), EXPECTED, "waiting", "no_uplink"),
        ("range", replace(GOOD, readings=[reading(value=9.0)]), EXPECTED, "bad", "range_impossible"),
        ("range", replace(GOOD, readings=[reading(value=2.4)]), EXPECTED, "look_again", "range_unusual"),
        ("range", replace(GOOD, readings=[reading(value=float("nan"))]), EXPECTED, "waiting", "no_reading"),
        ("agreement", GOOD, replace(EXPECTED, typed={}), "not_checked", "nothing_typed"),
        ("agreement", GOOD, replace(EXPECTED, typed={"level_m": 1.27}), "look_again", "agreement_look_again"),
        ("agreement", GOOD, replace(EXPECTED, typed={"level_m": 1.5}), "bad", "agreement_bad"),
        ("clock", replace(GOOD, readings=[reading(at=T0 + 60 + 7200)]), EXPECTED, "bad", "clock_off"),
        ("clock", replace(GOOD, readings=[reading(at=T0 + 60 + 300)]), EXPECTED, "look_again", "clock_off"),
        ("clock", replace(GOOD, readings=[reading(at=T0 - 500)]), EXPECTED, "good", "clock_good"),
        ("clock", replace(GOOD, readings=[reading(origin=TimeOrigin.SERVER)]), EXPECTED, "not_checked", "no_clock"),
        ("battery", replace(GOOD, readings=[reading("battery_pct", 40.0)]), EXPECTED, "bad", "battery_bad"),
        ("battery", replace(GOOD, readings=[reading("battery_v", 2.8)]), EXPECTED, "look_again", "battery_look_again"),
        ("battery", replace(GOOD, readings=[reading()]), EXPECTED, "not_checked", "no_battery"),
        ("interval", replace(GOOD, uplinks=[uplink(), uplink(T0 + 3660, seq=2)]), EXPECTED, "bad", "interval_off"),
        ("interval", replace(GOOD, uplinks=[uplink()]), EXPECTED, "not_checked", "one_uplink"),
        ("interval", GOOD, replace(EXPECTED, interval_s=None), "not_checked", "interval_unknown"),
    ],
)
def test_each_check(check, evidence, wanted, grade, reason):
    found = CHECKS[check](evidence, wanted)
    assert (found["verdict"], found["reason"]) == (grade, reason)
    for language in ("nb", "en"):
        said = sentence(found, language)
        assert said.endswith(".")
        assert "{" not in said


def test_the_link_budget_by_hand():
    """14 dBm − 31.2 dB − 30·log10(1000) dB − 3 dB/m · 2 m − 15 dB = −128.2 dBm."""
    assert expected_rssi_dbm(Expected((), mounting=Mounting(depth_m=2.0, cover="cast_iron"), distance_m=1000.0)) == pytest.approx(-128.2)


def test_possible_ranges_meet():
    manhole = Asset(id="K-7", kind="manhole", depth_m=3.0)
    assert possible_range("level_m", manhole, {"level_m": (0.0, 10.0)}) == (0.0, 3.5)
    assert possible_range("pressure_bar", None, {}) == (-0.5, 25.0)
    assert possible_range("pressure_bar", None, {"pressure_bar": (0.0, 16.0)}) == (0.0, 16.0)


def test_one_degree_of_latitude():
    assert distance_m((60.0, 10.0), (61.0, 10.0)) == pytest.approx(111_194.9, abs=1)


@pytest.fixture
def world(tmp_path):
    """A town where device OLD measured at OV-1 for a month, and EUI has just been mounted there."""
    sensor = Sensor(id="ny", dev_eui=EUI, asset="OV-1", quantities=("level_m",), valid_from=T0)
    old = Sensor(id="gammel", dev_eui="a81758fffe0a0b0d", asset="OV-1", quantities=("level_m",), valid_to=T0)
    town = Town(utility=Utility(name="Gjøvik"), assets=(Asset(id="OV-1", depth_m=3.0, latitude=60.80, longitude=10.69),),
                base_stations=(BaseStation(id="0016c001ff10a001", latitude=60.81, longitude=10.69),), sensors=(old, sensor))  # fmt: skip
    store, log = MemoryStore(), UplinkLog(tmp_path / "log")
    t = T0 - 1000.0 * np.arange(1, 201)[::-1]
    store.write(Readings.of_series(old.dev_eui, "level_m", t, np.linspace(0.0, 1.0, 200)))
    yield town, sensor, store, log
    log.close()
    store.close()


def test_evidence_comes_from_store_and_log(world):
    town, sensor, store, log = world
    device = wire.Device(EUI, "ny", "00000000-0000-0000-0000-000000000001")
    heard = [wire.Heard("0016c001ff10a001", -101, -3.5, T0 + 60, T0 + 60)]
    payload = wire.up(device, time=T0 + 60, dev_addr="01020304", f_cnt=0, f_port=5, data=b"\x01", heard=heard)
    (seq,) = log.append([Message(T0 + 60.5, wire.topic(device, "up"), payload)])
    store.write(Readings.from_rows([reading(at=T0 + 60, seq=seq), reading("battery_v", 3.5, at=T0 + 60, seq=seq)]))
    evidence = gather(store, log, sensor, T0, T0 + 90, joined=True)
    assert [(u.f_cnt, u.receptions[0].rssi_dbm, u.seq) for u in evidence.uplinks] == [(0, -101.0, seq)]
    assert {(r.quantity, r.value) for r in evidence.readings} == {("level_m", 1.2), ("battery_v", 3.5)}
    checks = judge(evidence, expected(town, sensor, store, T0 + 90, bounds={}, interval_s=600.0, typed={"level_m": 1.2}, cover_open=False))
    assert {n: c["verdict"] for n, c in checks.items()} == {
        "joined": "good", "link": "look_again", "range": "good", "agreement": "good", "clock": "good", "battery": "good",
        "interval": "not_checked"}  # fmt: skip
    json.dumps(checks)


def test_usual_comes_from_the_others_on_the_same_asset(world):
    town, sensor, store, _ = world
    low, high = usual_range(store, town, sensor, "level_m", T0)
    assert (low, high) == pytest.approx((0.01 - 0.49, 0.99 + 0.49))
    assert usual_range(store, town, sensor, "pressure_bar", T0) is None


def test_a_pruned_log_is_no_obstacle(world):
    _, sensor, store, log = world
    store.write(Readings.from_rows([reading(seq=99)]))
    evidence = gather(store, log, sensor, T0, T0 + 90, joined=False)
    assert evidence.uplinks == []
    assert len(evidence.readings) == 1


def test_a_silent_sensor_has_no_evidence(world):
    _, sensor, store, _ = world
    assert gather(store, None, sensor, T0, T0 + 90, joined=False).readings == []
