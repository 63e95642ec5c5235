"""A store that another process holds, asked over its HTTP API: what a command uses while `mjosa up` runs.

One request or answer is one Arrow stream: a table, and JSON in its schema's metadata (`method` and `arguments`, or `result`, or
`error`). `handle` is the server's half, free of any web framework; `RemoteStore` is the client's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, astuple
from typing import Any

import httpx
import numpy as np
import pyarrow as pa

from core.errors import StoreError, StoreRejected, StoreUnavailable
from core.model import Floats, Reading, Readings, Series
from core.store import Buckets, Coverage, SeriesStore, Touched, Written

PATH = "/api/store"
MEDIA_TYPE = "application/vnd.apache.arrow.stream"
_READING = ("sensor", "quantity", "t", "x", "flag", "uplink", "origin")
_BUCKETS = ("start", "count", "minimum", "mean", "maximum", "first", "last", "first_t", "last_t")
_SERIES = ("t", "x", "flag", "uplink")
_COVERAGE = ("sensor", "quantity", "first", "last", "rows")
_ERRORS: dict[str, type[StoreError]] = {"StoreUnavailable": StoreUnavailable, "StoreRejected": StoreRejected, "StoreError": StoreError}


class RemoteStore:
    """Implements core.store.SeriesStore against a running server. Raises StoreUnavailable when it does not answer."""

    def __init__(self, base_url: str, token: str = "", *, timeout_s: float = 60.0, verify: bool | str = True) -> None:
        headers = {"Content-Type": MEDIA_TYPE, **({"Authorization": f"Bearer {token}"} if token else {})}
        self._http = httpx.Client(base_url=base_url, headers=headers, timeout=timeout_s, verify=verify)

    def write(self, readings: Readings) -> Written:
        answer = self._ask("write", {}, _pack({name: getattr(readings, name) for name in _READING}))[0]
        return _written(answer)

    def read(self, sensors: Sequence[str], quantity: str, start: float, end: float) -> dict[str, Series]:
        lengths, table = self._ask("read", {"sensors": list(sensors), "quantity": quantity, "start": start, "end": end})
        return {s: Series(s, quantity, **columns) for s, columns in _split(sensors, lengths, table)}

    def rows(self, sensors: Sequence[str], quantity: str, start: float, end: float) -> Readings:
        _, table = self._ask("rows", {"sensors": list(sensors), "quantity": quantity, "start": start, "end": end})
        return Readings(**{name: _column(table, name) for name in _READING})

    def latest(self, sensors: Sequence[str] | None = None, quantity: str | None = None) -> list[Reading]:
        _, table = self._ask("latest", {"sensors": _listed(sensors), "quantity": quantity})
        return [Reading(*row) for row in zip(*(table[name].to_pylist() for name in _READING), strict=True)]

    def aggregate(self, sensors: Sequence[str], quantity: str, edges: Floats) -> dict[str, Buckets]:
        arguments = {"sensors": list(sensors), "quantity": quantity, "edges": np.asarray(edges, np.float64).tolist()}
        lengths, table = self._ask("aggregate", arguments)
        return {s: Buckets(s, quantity, **columns) for s, columns in _split(sensors, lengths, table)}

    def coverage(self, sensors: Sequence[str] | None = None) -> list[Coverage]:
        _, table = self._ask("coverage", {"sensors": _listed(sensors)})
        return [Coverage(*row) for row in zip(*(table[name].to_pylist() for name in _COVERAGE), strict=True)]

    def delete(self, *, sensors: Sequence[str] | None = None, quantities: Sequence[str] | None = None,
               before: float | None = None, dry_run: bool = False) -> int:  # fmt: skip
        arguments = {"sensors": _listed(sensors), "quantities": _listed(quantities), "before": before, "dry_run": dry_run}
        return int(self._ask("delete", arguments)[0])

    def compact(self) -> None:
        self._ask("compact", {})

    def size(self) -> Mapping[str, float]:
        return dict(self._ask("size", {})[0])

    def close(self) -> None:
        self._http.close()

    def _ask(self, method: str, arguments: dict[str, Any], table: Any = None) -> tuple[Any, Any]:
        try:
            answer = self._http.post(PATH, content=_message({"method": method, "arguments": arguments}, table))
        except httpx.HTTPError as error:
            raise StoreUnavailable(f"the server at {self._http.base_url} does not answer: {error}") from error
        if answer.status_code != httpx.codes.OK:
            kind = StoreRejected if answer.is_client_error else StoreUnavailable
            raise kind(f"the server at {self._http.base_url} refused with HTTP {answer.status_code}: {answer.text[:200]}")
        said, table = _open(answer.content)
        if "error" in said:
            raise _error(said)
        return said["result"], table


def handle(store: SeriesStore, request: bytes) -> bytes:
    """Answer one request on the store that this process holds. An error of the store travels in the answer.

    Whoever mounts this must let in only those who may read and change everything.
    """
    try:
        said, table = _open(request)
        answer = _METHODS[said["method"]]
        arguments = dict(said["arguments"])
    except (KeyError, TypeError, ValueError, pa.ArrowException) as error:
        return _message({"error": "StoreRejected", "message": f"not a store request: {error}", "rows": [], "written": None})
    try:
        return answer(store, arguments, table)
    except StoreError as error:
        kind = next(name for name, known in _ERRORS.items() if isinstance(error, known))
        written = getattr(error, "written", None)
        return _message({"error": kind, "message": str(error), "rows": list(getattr(error, "rows", ())),
                         "written": None if written is None else asdict(written)})  # fmt: skip


def _write(store: SeriesStore, _: dict[str, Any], table: Any) -> bytes:
    return _message({"result": asdict(store.write(Readings(**{name: _column(table, name) for name in _READING})))})


def _read(store: SeriesStore, arguments: dict[str, Any], _: Any) -> bytes:
    found = store.read(**arguments)
    return _joined(arguments["sensors"], found, _SERIES)


def _rows(store: SeriesStore, arguments: dict[str, Any], _: Any) -> bytes:
    rows = store.rows(**arguments)
    return _message({"result": None}, _pack({name: getattr(rows, name) for name in _READING}))


def _aggregate(store: SeriesStore, arguments: dict[str, Any], _: Any) -> bytes:
    found = store.aggregate(arguments["sensors"], arguments["quantity"], np.array(arguments["edges"], np.float64))
    return _joined(arguments["sensors"], found, _BUCKETS)


def _latest(store: SeriesStore, arguments: dict[str, Any], _: Any) -> bytes:
    rows = Readings.from_rows(store.latest(**arguments))
    return _message({"result": None}, _pack({name: getattr(rows, name) for name in _READING}))


def _coverage(store: SeriesStore, arguments: dict[str, Any], _: Any) -> bytes:
    rows = [astuple(c) for c in store.coverage(**arguments)]
    return _message({"result": None}, pa.table(dict(zip(_COVERAGE, zip(*rows, strict=True) if rows else [()] * 5, strict=True))))


def _delete(store: SeriesStore, arguments: dict[str, Any], _: Any) -> bytes:
    return _message({"result": store.delete(**arguments)})


def _compact(store: SeriesStore, _: dict[str, Any], __: Any) -> bytes:
    store.compact()
    return _message({"result": None})


def _size(store: SeriesStore, _: dict[str, Any], __: Any) -> bytes:
    return _message({"result": dict(store.size())})


_METHODS: dict[str, Callable[[SeriesStore, dict[str, Any], Any], bytes]] = {
    "write": _write, "read": _read, "rows": _rows, "latest": _latest, "aggregate": _aggregate, "coverage": _coverage, "delete": _delete,
    "compact": _compact, "size": _size,
}  # fmt: skip


def _message(said: dict[str, Any], table: Any = None) -> bytes:
    table = (pa.table({}) if table is None else table).replace_schema_metadata({"mjosa": json.dumps(said)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _open(message: bytes) -> tuple[dict[str, Any], Any]:
    table = pa.ipc.open_stream(message).read_all()
    return json.loads((table.schema.metadata or {})[b"mjosa"]), table


def _pack(columns: Mapping[str, Any]) -> Any:
    return pa.table({name: pa.array(c, pa.string()).dictionary_encode() if c.dtype == object else c for name, c in columns.items()})


def _column(table: Any, name: str) -> Any:
    column = table[name].combine_chunks()
    return np.array(column.to_pylist(), object) if name in ("sensor", "quantity") else column.to_numpy(zero_copy_only=False)


def _joined(sensors: Sequence[str], found: Mapping[str, Any], names: Sequence[str]) -> bytes:
    """The columns of all sensors one after the other, and how long each is."""
    parts = [found[sensor] for sensor in sensors]
    lengths = [len(getattr(part, names[0])) for part in parts]
    columns = {name: np.concatenate([getattr(p, name) for p in parts]) if parts else np.empty(0) for name in names}
    return _message({"result": lengths}, pa.table(columns))


def _split(sensors: Sequence[str], lengths: Sequence[int], table: Any) -> list[tuple[str, dict[str, Any]]]:
    ends = np.cumsum([0, *lengths])
    columns = {name: table[name].to_numpy() for name in table.column_names}
    return [(s, {n: c[ends[i] : ends[i + 1]] for n, c in columns.items()}) for i, s in enumerate(sensors)]


def _listed(names: Sequence[str] | None) -> list[str] | None:
    return None if names is None else list(names)


def _written(data: dict[str, Any]) -> Written:
    return Written(data["new"], data["changed"], data["same"], tuple(Touched(*window) for window in data["touched"]))


def _error(said: dict[str, Any]) -> StoreError:
    if said["error"] == "StoreRejected":
        return StoreRejected(said["message"], said["rows"], None if said["written"] is None else _written(said["written"]))
    return _ERRORS[said["error"]](said["message"])
