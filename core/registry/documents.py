"""Small state kept as JSON by key: templates, cursors, custom device mappings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

import core.registry.tables as tables
from core.registry.codec import plain, unplain
from core.registry.database import Database

_T = tables.documents


class DocumentRegister:
    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: str) -> dict[str, Any] | None:
        with self._database.read() as connection:
            row = connection.execute(self._database.mine(_T).where(_T.c.key == key)).one_or_none()
        return None if row is None else unplain(row.body)

    def put(self, key: str, body: Mapping[str, Any]) -> None:
        with self._database.write() as connection:
            self._database.upsert(connection, _T, [{"key": key, "body": plain(dict(body))}])

    def keys(self, beginning: str = "") -> list[str]:
        query = sa.select(_T.c.key).where(_T.c.utility == self._database.utility, _T.c.key.startswith(beginning, autoescape=True))
        with self._database.read() as connection:
            return sorted(connection.execute(query).scalars())

    def remove(self, key: str) -> None:
        with self._database.write() as connection:
            connection.execute(sa.delete(_T).where(_T.c.utility == self._database.utility, _T.c.key == key))
