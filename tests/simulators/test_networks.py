"""The hydraulic models: current, whole, and in balance."""

import numpy as np
import pytest

from core.timekeeping import unix
from simulators import networks
from simulators.epanet import Network
from simulators.layout import CHAMBERS, DISTRICTS
from simulators.scenario import Action, load
from simulators.town import build_town
from simulators.truth import simulate_truth

START = unix("2026-06-01T00:00:00Z")


@pytest.fixture(scope="module")
def town():
    return build_town(1, 0.01)


@pytest.fixture(scope="module")
def rainy(town):
    extra = [Action("storm", START + 30 * 3_600, START + 33 * 3_600, "", {"mm": 30.0}),
             Action("burst", START + 20 * 3_600, START + 40 * 3_600, "dma-nord", {"m3h": 30.0}),
             Action("slow_leak", START + 3_600, START + 9e6, "dma-sor", {"m3h": 4.0, "grow_days": 1.0})]  # fmt: skip
    return simulate_truth(town, "quiet_month", 1, START, 3, extra=extra)


def test_the_files_are_what_the_plan_says():
    assert networks.NETWORK.read_text() == networks.epanet()
    assert networks.SEWER.read_text() == networks.swmm()


def test_every_model_element_is_in_the_model(town):
    with Network(networks.NETWORK, 600) as model:
        for asset in town.assets:
            if asset.model_element:
                assert model.link(asset.model_element) if asset.kind == "zone_inlet" else model.node(asset.model_element)


def test_every_district_is_connected():
    for d in DISTRICTS:
        streets = networks.pipes(d.code).values()
        seen, todo = set(), [d.inlet]
        while todo:
            node = todo.pop()
            if node not in seen:
                seen.add(node)
                todo += [b if a == node else a for a, b, _, _ in streets if node in (a, b)]
        assert seen == set(d.junctions())


def test_water_balances_to_half_a_percent(rainy):
    balance = rainy.balance
    assert balance["inflow"] > 10_000
    assert abs(balance["error"]) < 0.005 * balance["inflow"]


def test_swmm_continuity_is_within_one_percent(rainy):
    assert max(map(abs, rainy.sewer_continuity_pct)) <= 1.0


def test_a_burst_takes_the_flow_it_was_given_and_shows_in_its_zone(town, rainy):
    burst = next(x for x in rainy.leaks if x.kind == "burst")
    assert burst.flow_m3h == pytest.approx(30, rel=0.15)
    assert burst.pipe in networks.pipes("N")

    calm = simulate_truth(town, "quiet_month", 1, START, 3)

    def change(name, quantity):
        """Mean over the hour after the burst, against the same hour without it."""
        s, without = rainy.signals[name, quantity], calm.signals[name, quantity]
        i = round((burst.start - s.start) / s.step_s)
        return float(np.mean((s.x - without.x)[i : i + round(3_600 / s.step_s)]))

    assert change("inn-n", "flow_m3h") == pytest.approx(burst.flow_m3h, rel=0.1)
    assert abs(change("inn-c", "flow_m3h")) < 0.5
    assert all(change(a.id, "pressure_bar") < -0.1 for a in town.assets if a.kind == "junction" and a.zone == "dma-nord")
    assert all(abs(change(a.id, "pressure_bar")) < 0.05 for a in town.assets if a.kind == "junction" and a.zone == "dma-sentrum")


def test_leak_flow_follows_the_square_root_of_pressure(town):
    whole = simulate_truth(town, "quiet_month", 1, START, 1, extra=[Action("burst", START, START + 1e6, "dma-vest", {"m3h": 10.0})])
    starved = simulate_truth(town, "quiet_month", 1, START, 1, extra=[
        Action("burst", START, START + 1e6, "dma-vest", {"m3h": 10.0}),
        Action("valve_fault", START, START + 1e6, "dma-vest", {"head_m": -20.0})])  # fmt: skip
    point = "vk-v22"
    ratio = starved.signals[point, "pressure_bar"].x.mean() / whole.signals[point, "pressure_bar"].x.mean()
    assert starved.leaks[0].node == whole.leaks[0].node
    assert ratio < 0.8
    assert starved.leaks[0].flow_m3h < whole.leaks[0].flow_m3h


def test_a_storm_overtops_weirs_and_a_dry_day_does_not(rainy):
    spilling = {e.asset for e in rainy.events if e.kind == "overflow"}
    assert len(spilling) > 8
    assert min(e.start for e in rainy.events if e.kind == "overflow") > START + 30 * 3_600


def test_weir_flow_follows_head(rainy):
    for c in CHAMBERS:
        if c.weir == "v_notch":
            continue
        head = rainy.signals[c.id, "level_m"].x - c.crest_m
        spill = rainy.signals[c.id, "overflow_m3h"].x
        high = head > 0.03
        if high.sum() > 5 and not c.tail_water:
            expected = 3_600 * networks.true_weir_coefficient(c) * c.width_m * head[high] ** 1.5
            assert np.median(spill[high] / expected) == pytest.approx(1, abs=0.1)


def test_a_pump_failure_fills_the_well(town):
    stop = Action("pump_failure", START + 12 * 3_600, START + 18 * 3_600, "ps-nord")
    truth = simulate_truth(town, "quiet_month", 1, START, 1, extra=[stop])
    well = truth.signals["ps-nord", "level_m"]
    before, during = well.x[: 11 * 60], well.x[12 * 60 : 18 * 60]
    assert before.max() < 1.9
    assert during.max() > 2.4
    assert well.x[-1] < 1.9


def test_a_blockage_spills_in_dry_weather_at_its_chamber_only(town):
    clog = Action("blockage", START + 6 * 3_600, START + 40 * 3_600, "ro-11", {"share": 0.95, "grow_h": 6.0})
    truth = simulate_truth(town, "quiet_month", 1, START, 2, extra=[clog])
    assert {e.asset for e in truth.events if e.kind == "overflow"} == {"ro-11"}


def test_scenarios_keep_their_promise(town):
    plan = load("blockage")
    assert {s["kind"] for s in plan.steps} == {"blockage"}


def test_low_pressure_is_listed_where_it_is(town):
    fault = Action("valve_fault", START + 6 * 3_600, START + 12 * 3_600, "dma-vest", {"head_m": -20.0})
    truth = simulate_truth(town, "quiet_month", 1, START, 1, extra=[fault])
    low = [e for e in truth.events if e.kind == "low_pressure"]
    assert {e.zone for e in low} == {"dma-vest"}
    for e in low:
        signal = truth.signals[e.asset, "pressure_bar"]
        inside = signal.x[(signal.t >= e.start) & (signal.t < e.end)]
        assert inside.max() < 2.0
        assert e.details["lowest_bar"] == inside.min()
        assert e.sensors
