"""The stand-in alone: its events on MQTT, its downlinks, its memory."""

import base64
import json
import uuid

import pytest
from chirpstack_api.integration import integration_pb2 as events
from google.protobuf.json_format import Parse

from core.errors import NetworkServerError
from core.model import Reception
from gateway.chirpstack import ChirpStack, NetworkDevice
from gateway.provisioning import ensure
from ingest.device_model import native_models
from simulators.network_server import Broker, StandIn
from tests.network.conftest import STATION, free_port, until

EUI, KEY = "a81758fffe0a0b0c", "ff" * 16
HEARD = [Reception(STATION.id, -101.0, -3.5), Reception("0016c001ff10a002", -118.0, -14.0)]


@pytest.fixture
def town(tmp_path, broker, listener):
    with StandIn(tmp_path / "server", mqtt=broker) as server, ChirpStack(server.address, server.token) as client:
        place = ensure(client, [native_models()["elsys_elt2"]], [STATION])
        client.create_device(
            NetworkDevice(EUI, "Kum 12", place.application_id, place.profiles["elsys_elt2"], tags={"mjosa_sensor": "kum-12"})
        )
        client.set_key(EUI, KEY)
        listener.messages.clear()
        yield server, client, place


def test_join_and_uplink_are_published_as_chirpstack_does(town, listener):
    server, client, place = town
    dev_addr = server.events.join(EUI)
    assert server.events.uplink(EUI, 5, bytes.fromhex("0100e2"), HEARD) == 0
    assert server.events.uplink(EUI, 5, b"", HEARD) == 1
    until(lambda: len(listener.of("up")) == 2 and listener.of("join"))
    topic, payload, retained = listener.of("up")[0]
    event = json.loads(payload)
    assert topic == f"application/{place.application_id}/device/{EUI}/event/up"
    assert not retained
    assert Parse(payload, events.UplinkEvent()).data == bytes.fromhex("0100e2")
    assert (event["devAddr"], event["fCnt"], event["fPort"], event["data"]) == (dev_addr, 0, 5, "AQDi")
    assert event["confirmed"] is False, "integration.* messages show default values"
    assert event["time"].endswith("+00:00")
    assert event["deviceInfo"]["tags"] == {"mjosa_model": "elsys_elt2", "mjosa_sensor": "kum-12"}
    near, far = event["rxInfo"]
    assert (near["gatewayId"], near["rssi"], near["location"]["latitude"]) == (STATION.id, -101, STATION.latitude)
    assert far["location"] == {}, "a station the server does not know has no position"
    assert "channel" not in near, "gw.* messages leave default values out"
    until(lambda: client.device(EUI).last_seen_at is not None)
    assert client.dev_addr(EUI) == dev_addr


def test_a_new_join_starts_the_frame_counter_again(town, listener):
    server, _, _ = town
    addresses = []
    for nonce in (1, 2):
        addresses.append(server.events.join(EUI, nonce))
        assert server.events.uplink(EUI, 5, b"\x01", HEARD) == 0
    assert addresses[0] != addresses[1]


def test_a_used_nonce_is_refused_until_it_is_flushed(town, listener):
    server, client, _ = town
    assert server.events.join(EUI, 771)
    assert server.events.join(EUI, 771) is None
    until(lambda: listener.of("log"))
    log = json.loads(listener.of("log")[0][1])
    assert (log["level"], log["code"], log["description"]) == ("ERROR", "OTAA", "DevNonce has already been used")
    client.flush_dev_nonces(EUI)
    assert server.events.join(EUI, 771)


def test_a_disabled_device_is_invisible(town, listener):
    server, client, _ = town
    server.events.join(EUI)
    client.change_device(EUI, is_disabled=True)
    assert server.events.uplink(EUI, 5, b"\x01", HEARD) is None


def test_a_confirmed_downlink_is_sent_then_acknowledged(town, listener):
    server, client, _ = town
    arrived = []
    server.events.on_downlink = lambda *frame: arrived.append(frame)
    server.events.join(EUI)
    item = client.enqueue(EUI, 6, b"\x01\x02")
    server.events.uplink(EUI, 5, b"\x01", HEARD)
    until(lambda: listener.of("txack"))
    txack = json.loads(listener.of("txack")[0][1])
    assert (txack["queueItemId"], txack["fCntDown"], txack["gatewayId"]) == (item, 0, STATION.id)
    assert arrived == [(EUI, 6, b"\x01\x02", True)]
    assert [(i.id, i.pending) for i in client.queue(EUI)] == [(item, True)]
    server.events.uplink(EUI, 5, b"\x01", HEARD)
    until(lambda: listener.of("ack"))
    ack = json.loads(listener.of("ack")[0][1])
    assert (ack["queueItemId"], ack["acknowledged"]) == (item, True)
    assert client.queue(EUI) == []


def test_command_down_is_queued_only_when_dev_eui_is_the_topics(town, listener):
    _, client, place = town
    topic = f"application/{place.application_id}/device/{EUI}/command/down"
    wanted = str(uuid.uuid4())
    command = {"devEui": EUI, "confirmed": True, "fPort": 10, "data": base64.b64encode(b"\x2a").decode()}
    listener.publish(topic, json.dumps({**command, "devEui": EUI.upper()}))
    listener.publish(topic, json.dumps({k: v for k, v in command.items() if k != "devEui"}))
    listener.publish(topic, json.dumps({**command, "fPort": 0}))
    listener.publish(topic, "not json")
    listener.publish(topic.replace(place.application_id, str(uuid.uuid4())), json.dumps(command))
    listener.publish(topic, json.dumps({**command, "id": wanted}))
    until(lambda: client.queue(EUI))
    assert [(i.id, i.f_port, i.payload, i.confirmed) for i in client.queue(EUI)] == [(wanted, 10, b"\x2a", True)]


def test_status_and_log_carry_their_numbers(town, listener):
    server, _, _ = town
    server.events.status(EUI, 76.5, 9)
    server.events.status(EUI, None, 0)
    until(lambda: len(listener.of("status")) == 2)
    known, unknown = (json.loads(m[1]) for m in listener.of("status"))
    assert (known["batteryLevel"], known["margin"], known["batteryLevelUnavailable"]) == (76.5, 9, False)
    assert unknown["batteryLevelUnavailable"] is True


def test_the_registry_outlives_the_server(tmp_path):
    with StandIn(tmp_path) as server, ChirpStack(server.address, server.token) as client:
        place = ensure(client, [native_models()["elsys_elt2"]], [STATION])
        client.create_device(NetworkDevice(EUI, "Kum 12", place.application_id, place.profiles["elsys_elt2"]))
        token = server.token
    with StandIn(tmp_path) as server, ChirpStack(server.address, token) as client:
        assert ensure(client, [native_models()["elsys_elt2"]], [STATION]).changed == ()
        assert client.device(EUI).name == "Kum 12"


def test_a_missing_broker_is_said(tmp_path):
    server = StandIn(tmp_path, mqtt=Broker("127.0.0.1", free_port()))
    try:
        with pytest.raises(NetworkServerError, match="start the broker first"):
            server.start()
    finally:
        server.stop()


def test_login_is_shut_without_a_password_and_opens_with_it(tmp_path):
    import grpc
    from chirpstack_api import api

    with StandIn(tmp_path, admin_password="correct horse") as server, grpc.insecure_channel(server.address) as channel:
        internal = api.InternalServiceStub(channel)
        with pytest.raises(grpc.RpcError) as refused:
            internal.Login(api.LoginRequest(email="admin", password="admin"), timeout=5)
        assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
        user = internal.Login(api.LoginRequest(email="admin", password="correct horse"), timeout=5).jwt
        key = api.CreateApiKeyRequest(api_key=api.ApiKey(name="mjosa", is_admin=True))
        made = internal.CreateApiKey(key, metadata=(("authorization", f"Bearer {user}"),), timeout=5)
        with pytest.raises(grpc.RpcError) as refused:
            internal.CreateApiKey(key, metadata=(("authorization", f"Bearer {made.token}"),), timeout=5)
        assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED, "API keys make no API keys"
        with ChirpStack(server.address, made.token) as client:
            assert client.device(EUI) is None
