"""What a time-series store can do. Adapters live in `core.stores`; `mjosa.py` chooses one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from core.model import Floats, Reading, Readings, Series


class Touched(NamedTuple):
    """A window in which rows are new or changed, to be rolled up and analysed again. Half-open [start, end), Unix s."""

    sensor: str
    quantity: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did: rows not there before, rows whose value or flag differed, rows already there."""

    new: int
    changed: int
    same: int
    touched: tuple[Touched, ...] = ()


@dataclass(frozen=True, slots=True)
class Buckets:
    """Aggregates of one sensor and quantity over n buckets; shape (n,) each, empty buckets count 0 and NaN elsewhere.

    Only values whose flag is not FAIL or MISSING take part. `start` is each bucket's start [Unix s]; first and last are
    the values earliest and latest in the bucket, first_t and last_t [Unix s] their times.
    """

    sensor: str
    quantity: str
    start: Floats
    count: npt.NDArray[np.int64]
    minimum: Floats
    mean: Floats
    maximum: Floats
    first: Floats
    last: Floats
    first_t: Floats
    last_t: Floats


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which rows a sensor and quantity have."""

    sensor: str
    quantity: str
    first: float
    last: float
    rows: int


class SeriesStore(Protocol):
    """Readings by (sensor, quantity, time). Sensors are dev_euis. Ranges are half-open [start, end).

    Every method raises StoreUnavailable when the store does not answer, StoreRejected when it never will.
    """

    def write(self, readings: Readings) -> Written:
        """Durable when it returns. Idempotent by identity; of two values for one identity the last written stays."""

    def read(self, sensors: Sequence[str], quantity: str, start: float, end: float) -> dict[str, Series]:
        """Every asked sensor is in the answer, empty where it has nothing."""

    def rows(self, sensors: Sequence[str], quantity: str, start: float, end: float) -> Readings:
        """Whole rows, with uplink and origin, by sensor and time: what a backup takes and `write` takes back."""

    def latest(self, sensors: Sequence[str] | None = None, quantity: str | None = None) -> list[Reading]:
        """The newest reading of each sensor and quantity."""

    def aggregate(self, sensors: Sequence[str], quantity: str, edges: Floats) -> dict[str, Buckets]:
        """Bucket i is [edges[i], edges[i + 1]); edges ascend and need not be regular (local days, months). Every asked sensor is there."""

    def coverage(self, sensors: Sequence[str] | None = None) -> list[Coverage]: ...

    def delete(self, *, sensors: Sequence[str] | None = None, quantities: Sequence[str] | None = None,
               before: float | None = None, dry_run: bool = False) -> int:  # fmt: skip
        """Rows that match all conditions given (at least one), counted; removed unless dry_run."""

    def compact(self) -> None:
        """Put the rows in the order that is read fastest and give back free space; nothing where the store does so itself."""

    def size(self) -> Mapping[str, float]:
        """rows, bytes, bytes_per_reading."""

    def close(self) -> None: ...
