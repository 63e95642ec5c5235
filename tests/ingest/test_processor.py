"""From the log to the store, through outages and restarts."""

import pytest
from structlog.testing import capture_logs

from core.errors import StoreUnavailable
from core.network import Message
from core.stores import MemoryStore
from gateway.broker import EmbeddedBroker
from gateway.subscriber import Connection, Subscriber
from tests.brokers import free_port
from tests.gateway.test_subscriber import publish, until
from tests.ingest.support import APP, START, Ingest, contents, eui, frame, messages, up_json


@pytest.fixture
def ingest(tmp_path):
    stage = Ingest(tmp_path, MemoryStore())
    yield stage
    stage.close()


def batch(first: int, count: int) -> list[Message]:
    """One uplink a minute of device 1, with its number as level in mm."""
    return messages([(1, n, frame(n), START + 60 * n) for n in range(first, first + count)])


def levels(store: MemoryStore) -> list[int]:
    return [round(1000 * x) for _, x, _ in contents(store).get(eui(1), [])]


def test_what_is_kept_is_stored_and_the_cursor_follows(ingest):
    ingest.processor.start()
    ingest.processor.keep(batch(0, 30))
    ingest.processor.keep(batch(30, 20))
    until(lambda: ingest.cursor.done == 50)
    assert levels(ingest.store) == list(range(50))
    assert ingest.processor.backlog == 0


def test_a_restart_goes_on_where_it_stopped(tmp_path):
    first = Ingest(tmp_path, MemoryStore())
    first.processor.keep(batch(0, 10))
    assert first.processor.drain() == 10
    first.processor.keep(batch(10, 10))
    first.close()
    second = Ingest(tmp_path, MemoryStore())
    assert second.processor.backlog == 10
    assert second.processor.drain() == 10
    assert levels(second.store) == list(range(10, 20))
    second.close()


def test_while_the_store_is_away_the_log_waits_and_then_drains(ingest):
    write, away = ingest.store.write, [True]

    def sometimes(readings):
        if away[0]:
            raise StoreUnavailable("InfluxDB does not answer")
        return write(readings)

    ingest.store.write = sometimes
    with capture_logs() as lines:
        ingest.processor.start()
        for i in range(12):
            ingest.processor.keep(batch(500 * i, 500))
        until(lambda: ingest.processor.fault == "InfluxDB does not answer")
        assert ingest.processor.backlog == 6000
        away[0] = False
        until(lambda: ingest.processor.backlog == 0 and ingest.processor.fault is None)
    assert [line["log_level"] for line in lines] == ["warning", "info"], "one line when it begins, one when it ends"
    assert levels(ingest.store) == list(range(6000))


def test_whatever_goes_wrong_it_tries_again(ingest):
    write, broken = ingest.store.write, [True]

    def sometimes(readings):
        if broken[0]:
            raise RuntimeError("a bug")
        return write(readings)

    ingest.store.write = sometimes
    ingest.processor.start()
    ingest.processor.keep(batch(0, 10))
    until(lambda: ingest.processor.fault == "a bug")
    broken[0] = False
    until(lambda: levels(ingest.store) == list(range(10)))


def test_on_a_long_backlog_the_newest_come_first(tmp_path):
    order = []
    first = Ingest(tmp_path, MemoryStore())
    for i in range(12):
        first.log.append(batch(500 * i, 500))
    first.close()
    second = Ingest(tmp_path, MemoryStore())
    second.pipeline.listen(lambda written, readings: order.append(int(readings.uplink[0])))
    second.processor.start()
    until(lambda: second.processor.backlog == 0)
    assert order[0] > 5000, "alarms see the present first"
    assert levels(second.store) == list(range(6000))
    assert second.cursor.done == 6000
    second.close()


def test_poison_is_kept_as_dead_letters_and_stops_nothing(ingest):
    poison = [Message(START, f"application/{APP}/device/{eui(1)}/event/up", p) for p in (b"{broken", b"\xff\x00", b"[]", b'{"data": 5}')]
    ingest.processor.keep([*batch(0, 3), *poison, *batch(3, 3)])
    ingest.processor.drain()
    assert levels(ingest.store) == list(range(6))
    assert [letter.seq for letter in ingest.dead.find()] == [4, 5, 6, 7]
    (group,) = ingest.dead.groups()
    assert (group.dev_eui, group.reason, group.letters) == (eui(1), "not an event", 4)
    assert ingest.log.get(4).payload == b"{broken"


def test_from_the_broker_to_the_store(ingest):
    with EmbeddedBroker(free_port()) as broker:
        subscriber = Subscriber(Connection(broker.url, protocol=broker.protocol), ingest.processor.keep).start()
        ingest.processor.start()
        assert subscriber.subscribed.wait(10)
        publish(broker.port, [up_json(1, n, frame(n), START + 60 * n) for n in range(200)], f"application/{APP}/device/{eui(1)}/event/up")
        until(lambda: len(levels(ingest.store)) == 200)
        subscriber.stop()
    assert levels(ingest.store) == list(range(200))
    assert ingest.log.size()["messages"] == 200
