"""A seeded Norwegian inland weather: temperature, rain and snow, any period, the same for the same seed.

Storms come as a Poisson process per calendar year: frontal rain all year, short showers in summer. Snow lies by the degree-day
method (melt = 3.5 mm per day and °C above 0 °C).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from core.model import Floats
from simulators.layout import RAIN_GAUGES

STEP_S = 300.0
DEGREE_DAY_MM = 3.5
STORM_C = 5.0
"""An ordered storm is rain even in winter: the air is at least this warm while it lasts."""
MEAN_C = (-6.5, -6.0, -1.0, 4.5, 10.5, 14.8, 16.5, 15.2, 10.5, 4.8, -0.8, -5.2)
FRONTS_PER_MONTH = (7, 5, 5, 5, 6, 6, 6, 7, 7, 8, 8, 7)
SHOWERS_PER_MONTH = (0, 0, 0, 0.5, 2.5, 5, 6.5, 5.5, 2, 0.3, 0, 0)


@dataclass(frozen=True, slots=True)
class Weather:
    """From `start` in steps of 300 s, n of them. rain_mm: (gauges, n) liquid rain in the step; melt_mm, snow_mm (water), air_c: (n,)."""

    start: float
    rain_mm: Floats
    melt_mm: Floats
    snow_mm: Floats
    air_c: Floats

    @property
    def t(self) -> Floats:
        return np.asarray(self.start + STEP_S * np.arange(self.air_c.size))


@dataclass(frozen=True, slots=True)
class Storm:
    """Rain ordered by a scenario: `mm` over `hours` from `start` [Unix s], everywhere."""

    start: float
    mm: float
    hours: float


@dataclass(frozen=True, slots=True)
class Thaw:
    """Warm spell ordered by a scenario: a snow cover of `snow_mm` (as water) lies at the start, and the air is at `air_c` for `hours`."""

    start: float
    hours: float
    air_c: float = 9.0
    snow_mm: float = 80.0


def weather(
    seed: int, start: float, end: float, *, storms: Sequence[Storm] = (), thaws: Sequence[Thaw] = (), natural: bool = True
) -> Weather:
    """The weather of [start, end). With `natural` False only the ordered storms fall."""
    start = np.floor(start / STEP_S) * STEP_S
    n = int(np.ceil((end - start) / STEP_S))
    years = range(_year(start - 40 * 86_400), _year(end) + 1)
    begin, air, fall = zip(*(_year_of_weather(seed, y) for y in years), strict=True)
    first, air_c = begin[0], np.concatenate(air)
    fall_mm = np.concatenate(fall, axis=1) if natural else np.zeros((len(RAIN_GAUGES), air_c.size))
    for storm in storms:
        _add_storm(fall_mm, first, storm)
        i, j = round((storm.start - first) / STEP_S), round((storm.start + 3_600 * storm.hours - first) / STEP_S)
        air_c[max(i, 0) : max(j, 0)] = np.maximum(air_c[max(i, 0) : max(j, 0)], STORM_C)
    snow_extra = np.zeros(air_c.size)
    for thaw in thaws:
        i, j = int((thaw.start - first) / STEP_S), int((thaw.start + 3_600 * thaw.hours - first) / STEP_S)
        if 0 <= i < air_c.size:
            snow_extra[max(i - 1, 0)] += thaw.snow_mm
            air_c[i:j] = np.maximum(air_c[i:j], thaw.air_c)
    rain_mm, melt_mm, snow_mm = _snow(air_c, fall_mm, snow_extra)
    i = round((start - first) / STEP_S)
    return Weather(float(start), rain_mm[:, i : i + n], melt_mm[i : i + n], snow_mm[i : i + n], air_c[i : i + n])


def _year(t: float) -> int:
    return datetime.fromtimestamp(t, UTC).year


def _year_of_weather(seed: int, year: int) -> tuple[float, Floats, Floats]:
    """(start, air [°C] (n,), precipitation [mm per step] (gauges, n)) of one calendar year."""
    rng = np.random.default_rng([seed, 21, year])
    start = datetime(year, 1, 1, tzinfo=UTC).timestamp()
    n = int((datetime(year + 1, 1, 1, tzinfo=UTC).timestamp() - start) / STEP_S)
    t = np.arange(n) * STEP_S
    month = np.interp(t / 86_400, (np.arange(14) - 0.5) * 30.44, (MEAN_C[-1], *MEAN_C, MEAN_C[0]))
    slow = np.interp(t, np.arange(0, n * STEP_S + 86_400, 86_400), _ar1(rng, n // 288 + 1, 0.8) * 3.2)
    swing = 1.5 + 3.5 * np.clip(np.sin(np.pi * (t / 86_400 - 50) / 270), 0, None)
    air = month + slow - swing * np.cos(2 * np.pi * (t / 86_400 - 3 / 24))
    fall = np.zeros((len(RAIN_GAUGES), n))
    for m in range(12):
        begin, end = m * n // 12, (m + 1) * n // 12
        for _ in range(rng.poisson(FRONTS_PER_MONTH[m])):
            _pour(rng, fall, int(rng.integers(begin, end)), mm=rng.gamma(1.3, 5.2), steps=int(rng.gamma(3.0, 36)) + 12, spread=0.12)
        for _ in range(rng.poisson(SHOWERS_PER_MONTH[m])):
            day = int(rng.integers(begin, end)) // 288 * 288
            _pour(rng, fall, day + int(rng.normal(190, 30)), mm=rng.gamma(1.2, 6.0), steps=int(rng.gamma(2.5, 4)) + 3, spread=0.45)
    return start, air, fall


def _ar1(rng: np.random.Generator, n: int, phi: float) -> Floats:
    out, noise = np.zeros(n), rng.normal(0, np.sqrt(1 - phi**2), n)
    for i in range(1, n):
        out[i] = phi * out[i - 1] + noise[i]
    return out


def _pour(rng: np.random.Generator, fall: Floats, at: int, *, mm: float, steps: int, spread: float) -> None:
    """One storm with an uneven shape; each gauge gets its own share a little earlier or later."""
    shape = np.sin(np.pi * (np.arange(steps) + 0.5) / steps) ** 2 * rng.gamma(2.0, 0.5, steps)
    shape *= mm / max(shape.sum(), 1e-9)
    for g in range(fall.shape[0]):
        i = max(at + int(rng.integers(-2, 3)), 0)
        part = fall[g, i : i + steps]
        part += (shape * np.exp(rng.normal(-(spread**2) / 2, spread)))[: part.size]


def _add_storm(fall: Floats, first: float, storm: Storm) -> None:
    i, steps = round((storm.start - first) / STEP_S), max(round(storm.hours * 12), 1)
    part = fall[:, max(i, 0) : max(i + steps, 0)]
    shape = np.sin(np.pi * (np.arange(steps) + 0.5) / steps) ** 2
    part += (storm.mm * shape / shape.sum())[max(-i, 0) :][: part.shape[1]]


def _snow(air_c: Floats, fall_mm: Floats, extra_mm: Floats) -> tuple[Floats, Floats, Floats]:
    """Rain, melt and snow cover (all mm of water), hour by hour: what falls below 0.5 °C lies until degree-days melt it."""
    solid = air_c < 0.5
    rain = np.where(solid, 0.0, fall_mm)
    gain = (np.where(solid, fall_mm.mean(axis=0), 0.0) + extra_mm)[: air_c.size // 12 * 12].reshape(-1, 12).sum(axis=1)
    can_melt = np.clip(air_c, 0, None)[: gain.size * 12].reshape(-1, 12).mean(axis=1) * DEGREE_DAY_MM / 24
    cover, melt, lying = np.zeros(gain.size), np.zeros(gain.size), 0.0
    for i, (g, m) in enumerate(zip(gain.tolist(), can_melt.tolist(), strict=True)):
        lying += g
        melt[i] = min(m, lying)
        lying -= melt[i]
        cover[i] = lying
    pad = air_c.size - gain.size * 12
    return rain, np.pad(np.repeat(melt / 12, 12), (0, pad)), np.pad(np.repeat(cover, 12), (0, pad), mode="edge")
