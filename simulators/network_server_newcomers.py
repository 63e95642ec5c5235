"""Newly registered devices come alive beside the stand-in: they join within seconds and then send at their interval.

What a field engineer does with a magnet happens here by itself, so that registration can be seen to work in the demo.
"""

from __future__ import annotations

import math
import random
import struct
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from chirpstack_api import api

from core.errors import MjosaError
from core.model import Reception, Sample
from core.town import Sensor, Town
from ingest.device_model import DeviceModel, Options, native_models
from simulators.network_server import StandIn
from simulators.radio import link

_LOOK_EVERY_S, _WAKE_S = 1.0, 4.0
_TYPICAL = {
    "level_m": (0.35, 0.01), "distance_m": (1.6, 0.01), "pressure_bar": (4.6, 0.05), "flow_m3h": (3.0, 0.2), "temperature_c": (6.0, 0.1),
    "air_temperature_c": (4.0, 0.3), "humidity_pct": (80.0, 2.0), "battery_v": (3.58, 0.005), "battery_pct": (99.0, 0.0),
    "contact": (0.0, 0.0),
    "conductivity_us_cm": (600.0, 5.0),
}  # fmt: skip
"""Quantity → (usual value, standard deviation) of a sensor that nobody has simulated water for."""
_PER_HOUR = {"volume_m3": 0.02, "pulses": 2.0, "rain_total_mm": 0.05}
"""Counters: what they grow by."""


@dataclass
class _Awake:
    sensor: Sensor
    model: DeviceModel
    next_at: float
    since: float


class Newcomers:
    """Watches the stand-in for devices with a key that have never joined, and plays those that are registered in the town."""

    def __init__(self, server: StandIn, town: Callable[[], Town], *, clock: Callable[[], float] = time.time,
                 products: Mapping[str, DeviceModel] | None = None) -> None:  # fmt: skip
        self._server, self._town, self._clock = server, town, clock
        self._products = products if products is not None else native_models()
        self._awake: dict[str, _Awake] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="newcomers", daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(10)

    def step(self) -> None:
        """Wake whom it is time for, and send what is due."""
        now, town = self._clock(), self._town()
        for row in self._server.registry.find("device"):
            if row.key not in self._awake and now - row.created_at >= _WAKE_S:
                self._wake(row.key, api.Device.FromString(row.body), town, now)
        for dev_eui, device in list(self._awake.items()):
            if now >= device.next_at:
                if self._send(dev_eui, device, town, now) is None:
                    del self._awake[dev_eui]
                    continue
                device.next_at = now + (device.sensor.interval_s or device.model.profile.uplink_s)

    def _wake(self, dev_eui: str, device: object, town: Town, now: float) -> None:
        sensor = town.sensor_at(dev_eui, now)
        model = self._products.get(sensor.model) if sensor else None
        joined = self._server.registry.get("device_activation", dev_eui) is not None
        if sensor is None or model is None or joined or getattr(device, "is_disabled", False):
            return
        if self._server.registry.get("device_keys", dev_eui) is not None and self._server.events.join(dev_eui):
            self._awake[dev_eui] = _Awake(sensor, model, now, now)

    def _send(self, dev_eui: str, device: _Awake, town: Town, now: float) -> int | None:
        """One frame; None where the server takes no more of them (retired, deleted)."""
        port, payload = _frame(device.model, self._samples(dev_eui, device, now), {**device.model.options, **device.sensor.options}, now)
        radio = link(town, device.sensor)
        heard = [Reception(s.id, rssi, snr) for s, rssi, snr in radio.hears(np.random.default_rng(zlib.crc32(f"{dev_eui}{now}".encode())))]
        return self._server.events.uplink(dev_eui, port, payload, heard, at=now, spreading_factor=radio.spreading_factor)

    def _samples(self, dev_eui: str, device: _Awake, now: float) -> list[Sample]:
        rng = random.Random(f"{dev_eui}{now}")  # noqa: S311 - a simulation
        hours = (now - device.since) / 3600
        samples = [Sample(q, max(rng.gauss(*_TYPICAL[q]), 0.0)) for q in device.model.measures if q in _TYPICAL]
        return samples + [Sample(q, math.floor(_PER_HOUR[q] * hours * 1000) / 1000) for q in device.model.measures if q in _PER_HOUR]

    def _run(self) -> None:
        while not self._stop.wait(_LOOK_EVERY_S):
            self.step()


def _frame(model: DeviceModel, samples: list[Sample], options: Options, now: float) -> tuple[int, bytes]:
    """A live frame; with time stamps for the products (meters) that send none without. Products differ in what one frame can hold."""
    for stamped in (samples, [s._replace(at=now) for s in samples]):
        try:
            port, payload = model.encode(stamped, options)
            if model.read(payload, port, options):
                return port, payload
        except (MjosaError, ValueError, KeyError, TypeError, IndexError, struct.error):
            continue
    return model.vectors[0].f_port, bytes.fromhex(model.vectors[0].payload)
