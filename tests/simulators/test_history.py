"""Data folders: reproducible, readable, and true to the arrays they came from."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from core.timekeeping import unix
from core.town_file import load_town
from simulators import scenario
from simulators.history import readings_of, simulate
from simulators.town import build_town


@pytest.fixture(scope="module")
def storm(tmp_path_factory):
    out = tmp_path_factory.mktemp("storm")
    return simulate("storm", 3, 6, 0.01, out), out


def test_same_seed_same_bytes_and_another_seed_other_bytes(storm, tmp_path):
    _, out = storm
    simulate("storm", 3, 6, 0.01, tmp_path / "again")
    simulate("storm", 4, 6, 0.01, tmp_path / "other")
    for name in ("town.yaml", "readings.parquet", "truth.json"):
        assert (tmp_path / "again" / name).read_bytes() == (out / name).read_bytes()
    assert (tmp_path / "other" / "readings.parquet").read_bytes() != (out / "readings.parquet").read_bytes()


def test_the_folder_reads_back(storm):
    truth, out = storm
    town = load_town(out)
    assert set(town.current) == set(truth.town.current)
    table = pq.read_table(out / "readings.parquet")
    assert table.column_names == ["sensor", "quantity", "time", "value"]
    assert set(table["sensor"].to_pylist()) <= set(town.current)
    assert not np.isnan(table["value"].to_numpy()).any()


def test_overflows_in_truth_json_are_the_spills_of_the_arrays(storm):
    truth, out = storm
    events = [e for e in json.loads((out / "truth.json").read_text())["events"] if e["kind"] == "overflow"]
    assert events
    for e in events:
        spill = truth.signals[e["asset"], "overflow_m3h"]
        inside = (spill.t >= unix(e["start"])) & (spill.t < unix(e["end"]))
        assert (spill.x[inside] > 0).all()
        assert e["volume_m3"] == pytest.approx(spill.x[inside].sum() / 60, abs=0.001)
        level = truth.signals[e["asset"], "level_m"]
        assert (level.x[inside] > truth.town.asset_by_id[e["asset"]].crest_m - 1e-9).all()


def test_readings_of_is_keyed_by_device_and_ordered():
    town = build_town(2, 0.01)
    r = readings_of(town, "demo", 2, unix("2026-09-01T00:00Z"), 3)
    assert set(r.sensor) <= {s.dev_eui for s in town.sensors}
    key = np.array([f"{s} {q}" for s, q in zip(r.sensor, r.quantity, strict=True)])
    same = key[1:] == key[:-1]
    assert (np.diff(r.t)[same] > 0).all()


@pytest.mark.parametrize("name", scenario.names())
def test_every_scenario_is_drawn_alike_for_a_seed(name):
    plan, town = scenario.load(name), build_town(1, 0.01)
    first = scenario.actions(plan, town, 5, 1.8e9, plan.days)
    assert first == scenario.actions(plan, town, 5, 1.8e9, plan.days)
    assert all(a.start >= 1.8e9 and a.end >= a.start for a in first)
    known = {"", *town.zone_by_id, *town.asset_by_id, *town.current, *(b.id for b in town.base_stations)}
    assert {a.place for a in first} <= known
