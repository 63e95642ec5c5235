import numpy as np
import pytest

from core.model import Readings
from core.registry import Registry
from core.stores.duckdb import DuckDBStore
from core.town import Asset, Sensor, Town, Utility, Zone

NOW = 1_780_000_000.0
DAY = 86_400.0
HOUSES = 12


def house(i):
    return f"{i:016x}"


@pytest.fixture
def town():
    homes = tuple(Asset(id=f"house-{i}", kind="meter_point", zone="north", household=True) for i in range(HOUSES))
    plant = (Asset(id="dairy", kind="meter_point", zone="north"), Asset(id="weir-1", kind="overflow_chamber", zone="north"))
    meters = tuple(Sensor(id=f"M{i}", dev_eui=house(i), asset=f"house-{i}", quantities=("volume_m3",)) for i in range(HOUSES))
    others = (
        Sensor(id="D1", dev_eui="00000000000000d1", asset="dairy", quantities=("volume_m3",)),
        Sensor(id="L1", dev_eui="00000000000000b1", asset="weir-1", quantities=("level_m",)),
    )
    return Town(utility=Utility(name="Gjøvik"), zones=(Zone(id="north"), Zone(id="south")), assets=homes + plant, sensors=meters + others)


@pytest.fixture
def registry(tmp_path, town):
    opened = Registry.open(f"sqlite:///{tmp_path}/registry.db", clock=lambda: NOW)
    opened.import_town(town, "setup")
    yield opened
    opened.close()


@pytest.fixture
def store(tmp_path):
    """500 days of one reading a day: house i uses (i + 1)/10 m³ a day, the dairy 50; level and signal strength beside."""
    opened = DuckDBStore(tmp_path / "readings.duckdb")
    days = np.arange(500.0)
    t = NOW - DAY * days[::-1]
    for i in range(HOUSES):
        opened.write(Readings.of_series(house(i), "volume_m3", t, 100 + days * (i + 1) / 10))
        opened.write(Readings.of_series(house(i), "rssi_dbm", t, np.full(500, -110.0)))
    opened.write(Readings.of_series("00000000000000d1", "volume_m3", t, days * 50.0))
    opened.write(Readings.of_series("00000000000000b1", "level_m", t, np.full(500, 0.5)))
    yield opened
    opened.close()
