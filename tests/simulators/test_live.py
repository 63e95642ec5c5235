"""Live: frames on time, in ChirpStack's words, decodable by the device models, and obedient."""

import base64
import json

import pytest

from core.timekeeping import unix
from ingest.device_model import native_models
from simulators.live import LiveTown
from simulators.town import build_town

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
