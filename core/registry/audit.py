"""Who did what, and who read whose household data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

import core.registry.tables as tables
from core.records import AuditEntry
from core.registry.codec import from_json, to_json
from core.registry.database import Database


class AuditRegister:
    """Entries are added and found, never changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, entry: AuditEntry, connection: sa.Connection | None = None) -> None:
        """Add an entry, within a transaction that is open already where one is given."""
        if connection is None:
            with self._database.write() as own:
                return self.add(entry, own)
        row = {"utility": self._database.utility, "at": entry.at, "actor": entry.actor, "action": entry.action, "subject": entry.subject,
               "personal": entry.personal, "body": to_json(entry)}  # fmt: skip
        connection.execute(sa.insert(tables.audit), [row])
        return None

    def find(self, *, start: float | None = None, end: float | None = None, actor: str | None = None, action: str | None = None,
             subject: str | None = None, personal: bool | None = None, limit: int | None = None) -> list[AuditEntry]:  # fmt: skip
        """Entries of [start, end) that match what is given, newest first; `action` may be a beginning such as 'sensor.'."""
        c = tables.audit.c
        tests: tuple[tuple[object, Callable[[Any], sa.ColumnElement[bool]]], ...] = (
            (start, c.at.__ge__), (end, c.at.__lt__), (actor, c.actor.__eq__), (subject, c.subject.__eq__), (personal, c.personal.is_),
            (action, lambda beginning: c.action.startswith(beginning, autoescape=True)),
        )  # fmt: skip
        query = self._database.mine(tables.audit).where(*(test(value) for value, test in tests if value is not None))
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(c.at.desc(), c.id.desc()).limit(limit)).all()
        return [from_json(AuditEntry, row.body) for row in rows]
