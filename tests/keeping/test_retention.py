"""Each class of data leaves when its time is over, and no other."""

import pytest

from core.errors import ConfigError
from core.retention import DataClass, Policy, apply, changed, classes, from_document, to_document
from tests.keeping.conftest import DAY, HOUSES, NOW, house


def test_devices_fall_into_classes(store, town):
    found = classes(store, town)
    assert found[DataClass.HOUSEHOLD_METERS] == sorted(house(i) for i in range(HOUSES))
    assert found[DataClass.OTHER_METERS] == ["00000000000000d1"]
    assert found[DataClass.NETWORK_SENSORS] == ["00000000000000b1"]


def test_a_dry_run_counts_and_the_run_removes_the_same(store, town):
    policy = changed(Policy(), ["household_meters=400", "radio=100", "network_sensors=forever", "raw_uplinks=30"])
    pruned = []

    def prune(before, dry_run):
        pruned.append((before, dry_run))
        return 5

    planned = apply(store, town, policy, NOW, dry_run=True, prune_uplinks=prune)
    assert {s.data: s.rows for s in planned} == {"household_meters": HOUSES * 99, "radio": HOUSES * 399, "raw_uplinks": 5}
    before = store.size()["rows"]
    assert apply(store, town, policy, NOW, dry_run=False, prune_uplinks=prune) == planned
    assert pruned == [(NOW - 30 * DAY, True), (NOW - 30 * DAY, False)]
    assert store.size()["rows"] == before - HOUSES * (99 + 399)
    left = {(c.sensor, c.quantity): c.first for c in store.coverage()}
    assert left[house(0), "volume_m3"] == NOW - 400 * DAY
    assert left[house(0), "rssi_dbm"] == NOW - 100 * DAY
    assert left["00000000000000d1", "volume_m3"] == left["00000000000000b1", "level_m"] == NOW - 499 * DAY
    assert all(s.rows == 0 for s in apply(store, town, policy, NOW, dry_run=True))


def test_a_policy_survives_its_document():
    policy = changed(Policy(), ["other_meters=3650", "radio=forever"])
    assert from_document(to_document(policy)) == policy
    assert from_document(None) == Policy()
    assert from_document({"radio": 7}).days[DataClass.RADIO] == 7


def test_mistakes_are_all_named():
    with pytest.raises(ConfigError) as wrong:
        changed(Policy(), ["meters=4", "radio=soon", "radio=0"])
    assert len(wrong.value.problems) == 3


def test_raw_uplinks_that_outlive_household_readings_are_pointed_out():
    assert Policy().warnings() == []
    assert "still hold them" in changed(Policy(), ["raw_uplinks=forever"]).warnings()[0]
