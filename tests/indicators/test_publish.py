"""The analyst over a real registry: figures are kept with their history, and change only when their inputs do."""

import pytest

from analytics.worker import Analyst
from core.records import MasterValue
from core.registry import Registry
from tests.indicators.town import END, HOUR, START, filled, flat, measured, town

NOW = END + 10 * 86400.0


@pytest.fixture
def registry(tmp_path):
    registry = Registry.open(f"sqlite:///{tmp_path / 'registry.db'}")
    registry.import_town(town(), "test")
    yield registry
    registry.close()


@pytest.fixture
def analyst(registry):
    return Analyst(filled(), registry, lambda: NOW)


def month(figures, indicator, zone):
    return next(v for v in figures if (v.indicator, v.zone, v.end) == (indicator, zone, END))


def test_a_second_look_at_the_same_data_changes_no_figure(analyst):
    assert analyst.work(START, END).figures
    assert analyst.work(START, END).figures == ()


def test_a_late_reading_raises_the_revision_and_keeps_the_old_figure(registry):
    """A day of the level sensor cso1 arrives after the first publication."""
    late = flat("d-cso1", "level_m", 0.2, START + 240 * HOUR, START + 264 * HOUR)
    others = [p for p in measured() if p.sensor[0] != "d-cso1"]
    early = [flat("d-cso1", "level_m", 0.2, end=START + 240 * HOUR), flat("d-cso1", "level_m", 0.2, START + 264 * HOUR)]
    analyst = Analyst(filled([*others, *early]), registry, lambda: NOW)
    first = month(analyst.work(START, END).figures, "X01", "S")
    analyst.store.write(late)
    changed = analyst.work(START + 240 * HOUR, START + 264 * HOUR).figures
    second = month(changed, "X01", "S")
    assert (second.numerator, second.revision) == (first.numerator + 24, 2)
    assert not [v for v in changed if v.indicator == "W01"]
    kept = registry.figures.find(indicator="X01", zone="S", start=START, end=END, history=True)
    assert [(v.revision, v.numerator) for v in kept] == [(1, first.numerator), (2, second.numerator)]


def test_new_master_data_revises_the_figure(analyst):
    before = next(v for v in analyst.work(START, END).figures if (v.indicator, v.zone) == ("W02", "A") and v.end == END)
    analyst.registry.master.put(MasterValue("service_connections", "A", 10.0, START - 86400, 4e9, "survey", NOW))
    after = next(v for v in analyst.work(START, END).figures if (v.indicator, v.zone) == ("W02", "A") and v.end == END)
    assert (before.revision, after.revision) == (1, 2)
    assert after.value == pytest.approx(before.value / 2)
    assert after.lineage["published_at"] == before.lineage["published_at"]
