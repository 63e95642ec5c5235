"""The analyst: what is dirty is worked on once, late data re-opens the past, alarms close when nobody need work on them."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.worker import BACK_S, Analyst, mark_late
from core.model import Readings
from core.records import AlarmState
from core.registry import Registry
from core.stores.memory import MemoryStore
from core.timekeeping import unix
from core.town import Town

NOW = unix("2026-05-20T12:00:00Z")
HOUR = 3600.0
TOWN = Town.model_validate({
    "utility": {"name": "T"},
    "zones": [{"id": "S", "kind": "sewer"}],
    "assets": [{"id": "OV", "kind": "overflow_chamber", "zone": "S", "crest_m": 1.0}],
    "sensors": [{"id": "L", "dev_eui": "l", "asset": "OV", "quantities": ["level_m"], "interval_s": 60}],
})  # fmt: skip


def level(start: float, end: float, over: tuple[float, float] | None) -> Readings:
    """A level of 0.5 m each minute, 1.3 m while it overflows."""
    t = np.arange(start, end, 60.0)
    x = np.where((t >= over[0]) & (t < over[1]), 1.3, 0.5) if over else np.full(len(t), 0.5)
    return Readings.of_series("l", "level_m", t, x)


@pytest.fixture
def analyst(tmp_path):
    registry = Registry.open(f"sqlite:///{tmp_path}/registry.db", clock=lambda: NOW)
    registry.import_town(TOWN, "test")
    yield Analyst(MemoryStore(), registry, lambda: NOW)
    registry.close()


def overflows(analyst):
    return [e for e in analyst.registry.events.find() if e.kind == "overflow"]


def test_an_overflow_becomes_one_event_and_one_alarm_however_often_it_is_looked_at(analyst):
    readings = level(NOW - 20 * HOUR, NOW, (NOW - 3 * HOUR, NOW - HOUR))
    analyst.store.write(readings)
    heard = []
    analyst.on_alarm = heard.append
    for _ in range(3):
        analyst.dirty.note(readings)
        analyst.run_once()
    (event,) = overflows(analyst)
    assert (event.start, event.end) == (NOW - 3 * HOUR - 30, NOW - HOUR - 30)
    assert event.revision == 1
    assert len([a for a in heard if a.kind == "overflow"]) == 1


def test_late_data_revises_the_event_and_keeps_its_id(analyst):
    whole = level(NOW - 20 * HOUR, NOW, (NOW - 3 * HOUR, NOW - HOUR))
    early = whole.where(whole.t < NOW - 2 * HOUR)
    for part in (early, whole.where(whole.t >= NOW - 2 * HOUR)):
        analyst.store.write(part)
        analyst.dirty.note(part)
        analyst.run_once()
    (event,) = overflows(analyst)
    assert event.end == NOW - HOUR - 30
    assert event.revision > 1


def test_late_marks_of_another_process_are_worked_on_once(analyst):
    late = level(NOW - BACK_S - 10 * HOUR, NOW - BACK_S - HOUR, (NOW - BACK_S - 5 * HOUR, NOW - BACK_S - 4 * HOUR))
    analyst.store.write(late)
    mark_late(analyst.registry, late, NOW)
    analyst.run_once()
    assert len(overflows(analyst)) == 1
    assert analyst.registry.documents.keys("late:") == []
    fresh = level(NOW - HOUR, NOW, None)
    mark_late(analyst.registry, fresh, NOW)
    assert analyst.registry.documents.keys("late:") == []


def test_an_alarm_nobody_took_up_closes_some_days_after_its_cause_ended(analyst):
    old = level(NOW - 8 * 24 * HOUR, NOW, (NOW - 6 * 24 * HOUR, NOW - 6 * 24 * HOUR + 2 * HOUR))
    analyst.store.write(old)
    analyst.work(NOW - 8 * 24 * HOUR, NOW)
    alarms = [a for a in analyst.registry.alarms.find() if a.kind == "overflow"]
    assert [a.state for a in alarms] == [AlarmState.CLOSED]
    assert alarms[0].comments[-1].text == "ended by itself"
    analyst.work(NOW - 8 * 24 * HOUR, NOW)
    assert [a.state for a in analyst.registry.alarms.find() if a.kind == "overflow"] == [AlarmState.CLOSED]
    assert len(overflows(analyst)) == 1
