"""The live stream: values and alarms as they come, and none missed across a restart of the server."""

import json
import threading
import time
from dataclasses import replace

import httpx
import numpy as np

from api.app import create_app
from core.model import Reading, Readings
from tests.api.conftest import served
from tests.api.test_notify import ALARM
from tests.api.town import NOW


class Listener:
    """An SSE client that reads in a thread and remembers the last id, as a browser does."""

    def __init__(self, address, key, last=None):
        self.messages, self.last, self.opened = [], last, threading.Event()
        headers = {"authorization": f"Bearer {key}", **({"last-event-id": last} if last else {})}
        self.client = httpx.Client(base_url=address, headers=headers, timeout=20)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        kind = None
        try:
            with self.client.stream("GET", "/api/v1/stream") as answer:
                assert answer.status_code == 200
                for line in answer.iter_lines():
                    name, _, value = line.partition(": ")
                    if name == "id":
                        self.last = value
                    elif name == "event":
                        kind = value
                    elif name == "data":
                        self.messages.append((kind, json.loads(value)))
                        self.opened.set()
        except httpx.HTTPError:
            pass  # the server went away: that is what the test is about

    def wait_for(self, what):
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            found = [m for m in self.messages if what(m)]
            if found:
                return found
            time.sleep(0.02)
        raise AssertionError(f"not heard; heard {[m[0] for m in self.messages]}")


def is_alarm(key):
    return lambda m: m[0] == "alarm" and m[1]["id"] == key


def test_values_and_alarms_arrive(world):
    key, sensor = world.key("operator"), world.town.current["OV-1"]
    household = world.town.current["VM-0001"]
    with served(create_app(world.services)) as address:
        listener = Listener(address, key)
        assert listener.opened.wait(10)
        batch = [Reading(sensor.dev_eui, "level_m", NOW + 1, 0.33, 1), Reading(household.dev_eui, "volume_m3", NOW + 1, 500.0, 1)]
        world.services.store.write(Readings.from_rows(batch))
        world.services.hub.readings(batch)
        ((_, states),) = listener.wait_for(lambda m: m[0] == "readings")
        assert [(s["sensor"], s["value"]) for s in states] == [("OV-1", 0.33)]
        world.services.hub.alarm(world.services.registry.alarms.raise_(ALARM))
        assert listener.wait_for(is_alarm("al-9"))[0][1]["kind"] == "burst"
        again = httpx.get(f"{address}/api/v1/latest", headers={"authorization": f"Bearer {key}"}).json()
        assert next(i for i in again["items"] if i["sensor"] == "OV-1")["value"] == 0.33


def test_an_alarm_of_another_process_is_seen_in_the_registry(world):
    world.services.poll_s = 0.05
    with served(create_app(world.services)) as address:
        listener = Listener(address, world.key("operator"))
        assert listener.opened.wait(10)
        time.sleep(0.3)
        world.services.registry.alarms.raise_(ALARM)
        listener.wait_for(is_alarm("al-9"))


def test_a_client_misses_no_alarm_across_a_restart(world):
    """Raised while the server was down, with event times before the client's last message; one closed meanwhile comes too."""
    key, registry = world.key("operator"), world.services.registry
    with served(create_app(world.services)) as address:
        first = Listener(address, key)
        assert first.opened.wait(10)
    registry.alarms.raise_(replace(ALARM, raised_at=NOW - 5000, updated_at=NOW - 5000))
    registry.alarms.change("al-2", "resolved", "kari", NOW + 2)
    with served(create_app(world.services)) as address:
        second = Listener(address, key, last=first.last)
        second.wait_for(is_alarm("al-9"))
        assert second.wait_for(is_alarm("al-2"))[0][1]["state"] == "resolved"


def test_a_slow_client_loses_its_oldest_values_and_never_memory():
    import asyncio

    from api.live import Hub

    async def flood():
        hub = Hub()
        subscriber = hub.subscribe()
        for i in range(2000):
            hub.readings([Reading("x", "level_m", float(i), 0.0)])
        await asyncio.sleep(0.05)
        return subscriber, await subscriber.take(1.0)

    subscriber, taken = asyncio.run(flood())
    assert (len(taken), subscriber.lost) == (500, 1500)
    assert np.all(np.diff([batch[0].measured_at for _, batch in taken]) > 0)
