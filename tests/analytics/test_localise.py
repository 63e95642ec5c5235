"""Leaks placed in a small EPANET model: response of the model, overlapping leaks told apart, distances along pipes."""

import numpy as np
import pytest

from analytics.hydraulics import respond
from analytics.localise import Responses, localise, place
from analytics.network_file import read_network
from analytics.residuals import Blocks, Params
from core.errors import ConfigError
from core.model import Event
from core.town import Asset, Sensor, Town, Utility, Zone
from tests.analytics.makers import DAY, T0, diurnal, store_of

N = 7
SENSORS = ["n11", "n15", "n33", "n51", "n55", "n06"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A grid of 7 × 7 junctions 100 m apart behind one reservoir, 0.2 L/s each in two categories."""
    nodes = [f"n{i}{j}" for i in range(N) for j in range(N)]
    pipes = [
        (f"n{i}{j}", f"n{i + di}{j + dj}") for i in range(N) for j in range(N) for di, dj in ((1, 0), (0, 1)) if i + di < N and j + dj < N
    ]
    lines = ["[JUNCTIONS]", *(f"{n} 0 0.2" for n in nodes), "[RESERVOIRS]", "R 60", "[PIPES]", "main R n00 50 200 120 0 Open"]
    lines += [f"p{a}{b} {a} {b} 100 80 120 0 Open" for a, b in pipes]
    lines += ["[DEMANDS]", *(f"{n} 0.15 flat" for n in nodes), *(f"{n} 0.05 flat" for n in nodes), "[PATTERNS]", "flat 1 1"]
    lines += ["[COORDINATES]", *(f"{n} {100 * int(n[1])} {100 * int(n[2])}" for n in nodes)]
    lines += ["[TIMES]", "Duration 0", "[OPTIONS]", "Units LPS", "Headloss H-W", "[END]"]
    path = tmp_path_factory.mktemp("model") / "network.inp"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(scope="module")
def network(model):
    return read_network(model)


@pytest.fixture(scope="module")
def response(model, network):
    return respond(model, SENSORS, network.junctions)


def test_distances_run_along_the_pipes(network):
    far = network.from_pipe("pn00n10")
    assert far["pn00n10"] == 0
    assert far["pn10n20"] == 100
    assert far["pn01n11"] == 200
    assert network.from_pipe("nowhere") == {}
    assert network.nearest({"n00": "a", "n66": "b"})["n10"] == "a"


def test_a_leak_lowers_the_pressure_most_where_it_is(response, network):
    j = network.junctions.index("n55")
    fall = response.leak_m_per_m3h[0, j]
    assert (fall < 0).all()
    assert np.argmin(fall) == SENSORS.index("n55")
    np.testing.assert_allclose(response.demand_m3h[:, 0], response.factors * 0.2 * N * N * 3.6, rtol=1e-3)
    assert (np.diff(response.pressure_m[:, 0, :], axis=0) < 0).all()


def leak(key, kind, onset_d, found_d, flow, end_d=None):
    at = T0 + onset_d * DAY
    end = None if end_d is None else T0 + end_d * DAY
    return Event(key, kind, kind, ("q",), "z", None, T0 + found_d * DAY, end, at, 0.0, 9.0, 5.0, 1.0, details={"flow_m3h": flow})


def metres(network, pipe, node):
    return network.from_nodes({node: 0.0})[network.ends[pipe][0]]


def test_two_leaks_at_once_are_told_apart(model, response, network):
    """One opens at n15 on day 30, another at n51 on day 36; both run to the end."""
    rng = np.random.default_rng(1)
    t = T0 + 3600.0 * (np.arange(480) * 3 + 1.5)
    of_day = np.tile(np.arange(8), 60)
    r = rng.normal(0, 0.02, (480, len(SENSORS)))
    for node, day in (("n15", 30), ("n51", 36)):
        j = network.junctions.index(node)
        s = np.where(of_day[:, None] < 2, *(response.leak_m_per_m3h[h, j] - response.spread_m_per_m3h[h] for h in (0, 1)))
        r += 6.0 * s * (t >= T0 + day * DAY)[:, None]
    blocks = Blocks(r, t, of_day, tuple(SENSORS))
    placed = place(
        [leak("a", "burst", 30, 30.1, 6.0), leak("b", "burst", 36, 36.1, 6.0)],
        blocks,
        Responses(model, SENSORS, network.junctions, Params()),
        network.junctions,
        network,
        Params(),
    )
    for event, node in zip(placed, ("n15", "n51"), strict=True):
        assert metres(network, event.location[0][0], node) <= 200
        assert sum(p for _, p in event.location) == pytest.approx(1, abs=0.1)
        assert event.details["search_m"] < 0.5 * 84 * 100
        assert event.details["placed_flow_m3h"] == pytest.approx(6, rel=0.4)


def test_from_readings_to_a_pipe(model, network, response):
    t = T0 + 3600.0 * np.arange(45 * 24)
    rng = np.random.default_rng(2)
    use = diurnal(t, mean=35.0, swing=10.0, noise=1.0)
    open_ = t >= T0 + 30 * DAY
    series = [("q", "flow_m3h", t, use + 8.0 * open_)]
    j = network.junctions.index("n33")
    for i, node in enumerate(SENSORS):
        p = np.interp(use, response.demand_m3h[:, 0], response.pressure_m[:, 0, i]) + 8.0 * response.leak_m_per_m3h[0, j, i] * open_
        series.append((f"s{node}", "pressure_bar", t, (p + rng.normal(0, 0.05, t.size)) / 10.197))
    assets = [Asset(id="in", kind="zone_inlet", zone="z"), *(Asset(id=n, kind="junction", zone="z", model_element=n) for n in SENSORS)]
    sensors = [Sensor(id="q", dev_eui="q", asset="in", quantities=("flow_m3h",))]
    sensors += [Sensor(id=f"s{n}", dev_eui=f"s{n}", asset=n, quantities=("pressure_bar",)) for n in SENSORS]
    town = Town(utility=Utility(name="T"), zones=(Zone(id="z"),), assets=tuple(assets), sensors=tuple(sensors))
    other = leak("x", "overflow", 1, 1, 0.0)
    placed = localise([leak("a", "burst", 30, 30.1, 8.0), other], store_of(*series), town, model, T0, T0 + 45 * DAY)
    assert placed[1] == other
    assert metres(network, placed[0].location[0][0], "n33") <= 200


def test_a_file_that_is_no_model_is_refused(tmp_path):
    path = tmp_path / "network.inp"
    with pytest.raises(ConfigError, match="cannot be read"):
        read_network(path)
    path.write_text("[PIPES]\np1 a b far\n")
    with pytest.raises(ConfigError, match="not an EPANET network"):
        read_network(path)
    path.write_text("[JUNCTIONS]\na 1\n")
    with pytest.raises(ConfigError, match="has no"):
        read_network(path)
