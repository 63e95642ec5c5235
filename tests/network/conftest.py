"""A network server to talk to: the stand-in always, and a real ChirpStack where MJOSA_TEST_CHIRPSTACK_URL and _TOKEN are set."""

import os
import secrets
import shutil
import socket
import subprocess
import time

import paho.mqtt.client as paho
import pytest
from chirpstack_api import api
from paho.mqtt.enums import CallbackAPIVersion

from core.town import BaseStation
from gateway.chirpstack import ChirpStack
from gateway.provisioning import ensure
from ingest.device_model import native_models
from simulators.network_server import Broker, StandIn

REAL = os.environ.get("MJOSA_TEST_CHIRPSTACK_URL")
STATION = BaseStation(id="0016c001ff10a001", name="Gjøvik gård", latitude=60.7957, longitude=10.6915, altitude_m=220.0)
SERVERS = ["stand-in", *(["chirpstack"] if REAL else [])]


@pytest.fixture(params=SERVERS)
def client(request, tmp_path):
    """An admin client of each server."""
    if request.param == "chirpstack":
        with ChirpStack(REAL, os.environ["MJOSA_TEST_CHIRPSTACK_TOKEN"]) as chirpstack:
            yield chirpstack
    else:
        with StandIn(tmp_path / "server") as server, ChirpStack(server.address, server.token) as chirpstack:
            yield chirpstack


@pytest.fixture
def place(client):
    """A tenant of our own with one application, two profiles and a base station; gone afterwards."""
    name = f"test {secrets.token_hex(4)}"
    station = STATION.model_copy(update={"id": secrets.token_hex(8)})
    models = native_models()
    products = [models["elsys_elt2"], models["milesight_em500_pp"]]
    yield ensure(client, products, [station], tenant=name, application=name)
    for found in client.list_all(client.tenants.List, api.ListTenantsRequest(search=name), "tenants"):
        client.call(client.tenants.Delete, api.DeleteTenantRequest(id=found.id), "tenant")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def broker():
    """A Mosquitto on loopback."""
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    port = free_port()
    process = subprocess.Popen([program, "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield Broker("127.0.0.1", port)
    process.terminate()
    process.wait(5)


class Listener:
    """Everything published on the broker, in order."""

    def __init__(self, broker):
        self.messages = []
        self._subscribed = False
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda _c, _d, m: self.messages.append((m.topic, m.payload, m.retain))
        self._client.on_subscribe = lambda *_: setattr(self, "_subscribed", True)
        self._client.connect(broker.host, broker.port)
        self._client.subscribe("#", 1)
        self._client.loop_start()
        until(lambda: self._subscribed)

    def publish(self, topic, payload):
        self._client.publish(topic, payload, qos=1).wait_for_publish(5)

    def of(self, kind):
        return [m for m in self.messages if m[0].endswith(f"/event/{kind}")]

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def listener(broker):
    listener = Listener(broker)
    yield listener
    listener.close()


def until(condition, seconds=10):
    """Waits for a condition; fails when it never comes."""
    for _ in range(int(seconds * 100)):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("did not happen in time")
