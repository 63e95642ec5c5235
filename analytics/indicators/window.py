"""A period of a town, with what is measured in it: what every input of an indicator asks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, wraps
from typing import Any, TypeVar

import numpy as np

from analytics.indicators.counters import Days, Neighbour, Volumes, by_day, counter_volumes, irregular, rate_volumes, unwrap
from analytics.indicators.rollup import Rollups
from analytics.indicators.scope import Inlet, Scope, inlets, metered
from core.model import Event, Floats
from core.points import read_points
from core.quantities import QUANTITIES
from core.records import Alarm, MasterValue
from core.store import SeriesStore
from core.timekeeping import day_starts
from core.town import Sensor, Town

Master = Callable[[str, str, float], MasterValue | None]
GAP_INTERVALS = 3.0
"""A gap of more than this many sampling intervals is a gap."""
DEFAULT_INTERVAL_S = 3600.0
SENSORS_AT_ONCE = 1000
"""Sensors whose volumes are worked out together: bounds memory."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Of each sensor over a period, shape (n,): volumes (NaN: unknown), samples received, and expected in service and in all."""

    total: Floats
    extrapolated: Floats
    estimated: Floats
    received: Floats
    in_service: Floats
    in_period: Floats

    def completeness(self, whole: bool = True) -> Floats:
        """Received over expected in the whole period, or only while in service."""
        expected = self.in_period if whole else self.in_service
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.where(expected > 0, self.received / expected, 0.0))


@dataclass
class Window:
    """One period: [start, end) [Unix s], widened to whole local days; what lies after `now` does not exist yet."""

    store: SeriesStore
    town: Town
    start: float
    end: float
    now: float
    events: Sequence[Event]
    master: Master
    alarms: Sequence[Alarm] = ()
    rollups: Rollups = field(init=False)
    cache: Rollups | None = None
    memo: dict[tuple[str, str], Any] = field(default_factory=dict)
    """What `remembered` functions have answered."""
    _days: dict[tuple[str, tuple[str, ...]], tuple[Days, Floats]] = field(default_factory=dict)
    _sums: dict[str, tuple[dict[str, int], Floats]] = field(default_factory=dict)
    _metered: dict[tuple[tuple[str, ...], tuple[str, ...]], list[tuple[Sensor, str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rollups = self.cache or Rollups(self.store)

    @cached_property
    def edges(self) -> Floats:
        """Local midnights of the period, the last ones cut off at now."""
        return np.asarray(np.minimum(np.array(day_starts(self.start, self.end)), self.now))

    @cached_property
    def inlets(self) -> list[Inlet]:
        """Metered ways into the zones."""
        return inlets(self.town)

    @cached_property
    def customers(self) -> list[Sensor]:
        """Customer meters with an index, in the order of the town."""
        return [s for s, _ in self.metered(("meter_point",), ("volume_m3",))]

    @cached_property
    def zones(self) -> dict[str, str | None]:
        """Sensor id → zone."""
        return {s.id: self.town.zone_of(s) for s in self.town.current.values()}

    @cached_property
    def homes(self) -> set[str]:
        """Ids of the household meters."""
        return {s.id for s in self.town.current.values() if self.town.is_personal(s)}

    @cached_property
    def by_zone(self) -> dict[str | None, list[Sensor]]:
        """Zone → the sensors in it."""
        groups: dict[str | None, list[Sensor]] = {}
        for sensor in self.town.current.values():
            groups.setdefault(self.zones[sensor.id], []).append(sensor)
        return groups

    @cached_property
    def customer_ids(self) -> set[str]:
        return {s.id for s in self.customers}

    def within(self, scope: Scope) -> list[Sensor]:
        """The sensors of a scope."""
        zones = self.by_zone if scope.whole_town else sorted(scope.zones)
        return [s for z in zones for s in self.by_zone.get(z, ())]

    def metered(self, kinds: tuple[str, ...], quantities: tuple[str, ...] = ("volume_m3", "flow_m3h")) -> list[tuple[Sensor, str]]:
        """One measuring point for every asset of some kinds; see `scope.metered`."""
        if (kinds, quantities) not in self._metered:
            self._metered[(kinds, quantities)] = metered(self.town, kinds, quantities)
        return self._metered[(kinds, quantities)]

    def inside(self, scope: Scope, sensor: Sensor) -> bool:
        return scope.has(self.zones[sensor.id])

    @property
    def until(self) -> float:
        return min(self.end, self.now)

    @property
    def days(self) -> float:
        """Length of the elapsed period in local days."""
        full = np.array(day_starts(self.start, self.end))
        return float(np.sum(np.diff(np.minimum(full, self.now)) / np.diff(full)))

    @property
    def days_in_year(self) -> float:
        return 365.2425

    def daily(self, sensors: Sequence[Sensor], quantity: str) -> tuple[Days, Floats]:
        """Daily buckets and expected sampling interval [s] of each sensor. Days outside a sensor's service are empty."""
        key = (quantity, tuple(s.id for s in sensors))
        if key not in self._days:
            days = self.rollups.days([s.dev_eui for s in sensors], quantity, self.start, self.end, self.now)
            days = Days(np.minimum(days.edges, self.now), *(getattr(days, f) for f in ("count", *_VALUES)))
            days = self._with_former_devices(days, sensors, quantity)
            self._days[key] = days, intervals(sensors, days)
        return self._days[key]

    def _with_former_devices(self, days: Days, sensors: Sequence[Sensor], quantity: str) -> Days:
        """Replace the rows of points whose device changed within the window by the joined series of all their devices."""
        changed = [i for i, s in enumerate(sensors) if self._changed(s)]
        if not changed:
            return days
        joined = read_points(self.store, self.town, [sensors[i] for i in changed], quantity, float(days.edges[0]), self.until)
        count, values = days.count.copy(), {f: getattr(days, f).copy() for f in _VALUES}
        for i in changed:
            series = joined[sensors[i].id]
            good = np.isfinite(series.usable())
            row = by_day(series.t[good], series.x[good], days.edges)
            count[i] = row.count[0]
            for name in _VALUES:
                values[name][i] = getattr(row, name)[0]
        return Days(days.edges, count, **values)

    def _changed(self, sensor: Sensor) -> bool:
        return any(self.start < t < self.until for p in self.town.placements[sensor.id] for t in (p.valid_from, p.valid_to))

    def expected(self, sensors: Sequence[Sensor], quantity: str, whole: bool = True) -> tuple[Floats, Floats]:
        """(received, expected) samples by sensor, shape (n,), over the whole elapsed period, or only while the point was registered.

        More than expected in a day counts as expected. A figure about the period asks for all of it; whether a sensor does its work,
        and how much of a customer's use was metered, is asked of its time in service.
        """
        days, interval = self.daily(sensors, quantity)
        lengths = self.service_s(sensors)
        received = np.minimum(days.count, np.round(lengths / interval[:, None], 9)).sum(axis=1)
        due = np.diff(self.edges).sum() / interval if whole else (lengths / interval[:, None]).sum(axis=1)
        return received, due

    def service_s(self, sensors: Sequence[Sensor]) -> Floats:
        """Seconds of each day in which a point was registered: shape (n, d)."""
        low, high = self.edges[:-1][None, :], self.edges[1:][None, :]
        periods = [(min(p.valid_from for p in places), max(p.valid_to for p in places))
                   for places in (self.town.placements[s.id] for s in sensors)]  # fmt: skip
        since, to = np.array(periods, np.float64).reshape(-1, 2).T
        return np.asarray(np.clip(np.minimum(high, to[:, None]) - np.maximum(low, since[:, None]), 0.0, None))

    def volumes(self, sensors: Sequence[Sensor], quantity: str) -> Volumes:
        """Daily volumes [m³, or the counter's own unit] of each sensor, shape (n, d); 0 outside its service."""
        days, interval = self.daily(sensors, quantity)
        counter = QUANTITIES[quantity].counter
        found = self._counter(sensors, quantity, days, interval) if counter else rate_volumes(days, interval)
        served = self.service_s(sensors) > 0
        return Volumes(*(np.where(served, part, 0.0) for part in (found.total, found.extrapolated, found.estimated)))

    def sums(self, sensors: Sequence[Sensor], quantity: str) -> Sums:
        """Volumes and samples of the whole period by sensor; each sensor is worked out once."""
        rows, table = self._sums.get(quantity, ({}, np.empty((0, 6))))
        new = [s for s in sensors if s.id not in rows]
        self.rollups.reserve([s.dev_eui for s in new], quantity, self.start, self.end)
        for low in range(0, len(new), SENSORS_AT_ONCE):
            some = new[low : low + SENSORS_AT_ONCE]
            rows.update({s.id: len(rows) + i for i, s in enumerate(some)})
            table = np.concatenate([table, self._summed(some, quantity)])
        self._sums[quantity] = rows, table
        return Sums(*table[np.array([rows[s.id] for s in sensors], np.intp)].T)

    def sum_customers(self) -> None:
        """Work out all customer meters together, once, before they are asked zone by zone."""
        if not self.memo.get(("customers", "summed")):
            self.sums(self.customers, "volume_m3")
            self.memo[("customers", "summed")] = True

    def _summed(self, sensors: Sequence[Sensor], quantity: str) -> Floats:
        received, in_service = self.expected(sensors, quantity, whole=False)
        in_period = self.expected(sensors, quantity)[1]
        volumes = self.volumes(sensors, quantity)
        self._days.clear()
        known = np.isfinite(volumes.total).any(axis=1)
        columns = [np.where(known, np.nansum(v, axis=1), np.nan) for v in (volumes.total, volumes.extrapolated, volumes.estimated)]
        return np.stack([*columns, received, in_service, in_period], axis=1)

    def _counter(self, sensors: Sequence[Sensor], quantity: str, days: Days, interval: Floats) -> Volumes:
        devices = [s.dev_eui for s in sensors]
        before, after = self.rollups.neighbours(devices, quantity, days, self.now)
        volumes = counter_volumes(days, before, after, GAP_INTERVALS * interval)
        odd = irregular(days, before, after) | np.array([self._changed(s) for s in sensors], bool)
        for i in map(int, np.flatnonzero(odd)):
            row = self._irregular(sensors[i], quantity, days, before, after, i, float(interval[i]))
            for whole, part in zip((volumes.total, volumes.extrapolated, volumes.estimated), row, strict=True):
                whole[i] = part
        return volumes

    def _irregular(self, sensor: Sensor, quantity: str, days: Days, before: Neighbour, after: Neighbour, i: int,
                   interval_s: float) -> tuple[Floats, Floats, Floats]:  # fmt: skip
        """Volumes of a point whose index fell or whose device changed, from its readings."""
        low = before.t[i] if np.isfinite(before.t[i]) else float(days.edges[0])
        high = after.t[i] + 1 if np.isfinite(after.t[i]) else self.until
        series = read_points(self.store, self.town, [sensor], quantity, float(low), float(high))[sensor.id]
        good = np.isfinite(series.usable())
        t, x = series.t[good], series.x[good]
        starts = [p.valid_from for p in self.town.placements[sensor.id][1:]]
        exchanged = np.zeros(len(t), bool)
        exchanged[[k for k in np.searchsorted(t, starts) if k < len(t)]] = True
        rising, estimated = unwrap(t, x, exchanged)
        return _daily_of(t, rising, estimated, days.edges, GAP_INTERVALS * interval_s)


T = TypeVar("T")


def remembered(function: Callable[[Window, Scope], T]) -> Callable[[Window, Scope], T]:
    """Ask a function of a window and a scope once: many indicators share an input."""

    @wraps(function)
    def asked(w: Window, scope: Scope) -> T:
        key = (f"{function.__module__}.{function.__qualname__}", scope.id)
        if key not in w.memo:
            w.memo[key] = function(w, scope)
        found: T = w.memo[key]
        return found

    return asked


@remembered
def customers_in(w: Window, scope: Scope) -> list[Sensor]:
    """Customer meters of a scope."""
    return [s for s in w.within(scope) if s.id in w.customer_ids]


_VALUES = ("minimum", "mean", "maximum", "first", "last", "first_t", "last_t")


def _daily_of(t: Floats, x: Floats, estimated: Floats, edges: Floats, tolerance_s: float) -> tuple[Floats, Floats, Floats]:
    """Daily volumes of one unwrapped index that may begin and end outside the window."""
    inside = by_day(t, x, edges)
    low, high = np.searchsorted(t, [edges[0], edges[-1]])
    before = Neighbour(t[low - 1 : low] if low else np.array([np.nan]), x[low - 1 : low] if low else np.array([np.nan]))
    after = Neighbour(t[high : high + 1], x[high : high + 1]) if high < len(t) else Neighbour(np.array([np.nan]), np.array([np.nan]))
    rows = counter_volumes(inside, before, after, np.array([tolerance_s]))
    jumps = np.histogram(t, edges, weights=estimated)[0] if len(t) and (np.diff(edges) > 0).all() else np.zeros(len(edges) - 1)
    extrapolated = np.clip(rows.extrapolated[0], 0, None)
    return rows.total[0], extrapolated, np.minimum(rows.estimated[0] + jumps, np.maximum(rows.total[0] - extrapolated, 0))


def intervals(sensors: Sequence[Sensor], days: Days) -> Floats:
    """Expected sampling interval [s]: the registered one, else the median of the window's days, else an hour. Shape (n,)."""
    found = np.array([s.interval_s if s.interval_s is not None else math.nan for s in sensors], np.float64)
    unknown = np.flatnonzero(np.isnan(found))
    with np.errstate(invalid="ignore", divide="ignore"):
        each = np.where(days.count[unknown] > 1, (days.last_t[unknown] - days.first_t[unknown]) / (days.count[unknown] - 1), np.nan)
    for i, row in zip(unknown, each, strict=True):
        seen = row[np.isfinite(row)]
        found[i] = np.median(seen) if len(seen) else DEFAULT_INTERVAL_S
    return found
