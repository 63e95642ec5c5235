"""From truth to frames: what every device sends, when, and who hears it. Payloads come out of the device models' own `encode`."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from core.model import Sample
from core.town import BaseStation, Sensor
from ingest.device_model import native_models
from simulators.radio import CHANNELS_HZ, Link
from simulators.sensing import Column, observe
from simulators.truth import Truth

METER_SENDS_EVERY_H = 3
METER_LOG_H = 12


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
    for column in observe(truth, lossless=True):
        columns.setdefault(column.sensor.id, []).append(column)
    for group in columns.values():
        sensor = group[0].sensor
        rng = np.random.default_rng([truth.seed, 81, int(truth.start), zlib.crc32(sensor.dev_eui.encode())])
        sent = _meter_frames(group[0], truth) if sensor.model == "axioma_qalcosonic_w1" else _frames(group)
        found += [_on_air(at, sensor, f_port, payload, links[sensor.id], rng, late, double) for at, f_port, payload in sent]
    return sorted(found, key=lambda f: (f.at, f.sensor.dev_eui))


def encode(sensor: Sensor, samples: list[Sample]) -> tuple[int, bytes]:
    """(fPort, payload) by the sensor's product, with its own options."""
    model = native_models()[sensor.model]
    return model.encode(samples, {**model.options, **sensor.options})


def _frames(group: list[Column]) -> Iterator[tuple[float, int, bytes]]:
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
        yield (at, *encode(sensor, [Sample(q, v) for q, v in values.items() if q in native_models()[sensor.model].measures]))


def _meter_frames(column: Column, truth: Truth) -> Iterator[tuple[float, int, bytes]]:
    """Every third hour, a few minutes after the hour: the index now and the log of the hours before."""
    phase = zlib.crc32(column.sensor.dev_eui.encode())
    minute = 60.0 * (1 + phase % 170)
    before = column.t[0] // 10_800 * 10_800
    for at in np.arange(before + minute, truth.end, METER_SENDS_EVERY_H * 3_600.0).tolist():
        if at < truth.start:
            continue
        known = int(np.searchsorted(column.t, at, side="right"))
        log = [Sample("volume_m3", float(column.x[i]), float(column.t[i])) for i in range(max(0, known - METER_LOG_H), known)]
        if log:
            yield (at, *encode(column.sensor, [*log, Sample("volume_m3", log[-1].value, at), Sample("status_bits", 0.0, at)]))


def _on_air(at: float, sensor: Sensor, f_port: int, payload: bytes, link: Link, rng: np.random.Generator, late: float, double: float
            ) -> Frame:  # fmt: skip
    held = float(rng.uniform(20, 900)) if rng.uniform() < late else 0.0
    return Frame(
        at, sensor, f_port, payload, link.spreading_factor, CHANNELS_HZ[int(rng.integers(len(CHANNELS_HZ)))], tuple(link.hears(rng)),
        held, 2 if rng.uniform() < double else 1,
    )  # fmt: skip
