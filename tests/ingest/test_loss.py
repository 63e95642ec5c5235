"""Nothing that the broker accepted is missing, nothing is doubled: real broker, real processes, SIGKILL."""

import random
import signal
import subprocess
import threading
import time
from contextlib import suppress

import pytest

from ingest.dead_letters import DeadLetters
from tests.brokers import Mosquitto
from tests.ingest.processes import Worker, message, publish, rows
from tests.publisher import Publisher

START = float(int(time.time()) - 7200)


@pytest.fixture
def broker(tmp_path):
    with Mosquitto(tmp_path / "mosquitto") as mosquitto:
        yield mosquitto


@pytest.fixture
def workers(tmp_path, broker):
    """Makes workers, and ends them."""
    made = []

    def make(name="ingest", *more) -> Worker:
        made.append(Worker(tmp_path / name, broker, *more))
        return made[-1]

    yield make
    for worker in made:
        worker.end(signal.SIGKILL)


def subscribed(worker: Worker) -> Worker:
    worker.start().until(lambda f: f["subscribed"])
    return worker


def drained(worker: Worker, *, beyond: int = 0) -> None:
    """Everything is taken from the broker and stored: nothing new for half a second, and no backlog."""
    quiet_since, last = time.monotonic(), -1
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        f = worker.until(lambda f: f["subscribed"])
        if f["backlog"] or f["received"] != last or f["processed"] < beyond:
            quiet_since, last = time.monotonic(), f["received"]
        elif time.monotonic() - quiet_since > 0.7:
            return
        time.sleep(0.02)
    raise AssertionError(f"it is not drained: {worker.figures}")


def test_store_away_for_15_s_under_load(broker, workers):
    worker, sent = subscribed(workers()), rows(0, 3000, START)
    publisher = threading.Thread(target=publish, args=(broker, [message(r) for r in sent], 170.0))
    publisher.start()
    worker.until(lambda f: f["processed"] > 200)
    (worker.folder / "store_down").touch()
    worker.until(lambda f: f["fault"] is not None and f["backlog"] > 0)
    time.sleep(15)
    assert worker.figures["backlog"] > 2000, "the log waits"
    (worker.folder / "store_down").unlink()
    publisher.join()
    worker.until(lambda f: f["processed"] >= 3000)
    worker.end()
    assert sorted(worker.stored()) == sorted(sent)


def test_killed_ten_times_while_draining_a_backlog(broker, workers):
    worker, sent, chance = workers(), rows(0, 5000, START), random.Random(7)
    subscribed(worker).end()
    publish(broker, [message(r) for r in sent])
    (worker.folder / "store_slow").touch()
    unfinished = 0
    for _ in range(10):
        worker.start().until(lambda f: f["subscribed"])
        time.sleep(chance.uniform(0.0, 0.2))
        worker.end(signal.SIGKILL)
        unfinished += worker.figures["backlog"] > 0 or worker.figures["received"] > 0
    assert unfinished >= 3, "the kills hit it at work"
    (worker.folder / "store_slow").unlink()
    drained(worker.start())
    worker.end()
    assert sorted(worker.stored()) == sorted(sent)


def test_broker_restarted_under_load(broker, workers):
    worker, sent = subscribed(workers()), rows(0, 4000, START)
    messages = [message(r) for r in sent]
    publisher = Publisher(broker.port)
    publisher.send(messages[:2000], in_flight=500)
    broker.stop()
    accepted = publisher.accepted
    publisher.close()
    broker.start()
    publish(broker, messages[accepted:])
    worker.until(lambda f: f["subscribed"])
    drained(worker)
    worker.end()
    assert sorted(worker.stored()) == sorted(sent)


def test_poison_is_kept_and_costs_no_good_reading(broker, workers):
    worker, sent = subscribed(workers()), rows(0, 2000, START)
    messages = [message(r) for r in sent]
    topic = messages[0][0]
    for i, poison in enumerate([b"{broken", b"\x00\x01\x02", b'{"data": 7}', b"[1, 2]"] * 10):
        messages.insert(50 * i + 7, (topic, poison + b" " * i))
    publish(broker, messages)
    worker.until(lambda f: f["processed"] >= 2040)
    worker.end()
    assert sorted(worker.stored()) == sorted(sent)
    dead = DeadLetters(worker.folder / "uplinks" / "dead_letters.db")
    assert dead.count() == 40
    dead.close()


def test_everything_twice(broker, workers):
    worker, sent = subscribed(workers()), rows(0, 2000, START)
    messages = [message(r) for r in sent]
    twice = [m for i in range(0, 2000, 100) for m in (*messages[i : i + 100], *messages[i : i + 100])]
    publish(broker, twice)
    publish(broker, messages[:500])
    worker.until(lambda f: f["processed"] >= 4500)
    worker.end()
    assert sorted(worker.stored()) == sorted(sent)


def test_two_workers_share_and_one_is_killed(broker, workers):
    one = workers("one", "--group", "mjosa", "--client", "mjosa-1")
    two = workers("two", "--group", "mjosa", "--client", "mjosa-2")
    subscribed(one), subscribed(two)
    sent = rows(0, 4000, START)
    publisher = threading.Thread(target=publish, args=(broker, [message(r) for r in sent], 2000.0))
    publisher.start()
    one.until(lambda f: f["processed"] > 300)
    two.until(lambda f: f["processed"] > 300)
    one.end(signal.SIGKILL)
    publisher.join()
    one.start()
    drained(one), drained(two)
    one.end(), two.end()
    by_one, by_two = one.stored(), two.stored()
    assert by_one
    assert by_two
    assert len(by_one) == len(set(by_one))
    assert len(by_two) == len(set(by_two))
    assert sorted({*by_one, *by_two}) == sorted(sent), "together they have everything; in one store identity makes it one row each"


def test_disk_full_and_freed(broker, workers):
    worker, sent = subscribed(workers()), rows(0, 2000, START)
    publish(broker, [message(r) for r in sent[:500]])
    worker.until(lambda f: f["processed"] >= 500)
    (worker.folder / "disk_full").touch()
    publish(broker, [message(r) for r in sent[500:]])
    f = worker.until(lambda f: f["fault"] is not None)
    assert "500 MB free" in f["fault"]
    acknowledged = f["acknowledged"]
    time.sleep(1.0)
    assert worker.figures["acknowledged"] == acknowledged, "nothing is acknowledged that cannot be kept"
    (worker.folder / "disk_full").unlink()
    worker.until(lambda f: f["processed"] >= 2000 and f["fault"] is None)
    worker.end()
    assert sorted(worker.stored()) == sorted(sent)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 24 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a small file system; test_disk_full_and_freed covers the reserve without it")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_without_any_room_left(small_disk, broker):
    """Log, store and the process's own messages are on it; none of them may stop the ingest for good."""
    worker, sent = Worker(small_disk / "ingest", broker), rows(0, 4000, START)
    try:
        subscribed(worker)
        publish(broker, [message(r) for r in sent[:1000]])
        worker.until(lambda f: f["processed"] >= 1000)
        filler = small_disk / "filler"
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"x" * 65_536)
        publish(broker, [message(r) for r in sent[1000:]])
        f = worker.until(lambda f: f["fault"] is not None)
        assert "nothing is acknowledged" in f["fault"]
        filler.unlink()
        worker.until(lambda f: f["processed"] >= 4000 and f["fault"] is None)
        worker.end()
        assert sorted(worker.stored()) == sorted(sent)
    finally:
        worker.end(signal.SIGKILL)
