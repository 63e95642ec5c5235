"""The whole registry as JSON lines, from either database into either: what a backup holds of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from alembic.migration import MigrationContext

from core.errors import Conflict, StoreRejected
from core.registry.codec import plain, unplain
from core.registry.database import connect, migrate
from core.registry.tables import metadata

_AT_ONCE = 1_000
_SNAPSHOT = {"sqlite": "BEGIN", "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"}


def dump(engine: sa.Engine, path: Path) -> int:
    """Write every row of every utility as one consistent snapshot, the schema's revision first; rows written."""
    count = 0
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection, path.open("wb") as file:
        connection.exec_driver_sql(_SNAPSHOT[engine.dialect.name])
        file.write(orjson.dumps({"revision": MigrationContext.configure(connection).get_current_revision()}) + b"\n")
        for table in metadata.sorted_tables:
            for row in connection.execute(sa.select(table)):
                content = {str(name): value if name == "body" else plain(value) for name, value in row._mapping.items()}
                file.write(orjson.dumps({"table": table.name, "row": content}) + b"\n")
                count += 1
        connection.exec_driver_sql("ROLLBACK")
    return count


def load(path: Path, url: str) -> int:
    """Fill an empty registry from a dump and bring it up to date; rows written.

    Raises Conflict when it holds anything already, StoreRejected when the file is not a dump.
    """
    engine = connect(url)
    try:
        with path.open("rb") as file:
            head = _line(path, file.readline())
            if sa.inspect(engine).has_table("alembic_version"):
                _refuse_unless_empty(engine)
            else:
                migrate(engine, to=str(head.get("revision")))
            count = _fill(engine, (_line(path, line) for line in file))
        migrate(engine)
        return count
    finally:
        engine.dispose()


def _fill(engine: sa.Engine, lines: Iterator[dict[str, Any]]) -> int:
    tables, count = sa.MetaData(), 0
    tables.reflect(engine)
    json_of = {name: metadata.tables[name] for name in metadata.tables}
    pending: dict[str, list[dict[str, Any]]] = {}
    with engine.begin() as connection:
        for line in lines:
            name = line["table"]
            row = {key: value if key == "body" else unplain(value) for key, value in line["row"].items()}
            pending.setdefault(name, []).append(row)
            count += 1
            if len(pending[name]) == _AT_ONCE:
                connection.execute(sa.insert(json_of.get(name, tables.tables[name])), pending.pop(name))
        for name, rows in pending.items():
            connection.execute(sa.insert(json_of.get(name, tables.tables[name])), rows)
        if engine.dialect.name == "postgresql":
            connection.execute(
                sa.text("SELECT setval(pg_get_serial_sequence('audit', 'id'), (SELECT coalesce(max(id), 0) + 1 FROM audit), false)")
            )
    return count


def _refuse_unless_empty(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            if connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first():
                raise Conflict(f"the registry is not empty ({table.name}): a backup is restored into an empty one")


def _line(path: Path, text: bytes) -> dict[str, Any]:
    try:
        return dict(orjson.loads(text))
    except (orjson.JSONDecodeError, TypeError, ValueError) as error:
        raise StoreRejected(f"{path} is not a dump of a registry: {error}") from error
