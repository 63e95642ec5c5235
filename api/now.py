"""The newest value of every sensor, held in memory, and what state that puts the sensor in."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Sequence

from core.model import Flag, Reading
from core.quantities import QUANTITIES
from core.records import Alarm
from core.store import SeriesStore
from core.town import Sensor, Town

SUPPORTING = frozenset({"battery_v", "battery_pct", "rssi_dbm", "snr_db", "status_bits", "temperature_c", "tilt_deg", "contact"})
"""Quantities that are not what a sensor is there for, where it measures something else too."""
SILENT_AFTER_INTERVALS = 3.0
USUAL_INTERVAL_S = 3600.0
FELT_MOST = 4
"""An alarm names its leading sensors first; those carry its colour, the zone carries the rest. A whole zone of red dots says nothing."""
RANK = {"info": 1, "warning": 2, "major": 3, "critical": 4}


class Latest:
    """Newest reading by device and quantity. Filled from the store once, then kept by what the pipeline publishes."""

    def __init__(self, store: SeriesStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._rows: dict[str, dict[str, Reading]] = {}

    def load(self) -> list[Reading]:
        """Ask the store for everything; returns the readings that were news."""
        return self.update(self._store.latest())

    def update(self, batch: Iterable[Reading]) -> list[Reading]:
        """Take newer readings in; returns those that were newer than what was known."""
        news = []
        with self._lock:
            for reading in batch:
                row = self._rows.setdefault(reading.sensor, {})
                known = row.get(reading.quantity)
                if known is None or reading.measured_at > known.measured_at:
                    row[reading.quantity] = reading
                    news.append(reading)
        return news

    def of(self, dev_eui: str) -> dict[str, Reading]:
        """{quantity: newest reading} of a device."""
        return self._rows.get(dev_eui, {})


def main_quantity(sensor: Sensor) -> str | None:
    """What the sensor is there for: its first quantity that is neither supporting nor a running index, where it has one."""
    own = [q for q in sensor.quantities if q not in SUPPORTING]
    rates = [q for q in own if q in QUANTITIES and not QUANTITIES[q].counter]
    return next(iter([*rates, *own, *sensor.quantities]), None)


def heard_at(rows: dict[str, Reading]) -> float | None:
    """When the device last measured anything."""
    return max((r.measured_at for r in rows.values()), default=None)


def state_of(sensor: Sensor, rows: dict[str, Reading], alarms: Sequence[Alarm], now: float) -> str:
    """unknown (never heard), silent (three intervals without a word), the worst open alarm's severity, suspect (flag), or ok."""
    worst = max((a.severity for a in alarms if a.kind != "silence"), key=lambda s: RANK.get(s, 0), default=None)
    if worst is not None and RANK.get(worst, 0) >= 2:
        return worst
    last = heard_at(rows)
    if last is None:
        return "unknown"
    if now - last > SILENT_AFTER_INTERVALS * max(sensor.interval_s or USUAL_INTERVAL_S, 60.0) + 60.0:
        return "silent"
    main = rows.get(main_quantity(sensor) or "")
    if main is not None and main.flag in (Flag.SUSPECT, Flag.FAIL, Flag.MISSING):
        return "suspect"
    return "ok"


def alarms_by_sensor(alarms: Iterable[Alarm], now: float) -> dict[str, list[Alarm]]:
    """Open alarms whose cause lasts and that are not shelved, by sensor id."""
    found: dict[str, list[Alarm]] = {}
    for alarm in alarms:
        if alarm.ended_at is None and (alarm.shelved_until or 0.0) <= now:
            for sensor in alarm.sensors[:FELT_MOST]:
                found.setdefault(sensor, []).append(alarm)
    return found


def shown(town: Town, now: float) -> list[Sensor]:
    """Sensors anybody who may sign in may see: in use now, and no household's meter."""
    return [s for s in town.current.values() if s.valid_to > now and not town.is_personal(s)]


def finite(x: float | None) -> float | None:
    """NaN and infinities are null outside."""
    return x if x is not None and math.isfinite(x) else None
