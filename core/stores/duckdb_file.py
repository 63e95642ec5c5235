"""Opening the embedded store's file: only what is ours, and only when nobody else has it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from core.errors import StoreError, StoreRejected, StoreUnavailable

SCHEMA_VERSION = 1
_SCHEMA = f"""
BEGIN;
CREATE TABLE meta(key VARCHAR, value VARCHAR);
CREATE TABLE series(id INTEGER, sensor VARCHAR, quantity VARCHAR);
CREATE TABLE readings(series INTEGER, t DOUBLE, x DOUBLE, flag UTINYINT, uplink BIGINT, origin UTINYINT);
INSERT INTO meta VALUES ('schema', '{SCHEMA_VERSION}');
COMMIT;
"""
_WORTH_SHORTENING_BYTES = 4_000_000


def open_file(path: Path, threads: int, memory_limit: str) -> Any:
    """Open or create a store. A file that is not one of ours is only ever opened for reading."""
    config: dict[str, str | bool | int | float | list[str]] = {"threads": threads, "memory_limit": memory_limit}
    try:
        if path.exists() and path.stat().st_size:
            with duckdb.connect(path, read_only=True, config=config) as look:
                _check_schema(path, look)
        path.parent.mkdir(parents=True, exist_ok=True)
        database = duckdb.connect(path, config=config)
        if _mostly_free(database):
            database.close()
            _shorten(path)
            database = duckdb.connect(path, config=config)
        if not _tables(database):
            database.execute(_SCHEMA)
        return database
    except (duckdb.Error, OSError) as error:
        text = first_line(error)
        if "set lock" in text:
            raise StoreUnavailable(
                f"{path} is in use by another process, most likely a running `mjosa up`: go through its HTTP API, or stop it first ({text})"
            ) from error
        raise StoreRejected(f"{path} is not a store Mjøsa can read, and was left as it is: {text}") from error


def _mostly_free(database: Any) -> bool:
    total, free, block = database.execute("SELECT total_blocks, free_blocks, block_size FROM pragma_database_size()").fetchall()[0]
    return bool(free * 2 > total and free * block > _WORTH_SHORTENING_BYTES)


def _shorten(path: Path) -> None:
    """Copy what is used to a new file and put that in the old one's place, in one step that a crash cannot halve."""
    copy = path.with_name(path.name + ".shorter")
    copy.unlink(missing_ok=True)
    with duckdb.connect() as database:
        database.execute(f"ATTACH '{_quoted(path)}' AS old (READ_ONLY); ATTACH '{_quoted(copy)}' AS new; COPY FROM DATABASE old TO new")
        database.execute("CHECKPOINT new; DETACH new; DETACH old")
    copy.replace(path)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _tables(database: Any) -> set[str]:
    return {name for (name,) in database.execute("SELECT table_name FROM information_schema.tables").fetchall()}


def _check_schema(path: Path, database: Any) -> None:
    tables = _tables(database)
    if not tables:  # somebody was stopped before the first table was made
        return
    if not {"meta", "series", "readings"} <= tables:
        raise StoreRejected(
            f"{path} is a DuckDB file of something else (tables: {', '.join(sorted(tables)) or 'none'}); it was left as it is"
        )
    (version,) = database.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone() or ("none",)
    if version != str(SCHEMA_VERSION):
        raise StoreRejected(f"{path} has schema {version}; this Mjøsa reads schema {SCHEMA_VERSION}. Use the version that wrote it.")


def first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


@contextmanager
def translated() -> Iterator[None]:
    try:
        yield
    except duckdb.ConnectionException as error:
        raise StoreUnavailable(f"the store is closed: {first_line(error)}") from error
    except duckdb.FatalException as error:
        raise StoreUnavailable(f"the store has to be opened again, nothing acknowledged is lost: {first_line(error)}") from error
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        raise StoreUnavailable(f"the store's disk or memory does not allow it now: {first_line(error)}") from error
    except duckdb.Error as error:
        raise StoreError(f"the store failed: {first_line(error)}") from error
