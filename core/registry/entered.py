"""What people enter: master data, planned work, and the signed-off records of commissioning."""

from __future__ import annotations

import sqlalchemy as sa

import core.registry.tables as tables
from core.errors import NotFound
from core.records import Commissioning, Maintenance, MasterValue
from core.registry.codec import from_json, to_json
from core.registry.database import Database

_V, _M, _C = tables.master_values, tables.maintenance, tables.commissionings


class MasterRegister:
    """Entered figures with validity; what was entered before stays."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, value: MasterValue) -> None:
        columns = {name: getattr(value, name) for name in ("name", "zone", "valid_from", "valid_to", "entered_at")}
        with self._database.write() as connection:
            self._database.upsert(connection, _V, [{**columns, "body": to_json(value)}])

    def at(self, name: str, zone: str, t: float) -> MasterValue | None:
        """The value valid at a time; of several, the one entered last."""
        query = self._database.mine(_V).where(_V.c.name == name, _V.c.zone == zone, _V.c.valid_from <= t, _V.c.valid_to > t)
        with self._database.read() as connection:
            row = connection.execute(query.order_by(_V.c.entered_at.desc()).limit(1)).one_or_none()
        return None if row is None else from_json(MasterValue, row.body)

    def all(self) -> list[MasterValue]:
        """Everything ever entered, by name, zone and validity, oldest entry first."""
        query = self._database.mine(_V).order_by(_V.c.name, _V.c.zone, _V.c.valid_from, _V.c.entered_at)
        with self._database.read() as connection:
            return [from_json(MasterValue, row.body) for row in connection.execute(query)]


class MaintenanceRegister:
    """Planned work and other known causes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, work: Maintenance) -> None:
        with self._database.write() as connection:
            self._database.upsert(connection, _M, [{"id": work.id, "start": work.start, "end": work.end, "body": to_json(work)}])

    def find(self, start: float | None = None, end: float | None = None) -> list[Maintenance]:
        """Work that overlaps [start, end), in order of its start."""
        query = self._database.mine(_M)
        if start is not None:
            query = query.where(_M.c.end > start)
        if end is not None:
            query = query.where(_M.c.start < end)
        with self._database.read() as connection:
            return [from_json(Maintenance, row.body) for row in connection.execute(query.order_by(_M.c.start, _M.c.id))]

    def remove(self, work_id: str) -> None:
        """Raises NotFound."""
        with self._database.write() as connection:
            gone = connection.execute(sa.delete(_M).where(_M.c.utility == self._database.utility, _M.c.id == work_id))
        if not gone.rowcount:
            raise NotFound(f"there is no planned work '{work_id}'")


class CommissioningRegister:
    """The record of each sensor's registration."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, record: Commissioning) -> None:
        with self._database.write() as connection:
            self._database.upsert(connection, _C, [{"id": record.id, "sensor": record.sensor, "at": record.at, "body": to_json(record)}])

    def find(self, *, sensor: str | None = None, limit: int | None = None) -> list[Commissioning]:
        """Newest first."""
        query = self._database.mine(_C)
        if sensor is not None:
            query = query.where(_C.c.sensor == sensor)
        with self._database.read() as connection:
            return [from_json(Commissioning, row.body) for row in connection.execute(query.order_by(_C.c.at.desc(), _C.c.id).limit(limit))]

    def get(self, record_id: str) -> Commissioning:
        """Raises NotFound."""
        with self._database.read() as connection:
            row = connection.execute(self._database.mine(_C).where(_C.c.id == record_id)).one_or_none()
        if row is None:
            raise NotFound(f"there is no commissioning record '{record_id}'")
        return from_json(Commissioning, row.body)
