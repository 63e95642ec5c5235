"""Live: frames on time, in ChirpStack's words, decodable by the device models, and obedient."""

import base64
import json
import threading
import time

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from core.timekeeping import unix
from ingest.device_model import native_models
from simulators.live import COMMAND_TOPIC, LiveTown
from simulators.town import build_town
from tests.brokers import Mosquitto

START = unix("2026-09-10T00:10:00Z")


class Clock:
    def __init__(self) -> None:
        self.t = START

    def __call__(self) -> float:
        return self.t


def play(hours, orders=(), **more):
    """(town, published) of a live run by the hour; `orders` are (hour, function of the live town)."""
    clock, out = Clock(), []
    live = LiveTown(build_town(1, 0.01), start=START, publish=lambda topic, payload: out.append((topic, payload)), clock=clock,
                    scenario="quiet_month", **more)  # fmt: skip
    for hour in range(hours):
        for at, order in orders:
            if at == hour:
                order(live)
        clock.t += 3_600
        live.step(clock.t)
    return live, out


def values(live, out, sensor, quantity):
    device = live.town.current[sensor]
    model = native_models()[device.model]
    found = []
    for topic, payload in out:
        if topic.endswith(f"{device.dev_eui}/event/up"):
            event = json.loads(payload)
            samples = model.read(base64.b64decode(event["data"]), event["fPort"], device.options)
            found += [(unix(event["time"]), s.value) for s in samples if s.quantity == quantity]
    return found


def test_the_same_seed_and_orders_give_the_same_bytes():
    orders = [(1, lambda live: live.storm(20, 1))]
    assert play(3, orders)[1] == play(3, orders)[1]


def test_every_uplink_decodes_and_follows_a_join():
    live, out = play(4)
    seen = set()
    for topic, payload in out:
        event, eui = json.loads(payload), topic.split("/")[3]
        if topic.endswith("/join"):
            seen.add(eui)
            continue
        assert eui in seen
        sensor = live.town.by_device[eui][0]
        assert native_models()[sensor.model].read(base64.b64decode(event["data"]), event["fPort"], sensor.options)


def test_a_storm_overtops_a_weir_and_a_burst_lowers_the_pressure_of_its_zone_only():
    live, out = play(9, [(2, lambda live: live.storm(35, 2)), (2, lambda live: live.burst("dma-nord", 35, 6))])
    crest = live.town.asset_by_id["ro-02"].crest_m
    assert max(x for _, x in values(live, out, "ro-02-niva", "level_m")) > crest
    calm, quiet = play(9)

    def fall(sensor):
        with_burst, without = dict(values(live, out, sensor, "pressure_bar")), dict(values(calm, quiet, sensor, "pressure_bar"))
        return max(without[t] - with_burst[t] for t in with_burst.keys() & without.keys())

    assert fall("tr-n30") > 0.15
    assert fall("tr-s30") < 0.1


def test_counters_go_on_where_the_store_stands():
    from core.model import Reading

    town = build_town(1, 0.01)
    eui = town.current["inn-n"].dev_eui
    live, out = play(2, resume=[Reading(eui, "volume_m3", START - 60, 777_000.0)])
    first = values(live, out, "inn-n", "volume_m3")[0][1]
    assert first == pytest.approx(777_000, abs=60)


def test_an_unknown_place_is_refused():
    live, _ = play(1)
    with pytest.raises(ValueError, match="dma-nowhere"):
        live.burst("dma-nowhere")


def test_over_a_real_broker_faster_than_real_time_and_by_order(tmp_path):
    got, told = [], threading.Event()
    with Mosquitto(tmp_path / "mosquitto") as broker:
        reader = paho.Client(CallbackAPIVersion.VERSION2)
        reader.on_connect = lambda c, *_: c.subscribe("application/+/device/+/event/+", 1)
        reader.on_subscribe = lambda *_: told.set()
        reader.on_message = lambda c, u, m: got.append((m.topic, m.payload, m.qos, m.retain))
        reader.connect("127.0.0.1", broker.port)
        reader.loop_start()
        assert told.wait(10)
        town = build_town(1, 0.005)
        with LiveTown(town, start=START, scenario="quiet_month", speed=3_600, port=broker.port) as live:
            wait_for(lambda: len(got) > 100)
            reader.publish(COMMAND_TOPIC, json.dumps({"burst": {"zone": "dma-nord", "m3h": 30}}), qos=1)
            reader.publish(COMMAND_TOPIC, "not json", qos=1)
            wait_for(lambda: live.truth is not None and live.truth.leaks)
        assert live.truth.leaks[0].zone == "dma-nord"
        wait_for(lambda: len(got) >= live.counts.uplinks + live.counts.joins - len(live._held))
        reader.disconnect()
        reader.loop_stop()
    assert {(qos, retain) for _, _, qos, retain in got} == {(1, 0)}
    ups = [p for t, p, _, _ in got if t.endswith("/up")]
    assert len(ups) == live.counts.uplinks - len(live._held)


def wait_for(condition, seconds=20.0):
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        time.sleep(0.02)
    pytest.fail("waited in vain")


def test_duplicates_lateness_and_losses_are_there_when_asked_for():
    live, out = play(12, late=0.05, double=0.05)
    ups = [payload for topic, payload in out if topic.endswith("/up")]
    assert len(ups) - len(set(ups)) == pytest.approx(live.counts.doubled, abs=3)
    assert 0.02 < live.counts.late / live.counts.uplinks < 0.1
    delays = [unix(e["rxInfo"][0]["nsTime"]) - unix(e["time"]) for e in map(json.loads, ups)]
    assert max(delays) > 60
    times = [unix(json.loads(p)["time"]) for p in ups]
    assert times != sorted(times)
    assert live.counts.lost > 0


def test_a_frame_is_heard_by_several_base_stations():
    _, out = play(2)
    receptions = [len(json.loads(p)["rxInfo"]) for t, p in out if t.endswith("/up")]
    assert max(receptions) >= 3
    assert sum(n > 1 for n in receptions) > len(receptions) / 4


def test_a_new_sensor_joins_and_sends():
    def mount(live):
        live.add(live.town.current["tr-n00"].model_copy(update={"id": "tr-ny", "dev_eui": "24e124ffffff0001"}))

    _, out = play(3, [(1, mount)])
    mine = [t.rsplit("/", 1)[1] for t, _ in out if "24e124ffffff0001" in t]
    assert mine[0] == "join"
    assert mine.count("up") >= 4
