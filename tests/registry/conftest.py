import itertools
import uuid

import psycopg
import pytest

from core.registry import Registry
from core.town import Asset, BaseStation, Sensor, Town, Utility, Zone
from tests.registry.postgres import postgres

T0 = 1_780_000_000.0


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory):
    with postgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/registry.db"
    server, name = request.getfixturevalue("postgres_server"), f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server.replace("+psycopg", "") + "postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server + name


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
