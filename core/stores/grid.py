"""Bucket edges that lie on a regular grid (hours, and the local days and months made of them), for stores that group by arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.model import Floats
from core.store import Buckets
from core.stores.batch import Key

_CELLS_PER_BUCKET = 64


@dataclass(frozen=True, slots=True)
class Grid:
    """`bucket[c]` is the bucket that cell [start + c·step, start + (c + 1)·step) belongs to."""

    edges: Floats
    start: float
    end: float
    step: float
    bucket: npt.NDArray[np.intp]

    @classmethod
    def of(cls, edges: Floats) -> Grid | None:
        """None where whole-second steps would need more than 64 cells per bucket."""
        whole = edges.astype(np.int64)
        widths = np.diff(whole)
        if not len(widths) or (whole != edges).any() or (widths <= 0).any():
            return None
        step = int(np.gcd.reduce(widths))
        cells = widths // step
        if cells.sum() > _CELLS_PER_BUCKET * len(cells):
            return None
        return cls(edges, float(edges[0]), float(edges[-1]), float(step), np.repeat(np.arange(len(cells)), cells))

    def buckets(self, key: Key, cells: Mapping[str, npt.NDArray[Any]]) -> Buckets:
        """One series' cells (ordered by `cell`; `mean` holds their sum) joined to buckets."""
        size = len(self.edges) - 1
        count = np.zeros(size, np.int64)
        columns = {name: np.full(size, np.nan) for name in ("minimum", "mean", "maximum", "first", "last", "first_t", "last_t")}
        if len(cells["cell"]):
            place = self.bucket[cells["cell"]]
            starts = np.flatnonzero(np.diff(place, prepend=-1))
            ends, some = np.append(starts[1:], len(place)) - 1, place[starts]
            count[some] = np.add.reduceat(cells["count"], starts)
            columns["minimum"][some] = np.minimum.reduceat(cells["minimum"], starts)
            columns["maximum"][some] = np.maximum.reduceat(cells["maximum"], starts)
            columns["mean"][some] = np.add.reduceat(cells["mean"], starts) / count[some]
            for name, at in (("first", starts), ("first_t", starts), ("last", ends), ("last_t", ends)):
                columns[name][some] = cells[name][at]
        return Buckets(key[0], key[1], self.edges[:-1], count, **columns)
