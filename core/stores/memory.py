"""A store in memory: numpy arrays per (sensor, quantity). For tests, evaluation and one-off analyses; keeps nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from threading import RLock

import numpy as np
import numpy.typing as npt

from core.errors import StoreRejected
from core.model import Flags, Floats, Reading, Readings, Series, concatenate
from core.store import Buckets, Coverage, Written
from core.stores.batch import Key, bucketed, only, prepare, report, whole


@dataclass(frozen=True, slots=True)
class _Rows:
    t: Floats
    x: Floats
    flag: Flags
    uplink: npt.NDArray[np.int64]
    origin: npt.NDArray[np.uint8]

    def take(self, rows: slice | npt.NDArray[np.bool_]) -> _Rows:
        return _Rows(self.t[rows], self.x[rows], self.flag[rows], self.uplink[rows], self.origin[rows])


_NONE = _Rows(np.empty(0), np.empty(0), np.empty(0, np.uint8), np.empty(0, np.int64), np.empty(0, np.uint8))


class MemoryStore:
    """Implements core.store.SeriesStore."""

    def __init__(self) -> None:
        self._rows: dict[Key, _Rows] = {}
        self._lock = RLock()

    def write(self, readings: Readings) -> Written:
        batch = prepare(readings)
        new, changed = np.zeros(len(batch), bool), np.zeros(len(batch), bool)
        with self._lock:
            bounds: list[int] = [*np.flatnonzero(np.diff(batch.code, prepend=-1)).tolist(), len(batch)]
            for low, high in pairwise(bounds):
                part = slice(low, high)
                key = batch.keys[batch.code[low]]
                rows = _Rows(batch.t[part], batch.x[part], batch.flag[part], batch.uplink[part], batch.origin[part])
                self._rows[key], new[part], changed[part] = _merge(self._rows.get(key, _NONE), rows)
        return report(batch, new, changed)

    def read(self, sensors: Sequence[str], quantity: str, start: float, end: float) -> dict[str, Series]:
        found = {}
        for sensor in sensors:
            rows = self._rows.get((sensor, quantity), _NONE)
            rows = rows.take(slice(*np.searchsorted(rows.t, [start, end])))
            found[sensor] = Series(sensor, quantity, rows.t, rows.x, rows.flag, rows.uplink)
        return found

    def rows(self, sensors: Sequence[str], quantity: str, start: float, end: float) -> Readings:
        parts = []
        for sensor in dict.fromkeys(sensors):
            found = self._rows.get((sensor, quantity), _NONE)
            r = found.take(slice(*np.searchsorted(found.t, [start, end])))
            parts.append(whole(sensor, quantity, (r.t, r.x, r.flag, r.uplink, r.origin)))
        return concatenate(parts)

    def latest(self, sensors: Sequence[str] | None = None, quantity: str | None = None) -> list[Reading]:
        with self._lock:
            return [
                Reading(*key, float(r.t[-1]), float(r.x[-1]), int(r.flag[-1]), int(r.uplink[-1]), int(r.origin[-1]))
                for key in only(quantity, self._rows, sensors) if len((r := self._rows[key]).t)
            ]  # fmt: skip

    def aggregate(self, sensors: Sequence[str], quantity: str, edges: Floats) -> dict[str, Buckets]:
        series = self.read(sensors, quantity, edges[0], edges[-1])
        return {sensor: bucketed(sensor, quantity, s.t, s.x, s.flag, edges) for sensor, s in series.items()}

    def coverage(self, sensors: Sequence[str] | None = None) -> list[Coverage]:
        with self._lock:
            return [
                Coverage(*key, float(r.t[0]), float(r.t[-1]), len(r.t))
                for key in only(None, self._rows, sensors) if len((r := self._rows[key]).t)
            ]  # fmt: skip

    def delete(self, *, sensors: Sequence[str] | None = None, quantities: Sequence[str] | None = None,
               before: float | None = None, dry_run: bool = False) -> int:  # fmt: skip
        if sensors is None and quantities is None and before is None:
            raise StoreRejected("delete needs at least one condition: sensors, quantities or before")
        count = 0
        with self._lock:
            for key in only(None, self._rows, sensors):
                if quantities is not None and key[1] not in quantities:
                    continue
                gone = len(self._rows[key].t) if before is None else int(np.searchsorted(self._rows[key].t, before))
                count += gone
                if not dry_run:
                    self._rows[key] = self._rows[key].take(slice(gone, None))
        return count

    def compact(self) -> None:
        """The rows are always in order."""

    def size(self) -> Mapping[str, float]:
        with self._lock:
            rows = sum(len(r.t) for r in self._rows.values())
        return {"rows": rows, "bytes": rows * 26.0, "bytes_per_reading": 26.0}

    def close(self) -> None:
        """Nothing to close; the rows stay readable."""


def _merge(old: _Rows, rows: _Rows) -> tuple[_Rows, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Old and incoming rows (ordered, no time twice) as one, and which of the incoming ones are new or changed."""
    place = np.searchsorted(old.t, rows.t)
    known = np.zeros(len(rows.t), bool)
    inside = place < len(old.t)
    known[inside] = old.t[place[inside]] == rows.t[inside]
    was = place[known]
    changed = known.copy()
    same_x = (old.x[was] == rows.x[known]) | (np.isnan(old.x[was]) & np.isnan(rows.x[known]))
    changed[known] = ~same_x | (old.flag[was] != rows.flag[known])
    keep = np.ones(len(old.t), bool)
    keep[place[changed]] = False
    kept, come = old.take(keep), rows.take(~known | changed)
    order = np.argsort(np.concatenate((kept.t, come.t)), kind="stable")
    merged = _Rows(*(np.concatenate((getattr(kept, c), getattr(come, c)))[order] for c in _Rows.__slots__))
    return merged, ~known, changed
