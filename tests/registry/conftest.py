import itertools

import pytest

from core.registry import Registry
from core.town import Asset, BaseStation, Sensor, Town, Utility, Zone

T0 = 1_780_000_000.0


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/registry.db"


@pytest.fixture
def registry(url):
    ticks = itertools.count(T0)
    opened = Registry.open(url, clock=lambda: next(ticks))
    yield opened
    opened.close()


@pytest.fixture
def town():
    return Town(
        utility=Utility(id="gjovik", name="Gjøvik", population=30_000),
        base_stations=(BaseStation(id="0123456789abcdef", name="Mast", latitude=60.8, longitude=10.7),),
        zones=(Zone(id="north", kind="dma", population=900, master={"mains_km": 12.5}), Zone(id="south")),
        assets=(
            Asset(id="house-1", kind="meter_point", zone="north", household=True),
            Asset(id="weir-1", kind="overflow_chamber", zone="south"),
        ),
        sensors=(
            Sensor(id="M1", dev_eui="00000000000000a1", asset="house-1", quantities=("volume_m3",), interval_s=3600),
            Sensor(id="L1", dev_eui="00000000000000b1", asset="weir-1", quantities=("level_m",), crest_m=1.2),
        ),
    )  # fmt: skip
