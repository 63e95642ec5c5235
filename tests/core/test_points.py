"""A measuring point keeps its history when its device is swapped, and a moved device leaves its history behind."""

import numpy as np

from core.model import Flag, Series
from core.points import read_points
from core.town import Town


class TwoDevices:
    """A store that holds t = 0…9 for every device, the device's number as value."""

    def read(self, sensors, quantity, start, end):
        t = np.arange(start, end)
        n = len(t)
        return {s: Series(s, quantity, t, np.full(n, float(s)), np.full(n, Flag.GOOD, np.uint8), np.zeros(n, np.int64)) for s in sensors}


def test_a_swapped_device_continues_the_series():
    town = Town.model_validate({
        "utility": {"name": "T"},
        "sensors": [
            {"id": "P", "dev_eui": "1", "valid_to": 4},
            {"id": "P", "dev_eui": "2", "valid_from": 4},
            {"id": "Q", "dev_eui": "1", "valid_from": 6},
        ],
    })  # fmt: skip
    found = read_points(TwoDevices(), town, town.sensors, "level_m", 0.0, 10.0)
    assert found["P"].x.tolist() == [1, 1, 1, 1, 2, 2, 2, 2, 2, 2]
    assert found["Q"].t.tolist() == [6, 7, 8, 9]


def test_a_changed_copy_of_a_town_looks_things_up_anew():
    town = Town.model_validate({"utility": {"name": "T"}, "sensors": [{"id": "P", "dev_eui": "1"}]})
    assert town.current["P"].interval_s is None
    changed = town.model_copy(update={"sensors": tuple(s.model_copy(update={"interval_s": 60.0}) for s in town.sensors)})
    assert changed.current["P"].interval_s == 60.0
    assert town.current["P"].interval_s is None
