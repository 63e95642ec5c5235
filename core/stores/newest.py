"""What the embedded store remembers of each series: its first and newest row, and how many there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from core.model import Reading
from core.stores.batch import Batch, Key

_FIELDS: dict[str, tuple[Any, float]] = {
    "rows": (np.int64, 0), "first": (np.float64, np.inf), "last": (np.float64, -np.inf), "x": (np.float64, np.nan),
    "flag": (np.uint8, 0), "uplink": (np.int64, 0), "origin": (np.uint8, 0),
}  # fmt: skip


class Newest:
    """Arrays by series id, with room to grow; `last` is -inf where a series has no rows."""

    def __init__(self) -> None:
        self._made = 0
        self._room = {name: np.empty(0, kind) for name, (kind, _) in _FIELDS.items()}

    @classmethod
    def of(cls, count: int, rows: Mapping[str, Any]) -> Newest:
        """From one line per series that has rows."""
        newest = cls()
        newest.grow(count)
        for name in _FIELDS:
            newest._room[name][rows["series"]] = rows[name]
        return newest

    def grow(self, count: int) -> None:
        """Make room for ids below `count`."""
        if count > len(self._room["rows"]):
            for name, (kind, empty) in _FIELDS.items():
                larger = np.full(max(count * 2, 1024), empty, kind)
                larger[: self._made] = self._room[name][: self._made]
                self._room[name] = larger
        self._made = max(count, self._made)

    def note(self, series: npt.NDArray[np.int32], batch: Batch, new: npt.NDArray[np.bool_], changed: npt.NDArray[np.bool_]) -> None:
        """Take in what a write added; the batch is ordered by series and time."""
        rows = np.flatnonzero(new | changed)
        if not len(rows):
            return
        ids = series[rows]
        np.add.at(self._room["rows"], series[new], 1)
        np.minimum.at(self._room["first"], ids, batch.t[rows])
        ends = rows[np.append(ids[1:] != ids[:-1], True)]
        ends = ends[batch.t[ends] >= self._room["last"][series[ends]]]
        columns: tuple[npt.NDArray[Any], ...] = (batch.t, batch.x, batch.flag, batch.uplink, batch.origin)
        for name, column in zip(("last", "x", "flag", "uplink", "origin"), columns, strict=True):
            self._room[name][series[ends]] = column[ends]

    def reading(self, key: Key, i: int) -> Reading:
        room = self._room
        return Reading(
            *key, float(room["last"][i]), float(room["x"][i]), int(room["flag"][i]), int(room["uplink"][i]), int(room["origin"][i])
        )

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        return self._room["rows"]

    @property
    def first(self) -> npt.NDArray[np.float64]:
        return self._room["first"]

    @property
    def last(self) -> npt.NDArray[np.float64]:
        return self._room["last"]
