"""A fixed decoder, or a device registered late, replays the past; only what differs is rewritten."""

import json
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from prometheus_client import CollectorRegistry, generate_latest
from typer.testing import CliRunner

from core.errors import StoreUnavailable
from core.model import Sample
from core.settings import Settings
from core.stores import MemoryStore
from gateway.events import parse_event
from ingest import commands
from ingest.metrics import IngestCollector
from ingest.replay import Replayed, Replayer
from tests.ingest.support import APP, MODEL, START, Ingest, OneModel, contents, eui, frame, messages, town
from tests.ingest.test_processor import Message, batch, levels


class Library(OneModel):
    """Device 2 carries another model; and the test model can be exchanged, as when a decoder is fixed."""

    model = MODEL
    other = replace(MODEL, key="other")

    def find(self, sensor, uplink):
        return self.other if uplink.dev_eui == eui(2) else self.model


FIXED = replace(MODEL, version="2", decode=lambda payload, port, options: [
    Sample(s.quantity, s.value + 1.0) if s.quantity == "level_m" else s for s in MODEL.decode(payload, port, options)])  # fmt: skip


@pytest.fixture
def ingest(tmp_path):
    stage = Ingest(tmp_path, MemoryStore(), town(3), Library())
    yield stage
    stage.close()


def replayer(stage: Ingest, **changed) -> Replayer:
    parts = {"log": stage.log, "dead_letters": stage.dead, "parse": parse_event, "town": lambda: stage.town, "store": stage.store,
             "models": Library()}  # fmt: skip
    return Replayer(**(parts | changed))


def feed(stage: Ingest) -> None:
    stage.processor.keep(batch(0, 10))
    stage.processor.keep(messages([(2, n, frame(n), START + 60 * n) for n in range(5)]))
    stage.processor.drain()


def test_nothing_changed_rewrites_nothing(ingest):
    feed(ingest)
    assert replayer(ingest).since(0.0) == Replayed(messages=15)


def test_a_fixed_decoder_rewrites_exactly_what_it_changes(ingest):
    feed(ingest)
    library, touched = Library(), []
    library.model = FIXED
    fixed = replayer(ingest, models=library, listeners=(lambda written, readings: touched.extend(written.touched),))
    assert fixed.since(0.0, model="test_level") == Replayed(messages=15, changed=10)
    assert levels(ingest.store) == [1000 + n for n in range(10)]
    assert [x for _, x, _ in contents(ingest.store)[eui(2)]] == [n / 1000 for n in range(5)], "another model's readings stay"
    assert {(t.sensor, t.quantity) for t in touched} == {(eui(1), "level_m")}, "roll-ups over this window are made again"


def test_since_and_until_are_times_of_receipt(ingest):
    feed(ingest)
    library = Library()
    library.model = FIXED
    assert replayer(ingest, models=library).since(START + 120, START + 240).changed == 2
    assert levels(ingest.store) == [0, 1, 1002, 1003, 4, 5, 6, 7, 8, 9]


def test_a_device_registered_late_gets_its_past(ingest):
    ingest.town = town(1)
    feed(ingest)
    assert ingest.dead.count() == 15
    ingest.town = town(2)
    assert replayer(ingest).dead(dev_eui=eui(1)) == Replayed(messages=10, new=40, recovered=10)
    assert levels(ingest.store) == list(range(10))
    assert ingest.dead.count() == 5
    assert replayer(ingest).dead() == Replayed(messages=5, failed=5)


def test_a_replay_of_the_log_clears_dead_letters_too(ingest):
    ingest.town = town(1)
    feed(ingest)
    ingest.town = town(3)
    assert replayer(ingest).since(0.0).recovered == 15
    assert ingest.dead.count() == 0


def test_a_store_that_is_away_keeps_the_dead_letters(ingest):
    ingest.town = town(1)
    feed(ingest)
    ingest.town = town(3)
    ingest.store.write = lambda readings: (_ for _ in ()).throw(StoreUnavailable("away"))
    with pytest.raises(StoreUnavailable):
        replayer(ingest).dead()
    assert ingest.dead.count() == 15


@pytest.fixture
def command(ingest, tmp_path):
    """`mjosa …` on the ingest's folder, as the composition root mounts it."""
    settings = Settings(data_dir=tmp_path)
    app = typer.Typer()
    app.add_typer(commands.app, name="deadletters")
    app.command("replay")(commands.replay)

    @contextmanager
    def opened(_settings):
        yield replayer(ingest)

    commands.use(opened)
    yield lambda *words: CliRunner().invoke(app, words, obj=settings)
    commands._opened.clear()


def test_commands_list_show_and_replay(ingest, command):
    ingest.processor.keep([Message(START, f"application/{APP}/device/{eui(1)}/event/up", b"{broken"), *batch(0, 2)])
    ingest.processor.drain()
    listed = command("deadletters", "list", "--json")
    (group,) = json.loads(listed.stdout)
    assert (group["dev_eui"], group["reason"], group["letters"], group["last_seq"]) == (eui(1), "not an event", 1, 1)
    assert eui(1) in command("deadletters", "list").stdout
    shown = json.loads(command("deadletters", "show", "1", "--json").stdout)
    assert (shown["payload"], shown["reason"]) == ("{broken", "not an event")
    assert json.loads(command("deadletters", "replay", "--json").stdout) == {
        "messages": 1, "new": 0, "changed": 0, "failed": 1, "recovered": 0,
    }  # fmt: skip
    assert json.loads(command("replay", "--since", "2026-01-01", "--json").stdout)["messages"] == 3
    assert command("replay", "--since", "yesterday").exit_code == 2


def test_metrics_say_what_happened(ingest):
    feed(ingest)
    ingest.processor.keep([Message(START, "application/a/device/b/event/up", b"{broken")])
    ingest.processor.drain()
    ingest.processor.keep(batch(0, 3))
    registry = CollectorRegistry()
    registry.register(IngestCollector(ingest.processor, ingest.pipeline, ingest.log, ingest.dead))
    text = generate_latest(registry).decode()
    for line in (
        "mjosa_ingest_messages_processed_total 16.0", "mjosa_ingest_readings_new_total 60.0", "mjosa_ingest_dead_letters 1.0",
        "mjosa_ingest_backlog_messages 3.0", "mjosa_ingest_store_up 1.0", "mjosa_ingest_uplink_log_messages 19.0",
        "mjosa_ingest_append_seconds_count 4.0",
    ):  # fmt: skip
        assert line in text.splitlines(), line
    documented = (Path(__file__).parent.parent.parent / "docs" / "ingest.md").read_text()
    names = {
        line.split()[2].removesuffix("_total").removeprefix("mjosa_ingest_") for line in text.splitlines() if line.startswith("# HELP")
    }
    assert [name for name in names if f"`{name}`" not in documented] == []
    assert ingest.processor.lag_s() > 1e6, "the waiting messages are from May"
