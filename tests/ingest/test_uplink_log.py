"""What is appended is there, whole and in order, whatever happens afterwards."""

import sqlite3
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import NotFound, StoreUnavailable
from core.network import Message
from ingest.dead_letters import DeadLetter, DeadLetters
from ingest.housekeeping import keep_house
from ingest.uplink_log import DiskLow, LoggedMessage, UplinkLog

DATA = Path(__file__).parent.parent / "data" / "chirpstack_v4"


@pytest.fixture
def open_log():
    """Opens logs, and closes them at the end."""
    with ExitStack() as stack:

        def opened(folder, **options) -> UplinkLog:
            return stack.enter_context(closing(UplinkLog(folder, **options)))

        yield opened


def message(t: float, text: str = "x") -> Message:
    return Message(t, f"application/a/device/{text}/event/up", text.encode())


def test_numbers_count_up_over_batches_and_restarts(tmp_path, open_log):
    log = open_log(tmp_path)
    assert log.append([message(1.0, "a"), message(2.0, "b")]) == range(1, 3)
    log.close()
    log = open_log(tmp_path)
    assert log.append([message(3.0, "c")]) == range(3, 4)
    assert log.read(1, 10) == [LoggedMessage(2, *message(2.0, "b")), LoggedMessage(3, *message(3.0, "c"))]
    assert log.get(2).payload == b"b"
    with pytest.raises(NotFound, match="uplink 4"):
        log.get(4)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.tuples(st.floats(0, 4e9), st.text(max_size=8), st.binary(max_size=50)), min_size=1, max_size=6), max_size=6))
def test_every_byte_comes_back(tmp_path_factory, batches):
    log = UplinkLog(tmp_path_factory.mktemp("log"))
    for batch in batches:
        log.append([Message(*m) for m in batch])
    flat = [m for batch in batches for m in batch]
    assert [tuple(m[1:]) for m in log.read(0, 1000)] == flat
    assert [m.seq for m in log.read(0, 1000)] == list(range(1, len(flat) + 1))
    log.close()


def test_a_second_reader_follows_the_writer(tmp_path, open_log):
    writer, reader = open_log(tmp_path), open_log(tmp_path)
    writer.append([message(1.0)] * 1200)
    assert [m.seq for m in reader.read(990, 20)] == list(range(991, 1011))
    assert reader.last_seq == 1200
    with pytest.raises(StoreUnavailable, match="another Mjøsa is writing"):
        reader.append([message(2.0)])
    writer.close()
    assert reader.append([message(2.0)]) == range(1201, 1202)


def test_an_old_month_is_one_file_less(tmp_path, open_log):
    march, april = (datetime(2026, m, 15, tzinfo=UTC).timestamp() for m in (3, 4))
    log = open_log(tmp_path)
    log.append([message(march)] * 3)
    log.append([message(april)] * 2)
    assert log.months() == ["2026-03", "2026-04"]
    assert log.prune(march - 1) == 0
    assert log.prune(march + 1) == 3
    assert log.months() == ["2026-04"]
    assert [m.seq for m in log.read(0, 10)] == [4, 5]
    assert log.prune(april + 1) == 0, "the newest month always stays: it holds the numbering"
    assert log.append([message(april)]) == range(6, 7)


def test_a_clock_set_back_keeps_the_order(tmp_path, open_log):
    log = open_log(tmp_path)
    log.append([message(datetime(2026, 4, 1, tzinfo=UTC).timestamp(), "first")])
    log.append([message(datetime(2026, 3, 31, tzinfo=UTC).timestamp(), "second")])
    assert [m.payload for m in log.read(0, 10)] == [b"first", b"second"]


def test_below_the_reserve_nothing_is_appended_and_it_recovers(tmp_path, open_log):
    free = [2_000_000]
    log = open_log(tmp_path, reserve_bytes=1_000_000, free_bytes=lambda: free[0])
    log.append([message(1.0)])
    free[0] = 999_999
    with pytest.raises(DiskLow, match="1 MB free"):
        log.append([message(2.0)])
    free[0] = 2_000_000
    assert log.append([message(3.0)]) == range(2, 3)


def test_a_log_that_cannot_be_written_says_so(tmp_path, open_log):
    log = open_log(tmp_path)
    log.append([message(1.0)])
    other = sqlite3.connect(tmp_path / f"uplinks-{log.months()[0]}.sqlite")
    other.execute("DROP TABLE block")
    other.commit()
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        log.append([message(2.0)])


def test_small_blocks_are_joined_and_nothing_else_changes(tmp_path, open_log):
    log = open_log(tmp_path)
    payload = (DATA / "up.json").read_bytes()
    for i in range(1203):
        log.append([Message(float(i), "application/a/device/b/event/up", payload)])
    before, small = log.read(0, 5000), log.size()["messages"]
    half_way = log.since(0)
    first_half = [next(half_way) for _ in range(300)]
    assert log.compact() == 1203 - 3
    assert log.compact() == 0
    assert [*first_half, *half_way] == before, "a reader on its way notices nothing"
    assert log.read(0, 5000) == before
    assert log.size()["messages"] == small == 1203
    assert log.get(777) == before[776]
    assert log.append([message(1.0)]) == range(1204, 1205)


def test_house_is_kept_within_retention(tmp_path, open_log):
    march, may = (datetime(2026, m, 15, tzinfo=UTC).timestamp() for m in (3, 5))
    log, dead = open_log(tmp_path), DeadLetters(tmp_path / "dead.db")
    for t in (march, march, may):
        log.append([message(t)])
    dead.add([DeadLetter(1, "a", "r", "d", march), DeadLetter(3, "a", "r", "d", may)])
    assert keep_house(log, dead, 90.0, may) == (1, 0)
    assert keep_house(log, dead, 30.0, may) == (0, 2)
    assert [letter.seq for letter in dead.find()] == [3]
    dead.close()


def test_what_a_device_sent_can_be_taken_out_and_is_nowhere_in_the_files(tmp_path, open_log):
    log = open_log(tmp_path)
    log.append([message(1.0, "mine"), message(2.0, "yours"), message(3.0, "mine")])

    def mine(topic: str) -> bool:
        return "/mine/" in topic

    assert log.erase(mine, dry_run=True) == 2
    assert [m.payload for m in log.read(0, 10)] == [b"mine", b"yours", b"mine"]
    assert log.erase(mine) == 2
    assert [(m.seq, m.received_at, m.payload) for m in log.read(0, 10)] == [(1, 1.0, b""), (2, 2.0, b"yours"), (3, 3.0, b"")]
    assert log.erase(mine) == 0
    log.close()
    assert not any(b"mine" in path.read_bytes() for path in tmp_path.iterdir())


def test_pruning_can_be_tried_first(tmp_path, open_log):
    log = open_log(tmp_path)
    log.append([message(0.0)])
    log.append([message(40 * 86_400.0)])
    assert log.prune(20 * 86_400.0, dry_run=True) == 1
    assert len(log.read(0, 10)) == 2
    assert log.prune(20 * 86_400.0) == 1
    assert len(log.read(0, 10)) == 1
