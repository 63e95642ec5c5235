"""A meter exchange, registered as in the field: the index goes on and no water is lost or made."""

import numpy as np
import pytest

from analytics.rollup import CounterRules, continuous, exchanges, point_volumes
from core.model import Reading, Readings
from core.points import read_points
from core.registry import Registry
from core.stores.memory import MemoryStore
from core.town import Asset, Sensor, Town, Utility

T0, H = 1_780_000_000.0, 3600.0
OLD, NEW, THIRD = "00000000000000a1", "00000000000000a2", "00000000000000a3"


@pytest.fixture
def registry(tmp_path):
    opened = Registry.open(f"sqlite:///{tmp_path}/registry.db")
    assets = (Asset(id="house-1", kind="meter_point", household=True),)
    opened.import_town(
        Town(utility=Utility(name="x"), assets=assets, sensors=(Sensor(id="M1", dev_eui=OLD, asset="house-1", options={"q3": 2.5}),)), "t"
    )
    yield opened
    opened.close()


@pytest.fixture
def store():
    """0.1 m³ an hour: the old meter to hour 9.5 from 500 m³, the new one from 3.0 m³; each is read on the hour."""
    rows = [Reading(OLD, "volume_m3", T0 + h * H, 500 + 0.1 * h) for h in range(10)]
    rows += [Reading(NEW, "volume_m3", T0 + h * H, 3.0 + 0.1 * (h - 9.5)) for h in range(10, 20)]
    rows += [Reading(OLD, "volume_m3", T0 + 15 * H, 777.0)]  # in the workshop
    memory = MemoryStore()
    memory.write(Readings.from_rows(rows))
    return memory


def test_with_both_indices_read_the_volume_is_whole(registry, store):
    registry.swap_sensor("M1", NEW, T0 + 9.5 * H, "anna", closing_m3=500.95, opening_m3=3.0)
    town = registry.town()
    volumes = point_volumes(store, town, town.current["M1"], "volume_m3", T0 + H * np.arange(20.0), CounterRules(q4_m3h=3.125))
    np.testing.assert_allclose(volumes.volume_m3, 0.1)
    assert volumes.coverage.tolist() == [1.0] * 19
    s = read_points(store, town, [town.current["M1"]], "volume_m3", T0, T0 + 20 * H)["M1"]
    t, index = continuous(s.t, s.x, s.flag, CounterRules(exchanges=exchanges(town, "M1")))
    np.testing.assert_allclose(index, 500 + 0.1 * np.arange(20))
    assert t.tolist() == (T0 + H * np.arange(20)).tolist()


def test_without_them_the_hour_is_not_known_and_says_so(registry, store):
    registry.swap_sensor("M1", NEW, T0 + 9.5 * H, "anna")
    town = registry.town()
    volumes = point_volumes(store, town, town.current["M1"], "volume_m3", T0 + H * np.arange(20.0), CounterRules())
    assert np.isnan(volumes.volume_m3[9])
    assert volumes.coverage[9] == 0
    np.testing.assert_allclose(np.delete(volumes.volume_m3, 9), 0.1)


def test_indices_belong_to_one_exchange_each(registry):
    registry.swap_sensor("M1", NEW, T0, "anna", closing_m3=500.0, opening_m3=3.0)
    registry.swap_sensor("M1", THIRD, T0 + H, "anna", closing_m3=90.0)
    first, second = exchanges(registry.town(), "M1")
    assert (first.at, first.closing_m3, first.opening_m3) == (T0, 500.0, 3.0)
    assert (second.at, second.closing_m3, second.opening_m3) == (T0 + H, 90.0, None)
    assert registry.town().current["M1"].options == {"q3": 2.5}
