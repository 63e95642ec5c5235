"""The analyst over a real registry: figures are kept with their history, and change only when their inputs do."""

import numpy as np
import pytest

from analytics.worker import Analyst
from core.model import Readings
from core.records import MasterValue
from core.registry import Registry
from tests.indicators.town import END, HOUR, START, filled, index, measured, town

NOW = END + 10 * 86400.0


@pytest.fixture
def analyst(tmp_path):
    registry = Registry.open(f"sqlite:///{tmp_path / 'registry.db'}")
    registry.import_town(town(), "test")
    yield Analyst(filled(), registry, lambda: NOW)
    registry.close()


def test_a_second_look_at_the_same_data_changes_no_figure(analyst):
    assert analyst.work(START, END).figures
    assert analyst.work(START, END).figures == ()


def test_a_late_reading_raises_the_revision_and_keeps_the_old_figure(analyst):
    first = {(v.indicator, v.zone, v.start): v for v in analyst.work(START, END).figures}
    t = np.array([START + 500.5 * HOUR])
    analyst.store.write(Readings.of_series("d-inA", "volume_m3", t, np.array([100.0])))
    late = Readings.of_series("d-mA0", "volume_m3", np.array([END + 1 * HOUR]), np.array([100.0 + 0.5 * (END - START) / HOUR + 101.0]))
    analyst.store.write(late)
    changed = {(v.indicator, v.zone, v.start): v for v in analyst.work(END, END + 2 * HOUR).figures}
    key = next(k for k in changed if k[:2] == ("W01", "A"))
    assert changed[key].revision == first[key].revision + 1 if key in first else changed[key].revision == 1
    history = analyst.registry.figures.find(indicator="W01", zone="A", history=True)
    assert len({(v.start, v.end, v.revision) for v in history}) == len(history)


def test_new_master_data_revises_the_figure(analyst):
    before = next(v for v in analyst.work(START, END).figures if (v.indicator, v.zone) == ("W02", "A") and v.end == END)
    analyst.registry.master.put(MasterValue("service_connections", "A", 10.0, START - 86400, 4e9, "survey", NOW))
    after = next(v for v in analyst.work(START, END).figures if (v.indicator, v.zone) == ("W02", "A") and v.end == END)
    assert (before.revision, after.revision) == (1, 2)
    assert after.value == pytest.approx(before.value / 2)
    assert after.lineage["published_at"] == before.lineage["published_at"]
    assert len(index("d", 1.0)) == len(measured()[0])
