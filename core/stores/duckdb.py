"""The embedded store: one DuckDB file, one process at a time, many threads.

    meta(key, value)                                              schema version
    series(id, sensor, quantity)                                  the dictionary
    readings(series, t, x, flag, uplink, origin)                  clustered by 30 days, series and time once compacted

There is no primary key: it costs 46 bytes and most of the speed. Identity is kept by looking up, before a write, only the
rows that are not newer than the newest row of their series; DuckDB's zone maps make that a look at few row groups.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock, RLock
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from core.errors import StoreRejected, StoreUnavailable
from core.model import Flag, Floats, Reading, Readings, Series, concatenate
from core.store import Buckets, Coverage, Written
from core.stores.batch import Batch, Key, bucketed, only, prepare, report, whole
from core.stores.duckdb_file import first_line, open_file, translated
from core.stores.grid import Grid
from core.stores.newest import Newest

_COLUMNS = ("series", "t", "x", "flag", "uplink", "origin")
_PERIOD_S = 30 * 86_400
_SENSORS_AT_ONCE = 500
_UNUSABLE = f"{Flag.FAIL:d}, {Flag.MISSING:d}"
_CELLS = f"""
SELECT series, CAST(floor((t - $start) / $step) AS INTEGER) AS cell, count(*) AS count,
       min(x) AS minimum, sum(x) AS mean, max(x) AS maximum,
       arg_min(x, t) AS first, arg_max(x, t) AS last, min(t) AS first_t, max(t) AS last_t
FROM readings
WHERE series IN (SELECT unnest($ids)) AND t >= $start AND t < $end AND flag NOT IN ({_UNUSABLE}) AND NOT isnan(x)
GROUP BY ALL
"""
_open_here: set[Path] = set()
_opening = Lock()


class DuckDBStore:
    """Implements core.store.SeriesStore on a file.

    Raises StoreUnavailable when another process holds the file, StoreRejected when the file is not a readable Mjøsa store;
    such a file is left as it is.
    """

    def __init__(self, path: Path, *, threads: int = 2, memory_limit: str = "1GB") -> None:
        self.path = Path(path).resolve()
        self._writing, self._memory, self._reading = RLock(), RLock(), Lock()
        with _opening:
            if self.path in _open_here:
                raise StoreUnavailable(f"{self.path} is already open in this process; use the store that is open")
            self._root = open_file(self.path, threads, memory_limit)
            self._database = self._root.cursor()
            _open_here.add(self.path)
        try:
            self._load()
        except duckdb.Error as error:
            self.close()
            raise StoreRejected(f"{self.path} is damaged and was left as it is: {first_line(error)}. Restore a backup.") from error

    def write(self, readings: Readings) -> Written:
        batch = prepare(readings)
        with self._writing:
            new, changed = self._store(batch) if len(batch) else (np.empty(0, bool), np.empty(0, bool))
        return report(batch, new, changed)

    def read(self, sensors: Sequence[str], quantity: str, start: float, end: float) -> dict[str, Series]:
        found = {sensor: Series.empty(sensor, quantity) for sensor in sensors}
        for sensor, rows in self._select(sensors, quantity, start, end, ("t", "x", "flag", "uplink")):
            found[sensor] = Series(sensor, quantity, *rows)
        return found

    def rows(self, sensors: Sequence[str], quantity: str, start: float, end: float) -> Readings:
        columns = ("t", "x", "flag", "uplink", "origin")
        return concatenate([whole(s, quantity, rows) for s, rows in self._select(sensors, quantity, start, end, columns)])

    def latest(self, sensors: Sequence[str] | None = None, quantity: str | None = None) -> list[Reading]:
        with self._memory:
            newest = self._newest
            ids = [self._ids[key] for key in only(quantity, self._ids, sensors)]
            return [newest.reading(self._keys[i], i) for i in ids if newest.rows[i]]

    def aggregate(self, sensors: Sequence[str], quantity: str, edges: Floats) -> dict[str, Buckets]:
        edges = np.asarray(edges, np.float64)
        grid = Grid.of(edges)
        found = {}
        for low in range(0, len(sensors), _SENSORS_AT_ONCE):
            some = sensors[low : low + _SENSORS_AT_ONCE]
            if grid is not None:
                found.update(self._aggregate_on_grid(some, quantity, grid))
                continue
            for sensor, (t, x, flag) in self._select(some, quantity, edges[0], edges[-1], ("t", "x", "flag")):
                found[sensor] = bucketed(sensor, quantity, t, x, flag, edges)
        none = np.empty(0)
        return {s: found.get(s) or bucketed(s, quantity, none, none, np.empty(0, np.uint8), edges) for s in sensors}

    def coverage(self, sensors: Sequence[str] | None = None) -> list[Coverage]:
        with self._memory:
            newest = self._newest
            ids = [self._ids[key] for key in only(None, self._ids, sensors)]
            return [
                Coverage(*self._keys[i], float(newest.first[i]), float(newest.last[i]), int(newest.rows[i])) for i in ids if newest.rows[i]
            ]

    def delete(self, *, sensors: Sequence[str] | None = None, quantities: Sequence[str] | None = None,
               before: float | None = None, dry_run: bool = False) -> int:  # fmt: skip
        if sensors is None and quantities is None and before is None:
            raise StoreRejected("delete needs at least one condition: sensors, quantities or before")
        wanted = None if quantities is None else set(quantities)
        with self._writing:
            ids = [self._ids[key] for key in only(None, self._ids, sensors) if wanted is None or key[1] in wanted]
            limit = np.inf if before is None else before
            if dry_run:
                return self._count(ids, limit)
            with self._transaction() as database:
                count = self._count(ids, limit)
                database.execute("DELETE FROM readings WHERE series IN (SELECT unnest(?)) AND t < ?", [ids, limit])
            self._load()
        return count

    def compact(self) -> None:
        """Cluster the rows of each 30 days that changed since the last time, so that one sensor's year lies in few places.

        Writers wait for one period at a time, readers never. Space that this frees is used again; a file that is mostly
        free, as after a large delete, is made shorter when it is next opened.
        """
        self._checkpoint()
        self._cluster(self._meta("clustered") or {})

    def _cluster(self, done: dict[str, int]) -> None:
        """Rewrite the periods whose number of rows is not what `done` says."""
        with translated():
            periods = (
                self._cursor().execute(f"SELECT CAST(floor(t / {_PERIOD_S}) AS INTEGER), count(*) FROM readings GROUP BY 1").fetchall()
            )
        for period, count in sorted(periods):
            if done.get(str(period)) == count:
                continue
            within = f"t >= {period * _PERIOD_S} AND t < {(period + 1) * _PERIOD_S}"
            with self._writing:
                with self._transaction() as database:
                    database.execute(
                        f"CREATE TEMP TABLE period AS SELECT * FROM readings WHERE {within} ORDER BY series, t;"
                        f"DELETE FROM readings WHERE {within}; INSERT INTO readings SELECT * FROM period; DROP TABLE period;"
                    )
                    done[str(period)] = count
                    database.execute("DELETE FROM meta WHERE key = 'clustered'")
                    database.execute("INSERT INTO meta VALUES ('clustered', ?)", [json.dumps(done)])
                self._checkpoint()

    def _checkpoint(self) -> None:
        """Bring the write-ahead log into the file."""
        with self._writing, translated():
            self._database.execute("CHECKPOINT")

    def size(self) -> Mapping[str, float]:
        rows = float(self._newest.rows.sum())
        files = (self.path, self.path.with_name(self.path.name + ".wal"))
        size = float(sum(f.stat().st_size for f in files if f.exists()))
        return {"rows": rows, "bytes": size, "bytes_per_reading": size / rows if rows else 0.0}

    def close(self) -> None:
        with self._writing, _opening:
            self._database.close()
            self._root.close()
            _open_here.discard(self.path)

    def _load(self) -> None:
        """The dictionary, and the newest row of each series."""
        series = self._database.execute("SELECT id, sensor, quantity FROM series ORDER BY id").fetchall()
        rows = self._database.execute(
            "SELECT series, count(*) AS rows, min(t) AS first, max(t) AS last, arg_max(x, t) AS x, arg_max(flag, t) AS flag, "
            "arg_max(uplink, t) AS uplink, arg_max(origin, t) AS origin FROM readings GROUP BY series"
        ).fetchnumpy()
        with self._memory:
            self._keys: list[Key] = [(sensor, quantity) for _, sensor, quantity in series]
            self._ids: dict[Key, int] = {key: i for i, key in enumerate(self._keys)}
            self._newest = Newest.of(len(self._keys), rows)

    def _store(self, batch: Batch) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Write a prepared batch in one transaction; masks of its rows that are new and that are changed."""
        used = batch.keys if not len(batch.refused) else [batch.keys[code] for code in np.unique(batch.code)]
        fresh = [key for key in used if key not in self._ids]
        ids = {**self._ids, **{key: len(self._keys) + i for i, key in enumerate(fresh)}} if fresh else self._ids
        series = np.array([ids.get(key, -1) for key in batch.keys], np.int32)[batch.code]
        with self._memory:
            self._newest.grow(len(ids))
        with self._transaction() as database:
            new, changed = self._compare(database, batch, series)
            if fresh:
                names = [list(range(len(self._keys), len(ids))), [k[0] for k in fresh], [k[1] for k in fresh]]
                database.execute("INSERT INTO series SELECT unnest(?), unnest(?), unnest(?)", names)
            columns = (series, batch.t, batch.x, batch.flag, batch.uplink, batch.origin)
            if changed.any():
                _replace(database, _table(columns, changed))
            if new.any():
                _insert(database, "readings", _table(columns, new))
        with self._memory:
            if fresh:
                self._keys, self._ids = [*self._keys, *fresh], ids
            self._newest.note(series, batch, new, changed)
        return new, changed

    def _compare(self, database: Any, batch: Batch, series: npt.NDArray[np.int32]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        new, changed = np.ones(len(batch), bool), np.zeros(len(batch), bool)
        old = np.flatnonzero(batch.t <= self._newest.last[series])
        if not len(old):
            return new, changed
        database.register("batch", _arrow(("row", "series", "t"), (old, series[old], batch.t[old])))
        t, s = batch.t[old], series[old]
        there = database.execute(
            "SELECT b.row, r.x, r.flag FROM readings r JOIN batch b ON r.series = b.series AND r.t = b.t "
            "WHERE r.t >= ? AND r.t <= ? AND r.series >= ? AND r.series <= ?",
            [t.min(), t.max(), int(s.min()), int(s.max())],
        ).fetchnumpy()  # fmt: skip
        row, x, flag = (_plain(there[name]) for name in ("row", "x", "flag"))
        new[row] = False
        same = (batch.x[row] == x) | (np.isnan(batch.x[row]) & np.isnan(x))
        changed[row] = ~same | (batch.flag[row] != flag)
        return new, changed

    def _select(
        self, sensors: Sequence[str], quantity: str, start: float, end: float, columns: Sequence[str]
    ) -> Iterator[tuple[str, list[npt.NDArray[Any]]]]:
        """Each sensor that has rows in [start, end), with its columns ordered by time; columns[0] is t."""
        names = self._series(sensors, quantity)
        ids = sorted(names)
        if not ids:
            return
        where, values = ("series = ?", ids[0]) if len(ids) == 1 else ("series IN (SELECT unnest(?))", ids)
        sql = f"SELECT series, {', '.join(columns)} FROM readings WHERE {where} AND t >= ? AND t < ?"
        with translated():
            rows = self._cursor().execute(sql, [values, start, end]).fetchnumpy()
        series, data = rows["series"], [_plain(rows[c]) for c in columns]
        order = _order(series, data[0])
        if order is not None:
            series, data = series[order], [column[order] for column in data]
        bounds = np.searchsorted(series, [*ids, ids[-1] + 1])
        for i, low, high in zip(ids, bounds, bounds[1:], strict=False):
            if high > low:
                yield names[i], [column[low:high] for column in data]

    def _series(self, sensors: Sequence[str], quantity: str) -> dict[int, str]:
        """The sensors that have this quantity, by series id; from one look at the dictionary, which a writer may replace meanwhile."""
        ids = self._ids
        return {i: sensor for sensor in sensors if (i := ids.get((sensor, quantity))) is not None}

    def _aggregate_on_grid(self, sensors: Sequence[str], quantity: str, grid: Grid) -> dict[str, Buckets]:
        """Let DuckDB group what lies on a grid: several times faster than carrying every row out."""
        names = self._series(sensors, quantity)
        ids = sorted(names)
        if not ids:
            return {}
        with translated():
            values = {"ids": ids, "start": grid.start, "end": grid.end, "step": grid.step}
            rows = self._cursor().execute(_CELLS, values).fetchnumpy()
        cells = {name: _plain(column) for name, column in rows.items()}
        order = np.lexsort((cells["cell"], cells["series"]))
        cells = {name: column[order] for name, column in cells.items()}
        bounds = np.searchsorted(cells["series"], [*ids, ids[-1] + 1])
        return {
            names[i]: grid.buckets((names[i], quantity), {name: column[low:high] for name, column in cells.items()})
            for i, low, high in zip(ids, bounds, bounds[1:], strict=False)
        }

    def _meta(self, key: str) -> Any:
        with translated():
            row = self._cursor().execute("SELECT value FROM meta WHERE key = ?", [key]).fetchone()
        return None if row is None else json.loads(row[0])

    def _count(self, ids: list[int], limit: float) -> int:
        with translated():
            found = self._cursor().execute("SELECT count(*) FROM readings WHERE series IN (SELECT unnest(?)) AND t < ?", [ids, limit])
            return int(found.fetchall()[0][0])

    def _cursor(self) -> Any:
        with self._reading:
            return self._root.cursor()

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        with translated():
            self._database.execute("BEGIN")
            try:
                yield self._database
            except BaseException:
                with suppress(duckdb.Error):  # the first error is the one that tells something
                    self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")


def _table(columns: Sequence[npt.NDArray[Any]], rows: npt.NDArray[np.bool_]) -> Any:
    return _arrow(_COLUMNS, columns if rows.all() else [c[rows] for c in columns])


def _arrow(names: Sequence[str], columns: Sequence[npt.NDArray[Any]]) -> Any:
    """Columns without missing values, not copied. Made of buffers because `pa.table` imports pandas where it is installed: 54 MB."""
    arrays = [pa.Array.from_buffers(pa.from_numpy_dtype(c.dtype), len(c), [None, pa.py_buffer(np.ascontiguousarray(c))]) for c in columns]
    return pa.Table.from_arrays(arrays, names=list(names))


def _insert(database: Any, table: str, rows: Any) -> None:
    database.register("batch", rows)
    database.execute(f"INSERT INTO {table} SELECT * FROM batch")


def _replace(database: Any, rows: Any) -> None:
    low, high = rows["t"].to_numpy().min(), rows["t"].to_numpy().max()
    database.register("batch", rows)
    database.execute("DELETE FROM readings r USING batch b WHERE r.series = b.series AND r.t = b.t AND r.t >= ? AND r.t <= ?", [low, high])
    database.execute("INSERT INTO readings SELECT * FROM batch")


def _order(series: npt.NDArray[np.int32], t: Floats) -> npt.NDArray[np.intp] | None:
    """What puts rows in order of series and time, None where they are. Within a series they mostly are: then a stable sort is enough."""
    if _ordered(series, t):
        return None
    order = np.argsort(series, kind="stable")
    return order if _ordered(series[order], t[order]) else np.lexsort((t, series))


def _ordered(series: npt.NDArray[np.int32], t: Floats) -> bool:
    return bool(((series[1:] > series[:-1]) | ((series[1:] == series[:-1]) & (t[1:] > t[:-1]))).all())


def _plain(column: Any) -> npt.NDArray[Any]:
    """The array without DuckDB's null mask: no column of ours holds a null."""
    return np.asarray(column.data if isinstance(column, np.ma.MaskedArray) else column)
