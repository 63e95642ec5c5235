"""From an embedded Mjøsa (DuckDB, SQLite, uplink log) into the stack (InfluxDB, PostgreSQL), with history kept and counted.

The registry goes over in one transaction, or not at all. Of the readings, series that are complete on the other side are
passed by, and writing is idempotent: a migration that was broken off is started again and goes on. The source is only read.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from core.errors import Conflict, NotFound, StoreRejected
from core.registry.database import connect
from core.registry.database import migrate as upgrade
from core.registry.dump import dump, load
from core.registry.tables import metadata
from core.store import Coverage, SeriesStore

SERIES_AT_ONCE = 200
ROWS_AT_ONCE = 200_000
_ALWAYS = 9e9
_LOGS = ("uplinks", "devices")


@dataclass(frozen=True)
class Ends:
    """Where from and where to. `after` is called at the end, for what follows from the data (Grafana's mirror)."""

    source: SeriesStore
    source_dir: Path
    target: SeriesStore
    target_registry: str
    target_dir: Path
    after: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Migrated:
    """What went over; `already_there` counts series that an earlier try had brought. Counts are compared before this is returned."""

    registry_rows: int
    series: int
    already_there: int
    readings: int
    files: int


def migrate(ends: Ends, progress: Callable[[float], None] = lambda share: None) -> Migrated:
    """Raises NotFound without a registry to read, Conflict where the target holds something else, StoreRejected where counts differ."""
    files = sum(_copy(ends.source_dir / name, ends.target_dir / name) for name in _LOGS)
    registry_rows = _registry(ends.source_dir / "registry.db", ends.target_registry)
    wanted = ends.source.coverage()
    there = _by_series(ends.target.coverage())
    missing = [c for c in wanted if not _complete(c, there)]
    readings = _readings(ends, missing, progress)
    _check(wanted, _by_series(ends.target.coverage()))
    ends.after()
    return Migrated(registry_rows, len(wanted), len(wanted) - len(missing), readings, files)


def _registry(path: Path, target: str) -> int:
    if not path.is_file():
        raise NotFound(f"{path} is not there: name the data folder of an embedded Mjøsa")
    engine = connect(f"sqlite:///{path.resolve()}")
    try:
        upgrade(engine)
        mine, theirs = _counts(engine), _counts_at(target)
        if theirs == mine:
            return sum(mine.values())
        if any(theirs.values()):
            filled = ", ".join(f"{name} {rows}" for name, rows in theirs.items() if rows)
            raise Conflict(f"the registry to migrate into holds other things already ({filled}): migrate before anything else is started")
        with tempfile.TemporaryDirectory() as folder:
            dump(engine, Path(folder) / "registry.jsonl")
            load(Path(folder) / "registry.jsonl", target)
    finally:
        engine.dispose()
    if (theirs := _counts_at(target)) != mine:
        raise StoreRejected(f"rows of the registry differ after migrating: {mine} here, {theirs} there")
    return sum(mine.values())


def _counts_at(url: str) -> dict[str, int]:
    engine = connect(url)
    try:
        upgrade(engine)
        return _counts(engine)
    finally:
        engine.dispose()


def _counts(engine: sa.Engine) -> dict[str, int]:
    with closing(engine.connect()) as connection:
        return {t.name: connection.execute(sa.select(sa.func.count()).select_from(t)).scalar_one() for t in metadata.sorted_tables}


def _readings(ends: Ends, missing: Sequence[Coverage], progress: Callable[[float], None]) -> int:
    total, done = max(sum(c.rows for c in missing), 1), 0
    for quantity in sorted({c.quantity for c in missing}):
        some = [c for c in missing if c.quantity == quantity]
        for low in range(0, len(some), SERIES_AT_ONCE):
            part = some[low : low + SERIES_AT_ONCE]
            for start, end in _windows(part):
                rows = ends.source.rows([c.sensor for c in part], quantity, start, end)
                ends.target.write(rows)
                done += len(rows)
                progress(min(done / total, 1.0))
    return done


def _windows(part: Sequence[Coverage]) -> list[tuple[float, float]]:
    """Spans of time that together hold everything, each with about ROWS_AT_ONCE rows."""
    count = -(-sum(c.rows for c in part) // ROWS_AT_ONCE)
    edges = np.linspace(min(c.first for c in part), max(c.last for c in part) + 1.0, count + 1)
    return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))


def _by_series(coverage: Sequence[Coverage]) -> Mapping[tuple[str, str], Coverage]:
    return {(c.sensor, c.quantity): c for c in coverage}


def _complete(one: Coverage, there: Mapping[tuple[str, str], Coverage]) -> bool:
    other = there.get((one.sensor, one.quantity))
    return other is not None and other.rows >= one.rows and other.first <= one.first + 1e-3 and other.last >= one.last - 1e-3


def _check(wanted: Sequence[Coverage], there: Mapping[tuple[str, str], Coverage]) -> None:
    short = [c for c in wanted if not _complete(c, there)]
    if short:
        c = short[0]
        found = there.get((c.sensor, c.quantity))
        raise StoreRejected(
            f"{len(short)} of {len(wanted)} series are not complete on the other side, such as {c.quantity} of {c.sensor}: "
            f"{found.rows if found else 0} of {c.rows} readings. Run this again."
        )


def _copy(source: Path, target: Path) -> int:
    """Number of files copied; 0 where an earlier try has brought them. Raises Conflict over a folder that holds anything else."""
    wanted = _sizes(source)
    there = _sizes(target)
    if there == wanted:
        return 0
    if there:
        raise Conflict(f"{target} holds other things already: migrate into an empty data folder, before anything is started on it")
    part = target.with_name(target.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(source, part)
    if target.is_dir():
        target.rmdir()
    part.rename(target)
    return len(wanted)


def _sizes(folder: Path) -> dict[Path, int]:
    return {p.relative_to(folder): p.stat().st_size for p in folder.rglob("*") if p.is_file()}
