"""Mjøsby live: every frame at its moment, as ChirpStack would publish it on MQTT; storms and bursts on demand."""

from __future__ import annotations

import heapq
import threading
import time
import uuid
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import numpy as np
import orjson
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from core.model import Reading
from core.town import Sensor, Town
from simulators import chirpstack_events as events
from simulators.frames import Frame, frames
from simulators.radio import Link, link
from simulators.scenario import Action, scenario_origin
from simulators.town import with_sensors
from simulators.truth import Truth, simulate_truth

APPLICATION_ID = "6d6a6f73-6100-4000-8000-000000000001"
COMMAND_TOPIC = "mjosa/simulator/command"
"""JSON {"storm": {"mm": 25, "hours": 2}} or {"burst": {"zone": "dma-nord", "m3h": 30, "hours": 6}}."""
WINDOW_H = 6
REJOINS_AFTER = 3_000
"""Frames between two joins of a device, on average."""
Publish = Callable[[str, bytes], None]


@dataclass
class _Session:
    """A device's LoRaWAN session as the network server reports it."""

    dev_addr: str
    f_cnt: int = 0
    joined: bool = False


@dataclass
class Counts:
    """What was published so far."""

    uplinks: int = 0
    lost: int = 0
    doubled: int = 0
    late: int = 0
    joins: int = 0
    by_sensor: dict[str, int] = field(default_factory=dict)


class LiveTown:
    """Plays a town on an MQTT broker (QoS 1), `speed` simulated seconds per second from `start` (default: now).

    What was measured from `since` until `start` is sent first, at once, as a base station does after an outage. `origin` is when
    the scenario began (default: it has just ended, as after `readings_of`) and `resume` the store's latest readings, from which
    counters go on. With `publish` given, no broker is used. Deterministic: same seed, start and orders give the same bytes.
    """

    def __init__(
        self, town: Town, *, seed: int = 1, scenario: str = "demo", start: float | None = None, since: float | None = None,
        origin: float | None = None,
        speed: float = 1.0, host: str = "127.0.0.1", port: int = 1883, username: str | None = None, password: str | None = None,
        application_id: str = APPLICATION_ID, resume: Iterable[Reading] = (), late: float = 0.01, double: float = 0.01,
        publish: Publish | None = None, clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self.town, self.seed, self.scenario, self.speed, self.clock = town, seed, scenario, speed, clock
        self.start = clock() if start is None else start
        self.origin = scenario_origin(scenario, self.start) if origin is None else origin
        self.counts = Counts()
        self.application_id = application_id
        self._late, self._double = late, double
        self._began = clock()
        self._orders: list[Action] = []
        self._sessions: dict[str, _Session] = {}
        self._links: dict[str, Link] = {}
        self._state = _carried(town, resume)
        self._window: Truth | None = None
        self._plan: list[Frame] = []
        self._next = 0
        self._sent_until = self.start if since is None else min(since, self.start)
        self._held: list[tuple[float, int, str, bytes]] = []
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._client = _client(host, port, username, password, self._command) if publish is None else None
        self._publish = publish or self._to_broker
        self._last: mqtt.MQTTMessageInfo | None = None

    def __enter__(self) -> LiveTown:
        self.run_in_background()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def run_in_background(self) -> None:
        """Connect and play in a thread until `stop`."""
        if self._client is not None:
            self._client.loop_start()
        self._began = self.clock()
        self._thread = threading.Thread(target=self._play, name="simulated-town", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop playing; leave the broker when everything published has arrived there."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(10)
        if self._client is not None:
            if self._client.is_connected() and self._last is not None:
                self._last.wait_for_publish(10)
            self._client.disconnect()
            self._client.loop_stop()

    def now(self) -> float:
        """Simulated time [Unix s]."""
        return self.start + (self.clock() - self._began) * self.speed

    @property
    def truth(self) -> Truth | None:
        """The truth of the present window."""
        return self._window

    def storm(self, mm: float = 25.0, hours: float = 2.0) -> Action:
        """Let it rain on the whole town from now."""
        return self.order(Action("storm", self.now(), self.now() + hours * 3_600, "", {"mm": mm}))

    def burst(self, zone: str, m3h: float = 30.0, hours: float = 6.0) -> Action:
        """Break a pipe in a zone now."""
        return self.order(Action("burst", self.now(), self.now() + hours * 3_600, zone, {"m3h": m3h}))

    def order(self, action: Action) -> Action:
        """Any action of a scenario, from now on. Raises ValueError for a place that is not in the town."""
        if action.place and action.place not in {
            *self.town.zone_by_id,
            *self.town.asset_by_id,
            *self.town.current,
            *(b.id for b in self.town.base_stations),
        }:
            raise ValueError(f"there is no zone, asset, sensor or base station '{action.place}' in {self.town.utility.name}")
        with self._lock:
            self._orders.append(action)
            if self._window is not None:
                self._simulate(self._window.start)
        return action

    def add(self, sensor: Sensor) -> None:
        """A newly mounted sensor joins and sends from now on (its asset must be one of the town's)."""
        with self._lock:
            self.town = with_sensors(self.town, (*self.town.sensors, sensor))
            if self._window is not None:
                self._simulate(self._window.start)

    def step(self, until: float) -> None:
        """Publish every frame due before `until` [simulated s]."""
        with self._lock:
            while True:
                if self._window is None:
                    self._simulate(float(np.floor(self._sent_until / 3_600) * 3_600))
                assert self._window is not None
                limit = min(until, self._window.end)
                self._send_before(limit)
                if until < self._window.end:
                    return
                self._state = self._window.end_state
                self._orders = [a for a in self._orders if a.end > self._window.end - 86_400 * 2]
                self._simulate(self._window.end)

    def _play(self) -> None:
        while not self._stop.is_set():
            self.step(self.now())
            self._stop.wait(0.1)

    def _simulate(self, start: float) -> None:
        """The window from `start`, and its frames that are not sent yet."""
        self._window = simulate_truth(
            self.town, self.scenario, self.seed, start, WINDOW_H / 24, origin=self.origin, extra=self._orders, state=self._state
        )
        for sensor in self.town.current.values():
            if sensor.id not in self._links:
                self._links[sensor.id] = link(self.town, sensor)
        self._plan = [f for f in frames(self._window, self._links, late=self._late, double=self._double) if f.at >= self._sent_until]
        self._next = 0

    def _send_before(self, limit: float) -> None:
        while self._next < len(self._plan) and self._plan[self._next].at < limit:
            self._release(self._plan[self._next].at)
            self._send(self._plan[self._next])
            self._next += 1
        self._release(limit)
        self._sent_until = max(self._sent_until, limit)

    def _send(self, frame: Frame) -> None:
        session = self._session(frame)
        session.f_cnt += 1
        if not frame.heard:
            self.counts.lost += 1
            return
        topic, payload = self._event(frame, session)
        for copy in range(frame.copies):
            if frame.late_s or copy:
                heapq.heappush(self._held, (frame.at + frame.late_s + 2.0 * copy, self.counts.uplinks, topic, payload))
            else:
                self._publish(topic, payload)
            self.counts.uplinks += 1
        self.counts.late += frame.late_s > 0
        self.counts.doubled += frame.copies > 1
        self.counts.by_sensor[frame.sensor.id] = self.counts.by_sensor.get(frame.sensor.id, 0) + 1

    def _session(self, frame: Frame) -> _Session:
        """The device's session; its first frame is preceded by a join, and sometimes it loses its session and joins again."""
        eui = frame.sensor.dev_eui
        session = self._sessions.get(eui)
        if session is None or zlib.crc32(f"{eui}{session.dev_addr}{session.f_cnt}".encode()) % REJOINS_AFTER == 0:
            again = 0 if session is None else int(session.dev_addr, 16)
            session = self._sessions[eui] = _Session(
                f"{0x26000000 | zlib.crc32(f'{eui}{self.seed}{self.start}{again}'.encode()) & 0xFFFFFF:08x}"
            )
            device = self.device(frame.sensor)
            self._publish(events.topic(device, "join"), events.join(
                device, time=frame.at - 6, dev_addr=session.dev_addr, deduplication_id=_uuid(eui, "join", frame.at)))  # fmt: skip
            self.counts.joins += 1
        return session

    def _event(self, frame: Frame, session: _Session) -> tuple[str, bytes]:
        device = self.device(frame.sensor)
        number = zlib.crc32(f"{device.dev_eui}{session.f_cnt}".encode())
        heard = [
            events.Heard(s.id, round(rssi), snr, frame.at, frame.at + frame.late_s + 0.12 + 0.01 * i, number + i & 0xFFFFFFFF,
                         i % 8, (s.latitude, s.longitude, s.altitude_m))
            for i, (s, rssi, snr) in enumerate(frame.heard)
        ]  # fmt: skip
        return events.topic(device, "up"), events.up(
            device, time=frame.at, dev_addr=session.dev_addr, f_cnt=session.f_cnt - 1, f_port=frame.f_port, data=frame.payload, heard=heard,
            spreading_factor=frame.spreading_factor, frequency_hz=frame.frequency_hz,
            deduplication_id=_uuid(device.dev_eui, session.dev_addr, session.f_cnt),
        )  # fmt: skip

    def device(self, sensor: Sensor) -> events.Device:
        """The device as ChirpStack has it registered."""
        return events.Device(
            sensor.dev_eui, sensor.name or sensor.id, self.application_id, profile_id=_uuid("profile", sensor.model),
            profile_name=sensor.model, tags={"mjosa_sensor": sensor.id},
        )  # fmt: skip

    def _release(self, until: float) -> None:
        while self._held and self._held[0][0] <= until:
            _, _, topic, payload = heapq.heappop(self._held)
            self._publish(topic, payload)

    def _to_broker(self, topic: str, payload: bytes) -> None:
        assert self._client is not None
        self._last = self._client.publish(topic, payload, qos=1)

    def _command(self, payload: bytes) -> None:
        """An order from COMMAND_TOPIC; what is not understood is left alone."""
        try:
            for name, arguments in orjson.loads(payload).items():
                if name == "storm":
                    self.storm(**arguments)
                elif name == "burst":
                    self.burst(**arguments)
        except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError):
            return


def _client(host: str, port: int, username: str | None, password: str | None, command: Callable[[bytes], None]) -> mqtt.Client:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="mjosa-simulator", clean_session=True)
    if username is not None:
        client.username_pw_set(username, password)

    def connected(c: mqtt.Client, *_: Any) -> None:
        c.subscribe(COMMAND_TOPIC, qos=1)

    client.on_connect = connected
    client.on_message = lambda _c, _u, message: command(bytes(message.payload))
    client.max_queued_messages_set(100_000)
    client.max_inflight_messages_set(200)
    client.connect_async(host, port)
    return client


def _carried(town: Town, latest: Iterable[Reading]) -> dict[str, float]:
    """The state that a store's latest readings tell: counters and the reservoir."""
    point = {s.dev_eui: s for s in town.current.values()}
    return {f"{point[r.sensor].asset}:{r.quantity}": r.value for r in latest
            if r.sensor in point and r.quantity in ("volume_m3", "rain_total_mm", "level_m")}  # fmt: skip


def _uuid(*parts: object) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(map(str, parts))))
