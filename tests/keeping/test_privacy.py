"""Zone totals that reveal nobody, and a person's right to see and to be forgotten."""

import csv
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.errors import ConfigError, Conflict, NotFound
from core.privacy import erase_person, export_person, protected, zone_totals
from core.town import Sensor
from tests.keeping.conftest import DAY, HOUSES, NOW, house


def test_a_cell_needs_k_meters():
    values = np.ones((10, 2))
    values[0, 1] = np.nan
    totals = protected(values, np.array([0.0, 1.0]))
    assert totals.value[0] == 10
    assert np.isnan(totals.value[1])
    assert totals.withheld == ("", "fewer than 10 meters")
    assert totals.meters.tolist() == [10, 9]


def test_a_cell_that_one_meter_dominates_is_withheld():
    values = np.ones((11, 3))
    values[0] = (10.0, 10.01, -30.0)
    totals = protected(values, np.arange(3.0))
    assert totals.withheld == ("", "one meter is more than 50% of the sum", "one meter is more than 50% of the sum")
    assert totals.value[0] == 20
    assert np.isnan(totals.value[1:]).all()


def test_k_is_never_below_five():
    with pytest.raises(ConfigError, match="fewer than 5 households"):
        protected(np.ones((20, 1)), np.zeros(1), k=4)


def test_nothing_about_nobody():
    assert protected(np.empty((0, 2)), np.zeros(2)).withheld == ("fewer than 10 meters",) * 2


@given(
    arrays(float, st.tuples(st.integers(0, 14), st.integers(1, 4)), elements=st.one_of(st.just(np.nan), st.floats(-5, 1e3))),
    st.integers(5, 12),
)
def test_no_published_cell_breaks_the_rules(values, k):
    totals = protected(values, np.zeros(values.shape[1]), k=k)
    for j, value in enumerate(totals.value):
        column = values[:, j][~np.isnan(values[:, j])]
        if np.isnan(value):
            assert totals.withheld[j]
        else:
            assert len(column) >= k
            assert np.abs(column).max() <= 0.5 * np.abs(column).sum()
            assert value == pytest.approx(column.sum())


def test_zone_totals_by_hand(store, town):
    edges = NOW - DAY * np.array([4.5, 3.5, 2.5])
    totals = zone_totals(store, town, "north", edges)
    np.testing.assert_allclose(totals.value, [7.8, 7.8])  # 0.1 + 0.2 + … + 1.2; the dairy is no household
    assert totals.meters.tolist() == [HOUSES] * 2
    assert zone_totals(store, town, "south", edges).withheld == ("fewer than 10 meters",) * 2
    assert zone_totals(store, town, "north", NOW + DAY * np.array([3.0, 4.0])).withheld == ("fewer than 10 meters",)
    with pytest.raises(NotFound, match="no zone 'west'"):
        zone_totals(store, town, "west", edges)


def test_a_person_gets_everything_and_it_is_noted(store, registry, tmp_path):
    rows = export_person(store, registry, "house-3", tmp_path / "out", "anna", NOW)
    assert rows == 1000
    with (tmp_path / "out" / "readings.csv").open() as file:
        read = list(csv.DictReader(file))
    assert {r["sensor"] for r in read} == {"M3"}
    assert {r["quantity"] for r in read} == {"volume_m3", "rssi_dbm"}
    record = json.loads((tmp_path / "out" / "record.json").read_text())
    assert record["sensors"][0]["dev_eui"] == house(3)
    entry = registry.audit.find(personal=True)[0]
    assert (entry.actor, entry.action, entry.subject, entry.details) == ("anna", "privacy.export", "house-3", {"rows": 1000})


def test_erasing_removes_one_person_and_nobody_else(store, registry):
    before = store.size()["rows"]
    asked = []

    def uplinks(devices, dry_run):
        asked.append((list(devices), dry_run))
        return 7

    assert erase_person(store, registry, "M3", "anna", NOW, dry_run=True, erase_uplinks=uplinks) == (1000, 7)
    assert store.size()["rows"] == before
    assert registry.audit.find(action="privacy.") == []
    assert erase_person(store, registry, "M3", "anna", NOW, dry_run=False, erase_uplinks=uplinks) == (1000, 7)
    assert store.size()["rows"] == before - 1000
    assert store.coverage([house(3)]) == []
    assert asked == [([house(3)], True), ([house(3)], False)]
    assert registry.audit.find(action="privacy.")[0].details == {"rows": 1000, "uplinks": 7}


def test_erasing_takes_every_device_the_point_has_had(store, registry):
    registry.swap_sensor("M3", "00000000000000aa", NOW - 10 * DAY, "anna")
    erase_person(store, registry, "house-3", "anna", NOW, dry_run=False)
    assert store.coverage([house(3), "00000000000000aa"]) == []


def test_a_device_that_has_been_elsewhere_is_not_erased_by_mistake(store, registry):
    registry.retire_sensor("M3", NOW - 10 * DAY, "anna")
    registry.put(Sensor(id="M99", dev_eui=house(3), asset="dairy", valid_from=NOW - 10 * DAY), "anna")
    with pytest.raises(Conflict, match="has also been at another"):
        erase_person(store, registry, "M3", "anna", NOW, dry_run=False)
    with pytest.raises(NotFound, match="no meter point or sensor 'house-77'"):
        erase_person(store, registry, "house-77", "anna", NOW, dry_run=False)
