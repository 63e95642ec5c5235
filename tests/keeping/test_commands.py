"""The data commands as a person types them."""

import json
from contextlib import contextmanager

import pytest
import typer
from typer.testing import CliRunner

from core.commands_data import Tools, add_commands
from core.settings import Settings
from core.stores.memory import MemoryStore
from tests.keeping.conftest import DAY, HOUSES, NOW, house


@pytest.fixture
def run(store, registry, tmp_path):
    """Run a command line on the town of this folder: (exit code, printed)."""
    app = typer.Typer()
    settings = Settings(data_dir=tmp_path / "data")
    empty = MemoryStore()

    @app.callback()
    def main(ctx: typer.Context) -> None:
        ctx.obj = settings

    @contextmanager
    def opened(_):
        yield Tools(store, registry)

    @contextmanager
    def opened_empty(_):
        yield empty

    add_commands(app, opened, opened_empty, lambda _: f"sqlite:///{tmp_path}/restored.db")

    def line(*words, **more):
        result = CliRunner().invoke(app, [str(w) for w in words], catch_exceptions=False, **more)
        return result.exit_code, result.stdout

    line.restored = empty
    return line


def test_import_says_what_it_did_line_by_line(run, tmp_path, store):
    path = tmp_path / "in.csv"
    path.write_text(f"Tid;Verdi\n{NOW + 60};0,7\n{NOW + 120};high\n{NOW + 60};0,8\n")
    options = ["--map", "time=Tid", "--map", "value=Verdi", "--map", "sensor:L1", "--map", "quantity:level_m", "--json"]
    code, said = run("import", path, *options, "--dry-run")
    assert (
        code,
        json.loads(said)["new"],
        store.read(["00000000000000b1"], "level_m", NOW + 1, NOW + 99)["00000000000000b1"].x.tolist(),
    ) == (1, 0, [])
    code, said = run("import", path, *options)
    told = json.loads(said)
    assert code == 1
    assert (told["rows"], told["new"], told["bad"], told["duplicates_in_file"]) == (3, 1, 1, 1)
    assert told["bad_rows"] == [{"line": 3, "why": "'high' is not a number"}]
    assert told["duplicate_rows"][0]["line"] == 4
    code, said = run("import", path, *options[:-1])
    assert "'high' is not a number" in said


def test_households_leave_only_when_asked_and_it_is_noted(run, registry, tmp_path):
    code, said = run("export", tmp_path / "out.csv", "--json")
    assert (code, json.loads(said)["households_left_out"], json.loads(said)["readings"]) == (0, HOUSES, 1000)
    assert registry.audit.find(personal=True) == []
    code, said = run("export", tmp_path / "out.parquet", "--personal", "--as", "anna", "--quantity", "volume_m3", "--json")
    assert (code, json.loads(said)["readings"]) == (0, 500 * (HOUSES + 1))
    assert [(e.actor, e.details) for e in registry.audit.find(personal=True)] == [("anna", {"meters": HOUSES})]


def test_event_lists(run, registry, tmp_path):
    path = tmp_path / "edm.csv"
    path.write_text("place,start,end\nweir-1,2026-05-17T12:00:00Z,2026-05-17T13:00:00Z\n")
    assert run("import", path, "--events", "--json") == (0, '{"events": 1, "new_or_changed": 1, "bad": []}\n')
    assert [e.sensors for e in registry.events.find()] == [("L1",)]
    assert run("export", tmp_path / "out.csv", "--events")[0] == 0
    assert json.loads(run("import", tmp_path / "out.csv", "--events", "--json")[1])["events"] == 1


def test_backup_and_restore(run, store, tmp_path):
    code, said = run("backup", tmp_path / "backup", "--json")
    assert (code, json.loads(said)["readings"]) == (0, store.size()["rows"])
    code, said = run("restore", tmp_path / "backup", "--json")
    assert (code, json.loads(said)["readings"]) == (0, store.size()["rows"])
    assert run.restored.size()["rows"] == store.size()["rows"]


def test_retention(run, store, registry):
    assert run("retention", "set", "household_meters=10", "radio=forever", "raw_uplinks=5")[0] == 0
    shown = json.loads(run("retention", "show", "--json")[1])
    assert (shown["household_meters"], shown["radio"]) == (10, "for ever")
    planned = json.loads(run("retention", "apply", "--dry-run", "--json")[1])
    assert {p["class"]: p["would_remove"] for p in planned}["household_meters"] > 0
    assert store.size()["rows"] == 1000 * (HOUSES + 1)
    done = json.loads(run("retention", "apply", "--json")[1])
    assert [d["removed"] for d in done] == [p["would_remove"] for p in planned]
    assert registry.audit.find(action="retention.apply")[0].details["household_meters"] == done[0]["removed"]


def test_privacy(run, store, registry, tmp_path):
    assert json.loads(run("privacy", "export", "house-3", tmp_path / "p", "--as", "anna", "--json")[1])["readings"] == 1000
    assert json.loads(run("privacy", "erase", "house-3", "--dry-run", "--json")[1]) == {
        "would_erase_readings": 1000,
        "would_erase_uplinks": None,
    }
    assert run("privacy", "erase", "house-3", input="n\n")[0] == 1
    assert store.coverage([house(3)])
    assert run("privacy", "erase", "house-3", input="y\n")[0] == 0
    assert store.coverage([house(3)]) == []
    assert [e.action for e in registry.audit.find(subject="house-3")] == ["privacy.erase", "privacy.export"]


def test_the_fixture_spans_what_the_tests_say(store):
    (coverage,) = [c for c in store.coverage([house(0)]) if c.quantity == "volume_m3"]
    assert (coverage.first, coverage.last) == (NOW - 499 * DAY, NOW)
