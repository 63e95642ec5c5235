"""Notifications that must leave at least once."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

import core.registry.tables as tables
from core.errors import NotFound
from core.records import OutboxMessage
from core.registry.codec import from_json, to_json
from core.registry.database import Database

_T = tables.outbox


class OutboxRegister:
    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, message: OutboxMessage) -> bool:
        """Queue a message; one whose id is there already is left as it is (False)."""
        with self._database.write() as connection:
            if connection.execute(self._database.mine(_T).where(_T.c.id == message.id)).first() is not None:
                return False
            self._write(connection, message)
            return True

    def due(self, now: float, limit: int = 100) -> list[OutboxMessage]:
        """Messages not sent whose time has come, oldest first."""
        return self._select(self._database.mine(_T).where(_T.c.sent_at.is_(None), _T.c.not_before <= now).order_by(_T.c.created_at), limit)

    def sent(self, message_id: str, at: float) -> None:
        """Raises NotFound."""
        self._change(message_id, sent_at=at, error=None)

    def failed(self, message_id: str, error: str, not_before: float) -> None:
        """Try again at `not_before`. Raises NotFound."""
        self._change(message_id, error=error, not_before=not_before)

    def find(self, *, sent: bool | None = None, limit: int | None = None) -> list[OutboxMessage]:
        """Newest first."""
        query = self._database.mine(_T)
        if sent is not None:
            query = query.where(_T.c.sent_at.is_not(None) if sent else _T.c.sent_at.is_(None))
        return self._select(query.order_by(_T.c.created_at.desc(), _T.c.id), limit)

    def _select(self, query: sa.Select[tuple[object, ...]], limit: int | None) -> list[OutboxMessage]:
        with self._database.read() as connection:
            return [from_json(OutboxMessage, row.body) for row in connection.execute(query.limit(limit))]

    def _change(self, message_id: str, **fields: float | str | None) -> None:
        with self._database.write() as connection:
            row = connection.execute(self._database.mine(_T).where(_T.c.id == message_id)).one_or_none()
            if row is None:
                raise NotFound(f"there is no message '{message_id}'")
            old = from_json(OutboxMessage, row.body)
            self._write(connection, replace(old, attempts=old.attempts + 1, **fields))  # type: ignore[arg-type]

    def _write(self, connection: sa.Connection, m: OutboxMessage) -> None:
        row = {"id": m.id, "created_at": m.created_at, "not_before": m.not_before, "sent_at": m.sent_at, "body": to_json(m)}
        self._database.upsert(connection, _T, [row])
