"""InfluxQL's CSV answers as numpy columns."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv

from core.model import Floats
from core.stores.batch import Key
from core.stores.line_protocol import decoded, seconds

_TYPES = {
    "time": pa.int64(), "value": pa.float64(), "flag": pa.uint8(), "uplink": pa.int64(), "origin": pa.uint8(), "void": pa.float64(),
    "count": pa.int64(), **{name: pa.string() for name in ("name", "tags", "dev_eui", "quantity", "zone")},
}  # fmt: skip


def parse(content: bytes) -> Any:
    """An Arrow table. Raises pyarrow.ArrowInvalid for anything else than such an answer."""
    convert = csv.ConvertOptions(column_types=_TYPES, strings_can_be_null=False)
    return csv.read_csv(io.BytesIO(content), read_options=csv.ReadOptions(block_size=1 << 24), convert_options=convert)


def ints(columns: Any, name: str) -> npt.NDArray[np.int64]:
    """A column as integers."""
    return columns[name].to_numpy().astype(np.int64)  # type: ignore[no-any-return]


def values(columns: Any) -> Floats:
    """`value` with NaN where the row is void."""
    x: Floats = np.array(columns["value"].to_numpy(), np.float64)
    x[columns["void"].to_numpy() == 1] = np.nan
    return x


def texts(columns: Any, name: str) -> list[str]:
    """A column as text, empty where there is none."""
    return [text or "" for text in columns[name].to_pylist()]


def keys(columns: Any) -> list[Key]:
    """(sensor, quantity) of each line of a statement grouped by both: one column of tags, or a column for each tag."""
    if "tags" not in columns.column_names:
        return [
            (decoded(dev_eui), quantity) for dev_eui, quantity in zip(texts(columns, "dev_eui"), texts(columns, "quantity"), strict=True)
        ]
    pairs = (dict(part.split("=", 1) for part in tags.split(",")) for tags in columns["tags"].to_pylist())
    return [(decoded(pair["dev_eui"]), pair["quantity"]) for pair in pairs]


def by_sensor(columns: Any, more: Sequence[str] = ()) -> Iterable[tuple[str, list[npt.NDArray[Any]]]]:
    """Each sensor's t, x, flag, uplink, ordered, no time twice."""
    if columns is None:
        return
    names = columns["dev_eui"].combine_chunks().dictionary_encode()
    ns, code = ints(columns, "time"), names.indices.to_numpy()
    order = np.lexsort((ns, code))
    ns, code = ns[order], code[order]
    keep = np.append((code[1:] != code[:-1]) | (ns[1:] != ns[:-1]), True)
    order, ns, code = order[keep], ns[keep], code[keep]
    data = [seconds(ns), values(columns)[order], ints(columns, "flag")[order].astype(np.uint8), ints(columns, "uplink")[order]]
    data += [ints(columns, name)[order].astype(np.uint8) for name in more]
    bounds = np.searchsorted(code, np.arange(len(names.dictionary) + 1))
    for i, name in enumerate(names.dictionary.to_pylist()):
        yield decoded(name), [column[bounds[i] : bounds[i + 1]] for column in data]
