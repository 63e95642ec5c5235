"""What every adapter does with a batch before storing it, and with a series when aggregating it: plain numpy, no I/O."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.errors import StoreRejected
from core.model import Flag, Flags, Floats, Readings
from core.quantities import QUANTITIES
from core.store import Buckets, Touched, Written

Key = tuple[str, str]
Indices = npt.NDArray[np.intp]
_SPLIT_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch without repeated identities, ordered by (key, t). `keys[code[i]]` is the (sensor, quantity) of row i.

    `given` counts the rows handed in, `refused` are the indices of those that no store takes.
    """

    keys: list[Key]
    code: Indices
    t: Floats
    x: Floats
    flag: Flags
    uplink: npt.NDArray[np.int64]
    origin: npt.NDArray[np.uint8]
    given: int
    refused: Indices

    def __len__(self) -> int:
        return len(self.t)


def prepare(readings: Readings) -> Batch:
    """Order a batch and keep the last of each identity; O(n) when it is ordered already, as a bulk load is."""
    keys, code = _factorise(readings.sensor, readings.quantity)
    known = np.array([bool(sensor) and quantity in QUANTITIES for sensor, quantity in keys], bool)
    bad = ~np.isfinite(readings.t) | np.isinf(readings.x)
    if not known.all():
        bad |= ~known[code]
    refused = np.flatnonzero(bad)
    order = _last_of_each(code, readings.t)
    if len(refused):
        order = order[~bad[order]]
    if len(order) == len(readings) and (order[:1] == 0).all() and (np.diff(order) == 1).all():
        return Batch(keys, code, readings.t, readings.x, readings.flag, readings.uplink, readings.origin, len(readings), refused)
    r = readings
    return Batch(keys, code[order], r.t[order], r.x[order], r.flag[order], r.uplink[order], r.origin[order], len(r), refused)


def report(batch: Batch, new: npt.NDArray[np.bool_], changed: npt.NDArray[np.bool_]) -> Written:
    """What the write did, from two masks over the batch. Raises StoreRejected where rows were refused (the others are stored)."""
    added, altered = int(new.sum()), int(changed.sum())
    written = Written(added, altered, batch.given - len(batch.refused) - added - altered, _touched(batch, new | changed))
    if len(batch.refused):
        rows = batch.refused.tolist()
        raise StoreRejected(
            f"{len(rows)} of {batch.given} readings refused: a time or value that is not finite, an empty sensor or a quantity "
            f"Mjøsa does not know (first: row {rows[0]}); the others are stored",
            rows, written,
        )  # fmt: skip
    return written


def bucketed(sensor: str, quantity: str, t: Floats, x: Floats, flag: Flags, edges: Floats) -> Buckets:
    """Aggregates of one ordered series over [edges[i], edges[i + 1]); values flagged FAIL or MISSING and NaN take no part."""
    usable = (flag != Flag.FAIL) & (flag != Flag.MISSING) & ~np.isnan(x)
    if not usable.all():
        t, x = t[usable], x[usable]
    bounds = np.searchsorted(t, edges)
    low, high = bounds[:-1], bounds[1:]
    count = (high - low).astype(np.int64)
    some = np.flatnonzero(count)
    columns = {name: np.full(len(count), np.nan) for name in ("minimum", "mean", "maximum", "first", "last", "first_t", "last_t")}
    if len(some):
        starts, ends = low[some], high[some] - 1
        inside = x[: high[-1]]
        columns["minimum"][some] = np.minimum.reduceat(inside, starts)
        columns["maximum"][some] = np.maximum.reduceat(inside, starts)
        columns["mean"][some] = np.add.reduceat(inside, starts) / count[some]
        columns["first"][some], columns["last"][some] = x[starts], x[ends]
        columns["first_t"][some], columns["last_t"][some] = t[starts], t[ends]
    return Buckets(sensor, quantity, np.asarray(edges[:-1], np.float64), count, **columns)


def _factorise(sensor: npt.NDArray[np.object_], quantity: npt.NDArray[np.object_]) -> tuple[list[Key], Indices]:
    """Distinct (sensor, quantity) in order of appearance and each row's place among them; looks a key up once per run of equal rows."""
    if not len(sensor):
        return [], np.empty(0, np.intp)
    differs = (sensor[1:] != sensor[:-1]) | (quantity[1:] != quantity[:-1])
    starts = np.flatnonzero(np.concatenate(([True], differs.astype(bool))))
    places: dict[Key, int] = {}
    codes = [places.setdefault(key, len(places)) for key in zip(sensor[starts].tolist(), quantity[starts].tolist(), strict=True)]
    return list(places), np.repeat(np.array(codes, np.intp), np.diff(np.append(starts, len(sensor))))


def _last_of_each(code: Indices, t: Floats) -> Indices:
    """Indices of the last row of each (code, t), ordered by both."""
    same_code = code[1:] == code[:-1]
    if ((code[1:] > code[:-1]) | (same_code & (t[1:] > t[:-1]))).all():
        return np.arange(len(t))
    order = np.lexsort((t, code))
    codes, times = code[order], t[order]
    keep = np.append((codes[1:] != codes[:-1]) | (times[1:] != times[:-1]), True)
    last: Indices = order[keep]
    return last


def _touched(batch: Batch, rows: npt.NDArray[np.bool_]) -> tuple[Touched, ...]:
    """One window per key, split where more than a day lies between touched rows."""
    code, t = (batch.code, batch.t) if rows.all() else (batch.code[rows], batch.t[rows])
    if not len(t):
        return ()
    breaks = np.flatnonzero((code[1:] != code[:-1]) | (np.diff(t) > _SPLIT_S)) + 1
    starts, ends = np.append(0, breaks), np.append(breaks, len(t)) - 1
    windows = zip(code[starts].tolist(), t[starts].tolist(), np.nextafter(t[ends], np.inf).tolist(), strict=True)
    keys = batch.keys
    return tuple(Touched(keys[key][0], keys[key][1], start, end) for key, start, end in windows)


def whole(sensor: str, quantity: str, columns: Sequence[npt.NDArray[Any]]) -> Readings:
    """One series' t, x, flag, uplink and origin as a batch."""
    t, x, flag, uplink, origin = columns
    return Readings(np.full(len(t), sensor, object), np.full(len(t), quantity, object), t, x, flag, uplink, origin)


def only(quantity: str | None, keys: Collection[Key], sensors: Sequence[str] | None) -> list[Key]:
    """The keys of these sensors (None: all) and this quantity (None: all); few sensors are looked up, not searched for."""
    if sensors is not None and len(sensors) * len(QUANTITIES) < len(keys):
        quantities = QUANTITIES if quantity is None else (quantity,)
        return [key for sensor in dict.fromkeys(sensors) for q in quantities if (key := (sensor, q)) in keys]
    wanted = None if sensors is None else set(sensors)
    return [key for key in keys if (wanted is None or key[0] in wanted) and (quantity is None or key[1] == quantity)]
