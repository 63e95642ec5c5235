"""`mjosa simulate` as a person types it."""

import json
from pathlib import Path

from typer.testing import CliRunner

from simulators import scenario
from simulators.commands import app

run = CliRunner()


def test_it_writes_a_folder_and_says_what_is_in_it(tmp_path):
    result = run.invoke(
        app, ["--scenario", "storm", "--seed", "5", "--days", "3", "--scale", "0.005", "--out", str(tmp_path / "x"), "--json"]
    )
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    truth = json.loads((tmp_path / "x" / "truth.json").read_text())
    assert told["events"]["overflow"] == sum(e["kind"] == "overflow" for e in truth["events"]) > 0
    assert {p.name for p in (tmp_path / "x").iterdir()} == {"town.yaml", "network.inp", "readings.parquet", "truth.json"}


def test_it_lists_every_scenario():
    listed = json.loads(run.invoke(app, ["--scenario", "list", "--json"]).stdout)
    assert [x["name"] for x in listed] == scenario.names()
    assert {"storm", "burst", "slow_leak", "blockage", "pump_failure", "sensor_faults", "snowmelt", "quiet_month",
            "everything_year"} <= set(scenario.names())  # fmt: skip


def test_it_writes_keys_for_provisioning(tmp_path):
    result = run.invoke(app, ["--scale", "0.005", "--keys", str(tmp_path / "keys.csv"), "--json"])
    assert json.loads(result.stdout)["devices"] == len((tmp_path / "keys.csv").read_text().splitlines()) - 1


def test_the_documentation_lists_every_scenario_and_every_kind_of_event():
    text = (Path(__file__).parents[2] / "docs" / "simulators.md").read_text(encoding="utf-8")
    assert scenario.table() in text
    kinds = {step["kind"] for name in scenario.names() for step in scenario.load(name).steps} - {"sensor_fault"}
    assert all(f"`{kind}`" in text for kind in kinds)
    assert all(f"`{fault}`" in text for fault in scenario.FAULTS)
