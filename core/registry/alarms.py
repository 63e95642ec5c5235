"""Alarms: one per cause, worked on from open to closed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

import core.registry.tables as tables
from core.errors import Conflict, NotFound
from core.records import Alarm, AlarmState, AuditEntry, Comment
from core.registry.audit import AuditRegister
from core.registry.codec import from_json, to_json
from core.registry.database import Database

_T = tables.alarms
_MAY_BECOME: dict[str, frozenset[str]] = {
    AlarmState.OPEN: frozenset({AlarmState.ACKNOWLEDGED, AlarmState.IN_PROGRESS, AlarmState.RESOLVED, AlarmState.CLOSED}),
    AlarmState.ACKNOWLEDGED: frozenset({AlarmState.IN_PROGRESS, AlarmState.RESOLVED, AlarmState.CLOSED}),
    AlarmState.IN_PROGRESS: frozenset({AlarmState.ACKNOWLEDGED, AlarmState.RESOLVED, AlarmState.CLOSED}),
    AlarmState.RESOLVED: frozenset({AlarmState.IN_PROGRESS, AlarmState.CLOSED}),
    AlarmState.CLOSED: frozenset(),
}
_FEEDBACK = ("true", "false", "unknown")
_OF_PEOPLE = ("id", "state", "raised_at", "assignee", "shelved_until", "acknowledged_at", "feedback", "comments")
"""What people did to an alarm, kept when its cause is reported again."""


class AlarmRegister:
    def __init__(self, database: Database, audit: AuditRegister) -> None:
        self._database, self._audit = database, audit

    def raise_(self, alarm: Alarm) -> Alarm:
        """Add an alarm, or update the newest of the same cause; what people did to that one is kept.

        A closed one stays closed, until its cause, having ended, goes on after the closing: that is a new alarm.
        """
        with self._database.write("alarms") as connection:
            rows = connection.execute(self._database.mine(_T).where(_T.c.cause == alarm.cause)).all()
            known = sorted((from_json(Alarm, row.body) for row in rows), key=lambda a: (a.state != AlarmState.CLOSED, a.updated_at))
            if not known:
                self._write(connection, alarm)
                return alarm
            old = known[-1]
            if old.state == AlarmState.CLOSED:
                if old.ended_at is None or (alarm.ended_at is not None and alarm.ended_at <= old.updated_at):
                    return old
                again = replace(alarm, id=f"{alarm.id}-{len(known) + 1}")
                self._write(connection, again)
                return again
            kept = {name: getattr(old, name) for name in _OF_PEOPLE}
            updated = replace(alarm, **kept, revision=old.revision)
            if to_json(replace(updated, updated_at=old.updated_at)) == to_json(old):
                return old
            updated = replace(updated, revision=old.revision + 1)
            self._write(connection, updated)
            return updated

    def end(self, cause: str, at: float) -> Alarm | None:
        """The cause itself is over; people still have to say so. None when no alarm of it is open."""
        with self._database.write("alarms") as connection:
            row = connection.execute(self._database.mine(_T).where(_T.c.cause == cause, _T.c.state != AlarmState.CLOSED)).first()
            if row is None:
                return None
            old = from_json(Alarm, row.body)
            if old.ended_at == at:
                return old
            ended = replace(old, ended_at=at, updated_at=max(at, old.updated_at), revision=old.revision + 1)
            self._write(connection, ended)
            return ended

    def change(self, alarm_id: str, state: str, actor: str, at: float, comment: str | None = None, *, revision: int | None = None) -> Alarm:
        """Move an alarm on. Raises Conflict for a step that is not allowed, or when `revision` is given and no longer the newest."""

        def moved(old: Alarm) -> Alarm:
            if state not in _MAY_BECOME[old.state]:
                allowed = ", ".join(sorted(_MAY_BECOME[old.state])) or "nothing more"
                raise Conflict(f"alarm '{alarm_id}' is {old.state} and cannot become {state}; it can become {allowed}")
            seen = old.acknowledged_at if old.acknowledged_at is not None or state == AlarmState.CLOSED else at
            said = (*old.comments, Comment(at, actor, comment)) if comment else old.comments
            return replace(old, state=state, acknowledged_at=seen, comments=said)

        return self._edit(alarm_id, moved, actor, at, "alarm.change", {"state": state}, revision)

    def assign(self, alarm_id: str, assignee: str | None, actor: str, at: float | None = None) -> Alarm:
        return self._edit(alarm_id, lambda a: replace(a, assignee=assignee), actor, at, "alarm.assign", {"assignee": assignee})

    def comment(self, alarm_id: str, text: str, actor: str, at: float | None = None) -> Alarm:
        when = self._database.clock() if at is None else at
        return self._edit(
            alarm_id, lambda a: replace(a, comments=(*a.comments, Comment(when, actor, text))), actor, when, "alarm.comment", {}
        )

    def shelve(self, alarm_id: str, until: float | None, actor: str, at: float | None = None) -> Alarm:
        """Keep an alarm quiet until a time; None takes it back."""
        return self._edit(alarm_id, lambda a: replace(a, shelved_until=until), actor, at, "alarm.shelve", {"until": until})

    def feedback(self, alarm_id: str, verdict: str, actor: str, at: float | None = None) -> Alarm:
        """Whether it was right: true, false or unknown."""
        if verdict not in _FEEDBACK:
            raise Conflict(f"feedback is true, false or unknown, not '{verdict}'")
        return self._edit(alarm_id, lambda a: replace(a, feedback=verdict), actor, at, "alarm.feedback", {"feedback": verdict})

    def find(self, *, state: str | None = None, open_only: bool = False, zone: str | None = None, kind: str | None = None,
             limit: int | None = None) -> list[Alarm]:  # fmt: skip
        """Newest first; `open_only` leaves out what is resolved or closed."""
        query = self._database.mine(_T)
        for column, value in ((_T.c.state, state), (_T.c.zone, zone), (_T.c.kind, kind)):
            query = query if value is None else query.where(column == value)
        if open_only:
            query = query.where(_T.c.state.not_in([AlarmState.RESOLVED, AlarmState.CLOSED]))
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(_T.c.raised_at.desc(), _T.c.id).limit(limit)).all()
        return [from_json(Alarm, row.body) for row in rows]

    def get(self, alarm_id: str) -> Alarm:
        """Raises NotFound."""
        with self._database.read() as connection:
            return self._get(connection, alarm_id)

    def _get(self, connection: sa.Connection, alarm_id: str) -> Alarm:
        row = connection.execute(self._database.mine(_T).where(_T.c.id == alarm_id)).one_or_none()
        if row is None:
            raise NotFound(f"there is no alarm '{alarm_id}'")
        return from_json(Alarm, row.body)

    def _edit(self, alarm_id: str, change: Callable[[Alarm], Alarm], actor: str, at: float | None, action: str, details: dict[str, Any],
              revision: int | None = None) -> Alarm:  # fmt: skip
        when = self._database.clock() if at is None else at
        with self._database.write("alarms") as connection:
            old = self._get(connection, alarm_id)
            if revision is not None and revision != old.revision:
                raise Conflict(
                    f"alarm '{alarm_id}' was changed by somebody else meanwhile (revision {old.revision}, not {revision}): look again"
                )
            new = replace(change(old), updated_at=when, revision=old.revision + 1)
            self._write(connection, new)
            self._audit.add(AuditEntry(when, actor, action, alarm_id, details), connection)
        return new

    def _write(self, connection: sa.Connection, alarm: Alarm) -> None:
        columns = {name: getattr(alarm, name) for name in ("id", "cause", "kind", "state", "zone", "raised_at")}
        self._database.upsert(connection, _T, [{**columns, "state": str(alarm.state), "body": to_json(alarm)}])
