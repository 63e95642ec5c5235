"""One database, SQLite or PostgreSQL: opening, migrating, reading and writing transactions, upserts."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import postgresql, sqlite

from core.errors import StoreRejected, StoreUnavailable

MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 5_061_971
_INSERT: dict[str, Callable[[sa.Table], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class Database:
    """An engine, the utility whose rows it shows, and the clock that stamps changes."""

    def __init__(self, engine: sa.Engine, utility: str, clock: Callable[[], float]) -> None:
        self.engine, self.utility, self.clock = engine, utility, clock
        self._autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        with _translated(self.engine), self._autocommit.connect() as connection:
            yield connection

    @contextmanager
    def write(self, noun: str | None = None) -> Iterator[sa.Connection]:
        """One transaction. What reads before it writes names its noun: those of one noun follow each other, over all processes.

        On SQLite every transaction does; it waits for its turn at the start, not in the middle.
        """
        with _translated(self.engine), self.engine.begin() as connection:
            if noun is not None and self.engine.dialect.name == "postgresql":
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext(:noun))"), {"noun": f"mjosa {self.utility} {noun}"})
            yield connection

    def mine(self, table: sa.Table) -> sa.Select[Any]:
        return sa.select(table).where(table.c.utility == self.utility)

    def upsert(self, connection: sa.Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
        """Insert rows, replacing those with the same key; `utility` is filled in."""
        if not rows:
            return
        insert = _INSERT[self.engine.dialect.name](table)
        keys = [c.name for c in table.primary_key.columns]
        changed = {c.name: insert.excluded[c.name] for c in table.columns if c.name not in keys}
        statement = insert.on_conflict_do_update(index_elements=keys, set_=changed) if changed else insert.on_conflict_do_nothing()
        connection.execute(statement, [{"utility": self.utility, **row} for row in rows])

    def close(self) -> None:
        self.engine.dispose()


def connect(url: str) -> sa.Engine:
    """An engine for `sqlite:////path/registry.db` or `postgresql+psycopg://…`. Nothing is opened yet, except the file's folder."""
    address = sa.make_url(url)
    options: dict[str, Any] = {"json_serializer": lambda data: orjson.dumps(data).decode(), "json_deserializer": orjson.loads}
    if address.get_backend_name() != "sqlite":
        return sa.create_engine(address, pool_pre_ping=True, **options)
    if address.database:
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(address, connect_args={"timeout": 30}, **options)
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_immediately)
    return engine


def migrate(engine: sa.Engine, to: str = "head") -> None:
    """Bring the schema up, one process at a time. Raises StoreRejected for a database of a newer Mjøsa or of something else."""
    with _translated(engine), engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        now = MigrationContext.configure(connection).get_current_revision()
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if now is not None and now not in known:
            raise StoreRejected(f"the registry at {_shown(engine)} has schema '{now}', which this Mjøsa does not know: use a newer Mjøsa")
        if now is None and (others := sa.inspect(connection).get_table_names()):
            raise StoreRejected(
                f"the database at {_shown(engine)} holds something else (tables: {', '.join(sorted(others)[:5])}); left as it is"
            )
        command.upgrade(config, to)
    if engine.dialect.name == "sqlite":
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")  # kept in the file, so only once it is known to be ours


def _prepare_sqlite(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA synchronous = FULL")


def _begin_immediately(connection: sa.Connection) -> None:
    """A reader that later writes would fail at once with 'database is locked'; taking the write lock first makes it wait."""
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _shown(engine: sa.Engine) -> str:
    return engine.url.render_as_string(hide_password=True)


@contextmanager
def _translated(engine: sa.Engine) -> Iterator[None]:
    try:
        yield
    except sa.exc.OperationalError as error:
        raise StoreUnavailable(f"the registry at {_shown(engine)} does not answer: {str(error.orig).strip().splitlines()[0]}") from error
    except sa.exc.DatabaseError as error:
        raise StoreRejected(f"the registry at {_shown(engine)} refused: {str(error.orig).strip().splitlines()[0]}") from error
