"""Readings as InfluxDB line protocol: one measurement per quantity table, few tags, a fixed type per field.

    level,dev_eui=a84041b1c2d3e4f5,quantity=level_m,zone=north value=1.52,flag=1i,uplink=42i,origin=1i 1780000000000000000

Names are percent-encoded where line protocol or InfluxQL would need escapes: a device EUI stays as it is. A value that is
missing has the field `void=1i` instead of a value, because fields written later are merged into the point that is there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import quote, unquote

import numpy as np
import numpy.typing as npt

from core.model import Floats
from core.quantities import QUANTITIES
from core.stores.batch import Batch, Key

_NS = 1_000_000_000
ZoneOf = Callable[[str, float], str | None]


def encoded(name: str) -> str:
    """A name as a tag value."""
    return quote(name, safe="_-:")


def decoded(value: str) -> str:
    return unquote(value)


def nanoseconds(t: Floats) -> npt.NDArray[np.int64]:
    """Unix seconds as integers, split first so that no digit of the fraction is lost."""
    whole = np.floor(t)
    return whole.astype(np.int64) * _NS + np.rint((t - whole) * _NS).astype(np.int64)


def seconds(ns: npt.NDArray[np.int64]) -> Floats:
    """The inverse of `nanoseconds`: exactly, for any time after 1973."""
    return ns // _NS + (ns % _NS) / _NS


def table(key: Key) -> str:
    """The measurement that a (sensor, quantity) is kept in."""
    return QUANTITIES[key[1]].table


def lines(batch: Batch, rows: Sequence[int], was_void: npt.NDArray[np.bool_], zones: Sequence[str | None]) -> list[str]:
    """One line per row of the batch; `was_void` marks rows that replace a missing value, `zones` are the rows' zones."""
    ns = nanoseconds(batch.t)
    heads = [f"{table(key)},dev_eui={encoded(key[0])},quantity={key[1]}" if key[1] in QUANTITIES else "" for key in batch.keys]
    found = []
    for i in rows:
        zone, x = zones[i], float(batch.x[i])
        head = heads[batch.code[i]] + (f",zone={encoded(zone)}" if zone else "")
        value = "void=1i" if x != x else f"value={x!r}" + (",void=0i" if was_void[i] else "")
        found.append(f"{head} {value},flag={batch.flag[i]}i,uplink={batch.uplink[i]}i,origin={batch.origin[i]}i {ns[i]}")
    return found
