"""The town in the registry: snapshots, changes, validity periods."""

import numpy as np
import pytest

from core.errors import Conflict, NotFound
from core.model import Reading, Readings
from core.points import read_points
from core.registry import Registry
from core.stores.memory import MemoryStore
from core.town import Asset, Calibration, Sensor, Town, Utility, Zone
from tests.registry.conftest import T0


def test_a_town_comes_back_as_it_was_put(registry, town):
    registry.import_town(town, "setup")
    assert registry.town() == town
    assert registry.audit.find(action="town.import")[0].details == {"base_stations": 1, "zones": 2, "assets": 2, "sensors": 2}


def test_an_empty_registry_has_an_empty_town(registry):
    assert registry.town().sensors == ()
    assert registry.town_revision() == 0


def test_a_town_survives_the_process(registry, town, url):
    registry.import_town(town, "setup")
    registry.close()
    again = Registry.open(url)
    assert again.town() == town
    again.close()


def test_the_snapshot_is_kept_until_something_changes(registry, town):
    registry.import_town(town, "setup")
    before, revision = registry.town(), registry.town_revision()
    assert registry.town() is before
    registry.put(Zone(id="west"), "anna")
    assert registry.town_revision() == revision + 1
    assert "west" in registry.town().zone_by_id


def test_a_change_by_another_process_is_seen(registry, town, url):
    registry.import_town(town, "setup")
    other = Registry.open(url)
    other.put(Zone(id="west"), "anna")
    other.close()
    registry._town._checked = -10.0  # as if a second had passed
    assert "west" in registry.town().zone_by_id


def test_put_replaces_in_place_and_adds_at_the_end(registry, town):
    registry.import_town(town, "setup")
    registry.put(Zone(id="north", population=950), "anna")
    registry.put(Zone(id="west"), "anna")
    assert [(z.id, z.population) for z in registry.town().zones] == [("north", 950), ("south", None), ("west", None)]


def test_put_refuses_what_points_nowhere(registry, town):
    registry.import_town(town, "setup")
    with pytest.raises(NotFound, match="asset 'nowhere'"):
        registry.put(Sensor(id="X", dev_eui="00000000000000ff", asset="nowhere"), "anna")
    with pytest.raises(NotFound, match="zone 'nowhere'"):
        registry.put(Asset(id="X", zone="nowhere"), "anna")


@pytest.mark.parametrize(
    "sensor", [Sensor(id="L2", dev_eui="00000000000000b1"), Sensor(id="L1", dev_eui="00000000000000ff", valid_from=T0)]
)
def test_a_device_and_a_point_are_in_one_place_at_a_time(registry, town, sensor):
    registry.import_town(town, "setup")
    with pytest.raises(Conflict, match="at the same time"):
        registry.put(sensor, "anna")
    assert registry.town() == town


def test_a_swapped_meter_keeps_its_series(registry, town):
    registry.import_town(town, "setup")
    registry.swap_sensor("M1", "00000000000000A2", T0 + 100, "anna", model="other")
    store = MemoryStore()
    rows = [Reading("00000000000000a1", "volume_m3", T0 + t, 500.0 + t) for t in range(0, 200, 20)]
    rows += [Reading("00000000000000a2", "volume_m3", T0 + t, t - 100.0) for t in range(40, 200, 20)]
    store.write(Readings.from_rows(rows))
    now = registry.town()
    series = read_points(store, now, [now.current["M1"]], "volume_m3", T0, T0 + 200)["M1"]
    np.testing.assert_array_equal(series.t, T0 + np.arange(0, 200, 20))
    np.testing.assert_array_equal(series.x, [500, 520, 540, 560, 580, 0, 20, 40, 60, 80])
    assert now.current["M1"].model == "other"
    assert now.sensor_at("00000000000000a1", T0 + 99).id == "M1"
    assert now.sensor_at("00000000000000a1", T0 + 100) is None


def test_a_moved_sensor_leaves_its_history_on_the_old_asset(registry, town):
    registry.import_town(town, "setup")
    registry.put(Asset(id="weir-2", kind="overflow_chamber", zone="north", crest_m=0.8), "anna")
    registry.move_sensor("L1", "weir-2", T0, "anna")
    now = registry.town()
    before, after = now.sensor_at("00000000000000b1", T0 - 1), now.sensor_at("00000000000000b1", T0)
    assert (before.asset, now.zone_of(before), now.crest_of(before)) == ("weir-1", "south", 1.2)
    assert (after.asset, now.zone_of(after), now.crest_of(after)) == ("weir-2", "north", 0.8)
    assert after.quantities == ("level_m",)


def test_a_device_can_go_to_another_point_once_it_was_retired(registry, town):
    registry.import_town(town, "setup")
    registry.retire_sensor("L1", T0, "anna")
    registry.put(Sensor(id="L9", dev_eui="00000000000000b1", asset="weir-1", valid_from=T0), "anna")
    assert registry.town().sensor_at("00000000000000b1", T0 - 1).id == "L1"
    assert registry.town().sensor_at("00000000000000b1", T0).id == "L9"


def test_a_change_before_the_period_is_refused(registry, town):
    registry.import_town(town, "setup")
    registry.swap_sensor("M1", "00000000000000a2", T0, "anna")
    with pytest.raises(Conflict, match="not within"):
        registry.swap_sensor("M1", "00000000000000a3", T0 - 5, "anna")
    with pytest.raises(NotFound, match="no sensor 'nobody'"):
        registry.retire_sensor("nobody", T0, "anna")


def test_calibrations_are_kept_in_order_and_replaced_by_moment(registry, town):
    registry.import_town(town, "setup")
    for at, offset in ((T0 + 10, 0.2), (T0, 0.1), (T0 + 10, 0.3)):
        registry.calibrate("L1", Calibration(quantity="level_m", offset=offset, valid_from=at), "anna")
    assert [(c.valid_from, c.offset) for c in registry.town().current["L1"].calibration] == [(T0, 0.1), (T0 + 10, 0.3)]


def test_every_change_is_in_the_audit_trail(registry, town):
    registry.import_town(town, "setup")
    registry.retire_sensor("L1", T0, "anna")
    entry = registry.audit.find(action="sensor.")[0]
    assert (entry.actor, entry.action, entry.subject, entry.details) == ("anna", "sensor.retire", "L1", {"at": "2026-05-28T20:26:40Z"})


def test_utilities_do_not_see_each_other(url, town):
    one, two = Registry.open(url, utility="gjovik"), Registry.open(url, utility="hamar")
    one.import_town(town, "setup")
    assert two.town().sensors == ()
    two.import_town(Town(utility=Utility(id="hamar", name="Hamar")), "setup")
    assert one.town() == town
    one.close()
    two.close()


def test_thirteen_thousand_meters(registry):
    assets = tuple(Asset(id=f"p{i}", kind="meter_point", household=True) for i in range(13_000))
    sensors = tuple(Sensor(id=f"m{i}", dev_eui=f"{i:016x}", asset=f"p{i}", quantities=("volume_m3",)) for i in range(13_000))
    town = Town(utility=Utility(name="Large"), assets=assets, sensors=sensors)
    registry.import_town(town, "setup")
    assert registry.town() == town
