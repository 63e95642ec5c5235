"""The sensor layer: when a sensor measures, and what it makes of the truth. Resolution, noise, drift, stuck, fouling, dead, wrong clock."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from core.model import Floats
from core.town import Sensor
from simulators.happenings import SensorFault
from simulators.meter_events import status_bits
from simulators.meters import HOUR_S, ROLLS_OVER_AT_L
from simulators.radio import fast_interval_s, link, silent_stations
from simulators.signals import grid
from simulators.truth import Truth

ALERT_SHARE = 0.85
"""A level sensor in an overflow chamber sends every minute above this share of the crest."""
NOISE = {
    ("milesight_em500_swl", "level_m"): (0.003, 0.01), ("vegapuls_air", "level_m"): (0.002, 0.001),
    ("milesight_em400_mud", "level_m"): (0.005, 0.001), ("milesight_em500_pp", "pressure_bar"): (0.012, 0.01),
    ("decentlab_pr26", "pressure_bar"): (0.010, 16 / 32768), ("keller_adt1", "pressure_bar"): (0.008, 0.0001),
    ("milesight_em400_mud", "temperature_c"): (0.1, 0.1),
}  # fmt: skip
"""(standard deviation, resolution) by product and quantity."""


class Column(NamedTuple):
    """What one measuring point reported of one quantity: times [Unix s] and values, shape (n,)."""

    sensor: Sensor
    quantity: str
    t: Floats
    x: Floats


def observe(truth: Truth, *, lossless: bool = False) -> Iterator[Column]:
    """Every sensor's readings over the truth's window, network sensors first, then meters."""
    yield from network_columns(truth, lossless=lossless)
    yield from _meters(truth, lossless)


def network_columns(truth: Truth, *, lossless: bool = False) -> Iterator[Column]:
    """Readings of everything but the water meters."""
    faults: dict[str, list[SensorFault]] = {}
    for fault in truth.sensor_faults:
        faults.setdefault(fault.sensor, []).append(fault)
    meters = set(truth.park.points)
    for sensor in truth.town.current.values():
        if sensor.id not in meters:
            yield from _network_sensor(truth, sensor, faults.get(sensor.id, []), lossless)


def schedule(truth: Truth, sensor: Sensor) -> Floats:
    """When a sensor measures: every interval at its own phase, and each minute while an overflow chamber is nearly full.

    At a slow data rate the duty cycle forbids a minute: then every second or third.
    """
    interval = sensor.interval_s or 900.0
    phase = zlib.crc32(sensor.dev_eui.encode()) % int(interval)
    first = truth.start + (phase - truth.start) % interval
    t = np.arange(first, truth.end, interval)
    asset, signal = truth.town.asset_of(sensor), truth.signals.get((sensor.asset or "", "level_m"))
    if asset is not None and asset.kind == "overflow_chamber" and asset.crest_m is not None and signal is not None:
        minutes = np.arange(truth.start + phase % 60, truth.end, fast_interval_s(link(truth.town, sensor)))
        return np.union1d(t, minutes[signal.at(minutes) > ALERT_SHARE * asset.crest_m])
    return t


def _rng(truth: Truth, *keys: str) -> np.random.Generator:
    return np.random.default_rng([truth.seed, 71, int(truth.start), *(zlib.crc32(k.encode()) for k in keys)])


def _network_sensor(truth: Truth, sensor: Sensor, faults: list[SensorFault], lossless: bool) -> Iterator[Column]:
    t = schedule(truth, sensor)
    t = t[~_within(t, [f for f in faults if f.kind == "dead"])]
    heard = np.ones(t.size, bool)
    if not lossless:
        silent = silent_stations(truth.town.base_stations, [a for a in truth.actions if a.kind == "station_outage"], t)
        heard = link(truth.town, sensor).heard_mask(t.size, _rng(truth, sensor.id, "radio"), silent)
    for quantity in sensor.quantities:
        x = _true(truth, sensor, quantity, t)
        if x is None:
            continue
        sigma, resolution = NOISE.get((sensor.model, quantity), (0.0, 0.0))
        rng = _rng(truth, sensor.id, quantity)
        x = x + rng.normal(0, sigma, t.size) if sigma else x
        if quantity == sensor.quantities[0]:
            for fault in faults:
                x = FAULT[fault.kind](t, x, fault, rng)
        x = np.round(x / resolution) * resolution if resolution else x
        keep = heard & (np.diff(t, prepend=t[:1] - 1e9) // 1 > 0)
        if quantity == "battery_pct":
            keep = heard & (np.diff(t // 86_400, prepend=-1) > 0)
        yield Column(sensor, quantity, t[keep] + _clock(t[keep], faults), np.round(x[keep], 6))


def _true(truth: Truth, sensor: Sensor, quantity: str, t: Floats) -> Floats | None:
    """The truth as this product would see it without noise; None for what the history leaves out."""
    asset = sensor.asset or ""
    if quantity == "contact":
        return (truth.signals[asset, "overflow_m3h"].at(t) > 0).astype(float)
    if quantity == "rain_total_mm":
        return np.floor(truth.signals[asset, quantity].at(t) * 10 + 1e-6) / 10
    if quantity == "rain_mm":
        interval = sensor.interval_s or 600.0
        total = truth.signals[asset, "rain_total_mm"]
        return np.asarray(np.floor(total.at(t) * 10 + 1e-6) / 10 - np.floor(total.at(t - interval) * 10 + 1e-6) / 10)
    if quantity == "volume_m3":
        step = sensor.options.get("litres_per_pulse", 1.0) / 1_000
        return np.asarray(np.floor(truth.signals[asset, quantity].at(t) / step + 1e-9) * step)
    if quantity == "temperature_c":
        return np.asarray(9.5 + 4.5 * np.sin(2 * np.pi * (t / 86_400 - 140) / 365.25) + 0.6 * np.sin(2 * np.pi * t / 86_400))
    if quantity == "battery_pct":
        age = (t - 1.735e9) / 86_400 / 3_000
        return np.round(100 - 60 * np.clip(age, 0, 1))
    signal = truth.signals.get((asset, quantity))
    return None if signal is None else signal.at(t)


def _meters(truth: Truth, lossless: bool) -> Iterator[Column]:
    """Every meter's index at each whole hour [m³, whole litres] and its status once a day.

    What the radio loses, a later frame's log brings; only long silence leaves gaps.
    """
    n = truth.meter_use_l.shape[1]
    t = grid(truth.start, HOUR_S, n)
    for i, point in enumerate(truth.park.points):
        index = truth.registered_l.get(point)
        if index is None:
            index = truth.meter_index_l[i] + np.cumsum(truth.meter_use_l[i], dtype=np.float64) - truth.meter_use_l[i]
        x = np.floor(index % ROLLS_OVER_AT_L + 1e-6) / 1_000
        here = np.ones(n, bool) if lossless else ~_gaps(truth, point, n)
        for place in truth.town.placements[point]:
            keep = here & (t >= place.valid_from) & (t < place.valid_to)
            yield Column(place, "volume_m3", t[keep], x[keep])
            days = t[keep & (t % 86_400 == 0)]
            yield Column(place, "status_bits", days, np.array([status_bits(truth.park, truth.actions, i, d) for d in days.tolist()]))


def _gaps(truth: Truth, point: str, n: int) -> npt.NDArray[np.bool_]:
    """Hours whose log never arrived: rare, and many in a row."""
    rng = _rng(truth, point, "radio")
    lost = np.zeros(n, bool)
    for _ in range(rng.poisson(n / 24 / 400)):
        i = int(rng.integers(n))
        lost[i : i + int(rng.integers(6, 60))] = True
    return lost


def _within(t: Floats, faults: list[SensorFault]) -> npt.NDArray[np.bool_]:
    inside = np.zeros(t.size, bool)
    for f in faults:
        inside |= (t >= f.start) & (t < f.end)
    return inside


def _clock(t: Floats, faults: list[SensorFault]) -> Floats:
    shift = np.zeros(t.size)
    for f in faults:
        if f.kind == "clock":
            shift += np.where((t >= f.start) & (t < f.end), f.details["by_s"], 0.0)
    return shift


def _stuck(t: Floats, x: Floats, f: SensorFault, rng: np.random.Generator) -> Floats:
    inside = (t >= f.start) & (t < f.end)
    return np.where(inside, x[np.argmax(inside)], x) if inside.any() else x


def _ramp(t: Floats, x: Floats, f: SensorFault, rng: np.random.Generator) -> Floats:
    inside = (t >= f.start) & (t < f.end)
    return np.where(inside, x + f.details["per_day"] * (t - f.start) / 86_400, x)


def _offset(t: Floats, x: Floats, f: SensorFault, rng: np.random.Generator) -> Floats:
    return np.where((t >= f.start) & (t < f.end), x + f.details["by"] * (1 if int(f.start) % 120 < 60 else -1), x)


def _noisy(t: Floats, x: Floats, f: SensorFault, rng: np.random.Generator) -> Floats:
    return np.where((t >= f.start) & (t < f.end), x + rng.normal(0, f.details["sigma"], t.size), x)


def _spikes(t: Floats, x: Floats, f: SensorFault, rng: np.random.Generator) -> Floats:
    hit = (t >= f.start) & (t < f.end) & (rng.uniform(size=t.size) < f.details["share"])
    return np.where(hit, x + rng.choice([-1.0, 1.0], t.size) * f.details["by"], x)


def _wet(t: Floats, x: Floats, f: SensorFault, rng: np.random.Generator) -> Floats:
    return np.where((t >= f.start) & (t < f.end), 1.0, x)


def _same(t: Floats, x: Floats, f: SensorFault, rng: np.random.Generator) -> Floats:
    return x


FAULT: dict[str, Callable[[Floats, Floats, SensorFault, np.random.Generator], Floats]] = {
    "stuck": _stuck, "drift": _ramp, "fouling": _ramp, "offset": _offset, "noise": _noisy, "spikes": _spikes, "stuck_wet": _wet,
    "dead": _same, "clock": _same,
}  # fmt: skip
