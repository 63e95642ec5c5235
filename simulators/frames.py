"""From truth to frames: what every device sends, when, and who hears it. Payloads come out of the device models' own `encode`."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from core.model import Floats, Sample
from core.town import BaseStation, Sensor
from ingest.device_model import native_models
from simulators import meters
from simulators.meter_events import status_bits
from simulators.meters import HOUR_S
from simulators.radio import CHANNELS_HZ, Link, burst_losses
from simulators.scenario import Action
from simulators.sensing import Column, network_columns
from simulators.signals import grid
from simulators.truth import Truth

METER_SENDS_EVERY_H = 3
METER_LOG_H = 12
LOSS_TABLE = 2_048


@dataclass(frozen=True, slots=True)
class Frame:
    """One data frame. `at` [Unix s] when it was sent; `heard`: (station, RSSI [dBm], SNR [dB]), empty when nobody heard it.

    `late_s`: how long the base station's backhaul held it back. `copies`: how often the broker delivers it.
    """

    at: float
    sensor: Sensor
    f_port: int
    payload: bytes
    spreading_factor: int
    frequency_hz: int
    heard: tuple[tuple[BaseStation, float, float], ...]
    late_s: float = 0.0
    copies: int = 1


def frames(truth: Truth, links: Mapping[str, Link], *, late: float = 0.01, double: float = 0.01) -> list[Frame]:
    """Every frame of the window, in order of sending. `late` and `double` are the shares held back and delivered twice."""
    found: list[Frame] = []
    columns: dict[str, list[Column]] = {}
    for column in network_columns(truth, lossless=True):
        columns.setdefault(column.sensor.id, []).append(column)
    outages = [a for a in truth.actions if a.kind == "station_outage"]
    airs: dict[str, _Air] = {}
    for sensor, at, f_port, payload in chain(chain.from_iterable(map(_frames, columns.values())), _meter_frames(truth)):
        if sensor.id not in airs:
            airs[sensor.id] = _Air(truth, sensor, links[sensor.id])
        found.append(airs[sensor.id].carry(at, f_port, payload, outages, late, double))
    return sorted(found, key=lambda f: (f.at, f.sensor.dev_eui))


def encode(sensor: Sensor, samples: list[Sample]) -> tuple[int, bytes]:
    """(fPort, payload) by the sensor's product, with its own options."""
    model = native_models()[sensor.model]
    return model.encode(samples, {**model.options, **sensor.options})


def _frames(group: list[Column]) -> Iterator[tuple[Sensor, float, int, bytes]]:
    """One frame per time of the first quantity, with whatever else the sensor has by then."""
    sensor, (first, *others) = group[0].sensor, group
    rest = [(c.quantity, np.searchsorted(c.t, first.t, side="right") - 1, c.x) for c in others]
    for i, (at, x) in enumerate(zip(first.t.tolist(), first.x.tolist(), strict=True)):
        values = {first.quantity: x, **{q: float(v[k[i]]) for q, k, v in rest if k[i] >= 0}}
        values.setdefault("battery_v", 3.55)
        if sensor.reference_m is not None and "level_m" in values:
            values["distance_m"] = max(sensor.reference_m - values.pop("level_m"), 0.0)
            values.setdefault("battery_pct", 96.0)
        if sensor.model == "milesight_em300_zld":
            values.update(air_temperature_c=8.0, humidity_pct=95.0)
        yield (sensor, at, *encode(sensor, [Sample(q, v) for q, v in values.items() if q in native_models()[sensor.model].measures]))


def _meter_frames(truth: Truth) -> Iterator[tuple[Sensor, float, int, bytes]]:
    """Every third hour, some minutes after the hour: the index now and the log of the hours before."""
    park, hours = truth.park, truth.meter_use_l.shape[1]
    before, past = meters.hourly(park, truth.start - METER_LOG_H * HOUR_S, METER_LOG_H)
    t = grid(truth.start - METER_LOG_H * HOUR_S, HOUR_S, METER_LOG_H + hours)
    for i, point in enumerate(park.points):
        now = truth.registered_l.get(point)
        if now is None:
            now = truth.meter_index_l[i] + np.cumsum(truth.meter_use_l[i], dtype=np.float64) - truth.meter_use_l[i]
        then = before[i] + np.cumsum(past[i], dtype=np.float64) - past[i] + (now[0] - before[i] - past[i].sum(dtype=np.float64))
        litres = np.floor(np.concatenate([then, now]) % meters.ROLLS_OVER_AT_L + 1e-6)
        sensor = truth.town.current[point]
        minute = 60.0 * (1 + zlib.crc32(sensor.dev_eui.encode()) % 170)
        for at in np.arange(truth.start // 10_800 * 10_800 + minute, truth.end, METER_SENDS_EVERY_H * HOUR_S).tolist():
            if at >= truth.start:
                yield (sensor, at, *_meter_frame(sensor, at, t, litres, status_bits(park, truth.actions, i, at)))


def _meter_frame(sensor: Sensor, at: float, t: Floats, litres: Floats, status: float) -> tuple[int, bytes]:
    """The index between two hours is linear; a log that falls (reverse flow, roll-over) begins anew after the fall."""
    k = int(np.searchsorted(t, at, side="right"))
    log = litres[max(0, k - METER_LOG_H) : k]
    falls = np.flatnonzero(np.diff(log) < 0)
    log = log[falls[-1] + 1 :] if falls.size else log
    times = t[k - log.size : k].tolist()
    after = litres[k] if k < litres.size else litres[-1]
    now = log[-1] + max(after - log[-1], 0) * (at - times[-1]) / HOUR_S
    samples = [Sample("volume_m3", x / 1_000, h) for x, h in zip(log.tolist(), times, strict=True)]
    return encode(sensor, [*samples, Sample("volume_m3", float(np.floor(now)) / 1_000, at), Sample("status_bits", status, at)])


class _Air:
    """One sensor's radio over a window: who hears each frame, bursts of loss, base stations that are down."""

    def __init__(self, truth: Truth, sensor: Sensor, link: Link) -> None:
        self._sensor, self._link, self._count = sensor, link, 0
        self._rng = np.random.default_rng([truth.seed, 81, int(truth.start), zlib.crc32(sensor.dev_eui.encode())])
        self._lost = burst_losses(LOSS_TABLE, self._rng, 5.0 if link.below_ground else 1.0)

    def carry(self, at: float, f_port: int, payload: bytes, outages: Sequence[Action], late: float, double: float) -> Frame:
        """The frame as it went: draws as many numbers whatever happens, so that an order changes nothing before it."""
        heard = self._link.hears(self._rng)
        channel = CHANNELS_HZ[int(self._rng.integers(len(CHANNELS_HZ)))]
        delay, is_late, is_double = self._rng.uniform(20, 900), self._rng.uniform() < late, self._rng.uniform() < double
        down = {a.place for a in outages if a.start <= at < a.end}
        lost = self._lost[self._count % LOSS_TABLE]
        self._count += 1
        return Frame(
            at, self._sensor, f_port, payload, self._link.spreading_factor, channel,
            () if lost else tuple(h for h in heard if h[0].id not in down), float(delay) if is_late else 0.0, 2 if is_double else 1,
        )  # fmt: skip
