"""Roll-ups of 15 minutes, hours and local days: kept until late data touches them, then computed again, so that they are always exact.

Counters are unwrapped from the cumulative index, never from differences in the store (peers and rules: docs/stores.md).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import IntEnum
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from core.model import Flag, Floats, Series
from core.points import read_points
from core.store import Buckets, SeriesStore, Touched
from core.timekeeping import day_starts, local_day, local_midnight
from core.town import Sensor, Town

Level = Literal["15min", "hour", "day"]
_STEP_S: dict[str, float] = {"15min": 900.0, "hour": 3600.0}
HOUR_S = 3600.0


class Step(IntEnum):
    """What happened between two readings of an index."""

    NORMAL = 0
    REVERSE = 1
    ROLLOVER = 2
    EXCHANGE = 3
    RESET = 4
    IMPLAUSIBLE = 5


@dataclass(frozen=True, slots=True)
class Exchange:
    """A meter was exchanged at `at` [Unix s]; its closing and the new one's opening index [m³], None where nobody read them."""

    at: float
    closing_m3: float | None = None
    opening_m3: float | None = None


@dataclass(frozen=True, slots=True)
class CounterRules:
    """What a meter can do. q4_m3h is its overload flow (1.25·Q3, ISO 4064-1); digits: the register turns over at 10^digits m³."""

    q4_m3h: float = np.inf
    digits: int | None = None
    reverse_m3: float = 0.1
    max_gap_s: float = 72 * HOUR_S
    exchanges: tuple[Exchange, ...] = ()


@dataclass(frozen=True, slots=True)
class Steps:
    """The readings of an index that stand, shape (n,), and what was used between them, shape (n − 1,); NaN: not known."""

    t: Floats
    used_m3: Floats
    kind: npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Volumes:
    """Volume by bucket, shape (n,): NaN where nothing is known.

    `coverage` is the share of the bucket's time that lies between two readings not too far apart; `estimated_m3` the part of the
    volume whose time is only known to lie between two readings with a bucket's edge in between; `count` the readings inside.
    """

    start: Floats
    volume_m3: Floats
    estimated_m3: Floats
    coverage: Floats
    count: npt.NDArray[np.int64]


def unwrap(t: Floats, index_m3: Floats, flag: npt.NDArray[np.uint8], rules: CounterRules) -> Steps:
    """Volumes between readings of a cumulative index, by these rules in order.

    A reading that both its neighbours (within max_gap_s) contradict is left out. Across an exchange: closing − last + first −
    opening, not known without both indices. A fall of at most reverse_m3 is reverse flow. A fall from above 90 % to below 10 %
    of the register, with a flow of at most Q4 once unrolled, is a rollover. Any other fall is a reset, a rise above Q4 is
    implausible: not known.
    """
    good = (flag != Flag.FAIL) & (flag != Flag.MISSING) & ~np.isnan(index_m3)
    t, x = t[good], index_m3[good]
    stands = ~_contradicted(t, x, rules)
    t, x = t[stands], x[stands]
    if len(t) < 2:
        return Steps(t, np.empty(0), np.empty(0, np.uint8))
    hours, rise = np.diff(t) / HOUR_S, np.diff(x)
    used, kind = rise.copy(), np.full(len(rise), Step.NORMAL, np.uint8)
    falls = rise < 0
    register = 10.0**rules.digits if rules.digits is not None else np.inf
    rolled = falls & (x[:-1] > 0.9 * register) & (x[1:] < 0.1 * register) & (rise + register <= rules.q4_m3h * hours)
    used[rolled], kind[rolled] = rise[rolled] + register, Step.ROLLOVER
    reverse = falls & ~rolled & (rise >= -rules.reverse_m3)
    kind[reverse] = Step.REVERSE
    for mask, what in ((falls & ~rolled & ~reverse, Step.RESET), (rise > rules.q4_m3h * hours, Step.IMPLAUSIBLE)):
        used[mask], kind[mask] = np.nan, what
    for exchange in rules.exchanges:
        i = int(np.searchsorted(t, exchange.at, "right")) - 1
        if 0 <= i < len(used) and exchange.at > t[0]:
            closing, opening = exchange.closing_m3, exchange.opening_m3
            used[i] = np.nan if closing is None or opening is None else (closing - x[i]) + (x[i + 1] - opening)
            kind[i] = Step.EXCHANGE
    return Steps(t, used, kind)


def bucket_volumes(steps: Steps, edges: Floats, rules: CounterRules) -> Volumes:
    """Spread what was used evenly between readings over buckets; a step longer than max_gap_s, or unknown, covers nothing."""
    t, n = steps.t, len(edges) - 1
    count = np.diff(np.searchsorted(t, edges)).astype(np.int64)
    if len(t) < 2:
        return Volumes(edges[:-1], np.full(n, np.nan), np.zeros(n), np.zeros(n), count)
    length = np.diff(t)
    known = ~np.isnan(steps.used_m3) & (length <= rules.max_gap_s)
    crosses = known & (np.searchsorted(edges, t[:-1], "right") != np.searchsorted(edges, t[1:], "left"))
    covered = _spread(t, np.where(known, length, 0.0), edges)
    volume = _spread(t, np.where(known, steps.used_m3, 0.0), edges)
    estimated = _spread(t, np.where(crosses, steps.used_m3, 0.0), edges)
    return Volumes(edges[:-1], np.where(covered > 0, volume, np.nan), estimated, covered / np.diff(edges), count)


class Rollups:
    """Buckets and volumes of devices by local month, read when first asked for and forgotten where a write touched them.

    One for each process, not for several threads at once. `note` every `Written.touched`. At most `capacity` months of one
    sensor, quantity and level are kept, the ones not asked for longest go first.
    """

    def __init__(self, store: SeriesStore, *, capacity: int = 50_000) -> None:
        self._store, self._capacity = store, capacity
        self._buckets: OrderedDict[tuple[str, str, str, date], Buckets] = OrderedDict()
        self._volumes: OrderedDict[tuple[str, str, str, date, CounterRules], Volumes] = OrderedDict()

    def note(self, touched: Iterable[Touched]) -> None:
        """Forget the months that these windows reach: for volumes also those within a gap's length of them."""
        for window in touched:
            mine = (window.sensor, window.quantity)
            for bucket in [key for key in self._buckets if key[:2] == mine and _reaches(key[3], window, 0.0)]:
                del self._buckets[bucket]
            for volume in [key for key in self._volumes if key[:2] == mine and _reaches(key[3], window, 2 * key[4].max_gap_s)]:
                del self._volumes[volume]

    def buckets(self, sensors: Sequence[str], quantity: str, level: Level, start: float, end: float) -> dict[str, Buckets]:
        """Aggregates of the buckets of a level that start in [start, end)."""
        parts: dict[str, list[Buckets]] = {sensor: [] for sensor in sensors}
        for month in _months(start, end):
            missing = [s for s in sensors if (s, quantity, level, month) not in self._buckets]
            found = self._store.aggregate(missing, quantity, _edges(month, level)) if missing else {}
            for sensor in sensors:
                key = (sensor, quantity, level, month)
                if sensor in found:
                    self._buckets[key] = found[sensor]
                self._buckets.move_to_end(key)
                parts[sensor].append(self._buckets[key])
        _shrink(self._buckets, self._capacity)
        return {sensor: _cut_buckets(sensor, quantity, many, start, end) for sensor, many in parts.items()}

    def volumes(self, sensor: str, quantity: str, level: Level, start: float, end: float, rules: CounterRules) -> Volumes:
        """Volumes of one counter in the buckets of a level that start in [start, end)."""
        parts = []
        for month in _months(start, end):
            key = (sensor, quantity, level, month, rules)
            if key not in self._volumes:
                edges = _edges(month, level)
                margin = 2 * rules.max_gap_s
                series = self._store.read([sensor], quantity, edges[0] - margin, edges[-1] + margin)[sensor]
                self._volumes[key] = series_volumes(series, edges, rules)
            self._volumes.move_to_end(key)
            parts.append(self._volumes[key])
        _shrink(self._volumes, self._capacity)
        joined = [np.concatenate([getattr(part, name) for part in parts]) for name in Volumes.__slots__]
        inside = (joined[0] >= start) & (joined[0] < end)
        return Volumes(*(column[inside] for column in joined))


def series_volumes(series: Series, edges: Floats, rules: CounterRules) -> Volumes:
    """Volumes of one counter's readings by bucket."""
    return bucket_volumes(unwrap(series.t, series.x, series.flag, rules), edges, rules)


def exchanges(town: Town, point: str) -> tuple[Exchange, ...]:
    """The meter exchanges of a measuring point, with the indices that `Registry.swap_sensor` was told."""
    places = town.placements[point]
    return tuple(
        Exchange(new.valid_from, old.options.get("closing_m3"), new.options.get("opening_m3"))
        for old, new in pairwise(places) if old.dev_eui != new.dev_eui
    )  # fmt: skip


def continuous(t: Floats, index_m3: Floats, flag: npt.NDArray[np.uint8], rules: CounterRules) -> tuple[Floats, Floats]:
    """An index as one that goes on across exchanges and rollovers: (t, index), what is not known counting as nothing used."""
    steps = unwrap(t, index_m3, flag, rules)
    if not len(steps.t):
        return steps.t, np.empty(0)
    first = float(index_m3[np.searchsorted(t, steps.t[0])])
    return steps.t, first + np.concatenate([[0.0], np.cumsum(np.nan_to_num(steps.used_m3))])


def point_volumes(store: SeriesStore, town: Town, point: Sensor, quantity: str, edges: Floats, rules: CounterRules) -> Volumes:
    """Volumes of a measuring point across the meters it has had."""
    margin = 2 * rules.max_gap_s
    rules = replace(rules, exchanges=exchanges(town, point.id))
    series = read_points(store, town, [point], quantity, float(edges[0]) - margin, float(edges[-1]) + margin)[point.id]
    return series_volumes(series, edges, rules)


def _contradicted(t: Floats, x: Floats, rules: CounterRules) -> npt.NDArray[np.bool_]:
    """Single readings outside their neighbours, where the neighbours agree with each other."""
    odd = np.zeros(len(x), bool)
    if len(x) > 2:
        before, at, after = x[:-2], x[1:-1], x[2:]
        near = (np.diff(t)[:-1] <= rules.max_gap_s) & (np.diff(t)[1:] <= rules.max_gap_s)
        agree = (after >= before) & (after - before <= rules.q4_m3h * (t[2:] - t[:-2]) / HOUR_S)
        odd[1:-1] = near & agree & ((at < before - rules.reverse_m3) | (at > after + rules.reverse_m3))
    return odd


def _spread(t: Floats, amount: Floats, edges: Floats) -> Floats:
    """Amounts of n − 1 steps between n times, evenly over each step, summed by bucket."""
    return np.diff(np.interp(edges, t, np.concatenate([[0.0], np.cumsum(amount)])))


def _months(start: float, end: float) -> list[date]:
    """First days of the local months that overlap [start, end)."""
    months, month = [], local_day(start).replace(day=1)
    while local_midnight(month) < end:
        months.append(month)
        month = _next(month)
    return months


def _next(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _span(month: date) -> tuple[float, float]:
    return local_midnight(month), local_midnight(_next(month))


def _reaches(month: date, window: Touched, margin_s: float) -> bool:
    start, end = _span(month)
    return start < window.end + margin_s and window.start - margin_s < end


def _edges(month: date, level: Level) -> Floats:
    start, end = _span(month)
    return np.array(day_starts(start, end)) if level == "day" else np.arange(start, end + 1, _STEP_S[level])


def _cut_buckets(sensor: str, quantity: str, parts: Sequence[Buckets], start: float, end: float) -> Buckets:
    names = [name for name in Buckets.__slots__ if name not in ("sensor", "quantity")]
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    inside = (columns["start"] >= start) & (columns["start"] < end)
    return Buckets(sensor, quantity, **{name: column[inside] for name, column in columns.items()})


def _shrink(kept: OrderedDict[Any, Any], capacity: int) -> None:
    while len(kept) > capacity:
        kept.popitem(last=False)
