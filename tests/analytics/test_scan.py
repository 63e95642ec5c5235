"""Scan, identity of events, late data, alarms: through a real store."""

import numpy as np

from analytics.causes import causes
from analytics.scan import scan
from core.model import Readings
from core.records import Maintenance
from tests.analytics.makers import DAY, T0, diurnal, small_town, store_of, times

TOWN = small_town()


def story(days=40):
    """A burst seen by both pressures on day 30 and two overflows on days 12 and 33."""
    t = times(days, 300.0)
    p1, p2 = diurnal(t, seed=1), diurnal(t, mean=5.0, seed=2)
    burst = (t >= T0 + 30 * DAY + 36_000) & (t < T0 + 31 * DAY + 36_000)
    p1[burst] -= 0.4
    p2[burst] -= 0.2
    level = 0.4 + 0.05 * np.sin(2 * np.pi * t / DAY)
    for day, hours in ((12, 3), (33, 1)):
        level[(t >= T0 + day * DAY) & (t < T0 + day * DAY + hours * 3600)] = 1.15
    return t, p1, p2, level


def store():
    t, p1, p2, level = story()
    return store_of(("p1", "pressure_bar", t, p1), ("p2", "pressure_bar", t, p2), ("l1", "level_m", t, level))


def test_a_scan_finds_the_story():
    result = scan(store(), TOWN, T0, T0 + 40 * DAY)
    overflows = [e for e in result.events if e.kind == "overflow"]
    assert [round((e.start - T0) / DAY, 1) for e in overflows] == [12.0, 33.0]
    assert overflows[0].asset == "cso1"
    assert overflows[0].volume_m3 > 0
    falls = [e for e in result.events if e.kind == "pressure_anomaly"]
    assert {e.sensors for e in falls} == {("p1",), ("p2",)}
    assert {e.zone for e in falls} == {"z1"}


def test_scanning_again_changes_nothing():
    s = store()
    first = scan(s, TOWN, T0, T0 + 40 * DAY)
    again = scan(s, TOWN, T0 + 20 * DAY, T0 + 40 * DAY, known=[e for e in first.events if e.end is None or e.end >= T0 + 20 * DAY])
    assert again.withdrawn == ()
    assert again.events
    assert all(e in first.events for e in again.events)


def test_batch_is_streaming():
    """Day by day, with only what had arrived, the same events come out as from one scan of it all."""
    t, p1, p2, level = story()
    batch = scan(store(), TOWN, T0, T0 + 40 * DAY).events
    s, known, cut = store_of(), {}, T0
    for day in range(1, 41):
        end = T0 + day * DAY
        new = (t >= cut) & (t < end)
        for name, quantity, x in (("p1", "pressure_bar", p1), ("p2", "pressure_bar", p2), ("l1", "level_m", level)):
            for row in [store_of((name, quantity, t[new], x[new])).read([name], quantity, cut, end)[name]]:
                s.write(_readings(row))
        overlapping = [e for e in known.values() if e.end is None or e.end >= cut]
        result = scan(s, TOWN, cut, end, known=overlapping)
        for gone in result.withdrawn:
            del known[gone]
        known |= {e.id: e for e in result.events}
        cut = end
    assert _plain(known.values()) == _plain(batch)


def test_batch_is_streaming_beyond_what_detectors_remember():
    """Thirty-five weeks scanned week by week: baselines, scales and thresholds are the same as in one scan of them all."""
    t = times(245, 3600.0)
    flow, p1 = diurnal(t, mean=40.0, swing=12.0, noise=2.0, seed=3, phi=0.5), diurnal(t, seed=4, phi=0.5)
    for day in (60, 130, 215):
        during = (t >= T0 + day * DAY) & (t < T0 + (day + 1) * DAY)
        flow[during] += 15
        p1[during] -= 0.2
    only = ("burst", "pressure_anomaly", "silence")
    whole = store_of(("q1", "flow_m3h", t, flow), ("p1", "pressure_bar", t, p1))
    batch = scan(whole, TOWN, T0, T0 + 245 * DAY, only=only).events
    assert len([e for e in batch if e.kind == "burst"]) >= 3
    known = {}
    for week in range(35):
        start, end = T0 + week * 7 * DAY, T0 + (week + 1) * 7 * DAY
        past = store_of(("q1", "flow_m3h", t[t < end], flow[t < end]), ("p1", "pressure_bar", t[t < end], p1[t < end]))
        result = scan(past, TOWN, start, end, only=only, known=[e for e in known.values() if e.end is None or e.end >= start])
        for gone in result.withdrawn:
            del known[gone]
        known |= {e.id: e for e in result.events}
    assert _plain(known.values()) == _plain(batch)


def _plain(events):
    return sorted((e.detector, e.sensors, e.kind, e.start, e.end, round(e.score, 6)) for e in events)


def _readings(series):
    return Readings.of_series(series.sensor, series.quantity, series.t, series.x)


def test_late_data_revises_an_event_and_keeps_its_id():
    t, _, _, level = story()
    hole = (t >= T0 + 12 * DAY + 1800) & (t < T0 + 12 * DAY + 7200)
    s = store_of(("l1", "level_m", t[~hole], level[~hole]))
    before = scan(s, TOWN, T0, T0 + 40 * DAY)
    parts = [e for e in before.events if e.kind == "overflow" and abs(e.start - T0 - 12 * DAY) < DAY]
    assert len(parts) == 2
    s.write(_readings(store_of(("l1", "level_m", t[hole], level[hole])).read(["l1"], "level_m", 0, 9e9)["l1"]))
    after = scan(s, TOWN, T0 + 12 * DAY, T0 + 13 * DAY, known=parts)
    (whole,) = [e for e in after.events if e.kind == "overflow"]
    assert whole.id == parts[0].id
    assert after.withdrawn == (parts[1].id,)
    assert whole.end - whole.start == 3 * 3600


def test_one_alarm_per_cause_and_planned_work_is_none():
    events = scan(store(), TOWN, T0, T0 + 40 * DAY).events
    alarms = causes(events, [], TOWN)
    water = [a for a in alarms if a.zone == "z1" and a.started_at > T0 + 29 * DAY]
    assert len(water) == 1
    assert set(water[0].sensors) == {"p1", "p2"}
    sewer = [a for a in alarms if a.zone == "sewer"]
    assert [round((a.started_at - T0) / DAY) for a in sewer] == [12, 33]
    work = Maintenance("w", "flushing", T0 + 30 * DAY, T0 + 32 * DAY, zones=("z1",))
    assert all(a.zone != "z1" or a.started_at < T0 + 29 * DAY for a in causes(events, [work], TOWN))


def test_a_scan_of_some_sensors_leaves_the_others_alone():
    everything = scan(store(), TOWN, T0, T0 + 40 * DAY)
    some = scan(store(), TOWN, T0, T0 + 40 * DAY, known=everything.events, sensors={"l1"})
    assert some.withdrawn == ()
    assert some.events
    assert {s for e in some.events for s in e.sensors} == {"l1"}
    assert all(e in everything.events for e in some.events)


def test_a_town_without_data_is_quiet():
    assert scan(store_of(), TOWN, T0, T0 + DAY).events == ()
