"""Everything kept beside the readings: town, events, alarms, figures, people, audit. Records of core.model and core.records in and out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from sqlalchemy import Engine

from core.registry.alarms import AlarmRegister
from core.registry.audit import AuditRegister
from core.registry.database import Database, connect, migrate
from core.registry.documents import DocumentRegister
from core.registry.entered import CommissioningRegister, MaintenanceRegister, MasterRegister
from core.registry.events import EventRegister
from core.registry.figures import FigureRegister
from core.registry.outbox import OutboxRegister
from core.registry.people import KeyRegister, UserRegister
from core.registry.town import Part, TownRegister
from core.town import Calibration, Sensor, Town


class Registry:
    """One register per noun over one database, all for one utility.

    Every method raises StoreUnavailable when the database does not answer and StoreRejected when it never will.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.audit = AuditRegister(database)
        self.events = EventRegister(database)
        self.alarms = AlarmRegister(database, self.audit)
        self.figures = FigureRegister(database)
        self.master = MasterRegister(database)
        self.maintenance = MaintenanceRegister(database)
        self.commissionings = CommissioningRegister(database)
        self.users = UserRegister(database)
        self.keys = KeyRegister(database)
        self.outbox = OutboxRegister(database)
        self.documents = DocumentRegister(database)
        self._town = TownRegister(database, self.audit)

    @classmethod
    def open(cls, url: str, *, utility: str = "utility", clock: Callable[[], float] = time.time) -> Registry:
        """Open `sqlite:////path/registry.db` or `postgresql+psycopg://…`, its schema brought up to date."""
        engine = connect(url)
        try:
            migrate(engine)
        except BaseException:
            engine.dispose()
            raise
        return cls(Database(engine, utility, clock))

    def town(self) -> Town:
        """The town as it is now; cheap enough to ask for every batch."""
        return self._town.town()

    def town_revision(self) -> int:
        """Goes up with every change of the town, by whichever process; 0 for a town never written."""
        return self._town.revision()

    def import_town(self, town: Town, actor: str) -> None:
        """Replace the whole town."""
        self._town.import_town(town, actor)

    def put(self, part: Part, actor: str) -> None:
        """Add or replace a zone, asset, base station or placement of a sensor."""
        self._town.put(part, actor)

    def put_all(self, parts: Sequence[Part], actor: str) -> None:
        """Add or replace many at once: all of them or none."""
        self._town.put_all(parts, actor)

    def move_sensor(self, sensor: str, asset: str, at: float, actor: str) -> Sensor:
        return self._town.move(sensor, asset, at, actor)

    def swap_sensor(self, sensor: str, dev_eui: str, at: float, actor: str, model: str | None = None, *, closing_m3: float | None = None,
                    opening_m3: float | None = None) -> Sensor:  # fmt: skip
        return self._town.swap(sensor, dev_eui, at, actor, model, closing_m3=closing_m3, opening_m3=opening_m3)

    def calibrate(self, sensor: str, calibration: Calibration, actor: str) -> Sensor:
        return self._town.calibrate(sensor, calibration, actor)

    def retire_sensor(self, sensor: str, at: float, actor: str) -> Sensor:
        return self._town.retire(sensor, at, actor)

    @property
    def engine(self) -> Engine:
        """For backups and for health checks; everything else goes through the registers."""
        return self._database.engine

    def close(self) -> None:
        self._database.close()
