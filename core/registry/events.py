"""What detectors found. An event keeps its id when late data revises it; its revision is raised here, where the old one is known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import sqlalchemy as sa

import core.registry.tables as tables
from core.errors import NotFound
from core.model import Event
from core.registry.codec import from_json, to_json
from core.registry.database import Database

_T, _S = tables.events, tables.event_sensors
_AT_ONCE = 500


class EventRegister:
    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, events: Sequence[Event]) -> list[Event]:
        """Keep these events; returned are those that are new or differ from what was kept, with the revision they now have."""
        changed = []
        with self._database.write("events") as connection:
            known = self._known(connection, [e.id for e in events])
            for event in {e.id: e for e in events}.values():
                old, withdrawn = known.get(event.id, (None, False))
                if old is None:
                    changed.append(event)
                elif withdrawn or to_json(replace(event, revision=old.revision)) != to_json(old):
                    changed.append(replace(event, revision=old.revision + 1))
            self._write(connection, changed)
        return changed

    def withdraw(self, ids: Iterable[str]) -> None:
        """Later data says these never were; they stay in the database and are found no more."""
        with self._database.write() as connection:
            mine = sa.update(_T).where(_T.c.utility == self._database.utility, _T.c.id.in_(list(ids)))
            connection.execute(mine.values(withdrawn=True))

    def find(self, *, start: float | None = None, end: float | None = None, zone: str | None = None, kind: str | None = None,
             sensor: str | None = None, open_only: bool = False, limit: int | None = None) -> list[Event]:  # fmt: skip
        """Events that overlap [start, end) and match what is given, newest first."""
        query = self._database.mine(_T).where(~_T.c.withdrawn)
        if start is not None:
            query = query.where(sa.or_(_T.c.end.is_(None), _T.c.end > start, sa.and_(_T.c.start == _T.c.end, _T.c.start == start)))
        if end is not None:
            query = query.where(_T.c.start < end)
        for column, value in ((_T.c.zone, zone), (_T.c.kind, kind)):
            query = query if value is None else query.where(column == value)
        if sensor is not None:
            of_sensor = sa.select(_S.c.event).where(_S.c.utility == self._database.utility, _S.c.sensor == sensor)
            query = query.where(_T.c.id.in_(of_sensor))
        if open_only:
            query = query.where(_T.c.end.is_(None))
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(_T.c.start.desc(), _T.c.id).limit(limit)).all()
        return [from_json(Event, row.body) for row in rows]

    def get(self, event_id: str) -> Event:
        """Raises NotFound; a withdrawn event is still there by its id."""
        with self._database.read() as connection:
            row = connection.execute(self._database.mine(_T).where(_T.c.id == event_id)).one_or_none()
        if row is None:
            raise NotFound(f"there is no event '{event_id}'")
        return from_json(Event, row.body)

    def _known(self, connection: sa.Connection, ids: Sequence[str]) -> dict[str, tuple[Event, bool]]:
        found = {}
        for low in range(0, len(ids), _AT_ONCE):
            for row in connection.execute(self._database.mine(_T).where(_T.c.id.in_(ids[low : low + _AT_ONCE]))):
                found[row.id] = (from_json(Event, row.body), row.withdrawn)
        return found

    def _write(self, connection: sa.Connection, events: Sequence[Event]) -> None:
        self._database.upsert(connection, _T, [
            {"id": e.id, "kind": e.kind, "zone": e.zone, "start": e.start, "end": e.end, "withdrawn": False, "body": to_json(e)}
            for e in events
        ])  # fmt: skip
        for low in range(0, len(events), _AT_ONCE):
            ids = [e.id for e in events[low : low + _AT_ONCE]]
            connection.execute(sa.delete(_S).where(_S.c.utility == self._database.utility, _S.c.event.in_(ids)))
        self._database.upsert(connection, _S, [{"sensor": s, "event": e.id} for e in events for s in sorted(set(e.sensors))])
