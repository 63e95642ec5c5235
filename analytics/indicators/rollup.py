"""Daily roll-ups of many sensors, kept between calculations so that only what changed is read again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from analytics.indicators.counters import Days, Neighbour
from core.model import Floats
from core.store import SeriesStore, Touched
from core.timekeeping import local_day, local_midnight

FIELDS = ("minimum", "mean", "maximum", "first", "last", "first_t", "last_t")
CHUNK_DAYS = 31
"""Days asked of the store at once: bounds its memory, and follows the order in which readings lie on disk."""
KEPT_CELLS = 16_000_000
"""Days of sensors kept in memory, 64 bytes each."""
REACH_S = 400 * 86400.0
"""How far outside the window a counter's neighbouring reading is looked for."""


@dataclass
class _Table:
    """One quantity in one local year: rows are devices, columns the year's days. `valid` tells what has been read."""

    edges: Floats
    row: dict[str, int] = field(default_factory=dict)
    count: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 0), np.int64))
    values: Floats = field(default_factory=lambda: np.empty((7, 0, 0)))
    valid: npt.NDArray[np.bool_] = field(default_factory=lambda: np.empty((0, 0), bool))

    def rows(self, devices: Sequence[str]) -> npt.NDArray[np.intp]:
        """Row numbers, growing the table by devices not seen before."""
        new = [d for d in devices if d not in self.row]
        if new:
            d, n = len(self.edges) - 1, len(new)
            self.row |= {device: len(self.row) + i for i, device in enumerate(new)}
            self.count = np.vstack([self.count.reshape(-1, d), np.zeros((n, d), np.int64)])
            self.values = np.concatenate([self.values.reshape(7, -1, d), np.full((7, n, d), np.nan)], axis=1)
            self.valid = np.vstack([self.valid.reshape(-1, d), np.zeros((n, d), bool)])
        return np.array([self.row[device] for device in devices], np.intp)


class Rollups:
    """Daily buckets by device and quantity, read from a store when first asked for.

    Not for several threads at once. `forget` what a write touched; days that lie in the future of `now` are always read again.
    """

    def __init__(self, store: SeriesStore) -> None:
        self._store = store
        self._tables: dict[tuple[str, int], _Table] = {}
        self._neighbours: dict[tuple[str, str, float, int], tuple[float, float]] = {}

    def forget(self, touched: Iterable[Touched]) -> None:
        """Have the days that a write touched read again."""
        for window in touched:
            self._neighbours = {k: v for k, v in self._neighbours.items() if k[:2] != (window.sensor, window.quantity)}
            for (quantity, _), table in self._tables.items():
                row = table.row.get(window.sensor)
                if quantity == window.quantity and row is not None:
                    first = max(int(np.searchsorted(table.edges, window.start, "right")) - 1, 0)
                    table.valid[row, first : int(np.searchsorted(table.edges, window.end, "left"))] = False

    def forget_window(self, start: float, end: float) -> None:
        """Have the days of [start, end) read again, of every device."""
        self._neighbours.clear()
        for table in self._tables.values():
            if table.edges[0] < end and start < table.edges[-1]:
                table.valid[:, _columns(table.edges, start, end)] = False

    def days(self, devices: Sequence[str], quantity: str, start: float, end: float, now: float) -> Days:
        """Daily buckets of the local days that cover [start, end), in the order of devices."""
        parts = []
        for year in range(local_day(start).year, local_day(end - 1).year + 1):
            table = self._table(quantity, year)
            rows = table.rows(devices)
            columns = _columns(table.edges, start, end)
            self._fill(table, quantity, devices, rows, columns, now)
            parts.append((table, rows, columns))
        edges = np.concatenate([*(t.edges[c.start : c.stop] for t, _, c in parts), parts[-1][0].edges[parts[-1][2].stop :][:1]])
        count = np.concatenate([t.count[r, c] for t, r, c in parts], axis=1)
        values = np.concatenate([t.values[:, r, c] for t, r, c in parts], axis=2)
        return Days(edges, count, *values)

    def reserve(self, devices: Sequence[str], quantity: str, start: float, end: float) -> None:
        """Make room for devices at once, before they are read some at a time."""
        for year in range(local_day(start).year, local_day(end - 1).year + 1):
            self._table(quantity, year).rows(devices)

    def neighbours(self, devices: Sequence[str], quantity: str, days: Days, now: float) -> tuple[Neighbour, Neighbour]:
        """The nearest reading before and after the window, of every device that needs one to know its index at the edges."""
        start, end = float(days.edges[0]), float(days.edges[-1])
        before = self._outside(devices, quantity, start, -1)
        after = self._outside(devices, quantity, end, 1) if end < now else _nowhere(len(devices))
        return before, after

    def _outside(self, devices: Sequence[str], quantity: str, edge: float, side: int) -> Neighbour:
        keys = [(d, quantity, edge, side) for d in devices]
        self._from_next_day(keys)
        asked = [k[0] for k in keys if k not in self._neighbours]
        for reach in (2 * 86400.0, REACH_S):
            if asked:
                edges = np.array([edge - reach, edge] if side < 0 else [edge, edge + reach])
                for device, bucket in self._store.aggregate(asked, quantity, edges).items():
                    found = (bucket.last_t[0], bucket.last[0]) if side < 0 else (bucket.first_t[0], bucket.first[0])
                    self._neighbours[(device, quantity, edge, side)] = (float(found[0]), float(found[1]))
                asked = [d for d in asked if np.isnan(self._neighbours[(d, quantity, edge, side)][0])]
        found_all = np.array([self._neighbours[k] for k in keys]).reshape(-1, 2)
        return Neighbour(found_all[:, 0], found_all[:, 1])

    def _from_next_day(self, keys: Sequence[tuple[str, str, float, int]]) -> None:
        """Take neighbours from the day beside the window where that has been read already."""
        if not keys:
            return
        _, quantity, edge, side = keys[0]
        table = self._table(quantity, local_day(edge - 1 if side < 0 else edge).year)
        column = int(np.searchsorted(table.edges, edge)) - (side < 0)
        value, moment = (FIELDS.index(name) for name in (("last", "last_t") if side < 0 else ("first", "first_t")))
        for key in keys:
            row = table.row.get(key[0])
            if row is not None and key not in self._neighbours and table.valid[row, column] and table.count[row, column]:
                self._neighbours[key] = float(table.values[moment, row, column]), float(table.values[value, row, column])

    def _table(self, quantity: str, year: int) -> _Table:
        """The table of a quantity and year; the ones used longest ago go when all together hold too much."""
        if (quantity, year) in self._tables:
            self._tables[(quantity, year)] = self._tables.pop((quantity, year))
        else:
            while self._tables and sum(t.count.size for t in self._tables.values()) > KEPT_CELLS:
                del self._tables[next(iter(self._tables))]
            first, days = date(year, 1, 1), (date(year + 1, 1, 1) - date(year, 1, 1)).days
            self._tables[(quantity, year)] = _Table(np.array([local_midnight(first + timedelta(days=i)) for i in range(days + 1)]))
        return self._tables[(quantity, year)]

    def _fill(self, table: _Table, quantity: str, devices: Sequence[str], rows: npt.NDArray[np.intp], columns: slice, now: float) -> None:
        """Read what is not valid, a month at a time."""
        for first in range(columns.start, columns.stop, CHUNK_DAYS):
            span = slice(first, min(first + CHUNK_DAYS, columns.stop))
            if table.edges[span.start] >= now:
                return
            stale = np.asarray(~table.valid[rows, span].all(axis=1))
            asked = [device for device, old in zip(devices, stale, strict=True) if old]
            if not asked:
                continue
            found = self._store.aggregate(asked, quantity, table.edges[span.start : span.stop + 1])
            for device, row in zip(asked, rows[stale], strict=True):
                bucket = found[device]
                table.count[row, span] = bucket.count
                for i, name in enumerate(FIELDS):
                    table.values[i, row, span] = getattr(bucket, name)
            table.valid[rows[stale], span] = table.edges[span.start + 1 : span.stop + 1] <= now


def _columns(edges: Floats, start: float, end: float) -> slice:
    """The days of a year's table that cover [start, end)."""
    first = max(int(np.searchsorted(edges, start, "right")) - 1, 0)
    return slice(first, min(int(np.searchsorted(edges, end, "left")), len(edges) - 1))


def _nowhere(n: int) -> Neighbour:
    return Neighbour(np.full(n, np.nan), np.full(n, np.nan))
