"""Only what changed is read again, and the answer is the one a fresh calculation gives."""

import numpy as np
import pytest

from analytics.indicators import Rollups, compute
from analytics.indicators import rollup as rollup_module
from core.model import Readings, concatenate
from core.stores.memory import MemoryStore
from core.timekeeping import local_day, period
from tests.indicators.town import END, HOUR, START, flat, index, measured, nothing, town

DAY = 86400.0


class Counting(MemoryStore):
    """The store in memory, noting which device-days are aggregated."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def aggregate(self, sensors, quantity, edges):
        self.asked += [(s, local_day(float(e))) for s in sensors for e in edges[:-1]]
        return super().aggregate(sensors, quantity, edges)


@pytest.fixture
def store():
    made = Counting()
    made.write(concatenate([*measured(), index("d-mA0", 0.5, END, END + 5 * DAY, at=100.5 + 0.5 * (END - START) / HOUR)]))
    return made


def leak(store, rollups, **more):
    return compute(store, town(), START, END, events=(), master=nothing, now=END + 10 * DAY, keys=["W01", "W11"], rollups=rollups, **more)


def test_a_second_calculation_reads_nothing(store):
    rollups = Rollups(store)
    first = leak(store, rollups)
    store.asked.clear()
    assert leak(store, rollups) == first
    assert store.asked == []


def test_one_late_reading_has_its_own_day_read_again(store):
    rollups = Rollups(store)
    leak(store, rollups)
    late = Readings.of_series("d-mA0", "volume_m3", np.array([START + 12 * DAY + 60.0]), np.array([99.0]))
    written = store.write(late)
    store.asked.clear()
    rollups.forget(written.touched)
    again = leak(store, rollups)
    assert {s for s, _ in store.asked} == {"d-mA0"}
    assert len({d for _, d in store.asked}) <= 31 + 2
    assert again == leak(store, Rollups(store))


def test_forgetting_a_window_gives_what_a_fresh_calculation_gives(store):
    rollups = Rollups(store)
    leak(store, rollups)
    store.write(flat("d-inA", "volume_m3", 5000.0, START + 3 * DAY, START + 3 * DAY + 1))
    rollups.forget_window(START + 3 * DAY, START + 3 * DAY + 1)
    assert leak(store, rollups) == leak(store, Rollups(store))


def test_an_unfinished_day_is_always_read_again(store):
    rollups = Rollups(store)
    now = START + 5.5 * DAY
    arguments = {"events": (), "master": nothing, "keys": ["X01"], "zones": ["A"], "rollups": rollups}
    (before,) = compute(store, town(), START, END, now=now, **arguments)
    store.write(flat("d-pA", "pressure_bar", 5.0, now - 1800, now - 1799))
    (after,) = compute(store, town(), START, END, now=now, **arguments)
    assert after.numerator == before.numerator
    (later,) = compute(store, town(), START, END, now=now + 2 * DAY, **arguments)
    assert later.denominator == pytest.approx(before.denominator + 7 * 48)


def test_what_was_used_longest_ago_goes_when_memory_is_short(store, monkeypatch):
    monkeypatch.setattr(rollup_module, "KEPT_CELLS", 1)
    rollups = Rollups(store)
    first = leak(store, rollups)
    compute(store, town(), *period("2025-05"), events=(), master=nothing, now=END, keys=["W01"], rollups=rollups)
    store.asked.clear()
    assert leak(store, rollups) == first
    assert store.asked
