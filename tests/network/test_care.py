"""Fleet care: who needs a visit and why, the way to drive, and commands with their acknowledgement."""

import math

import numpy as np
import pytest

from core.errors import ConfigError, NotFound
from core.model import Event, Reading, Readings, TimeOrigin
from core.network import AckEvent
from core.stores.memory import MemoryStore
from core.town import Asset, Sensor, Town, Utility
from gateway.care import Reason, months_left, route, sentence, silent, visits
from gateway.downlink import Downlinks
from gateway.events import parse_event
from simulators.network_server import StandIn
from tests.network.conftest import until
from tests.network.test_registration import EUI, Keys, place  # noqa: F401 - place is a fixture
from tests.network.test_registration import Entry as NewEntry

NOW, DAY = 1_780_000_000.0, 86_400.0


def sensor(name, n, **more):
    return Sensor(id=name, dev_eui=f"a81758fffe0000{n:02x}", model="elsys_elt2", asset=name, **more)


def test_months_left_by_hand():
    """From 90 % falling 0.5 % a day to 10 %: 160 days, 5.26 months."""
    t = NOW - DAY * np.arange(60)[::-1]
    x = 90.0 + 0.5 * np.arange(60)[::-1]
    assert months_left(t, x, 10.0) == pytest.approx(160 / 30.4)
    assert months_left(t, np.full(60, 90.0), 10.0) is None
    assert months_left(t, np.full(60, 8.0), 10.0) == 0.0
    assert months_left(t, np.full(60, np.nan), 10.0) is None
    x[::2] = np.nan
    assert months_left(t, x, 10.0) == pytest.approx(160 / 30.4, rel=1e-6)


def test_silence_is_three_intervals_and_at_least_half_a_day():
    s = sensor("a", 1, valid_from=NOW - 10 * DAY)
    assert silent(s, NOW - 11 * 3600, NOW, 600.0) is None
    assert silent(s, NOW - 13 * 3600, NOW, 600.0) == Reason("silent", 13.0)
    assert silent(s, NOW - 30 * 3600, NOW, DAY) is None
    assert silent(s, NOW - 80 * 3600, NOW, DAY) == Reason("silent", 80.0)
    assert silent(s, None, NOW, 600.0) == Reason("never_seen", 240.0)
    assert silent(sensor("b", 2, valid_from=NOW - 3600), None, NOW, 600.0) is None


def test_the_list_names_each_reason_and_drives_the_short_way():
    names = ("fine", "silent", "empty", "weak", "faulty")
    assets = tuple(Asset(id=n, latitude=60.80 + 0.01 * i, longitude=10.69) for i, n in enumerate(names))
    town = Town(utility=Utility(name="Gjøvik"), assets=assets, sensors=tuple(sensor(n, i) for i, n in enumerate(names)))
    store, rows = MemoryStore(), []
    for s in town.sensors:
        last = NOW - (2 * DAY if s.id == "silent" else 600)
        for k in range(60):
            t = last - k * DAY
            battery = 12.0 + 0.5 * k if s.id == "empty" else 95.0
            rows += [Reading(s.dev_eui, "battery_pct", t, battery, 1, 0, TimeOrigin.SERVER),
                     Reading(s.dev_eui, "snr_db", t, -16.0 if s.id == "weak" else 5.0, 1, 0, TimeOrigin.SERVER)]  # fmt: skip
    store.write(Readings.from_rows(rows))
    event = Event("e1", "sensor_fault", "sensor_drift", ("faulty",), None, None, NOW - DAY, None, NOW - DAY, 0.0, 5.0, 3.0, 1.0,
                  details={"fault": "drift"})  # fmt: skip
    orders = visits(store, town, [event], NOW, intervals_s={"elsys_elt2": 600.0}, here=(60.85, 10.69))
    assert [(o.stop, o.sensor.id, [r.kind for r in o.reasons]) for o in orders] == [
        (1, "faulty", ["fault"]), (2, "weak", ["link"]), (3, "empty", ["battery"]), (4, "silent", ["silent"])]  # fmt: skip
    assert [round(o.leg_m) for o in orders] == [1112, 1112, 1112, 1112]
    assert sentence(orders[2].reasons[0], "nb") == "Batteriet varer omtrent 0,1 måneder til."
    assert sentence(orders[0].reasons[0], "en") == "The reading looks wrong (drift)."


def test_the_route_without_a_start_begins_with_the_most_urgent_and_ends_with_the_unplaced():
    town = Town(
        utility=Utility(name="x"), assets=(Asset(id="a", latitude=60.0, longitude=10.0), Asset(id="b", latitude=60.1, longitude=10.0))
    )
    stops = [(sensor("lost", 3), (Reason("silent"),)), (sensor("a", 1), (Reason("link"),)), (sensor("b", 2), (Reason("silent"),))]
    assert [o.sensor.id for o in route(town, stops, None)] == ["b", "a", "lost"]


@pytest.fixture
def told(place, broker, listener):  # noqa: F811
    """A registered level sensor on a stand-in with a broker, and the commands over it."""
    place.server.stop()
    place.server = StandIn(place.folder / "server", port=place.port, mqtt=broker).start()
    until(place.answers)
    new = Sensor(id="kum-12", dev_eui=EUI, model="milesight_em500_swl", asset="OV-101", valid_from=1_779_990_000.0)
    place.registration.register(NewEntry("x", new, Keys("ff" * 16)), "kari")
    place.server.events.join(EUI)
    return place, Downlinks(place.registry, place.fleet, place.clock), listener


def test_an_interval_is_told_sent_acknowledged_and_believed(told):
    place, downlinks, listener = told  # noqa: F811
    arrived = []
    place.server.events.on_downlink = lambda *frame: arrived.append(frame)
    sent = downlinks.send("kum-12", "interval_s", 600, "kari")
    assert [d.state for d in downlinks.find("kum-12")] == ["waiting"]
    place.server.events.uplink(EUI, 85, b"\x01\x75\x64")
    until(lambda: listener.of("txack"))
    assert arrived == [(EUI, 85, bytes.fromhex("ff035802"), True)]
    feed(downlinks, listener, "txack")
    assert downlinks.find()[0].state == "sent"
    assert place.registry.town().current["kum-12"].interval_s is None, "not believed before it is acknowledged"
    place.server.events.uplink(EUI, 85, b"\x01\x75\x64")
    until(lambda: listener.of("ack"))
    feed(downlinks, listener, "ack")
    assert [(d.id, d.state) for d in downlinks.find("kum-12")] == [(sent.id, "acknowledged")]
    assert place.registry.town().current["kum-12"].interval_s == 600


def feed(downlinks, listener, kind):
    topic, payload, _ = listener.of(kind)[-1]
    downlinks.see([parse_event(topic, payload, NOW)])


def test_an_unanswered_command_has_failed_and_stays_so(told):
    _, downlinks, _ = told
    sent = downlinks.send("kum-12", "threshold_m", 1.5, "kari")
    downlinks.see([AckEvent(EUI, NOW, NOW, sent.id, False), AckEvent(EUI, NOW, NOW, sent.id, True), AckEvent(EUI, NOW, NOW, "other", True)])
    assert [(d.state, d.value) for d in downlinks.find()] == [("failed", 1.5)]


def test_what_cannot_be_told_is_said(told):
    place, downlinks, _ = told  # noqa: F811
    with pytest.raises(ConfigError, match="from 60 to 64800 s, not 5"):
        downlinks.send("kum-12", "interval_s", 5, "kari")
    with pytest.raises(ConfigError, match="it knows interval_s, threshold_m"):
        downlinks.send("kum-12", "valve", 1, "kari")
    with pytest.raises(NotFound):
        downlinks.send("kum-13", "interval_s", 600, "kari")
    assert place.client.queue(EUI) == []
    raw = downlinks.send_raw("kum-12", 85, bytes.fromhex("ff10ff"), "kari")
    assert [(i.id, i.payload) for i in place.client.queue(EUI)] == [(raw.id, bytes.fromhex("ff10ff"))]


def test_the_threshold_bytes_by_hand():
    """0x4a = enabled (bit 6), depth (bit 3), above (2); 150 cm little-endian."""
    from gateway.downlink import COMMANDS

    assert COMMANDS["milesight_em500_swl"]["threshold_m"].encode(1.5) == bytes.fromhex("ff064a00009600" + "00000000")
    assert math.isfinite(COMMANDS["milesight_em500_swl"]["interval_s"].high)
