"""Backup while everything runs, and restore into an empty Mjøsa.

    manifest.json              what there is, with a SHA-256 of each file; written last, so that half a backup is no backup
    readings/<quantity>.parquet    sensor, t, x, flag, uplink, origin: readable by anything that reads Parquet
    registry.jsonl             town, events, alarms, figures, people, audit
    uplinks/…                  copies of the uplink log's SQLite files

The cursor is copied first and the uplink log last: what was taken in meanwhile is processed again after a restore, and finds
itself already stored.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from core.errors import Conflict, StoreRejected
from core.model import Readings
from core.registry import Registry
from core.registry.dump import dump, load
from core.store import Coverage, SeriesStore

FORMAT = 1
_ROWS_AT_ONCE = 1_000_000
_ALWAYS = 9e9
_CURSOR_FIRST = "cursor"
Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Kept:
    """What a backup or restore moved."""

    readings: int
    registry_rows: int
    files: int
    bytes: int


def backup(
    folder: Path, store: SeriesStore, registry: Registry, data_dir: Path, created_at: float, progress: Progress | None = None
) -> Kept:
    """Write a backup into a new or empty folder. Raises Conflict when there is something in it."""
    if folder.exists() and any(folder.iterdir()):
        raise Conflict(f"{folder} is not empty: give a backup a folder of its own")
    (folder / "readings").mkdir(parents=True)
    logs = sorted((data_dir / "uplinks").glob("*.db")) + sorted((data_dir / "uplinks").glob("*.sqlite"))
    logs.sort(key=lambda p: not p.name.startswith(_CURSOR_FIRST))
    first, rest = [p for p in logs if p.name.startswith(_CURSOR_FIRST)], [p for p in logs if not p.name.startswith(_CURSOR_FIRST)]
    _copy_databases(first, folder / "uplinks")
    registry_rows = dump(registry.engine, folder / "registry.jsonl")
    readings = _write_readings(store, folder / "readings", progress)
    _copy_databases(rest, folder / "uplinks")
    for path in sorted((data_dir / "devices").glob("*")) if (data_dir / "devices").is_dir() else []:
        (folder / "devices").mkdir(exist_ok=True)
        (folder / "devices" / path.name).write_bytes(path.read_bytes())
    files = {str(p.relative_to(folder)): _digest(p) for p in sorted(folder.rglob("*")) if p.is_file()}
    manifest = {"format": FORMAT, "created_at": created_at, "readings": readings, "registry_rows": registry_rows, "sha256": files}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    return Kept(readings, registry_rows, len(files), sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()))


def check(folder: Path) -> dict[str, Any]:
    """The manifest of a whole and undamaged backup. Raises StoreRejected saying what is missing or changed."""
    try:
        manifest = dict(json.loads((folder / "manifest.json").read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise StoreRejected(f"{folder} is not a finished backup: {error}") from error
    if manifest.get("format") != FORMAT:
        raise StoreRejected(f"{folder} has format {manifest.get('format')}; this Mjøsa reads {FORMAT}")
    wrong = [name for name, digest in manifest["sha256"].items() if not (folder / name).is_file() or _digest(folder / name) != digest]
    if wrong:
        raise StoreRejected(f"{folder} is damaged or not complete: {', '.join(wrong[:5])}. Nothing was restored.")
    return manifest


def restore(folder: Path, store: SeriesStore, registry_url: str, data_dir: Path, progress: Progress | None = None) -> Kept:
    """Restore a checked backup into an empty registry, store and uplink log. Raises Conflict where one of them is not empty."""
    manifest = check(folder)
    if store.size()["rows"]:
        raise Conflict("the store is not empty: a backup is restored into an empty one")
    if any((data_dir / "uplinks").glob("uplinks-*.sqlite")) and (folder / "uplinks").is_dir():
        raise Conflict(f"{data_dir / 'uplinks'} is not empty: a backup is restored into an empty folder")
    rows = load(folder / "registry.jsonl", registry_url)
    readings = _read_readings(store, sorted((folder / "readings").glob("*.parquet")), int(manifest["readings"]), progress)
    for part in ("uplinks", "devices"):
        for path in sorted((folder / part).glob("*")) if (folder / part).is_dir() else []:
            (data_dir / part).mkdir(parents=True, exist_ok=True)
            (data_dir / part / path.name).write_bytes(path.read_bytes())
    return Kept(readings, rows, len(manifest["sha256"]), sum((folder / name).stat().st_size for name in manifest["sha256"]))


def _write_readings(store: SeriesStore, folder: Path, progress: Progress | None) -> int:
    coverage = store.coverage()
    total, done = max(sum(c.rows for c in coverage), 1), 0
    for quantity in sorted({c.quantity for c in coverage}):
        schema = pa.schema(
            {"sensor": pa.string(), "t": pa.float64(), "x": pa.float64(), "flag": pa.uint8(), "uplink": pa.int64(), "origin": pa.uint8()}
        )
        with parquet.ParquetWriter(folder / f"{quantity}.parquet", schema, compression="zstd") as file:
            for some in _portions([c for c in coverage if c.quantity == quantity]):
                rows = store.rows([c.sensor for c in some], quantity, -_ALWAYS, _ALWAYS)
                columns = [pa.array(rows.sensor, pa.string()), *map(pa.array, (rows.t, rows.x, rows.flag, rows.uplink, rows.origin))]
                file.write_table(pa.Table.from_arrays(columns, schema=schema))
                done += len(rows)
                if progress:
                    progress(min(done / total, 1.0))
    return done


def _portions(coverage: Sequence[Coverage]) -> Iterator[list[Coverage]]:
    """Series together until they make about a million rows."""
    some: list[Coverage] = []
    for one in coverage:
        some.append(one)
        if sum(c.rows for c in some) >= _ROWS_AT_ONCE:
            yield some
            some = []
    if some:
        yield some


def _read_readings(store: SeriesStore, files: Sequence[Path], total: int, progress: Progress | None) -> int:
    done = 0
    for path in files:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(_ROWS_AT_ONCE // 2):
                n = batch.num_rows
                columns = {name: batch[name].to_numpy(zero_copy_only=False) for name in ("t", "x", "flag", "uplink", "origin")}
                store.write(Readings(np.array(batch["sensor"].to_pylist(), object), np.full(n, path.stem, object), **columns))
                done += n
                if progress:
                    progress(min(done / max(total, 1), 1.0))
    return done


def _copy_databases(paths: Sequence[Path], folder: Path) -> None:
    """Consistent copies of SQLite files that others may be writing."""
    for path in paths:
        folder.mkdir(exist_ok=True)
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as source, closing(sqlite3.connect(folder / path.name)) as copy:
            source.backup(copy)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
