"""Planned work entered, listed, taken out, through a real registry."""

import json
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from analytics import commands_maintenance
from core.errors import MjosaError
from core.registry import Registry
from tests.analytics.makers import small_town


@pytest.fixture
def run(tmp_path):
    registry = Registry.open(f"sqlite:///{tmp_path}/registry.db")
    registry.import_town(small_town(), "test")

    @contextmanager
    def system(_settings):
        yield SimpleNamespace(registry=registry)

    before = list(commands_maintenance._how)
    commands_maintenance.use(system)
    yield lambda *words: CliRunner().invoke(commands_maintenance.app, list(words))
    commands_maintenance._how[:] = before
    registry.close()


def test_work_goes_in_and_out(run):
    done = run("add", "2026-05-17T08:00", "2026-05-17T12:00", "--kind", "flushing", "--zone", "z1", "--note", "hydrants")
    assert done.exit_code == 0, done.output
    (work,) = json.loads(run("list", "--json").output)
    assert (work["start"], work["kind"], work["zones"]) == ("2026-05-17T06:00:00Z", "flushing", ["z1"])
    assert "flushing" in run("list").output
    assert run("remove", work["id"]).exit_code == 0
    assert json.loads(run("list", "--json").output) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("2026-05-17T08:00", "2026-05-16T08:00"), "before it starts"),
        (("soon", "2026-05-16T08:00"), "ISO 8601"),
        (("2026-05-17T08:00", "2026-05-18T08:00", "--zone", "moon"), "no zone or sensor 'moon'"),
    ],
)
def test_what_is_wrong_is_said(run, words, said):
    done = run("add", *words)
    assert isinstance(done.exception, MjosaError)
    assert said in str(done.exception)
