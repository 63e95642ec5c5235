"""The town in the registry: a cached snapshot, and the changes a town goes through."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import RLock
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel

import core.registry.tables as tables
from core.errors import Conflict, NotFound
from core.records import AuditEntry
from core.registry.audit import AuditRegister
from core.registry.database import Database
from core.timekeeping import iso
from core.town import Asset, BaseStation, Calibration, Sensor, Town, Utility, Zone

Part = Zone | Asset | Sensor | BaseStation
_CHECK_EVERY_S = 1.0
_PARTS: dict[str, tuple[sa.Table, type[BaseModel]]] = {
    "base_stations": (tables.base_stations, BaseStation), "zones": (tables.zones, Zone), "assets": (tables.assets, Asset),
}  # fmt: skip
_AT_THE_PLACE = ("zone", "latitude", "longitude", "reference_m", "crest_m", "weir", "mounting")
"""What belongs to where a sensor sits, not to the device: left behind when it moves."""


class TownRegister:
    """Reads are cheap: the database is asked for its revision at most once a second, and for the rest only when that changed."""

    def __init__(self, database: Database, audit: AuditRegister) -> None:
        self._database, self._audit = database, audit
        self._lock = RLock()
        self._town, self._revision, self._checked = Town(utility=Utility(name="Utility")), -1, -_CHECK_EVERY_S

    def town(self) -> Town:
        with self._lock:
            if time.monotonic() - self._checked >= _CHECK_EVERY_S:
                self._refresh()
            return self._town

    def revision(self) -> int:
        with self._lock:
            self.town()
            return self._revision

    def import_town(self, town: Town, actor: str) -> None:
        """Replace everything by this town, in one transaction."""
        with self._changing() as connection:
            for name, (table, _) in _PARTS.items():
                connection.execute(sa.delete(table).where(table.c.utility == self._database.utility))
                self._insert_parts(connection, table, getattr(town, name))
            connection.execute(sa.delete(tables.sensors).where(tables.sensors.c.utility == self._database.utility))
            self._insert_sensors(connection, town.sensors)
            body = town.model_dump(mode="json", exclude_defaults=True, exclude={"base_stations", "zones", "assets", "sensors"})
            counts = {name: len(getattr(town, name)) for name in (*_PARTS, "sensors")}
            self._commit(connection, actor, "town.import", town.utility.id, counts, body)

    def put(self, part: Part, actor: str) -> None:
        """Add a part, or replace the one with its id (a sensor: the placement with its id and valid_from).

        Raises Conflict when a sensor's id or device is elsewhere at the same time, NotFound for an asset or zone that is not there.
        """
        with self._changing() as connection:
            self._put(connection, [part])
            self._commit(connection, actor, f"{type(part).__name__.lower()}.put", part.id, _body(part))

    def put_all(self, parts: Sequence[Part], actor: str) -> None:
        """As `put` for many parts that may refer to one another: all of them or none, in one transaction."""
        with self._changing() as connection:
            self._put(connection, parts)
            self._commit(connection, actor, "town.put", f"{len(parts)} parts", {"ids": sorted({p.id for p in parts})})

    def _put(self, connection: sa.Connection, parts: Sequence[Part]) -> None:
        after = _with(self._town, parts)
        for part in parts:
            _check_references(after, part)
            if isinstance(part, Sensor):
                _check_overlap(after.sensors, part)
        placements = [_sensor_row(p, _place(after.sensors, p)) for p in parts if isinstance(p, Sensor)]
        self._database.upsert(connection, tables.sensors, placements)
        for name, (table, kind) in _PARTS.items():
            whole = getattr(after, name)
            rows = [{"id": p.id, "position": _place(whole, p), "body": _body(p)} for p in parts if isinstance(p, kind)]
            self._database.upsert(connection, table, rows)

    def move(self, sensor: str, asset: str, at: float, actor: str) -> Sensor:
        """The same device on another asset from `at`; what it measured before stays with the asset it was on."""
        gone = {name: Sensor.model_fields[name].default for name in _AT_THE_PLACE}
        return self._succeed(sensor, {**gone, "asset": asset}, at, actor, "sensor.move")

    def swap(self, sensor: str, dev_eui: str, at: float, actor: str, model: str | None = None, *, closing_m3: float | None = None,
             opening_m3: float | None = None) -> Sensor:  # fmt: skip
        """Another device at the same measuring point from `at`; the old one's calibration goes with it.

        Of a meter, its closing index and the new one's opening index, as read at the exchange, keep the volume continuous.
        """
        changes: dict[str, Any] = {"dev_eui": dev_eui, "calibration": (), **({"model": model} if model else {})}
        indices = {k: v for k, v in (("closing_m3", closing_m3), ("opening_m3", opening_m3)) if v is not None}
        return self._succeed(sensor, changes, at, actor, "sensor.swap", indices)

    def calibrate(self, sensor: str, calibration: Calibration, actor: str) -> Sensor:
        """Add a calibration, or replace the one of the same quantity and moment."""
        with self._changing() as connection:
            old = self._current(sensor)
            kept = [c for c in old.calibration if (c.quantity, c.valid_from) != (calibration.quantity, calibration.valid_from)]
            changed = old.model_copy(update={"calibration": tuple(sorted([*kept, calibration], key=lambda c: c.valid_from))})
            said = calibration.model_dump(mode="json", exclude_defaults=True)
            return self._replace(connection, [changed], actor, "sensor.calibrate", said)

    def retire(self, sensor: str, at: float, actor: str) -> Sensor:
        """The measuring point ends at `at`; its history stays."""
        with self._changing() as connection:
            old = self._current(sensor)
            _check_after(old, at)
            return self._replace(connection, [old.model_copy(update={"valid_to": at})], actor, "sensor.retire", {"at": iso(at)})

    def _succeed(
        self, sensor: str, changes: dict[str, Any], at: float, actor: str, action: str, indices: dict[str, float] | None = None
    ) -> Sensor:
        """Close the newest placement at `at` and open one with these changes; `indices` are those of a meter exchange."""
        with self._changing() as connection:
            old = self._current(sensor)
            _check_after(old, at)
            options, read = dict(old.options), indices or {}
            closed = old.model_copy(update={"valid_to": at, "options": {**options, **_part(read, "closing_m3")}})
            if indices is not None:
                options = {k: v for k, v in options.items() if k != "opening_m3"} | _part(read, "opening_m3")
            fields = {**old.model_dump(exclude_unset=True), **changes, "options": options, "valid_from": at, "valid_to": old.valid_to}
            follower = Sensor.model_validate(fields)
            _check_references(self._town, follower)
            _check_overlap([closed if s is old else s for s in self._town.sensors], follower)
            said: dict[str, Any] = {"at": iso(at), **{k: changes[k] for k in ("asset", "dev_eui", "model") if k in changes}, **read}
            return self._replace(connection, [closed, follower], actor, action, said)

    @contextmanager
    def _changing(self) -> Iterator[sa.Connection]:
        """One change of the town at a time, over all processes, from the newest snapshot to the one after it."""
        with self._lock:
            with self._database.write("town") as connection:
                self._refresh()
                yield connection
            self._refresh()

    def _current(self, sensor: str) -> Sensor:
        found = self._town.current.get(sensor)
        if found is None:
            raise NotFound(f"there is no sensor '{sensor}'")
        return found

    def _replace(self, connection: sa.Connection, placements: Sequence[Sensor], actor: str, action: str, details: dict[str, Any]) -> Sensor:
        rows = [_sensor_row(s, _place(self._town.sensors, s)) for s in placements]
        self._database.upsert(connection, tables.sensors, rows)
        self._commit(connection, actor, action, placements[-1].id, details)
        return placements[-1]

    def _commit(
        self, connection: sa.Connection, actor: str, action: str, subject: str, details: dict[str, Any], body: dict[str, Any] | None = None
    ) -> None:
        """Raise the town's revision and put the change in the audit trail."""
        row = connection.execute(self._database.mine(tables.towns)).one_or_none()
        utility = body or (row.body if row else {"utility": {"name": "Utility"}})
        self._database.upsert(connection, tables.towns, [{"revision": (row.revision if row else 0) + 1, "body": utility}])
        self._audit.add(AuditEntry(self._database.clock(), actor, action, subject, details), connection)

    def _insert_parts(self, connection: sa.Connection, table: sa.Table, parts: Iterable[Zone | Asset | BaseStation]) -> None:
        self._database.upsert(connection, table, [{"id": p.id, "position": i, "body": _body(p)} for i, p in enumerate(parts)])

    def _insert_sensors(self, connection: sa.Connection, sensors: Iterable[Sensor]) -> None:
        self._database.upsert(connection, tables.sensors, [_sensor_row(s, i) for i, s in enumerate(sensors)])

    def _refresh(self) -> None:
        with self._database.read() as connection:
            row = connection.execute(self._database.mine(tables.towns)).one_or_none()
            if row is not None and row.revision != self._revision:
                self._town, self._revision = self._load(connection, row.body), row.revision
        self._checked = time.monotonic()
        self._revision = max(self._revision, 0)

    def _load(self, connection: sa.Connection, body: dict[str, Any]) -> Town:
        parts = {name: self._bodies(connection, table) for name, (table, _) in _PARTS.items()}
        return Town.model_validate({**body, **parts, "sensors": self._bodies(connection, tables.sensors)})

    def _bodies(self, connection: sa.Connection, table: sa.Table) -> list[Any]:
        mine = sa.select(table.c.body).where(table.c.utility == self._database.utility)
        return list(connection.execute(mine.order_by(table.c.position)).scalars())


def _with(town: Town, parts: Sequence[Part]) -> Town:
    """The town as it will be with these parts added or replaced."""
    lists = {name: {p.id: p for p in getattr(town, name)} for name in _PARTS}
    placements = {(s.id, s.valid_from): s for s in town.sensors}
    for part in parts:
        if isinstance(part, Sensor):
            placements[part.id, part.valid_from] = part
        else:
            lists[next(n for n, (_, kind) in _PARTS.items() if isinstance(part, kind))][part.id] = part
    changed = {**{name: tuple(found.values()) for name, found in lists.items()}, "sensors": tuple(placements.values())}
    return Town.model_construct(**{**dict(town), **changed})


def _part(options: dict[str, float], name: str) -> dict[str, float]:
    return {name: options[name]} if name in options else {}


def _body(part: BaseModel) -> dict[str, Any]:
    return part.model_dump(mode="json", exclude_defaults=True)


def _sensor_row(sensor: Sensor, position: int) -> dict[str, Any]:
    return {"id": sensor.id, "valid_from": sensor.valid_from, "valid_to": sensor.valid_to, "dev_eui": sensor.dev_eui,
            "position": position, "body": _body(sensor)}  # fmt: skip


def _place(parts: Sequence[Any], part: Any) -> int:
    """Where a part stands in the town's order; new ones go last."""
    key = (part.id, getattr(part, "valid_from", None))
    return next((i for i, p in enumerate(parts) if (p.id, getattr(p, "valid_from", None)) == key), len(parts))


def _check_references(town: Town, part: Part) -> None:
    asset, zone, downstream = (getattr(part, name, None) for name in ("asset", "zone", "downstream"))
    for what, key, known in (("asset", asset, town.asset_by_id), ("zone", zone, town.zone_by_id), ("asset", downstream, town.asset_by_id)):
        if key is not None and key not in known:
            raise NotFound(f"'{part.id}' points to {what} '{key}', which is not registered")


def _check_overlap(sensors: Sequence[Sensor], sensor: Sensor) -> None:
    for other in (s for s in sensors if s.id == sensor.id or s.dev_eui == sensor.dev_eui):
        itself = (other.id, other.valid_from) == (sensor.id, sensor.valid_from)
        if not itself and other.valid_from < sensor.valid_to and sensor.valid_from < other.valid_to:
            raise Conflict(
                f"'{sensor.id}' ({sensor.dev_eui}) would be there at the same time as '{other.id}' ({other.dev_eui}): "
                "retire, move or swap the one that is there first"
            )


def _check_after(sensor: Sensor, at: float) -> None:
    if not sensor.valid_from < at < sensor.valid_to:
        raise Conflict(f"'{sensor.id}' is where it is only inside its period; {iso(at)} is not within it")
