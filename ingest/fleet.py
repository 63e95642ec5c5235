"""Fleet health, learned from the same stream as the readings: who is heard, how often, how well, with how much battery left."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

from core.model import Event, Flag, Readings, TimeOrigin, Uplink
from core.network import JoinEvent, LogEvent, NetworkEvent, StatusEvent
from core.store import Written
from core.town import Town
from ingest.battery import BatteryTrend
from ingest.fleet_events import events
from ingest.fleet_health import FleetSnapshot, snapshot
from ingest.fleet_state import DeviceState, Heard
from ingest.timing import uplink_time


class Fleet:
    """Feed it with `see` (events in any order) and `hear` (readings written); ask `snapshot` and `events`."""

    def __init__(self, town: Callable[[], Town]) -> None:
        self._town = town
        self._lock = threading.Lock()
        self._devices: dict[str, DeviceState] = {}
        self._stations: dict[str, Heard] = {}
        self.heard_until = 0.0

    def see(self, events: Iterable[NetworkEvent]) -> None:
        """Uplinks and everything else the network server says."""
        with self._lock:
            for event in events:
                device = self._device(event.dev_eui)
                if type(event) is Uplink:
                    self._see_uplink(device, event)
                elif isinstance(event, JoinEvent):
                    t = event.time or event.received_at
                    if t not in device.joins:
                        device.joins.append(t)
                elif isinstance(event, StatusEvent):
                    device.margin_db = event.margin_db
                    if event.battery_pct is not None:
                        self._battery(device, "battery_pct", event.time or event.received_at, event.battery_pct)
                elif isinstance(event, LogEvent) and event.level != "INFO":
                    device.complaint = event

    def hear(self, written: Written, readings: Readings) -> None:
        """Battery and clock, from decoded readings; a listener of the pipeline."""
        good = readings.flag < Flag.FAIL
        battery = np.flatnonzero(good & ((readings.quantity == "battery_v") | (readings.quantity == "battery_pct")))
        columns = (readings.sensor, readings.quantity, readings.t, readings.x)
        payload_clock = readings.origin == TimeOrigin.PAYLOAD
        with self._lock:
            for sensor, quantity, t, x in zip(*(column[battery].tolist() for column in columns), strict=True):
                self._battery(self._device(sensor), quantity, t, x)
            if payload_clock.any():
                self._see_clocks(readings, payload_clock)

    def note_battery(self, dev_eui: str, quantity: str, t: float, value: float) -> None:
        """One battery value from elsewhere: what was learned before a restart."""
        with self._lock:
            self._battery(self._device(dev_eui), quantity, t, value)

    def snapshot(self, now: float) -> FleetSnapshot:
        """Everything known, devices by dev_eui and stations by id."""
        with self._lock:
            return snapshot(self._town(), self._devices, self._stations, self.heard_until, now)

    def base_stations(self) -> dict[str, float]:
        """When each base station last heard anything [Unix s]; cheap, for a status page."""
        with self._lock:
            return {key: heard.last_seen for key, heard in self._stations.items()}

    def events(self, now: float, known: Iterable[Event] = ()) -> list[Event]:
        """What a person should know: silence (one event per base station where it is the cause), join storms, wrong clocks.

        `known` are the open events of before; those that are over come back with their end.
        """
        with self._lock:
            return events(self._town(), self._devices, self._stations, self.heard_until, now, known)

    def _device(self, dev_eui: str) -> DeviceState:
        device = self._devices.get(dev_eui)
        if device is None:
            device = self._devices[dev_eui] = DeviceState()
        return device

    def _see_uplink(self, device: DeviceState, uplink: Uplink) -> None:
        t, _ = uplink_time(uplink)
        if not device.count(uplink.dev_addr, uplink.f_cnt, t):
            return
        device.uplinks += 1
        device.last_seen = max(device.last_seen, t)
        self.heard_until = max(self.heard_until, t)
        for station, rssi_dbm, snr_db in [(r.base_station, r.rssi_dbm, r.snr_db) for r in uplink.receptions]:
            for heard in (device.stations, self._stations):
                if station not in heard:
                    heard[station] = Heard()
                heard[station].hear(t, rssi_dbm, snr_db, uplink.spreading_factor)

    @staticmethod
    def _battery(device: DeviceState, quantity: str, t: float, value: float) -> None:
        if quantity not in device.batteries:
            device.batteries[quantity] = BatteryTrend()
        device.batteries[quantity].add(t, value)

    def _see_clocks(self, readings: Readings, payload_clock: npt.NDArray[np.bool_]) -> None:
        """Frame time minus newest payload time, per frame; the frame's own time stands with its radio readings."""
        radio = readings.quantity == "rssi_dbm"
        sent = dict(zip(readings.uplink[radio].tolist(), readings.t[radio].tolist(), strict=True))
        newest: dict[tuple[str, int], float] = {}
        columns = (readings.sensor[payload_clock], readings.uplink[payload_clock].tolist(), readings.t[payload_clock].tolist())
        for sensor, uplink, t in zip(*columns, strict=True):
            newest[sensor, uplink] = max(t, newest.get((sensor, uplink), t))
        for (sensor, uplink), t in newest.items():
            if uplink in sent:
                device = self._device(sensor)
                device.clock_s.append(sent[uplink] - t)
                device.clock_since = device.clock_since or sent[uplink]
