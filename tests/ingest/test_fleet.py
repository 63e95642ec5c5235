"""Fleet health from hand-made frames: the numbers can be counted on paper."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.model import Flag, Reading, Readings, Reception, TimeOrigin
from core.network import JoinEvent, LogEvent, Message, StatusEvent
from core.store import Written
from core.stores import MemoryStore
from core.town import BaseStation
from gateway.events import parse_event
from ingest.battery import BatteryTrend
from ingest.fleet import Fleet
from ingest.processor import Processor
from ingest.relearn import relearn_batteries, relearn_frames
from tests.ingest.support import START, Ingest, eui, frame, messages, town, up

NOTHING = Written(0, 0, 0)
AA, BB = "0016c001f1e5a001", "0016c001f1e5a002"


def fleet(devices: int = 50) -> Fleet:
    the_town = town(devices).model_copy(update={"base_stations": (BaseStation(id=AA, name="Fjellet", latitude=60.8, longitude=10.7),)})
    return Fleet(lambda: the_town)


def heard(device: int, f_cnt: int, t: float, station: str = AA, snr: float = 5.0, **more):
    return replace(up(device, f_cnt, frame(1), t, **more), receptions=(Reception(station, -100.0, snr),))


def health(a_fleet: Fleet, device: int, now: float = START + 1e6):
    return next(d for d in a_fleet.snapshot(now).devices if d.dev_eui == eui(device))


def test_loss_is_the_share_of_frame_numbers_that_never_came():
    f = fleet()
    f.see(heard(1, n, START + 600 * n) for n in range(20) if n not in (3, 4, 11, 12))
    assert health(f, 1).loss == pytest.approx(4 / 20)
    assert health(f, 1).interval_s == pytest.approx(600)
    assert (health(f, 1).uplinks, health(f, 1).last_seen, health(f, 1).sensor) == (16, START + 600 * 19, "s1")


@settings(deadline=None)
@given(st.randoms(use_true_random=False), st.sets(st.integers(0, 60), min_size=3))
def test_twice_and_shuffled_counts_the_same(random, numbers):
    frames = [heard(1, n, START + 600 * n) for n in sorted(numbers)]
    plain, again = fleet(), fleet()
    plain.see(frames)
    twice = [*frames, *frames]
    random.shuffle(twice)
    again.see(twice)
    a, b = health(plain, 1), health(again, 1)
    assert (a.loss, a.uplinks, a.last_seen) == (b.loss, b.uplinks, b.last_seen)
    assert a.loss == pytest.approx(1 - len(numbers) / (max(numbers) - min(numbers) + 1))


def test_a_rejoin_is_no_loss():
    f = fleet()
    f.see(heard(1, n, START + 600 * n) for n in range(1000, 1010))
    f.see(heard(1, n, START + 700_000 + 600 * n, dev_addr="01ffffff") for n in range(10))
    assert health(f, 1).loss == 0.0
    assert health(f, 1).uplinks == 20


def test_a_restarted_counter_is_no_loss():
    f = fleet()
    f.see(heard(1, n, START + 600 * n) for n in range(1000, 1010))
    f.see(heard(1, n, START + 600_000 + 600 * n) for n in range(10))
    assert health(f, 1).loss == 0.0


def test_radio_of_the_station_that_hears_it_best():
    f = fleet()
    for n in range(5):
        one = up(1, n, frame(1), START + n)
        f.see([replace(one, receptions=(Reception(AA, -110.0, -5.0), Reception(BB, -90.0, 7.0)), spreading_factor=9)])
    device = health(f, 1)
    assert (device.stations, device.rssi_dbm, device.snr_db, device.spreading_factor) == ((AA, BB), -90.0, 7.0, 9)
    assert device.link_margin_db == pytest.approx(7.0 + 12.5), "SF9 is heard down to −12.5 dB"
    stations = {s.id: s for s in f.snapshot(START).stations}
    assert (stations[AA].primary_of, stations[BB].primary_of, stations[AA].devices) == (0, 1, 1)
    assert stations[AA].name == "Fjellet"
    assert stations[BB].spreading_factors == ((9, 5),)
    assert [(link.base_station, link.uplinks, link.rssi_dbm, link.snr_db, link.spreading_factor) for link in device.links] == [
        (AA, 5, -110.0, -5.0, 9), (BB, 5, -90.0, 7.0, 9),
    ]  # fmt: skip
    assert f.base_stations() == {AA: START + 4, BB: START + 4}


def town_of_frames(f: Fleet, frames: int, devices=range(10), station=AA) -> None:
    f.see(heard(d, n, START + 600 * n + d, station) for n in range(frames) for d in devices)


def test_silence_of_one_device_against_the_streams_own_time():
    f = fleet()
    town_of_frames(f, 20)
    f.see(heard(d, n, START + 600 * n + d) for n in range(20, 25) for d in range(10) if d != 3)
    (event,) = f.events(START + 600 * 24 + 60)
    assert (event.kind, event.sensors, event.start) == ("silence", ("s3",), START + 600 * 19 + 3)
    assert event.details["missed"] == pytest.approx(5.01, abs=0.01)
    assert health(f, 3).silent
    assert not health(f, 4).silent
    f.see([heard(3, 25, START + 600 * 25)])
    (over,) = f.events(START + 600 * 25, known=[event])
    assert (over.id, over.end) == (event.id, START + 600 * 25)


def test_a_silent_base_station_is_one_event_and_no_more():
    f = fleet()
    town_of_frames(f, 20, range(10), AA)
    town_of_frames(f, 26, range(10, 20), BB)
    (event,) = f.events(START + 600 * 25 + 60)
    assert (event.kind, event.details["base_station"]) == ("base_station_silence", AA)
    assert event.sensors == tuple(sorted(f"s{n}" for n in range(10)))
    assert [s.silent for s in f.snapshot(START).stations] == [True, False]


def test_a_silent_network_is_one_event():
    f = fleet()
    town_of_frames(f, 20)
    assert f.events(START + 600 * 19 + 300) == []
    (event,) = f.events(START + 600 * 19 + 7200)
    assert event.kind == "network_silence"


def test_join_storms():
    f = fleet()
    town_of_frames(f, 5, range(30))
    f.see([JoinEvent(eui(1), START + 60.0 * i, START) for i in range(6)])
    storm = next(e for e in f.events(START + 2500) if e.kind == "join_storm")
    assert (storm.sensors, storm.details["joins_1h"]) == (("s1",), 6.0)
    f.see([JoinEvent(eui(d), START + 100.0, START) for d in range(10)])
    storms = [e for e in f.events(START + 2500) if e.kind == "join_storm"]
    assert [s.details["joined_devices"] for s in storms] == [10.0], "one event for all of them"


def rows(device: int, t: float, uplink: int, at: float) -> list[Reading]:
    return [
        Reading(eui(device), "rssi_dbm", t, -100.0, Flag.GOOD, uplink, TimeOrigin.GATEWAY),
        Reading(eui(device), "volume_m3", at, 1.0, Flag.GOOD, uplink, TimeOrigin.PAYLOAD),
    ]


def test_a_clock_ahead_is_told():
    f = fleet()
    f.see([heard(1, n, START + 600 * n) for n in range(3)])
    f.hear(NOTHING, Readings.from_rows([r for n in range(3) for r in rows(1, START + 600 * n, n + 1, START + 600 * n + 95)]))
    assert health(f, 1).clock_offset_s == pytest.approx(-95)
    (event,) = [e for e in f.events(START + 1300) if e.kind == "clock_offset"]
    assert event.details["clock_offset_s"] == pytest.approx(-95)


def test_battery_months_left_follow_the_slope():
    f = fleet()
    f.see([heard(1, 0, START)])
    day = 86_400.0
    f.hear(NOTHING, Readings.from_rows(
        [Reading(eui(1), "battery_v", START + day * i, 3.6 - 0.001 * i, Flag.GOOD, 1, TimeOrigin.GATEWAY) for i in range(31)]
    ))  # fmt: skip
    (battery,) = health(f, 1).batteries
    assert battery.value == pytest.approx(3.57)
    assert battery.slope_30d == pytest.approx(-0.03)
    assert battery.months_left == pytest.approx(0.57 / 0.001 / 30.44)


def test_a_battery_says_nothing_too_early_and_nothing_when_it_rises():
    trend = BatteryTrend()
    for day in range(6):
        trend.add(86_400.0 * day, 90.0 - day)
    assert trend.months_left(10.0) is None
    rising = BatteryTrend()
    for day in range(20):
        rising.add(86_400.0 * day, 3.0 + day / 100)
    assert rising.slope_per_day() == pytest.approx(0.01)
    assert rising.months_left(3.0) is None


def test_status_and_complaints_are_kept():
    f = fleet()
    f.see([
        heard(1, 0, START), StatusEvent(eui(1), START, START, 14, 87.5, False),
        LogEvent(eui(1), START, START, "ERROR", "UPLINK_CODEC", "JS error: interrupted"), LogEvent(eui(1), START, START, "INFO", "X", "y"),
    ])  # fmt: skip
    device = health(f, 1)
    assert device.complaint == "UPLINK_CODEC: JS error: interrupted"
    assert [(b.quantity, b.value) for b in device.batteries] == [("battery_pct", 87.5)]


def test_after_a_restart_it_knows_what_it_knew(tmp_path):
    stage = Ingest(tmp_path, MemoryStore())
    before = Fleet(lambda: stage.town)
    stage.pipeline.listen(before.hear)
    stage.processor = Processor(stage.log, stage.cursor, parse_event, stage.pipeline, stage.dead.add, [before.see])
    day = 86_400.0
    stage.processor.keep(messages([(1, n, frame(1, 3600 - n), START + day * n) for n in range(30) if n != 4]))
    stage.processor.keep([Message(START, "application/a/device/b/event/up", b"{broken")])
    stage.processor.drain()
    after = Fleet(lambda: stage.town)
    assert relearn_frames(after, stage.log, parse_event, START, stage.cursor.done) == 29
    relearn_batteries(after, stage.store, [eui(1)], START + 30 * day)
    old, new = before.snapshot(START).devices, after.snapshot(START).devices
    assert [(d.dev_eui, d.loss, d.last_seen, d.interval_s, d.uplinks) for d in new] == [
        (d.dev_eui, d.loss, d.last_seen, d.interval_s, d.uplinks) for d in old
    ]
    assert new[0].batteries[0].slope_30d == pytest.approx(old[0].batteries[0].slope_30d)
    assert new[0].loss == pytest.approx(1 / 30)
    stage.close()
