"""The main job, end to end: `mjosa up` as a process, real MQTT, product frames, a storm and a burst, seen over HTTP."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from core.model import Readings
from core.settings import load_settings
from core.stores.memory import MemoryStore
from core.timekeeping import unix
from core.town import Town
from mjosa import build
from simulators.history import readings
from simulators.live import LiveTown
from simulators.scenario import Action
from simulators.town import build_town
from simulators.truth import TrueEvent, simulate_truth
from tests.processes import free_port, mjosa, wait_for

DAYS, HOURS_LIVE, SEED, BURST_ZONE = 21, 32, 7, "dma-nord"
INTERVAL_S = 15 * 60.0


@dataclass
class Played:
    """A town whose storm and burst come in its last hours: its history until then, every message after, and what happened."""

    town: Town
    history: Readings
    messages: list[tuple[str, bytes]]
    overflows: dict[str, tuple[float, float]]
    burst: Action


@pytest.fixture(scope="module")
def played() -> Played:
    town = build_town(SEED, 0.02)
    end = last_wednesday_noon(time.time())
    start, live_from = end - DAYS * 86_400, end - HOURS_LIVE * 3600
    storm = Action("storm", end - 29 * 3600, end - 26 * 3600, "", {"mm": 30.0})
    burst = Action("burst", end - 9 * 3600, end, BURST_ZONE, {"m3h": 30.0})
    truth = simulate_truth(town, "quiet_month", SEED, start, DAYS, origin=start, extra=[storm, burst])
    everything = readings(truth)
    past = MemoryStore()
    past.write(everything.where(everything.t < live_from))
    messages: list[tuple[str, bytes]] = []
    live = LiveTown(
        town, seed=SEED, scenario="quiet_month", start=live_from, origin=start, resume=past.latest(),
        publish=lambda topic, payload: messages.append((topic, payload)),
    )  # fmt: skip
    live.order(storm)
    live.order(burst)
    live.step(end)
    overflows = clean([e for e in truth.events if e.kind == "overflow"])
    return Played(town, everything.where(everything.t < live_from), messages, overflows, burst)


def last_wednesday_noon(now: float) -> float:
    """So that the same hours of the week are played whenever the test runs (1970-01-07 was a Wednesday)."""
    wednesday = 6.5 * 86_400
    return wednesday + (now - wednesday) // (7 * 86_400) * 7 * 86_400


def clean(overflows: list[TrueEvent]) -> dict[str, tuple[float, float]]:
    """Asset → (start, end) where it truly overflowed once, for a while, and did not go on trickling about its crest."""
    pieces: dict[str, list[TrueEvent]] = {}
    for event in overflows:
        pieces.setdefault(event.asset, []).append(event)
    return {asset: (e[0].start, e[0].end) for asset, e in pieces.items() if len(e) == 1 and e[0].end - e[0].start >= 2 * INTERVAL_S}


def keep_history(folder: Path, played: Played) -> None:
    """What an earlier run, or an import, has left in the data folder."""
    system = build(load_settings(data_dir=folder / "data", free_space_mb=1))
    system.registry.import_town(played.town, "test")
    system.store.write(played.history)
    system.close()


def publish(port: int, messages: list[tuple[str, bytes]]) -> None:
    """Every message at QoS 1, acknowledged by the broker when this returns."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="town", clean_session=True)
    client.max_inflight_messages_set(500)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for first in range(0, len(messages), 5000):
        receipts = [client.publish(topic, payload, qos=1) for topic, payload in messages[first : first + 5000]]
        for receipt in receipts:
            receipt.wait_for_publish(60)
    left = threading.Event()
    client.on_disconnect = lambda *_: left.set()
    client.disconnect()
    assert left.wait(30)
    client.loop_stop()


def events(client: httpx.Client, kind: str) -> list[dict]:
    answer = client.get("/api/v1/events", params={"kind": kind, "limit": 1000})
    answer.raise_for_status()
    return answer.json()["items"]


def test_a_storm_and_a_burst_are_seen_once_each_with_the_right_times(played, tmp_path):
    """Frames arrive shuffled in pieces, one in ten twice; some never arrive at all."""
    keep_history(tmp_path, played)
    port, chance = free_port(), random.Random(1)
    messages = [m for m in played.messages for _ in range(2 if chance.random() < 0.1 else 1)]
    shuffled = [m for i in range(0, len(messages), 400) for m in chance.sample(messages[i : i + 400], len(messages[i : i + 400]))]
    with mjosa(["up"], tmp_path, simulate="false", mqtt_port=port, analyse_every_s=2) as running:
        client = running.client()
        publish(port, shuffled)
        status = wait_for("all stored", lambda: (s := client.get("/api/v1/status").json())["backlog"] == 0 and s["processed"] and s)
        assert status["dead_letters"] == 0
        assert len(played.overflows) >= 5, "the storm must make something overflow"
        wait_for("every overflow", lambda: set(played.overflows) <= {e["asset"] for e in events(client, "overflow")})
        found = events(client, "overflow")
        for asset, (start, end) in played.overflows.items():
            mine = [(unix(e["start"]), unix(e["end"])) for e in found if e["asset"] == asset]
            assert mine == [pytest.approx((start, end), abs=INTERVAL_S)], asset
        bursts = wait_for("a burst", lambda: [e for e in events(client, "burst") if abs(unix(e["onset"]) - played.burst.start) < 2 * 3600])
        assert [e["zone"] for e in bursts if e["zone"] != played.town.utility.id] == [BURST_ZONE]
        assert running.stop() == 0


def test_the_demo_town_opens_with_history_and_ctrl_c_ends_it(tmp_path):
    """The demo town: history, alarms, live values, one printed link, and a second start that finds its data again."""
    with mjosa(["up"], tmp_path, speed=60) as running:
        client = running.client()
        overview = client.get("/api/v1/overview").json()
        assert len(overview["sensors"]) >= 60
        assert overview["base_stations"]
        assert len(overview["figures"]) == 3
        first = client.get("/api/v1/status").json()["processed"]
        wait_for("live values", lambda: client.get("/api/v1/status").json()["processed"] > first)
        assert running.stop() == 0
    with mjosa(["up"], tmp_path, speed=60) as again:
        again.client()
        assert "Simulating" not in again.said
        assert again.stop() == 0
