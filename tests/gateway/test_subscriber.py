"""Store, then acknowledge: with real brokers."""

import threading
import time

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from core.errors import StoreUnavailable
from gateway.broker import EmbeddedBroker
from gateway.subscriber import Connection, Subscriber
from gateway.topics import event_topic
from tests.brokers import Mosquitto, free_port


def publish(port: int, payloads, topic=None, qos: int = 1, user: tuple[str, str] | None = None) -> None:
    """Publish all and wait until the broker has accepted them."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="publisher")
    if user:
        client.username_pw_set(*user)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for info in [client.publish(topic or event_topic("a", "24e1247100000001", "up"), p, qos=qos) for p in payloads]:
        info.wait_for_publish(20)
        assert info.is_published()
    client.disconnect()
    client.loop_stop()


def until(condition, timeout_s: float = 15.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


class Kept:
    """A store that can be away."""

    def __init__(self) -> None:
        self.payloads: list[bytes] = []
        self.batches: list[int] = []
        self.away = False

    def __call__(self, batch) -> None:
        if self.away:
            raise StoreUnavailable("the disk is full")
        self.payloads += [m.payload for m in batch]
        self.batches.append(len(batch))


@pytest.fixture(params=["mosquitto, MQTT 5", "mosquitto, MQTT 3.1.1", "embedded"])
def broker(request, tmp_path):
    if request.param == "embedded":
        with EmbeddedBroker(free_port()) as embedded:
            yield embedded.port, embedded.protocol
    else:
        with Mosquitto(tmp_path) as mosquitto:
            yield mosquitto.port, "5" if "5" in request.param else "3.1.1"


def subscriber(port: int, protocol: str, kept, **more) -> Subscriber:
    return Subscriber(Connection(f"mqtt://127.0.0.1:{port}", protocol=protocol, **more), kept, retry_s=(0.05, 0.2))


def test_everything_published_is_kept_also_what_came_while_away(broker):
    port, protocol = broker
    kept = Kept()
    first = subscriber(port, protocol, kept).start()
    assert first.subscribed.wait(10)
    publish(port, [b"%d" % i for i in range(300)])
    until(lambda: len(kept.payloads) == 300)
    first.stop()
    publish(port, [b"%d" % i for i in range(300, 900)])
    second = subscriber(port, protocol, kept).start()
    until(lambda: len(kept.payloads) >= 900)
    second.stop()
    assert kept.payloads == [b"%d" % i for i in range(900)]
    assert max(kept.batches) <= 500


def test_what_cannot_be_stored_is_not_acknowledged_and_comes_again(broker):
    port, protocol = broker
    kept = Kept()
    follower = subscriber(port, protocol, kept).start()
    assert follower.subscribed.wait(10)
    kept.away = True
    publish(port, [b"%d" % i for i in range(700)])
    until(lambda: follower.fault is not None)
    assert follower.fault == "the disk is full"
    assert kept.payloads == []
    kept.away = False
    until(lambda: set(kept.payloads) == {b"%d" % i for i in range(700)})
    until(lambda: follower.fault is None)
    follower.stop()
    assert follower.acknowledged >= 700


def test_a_broker_that_is_not_there_yet_is_waited_for(tmp_path):
    kept, mosquitto = Kept(), Mosquitto(tmp_path)
    follower = subscriber(mosquitto.port, "5", kept).start()
    until(lambda: follower.fault is not None)
    assert "cannot be reached" in follower.fault
    with mosquitto:
        assert follower.subscribed.wait(10)
        publish(mosquitto.port, [b"x"])
        until(lambda: kept.payloads == [b"x"])
        assert follower.fault is None
        follower.stop()


def test_a_wrong_password_is_a_sentence(tmp_path):
    (tmp_path / "passwords").write_text("")
    with Mosquitto(tmp_path, listener=f"allow_anonymous false\npassword_file {tmp_path}/passwords") as mosquitto:
        follower = subscriber(mosquitto.port, "5", Kept(), username="mjosa", password="wrong").start()
        until(lambda: follower.fault is not None)
        assert "refused the connection" in follower.fault
        follower.stop()


def test_stop_ends_the_thread(broker):
    port, protocol = broker
    others = set(threading.enumerate())
    follower = subscriber(port, protocol, Kept()).start()
    assert follower.subscribed.wait(10)
    follower.stop()
    assert not {t.name for t in set(threading.enumerate()) - others if t.name == "subscriber"}


def test_messages_with_properties_and_other_qualities_of_service_arrive_too(tmp_path):
    kept, properties = Kept(), Properties(PacketTypes.PUBLISH)
    properties.UserProperty = ("origin", "test")
    properties.ContentType = "application/json"
    with Mosquitto(tmp_path) as mosquitto:
        follower = subscriber(mosquitto.port, "5", kept).start()
        assert follower.subscribed.wait(10)
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="publisher", protocol=mqtt.MQTTv5)
        client.connect("127.0.0.1", mosquitto.port)
        client.loop_start()
        topic = event_topic("a", "24e1247100000001", "up")
        for qos in (0, 1, 2):
            client.publish(topic, b"plain %d" % qos, qos=qos).wait_for_publish(10)
            client.publish(topic, b"with properties %d" % qos, qos=qos, properties=properties).wait_for_publish(10)
        client.publish(topic, b"", qos=1).wait_for_publish(10)
        client.disconnect()
        client.loop_stop()
        until(lambda: len(kept.payloads) == 7)
        follower.stop()
    assert sorted(kept.payloads) == sorted([b"", *(text % qos for qos in (0, 1, 2) for text in (b"plain %d", b"with properties %d"))])
