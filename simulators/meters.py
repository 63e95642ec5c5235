"""Water meters: what 13 000 households and businesses use, hour by hour, as cumulative indices. Vectorised over meters, week by week.

An index is a closed function of (seed, meter, time), so that a live run continues a history without a seam: at each Monday 00:00 UTC
the index is mean use × seasonal sum + a bounded jitter, and the week's own habits fill in between.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from core.model import Floats
from core.timekeeping import OSLO
from core.town import Town
from simulators.layout import DISTRICT, HOME_SIZES, PERSONS_PER_HOME, District
from simulators.signals import grid

WEEK_S, HOUR_S = 604_800.0, 3_600.0
MONDAY_S = 345_600.0
"""The first Monday after 1970 began."""
EPOCH_S = MONDAY_S + 2_870 * WEEK_S
"""Indices count from here (January 2025)."""
YEAR_S = 365.25 * 86_400
ROLLS_OVER_AT_L = 1e8
"""A register of five digits of m³."""

HOME = np.array([1, 0.6, 0.5, 0.5, 0.8, 2.5, 7, 9, 6, 4.5, 4, 4, 4, 3.8, 4, 5, 7, 8, 7.5, 7, 6.5, 6, 4.5, 2.5])
HOME_WEEKEND = np.array([1.5, 1, 0.6, 0.5, 0.6, 1, 2.5, 4.5, 7, 8.5, 8, 7, 6.5, 6, 5.5, 6, 7, 7.5, 7, 6.5, 6, 5.5, 4.5, 3])
WORK = np.array([0.8, 0.8, 0.8, 0.8, 0.9, 1.5, 4, 8, 9, 9.5, 9.5, 9.5, 9, 9, 9, 8, 6, 4, 3, 2.5, 2, 1.5, 1.2, 1])
WORK_WEEKEND = WORK * 0.28 + 0.6
SEASON = {
    "home": (0.97, 0.97, 0.98, 1.0, 1.06, 1.12, 0.95, 1.03, 1.0, 0.98, 0.97, 0.98),
    "holiday": (0.6, 1.4, 1.1, 1.3, 0.7, 1.0, 2.6, 1.6, 0.6, 1.0, 0.3, 0.9),
    "business": (1.0, 1.0, 1.0, 0.98, 1.02, 1.03, 0.8, 0.98, 1.04, 1.04, 1.04, 0.92),
}
CLASSES = tuple(SEASON)
HOME_CLASS, HOLIDAY, BUSINESS = range(3)
LITRES_PER_PERSON_DAY = 138.0
CROWD_SCATTER, DAY_SCATTER = 1.6, 0.02
"""Relative scatter of one household's hour, and of the whole town's day."""
BUSINESS_M3H = {"dma-nord": 6.0, "dma-sentrum": 18.0, "dma-sor": 5.5, "dma-vest": 2.0, "dma-hogda": 0.8, "dma-brua": 21.0}
"""All business use of a zone; every business is metered, whatever the scale."""


@dataclass(frozen=True, slots=True)
class Park:
    """All meters, arrays of shape (n,). `zone` and `kind` index `zones` and CLASSES; mean use [L/h]; index at EPOCH_S [L].

    `leak_lph`, `leak_start`, `leak_end`: (n, k) slow leaks behind the meter. `always`: a business that runs round the clock.
    """

    points: tuple[str, ...]
    zones: tuple[str, ...]
    zone: npt.NDArray[np.int64]
    kind: npt.NDArray[np.int64]
    mean_lph: Floats
    start_l: Floats
    leak_lph: Floats
    leak_start: Floats
    leak_end: Floats
    always: npt.NDArray[np.bool_]
    seed: int

    def __len__(self) -> int:
        return len(self.points)


def park(town: Town, seed: int) -> Park:
    """The town's meters with their habits drawn from the seed."""
    rng = np.random.default_rng([seed, 31])
    rows = [
        (s.id, town.zone_of(s) or "", town.asset_of(s))
        for s in town.current.values()
        if (a := town.asset_of(s)) and a.kind == "meter_point"
    ]
    zones = tuple(sorted({zone for _, zone, _ in rows}))
    zone = np.array([zones.index(z) for _, z, _ in rows])
    kind = np.array([2 if a and not a.household else 1 if a and a.name.startswith("Fritid") else 0 for _, _, a in rows])
    n = len(rows)
    persons = rng.choice([1, 2, 3, 4, 5], n, p=HOME_SIZES)
    mean = persons * LITRES_PER_PERSON_DAY / 24 * rng.lognormal(-0.045, 0.3, n)
    mean = np.where(kind == 1, mean * 0.25, mean)
    for z, name in enumerate(zones):
        here = (kind == 2) & (zone == z)
        share = rng.lognormal(0, 0.9, int(here.sum()))
        mean[here] = 1_000 * BUSINESS_M3H[name] * share / max(share.sum(), 1e-9)
    leak = _leaks(rng, n)
    begin = np.where(kind == BUSINESS, rng.uniform(1e6, 6e7, n), rng.uniform(5e3, 9e5, n))
    rolls = (kind == BUSINESS) & (rng.uniform(size=n) < 0.06)
    begin = np.where(rolls, ROLLS_OVER_AT_L - mean * rng.uniform(1.0, 2.0, n) * YEAR_S / HOUR_S, begin)
    return Park(
        tuple(p for p, _, _ in rows),
        zones,
        zone,
        kind,
        mean,
        np.floor(begin),
        *leak,
        (kind == BUSINESS) & (rng.uniform(size=n) < 0.1),
        seed,
    )


def _leaks(rng: np.random.Generator, n: int, per_year: float = 0.06, years: int = 4) -> tuple[Floats, Floats, Floats]:
    """Running toilets and dripping taps: on average `per_year` per meter, 3–60 L/h for some weeks. Three arrays (n, years)."""
    there = rng.uniform(size=(n, years)) < per_year
    start = EPOCH_S + (np.arange(years) + rng.uniform(size=(n, years)) * 0.7) * YEAR_S
    rate = np.where(there, np.clip(rng.lognormal(2.3, 0.8, (n, years)), 3, 60), 0.0)
    return rate, start, start + np.clip(rng.lognormal(3.2, 0.6, (n, years)), 3, 100) * 86_400


def expected_household_lph(zone: str) -> float:
    """Mean use of one household of the zone [L/h], holiday homes included."""
    share = DISTRICT[zone].holiday
    return PERSONS_PER_HOME * LITRES_PER_PERSON_DAY / 24 * (1 - 0.75 * share)


def mean_use_m3h(d: District) -> float:
    """Mean use of a district, all households and businesses [m³/h]."""
    return d.households * expected_household_lph(d.id) / 1_000 + BUSINESS_M3H[d.id]


def hourly(p: Park, start: float, hours: int) -> tuple[Floats, npt.NDArray[np.float32]]:
    """(index at `start` [L] (n,), use per hour [L] (n, hours)); start is a whole hour."""
    first, last = _week(start), _week(start + (hours - 1) * HOUR_S)
    weeks = [_one_week(p, k) for k in range(first, last + 1)]
    use = np.concatenate(weeks, axis=1)
    i = round((start - (MONDAY_S + first * WEEK_S)) / HOUR_S)
    index = _anchor(p, first) + use[:, :i].sum(axis=1, dtype=np.float64)
    t = grid(start, HOUR_S, hours + 1)
    leaked = leak_litres(p, t)
    out = use[:, i : i + hours] + np.diff(leaked, axis=1).astype(np.float32)
    return p.start_l + index + leaked[:, 0], out


def leak_litres(p: Park, t: Floats) -> Floats:
    """What leaked behind each meter until each time [L], shape (n, len(t))."""
    total = np.zeros((len(p), t.size))
    for k in range(p.leak_lph.shape[1]):
        some = np.flatnonzero(p.leak_lph[:, k])
        length = np.clip(np.minimum(t, p.leak_end[some, k, None]) - p.leak_start[some, k, None], 0, None)
        total[some] += length * p.leak_lph[some, k, None] / HOUR_S
    return total


def expected(t: Floats, zone: str, homes: int, seed: int) -> Floats:
    """Mean use of one household of the zone [L/h] in the hours beginning at t, averaged over `homes` that do not report.

    A crowd scatters with 1/√homes from hour to hour, and everybody together from day to day.
    """
    shape = np.array([habit("home")[hour_of_week(x)] for x in t])
    season = np.interp((t - EPOCH_S) % YEAR_S, np.arange(12) * YEAR_S / 12, SEASON["home"])
    day = (t // 86_400).astype(np.int64)
    each, together = {}, {}
    for d in np.unique(day).tolist():
        each[d] = np.random.default_rng([seed, 34, zlib.crc32(zone.encode()), d]).normal(1, CROWD_SCATTER / np.sqrt(max(homes, 1)), 24)
        together[d] = np.random.default_rng([seed, 35, d]).normal(1, DAY_SCATTER)
    noise = np.array([each[d][int(h)] * together[d] for d, h in zip(day.tolist(), (t % 86_400) // HOUR_S, strict=True)])
    return np.asarray(expected_household_lph(zone) * shape * season * np.clip(noise, 0.2, 2.0))


def _week(t: float) -> int:
    return int((t - MONDAY_S) // WEEK_S)


def _anchor(p: Park, week: int) -> Floats:
    """Index growth from EPOCH_S to the start of a week [L], leaks left out."""
    t = MONDAY_S + week * WEEK_S
    jitter = np.random.default_rng([p.seed, 32, week]).uniform(-0.2, 0.2, len(p)) * WEEK_S / HOUR_S
    season = np.array([_season_hours(name, t) for name in CLASSES])[p.kind]
    jitter *= np.array([0.8, 0.3, 0.25])[p.kind]
    return np.asarray(p.mean_lph * (season + jitter))


def _season_hours(name: str, t: float) -> float:
    """∫ season dt from EPOCH_S to t [h]."""
    days = np.interp(np.arange(366) * 86_400.0, np.arange(13) * YEAR_S / 12, (*SEASON[name], SEASON[name][0]))
    total = np.concatenate([[0.0], np.cumsum(days * 24)])
    years, rest = divmod(t - EPOCH_S, YEAR_S)
    return float(years * np.interp(YEAR_S / 86_400, np.arange(367), total) + np.interp(rest / 86_400, np.arange(367), total))


def habit(name: str) -> Floats:
    """168 hourly weights of mean 1, from Monday 00 local time."""
    day, weekend = (WORK, WORK_WEEKEND) if name == "business" else (HOME, HOME_WEEKEND)
    week = np.concatenate([np.tile(day, 5), np.tile(weekend, 2)])
    return np.asarray(week / week.mean())


def hour_of_week(t: float) -> int:
    local = datetime.fromtimestamp(t, OSLO)
    return local.weekday() * 24 + local.hour


def _one_week(p: Park, week: int) -> npt.NDArray[np.float32]:
    """Use per hour [L], (n, 168), adding up to the difference of the anchors."""
    rng = np.random.default_rng([p.seed, 33, week])
    t = MONDAY_S + week * WEEK_S
    hours = [hour_of_week(t + HOUR_S * h) for h in range(168)]
    base = np.array([habit(name)[hours] for name in CLASSES], np.float32)[p.kind]
    spread = np.where(p.kind == 2, 6.0, 0.9).astype(np.float32)
    weight = rng.standard_gamma(np.broadcast_to(spread[:, None], base.shape), dtype=np.float32)
    hour, rests = np.array(hours) % 24, (p.kind == BUSINESS) & ~p.always
    night = ((hour < 6)[None, :] & (p.kind != BUSINESS)[:, None]) | (((hour < 5) | (hour > 19))[None, :] & rests[:, None])
    awake = np.where(night, (rng.uniform(size=base.shape) < 0.25) * np.float32(4), np.float32(1))
    away = (p.kind == 1)[:, None] & np.repeat(rng.uniform(size=(len(p), 7)) < 0.6, 24, axis=1)
    weight = weight / spread[:, None] * base * awake * np.where(away, np.float32(1e-4), np.float32(1))
    total = (_anchor(p, week + 1) - _anchor(p, week)).astype(np.float32)
    return np.asarray(weight * (total / weight.sum(axis=1))[:, None], np.float32)
