"""The stand-in network server: ChirpStack's gRPC API and MQTT events on loopback, for embedded use, the demo and every test.

    with StandIn(folder, mqtt=Broker("127.0.0.1", 1883)) as server:
        client = ChirpStack(server.address, server.token)

It keeps its registry in `folder` and shows itself to a client as ChirpStack v4 does, in what Mjøsa uses.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import grpc
import paho.mqtt.client as paho
from chirpstack_api import api
from paho.mqtt.enums import CallbackAPIVersion

from core.errors import NetworkServerError
from simulators.network_server_access import Access
from simulators.network_server_devices import Devices
from simulators.network_server_events import EventDesk, OnDownlink
from simulators.network_server_registry import ServerRegistry
from simulators.network_server_services import Applications, DeviceProfiles, Gateways, Internal, Shared, Tenants

logger = logging.getLogger(__name__)
RUNNING = "network_server.json"
"""Tells commands on this machine, while the server runs, where and with which token to ask (mode 0600)."""
_SUBSCRIPTIONS = (
    "application/+/device/+/command/down",
    "application/+/device/+/event/up",
    "application/+/device/+/event/join",
    "eu868/gateway/+/event/stats",
)


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the events go. QoS 1 as Mjøsa's own ChirpStack is configured (ChirpStack's default is 0)."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    qos: int = 1


class StandIn:
    """One stand-in server. `port` 0 takes a free one; `address` and `token` (an admin API key) are there after `start`.

    Without a broker it serves gRPC only. `admin_password` opens Internal.Login for user `admin`; None keeps it shut.
    `events` makes devices join and send.
    """

    def __init__(self, folder: Path, *, port: int = 0, mqtt: Broker | None = None, admin_password: str | None = None,
                 now: Callable[[], float] = time.time, on_downlink: OnDownlink | None = None) -> None:  # fmt: skip
        self._folder, self._port, self._broker = folder, port, mqtt
        self._mqtt: paho.Client | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self.registry = ServerRegistry(folder / "network_server.db")
        self.access = Access(self.registry, _kept_secret(folder / "network_server.secret"), now)
        self.events = EventDesk(self.registry, self._publish, now, on_downlink)
        self._shared = Shared(self.registry, self.access, now, admin_password)
        self.address = ""
        self.token = self._kept_token(folder / "network_server.token")

    def start(self) -> Self:
        self._grpc = grpc.server(ThreadPoolExecutor(8, thread_name_prefix="stand-in"), options=[("grpc.so_reuseport", 0)])
        api.add_TenantServiceServicer_to_server(Tenants(self._shared), self._grpc)
        api.add_ApplicationServiceServicer_to_server(Applications(self._shared), self._grpc)
        api.add_DeviceProfileServiceServicer_to_server(DeviceProfiles(self._shared), self._grpc)
        api.add_DeviceServiceServicer_to_server(Devices(self._shared), self._grpc)
        api.add_GatewayServiceServicer_to_server(Gateways(self._shared), self._grpc)
        api.add_InternalServiceServicer_to_server(Internal(self._shared), self._grpc)
        try:
            self._port = self._grpc.add_insecure_port(f"127.0.0.1:{self._port}")
        except RuntimeError as error:
            raise NetworkServerError(f"The stand-in network server cannot listen on port {self._port}: another program has it.") from error
        self.address = f"127.0.0.1:{self._port}"
        self._grpc.start()
        if self._broker:
            self._connect(self._broker)
        _write_private(self._folder / RUNNING, json.dumps({"address": self.address, "token": self.token}))
        return self

    def stop(self) -> None:
        """Ends the server; the registry stays on disk and the same folder starts where this left off."""
        (self._folder / RUNNING).unlink(missing_ok=True)
        if self._mqtt:
            self._mqtt.disconnect()
            self._mqtt.loop_stop()
            self._mqtt = None
        self._grpc.stop(grace=1).wait(5)
        self.registry.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def create_api_key(self, name: str, tenant_id: str = "", *, read_only: bool = False) -> str:
        """A token, as `chirpstack create-api-key` prints: an admin's where no tenant is given."""
        return self.access.create_key(name, tenant_id, read_only)[1]

    def _connect(self, broker: Broker) -> None:
        ready = threading.Event()

        def subscribe(client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
            if not reason.is_failure:
                client.subscribe([(topic, 1) for topic in _SUBSCRIPTIONS])

        self._mqtt = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"stand-in-{secrets.token_hex(4)}")
        self._mqtt.username_pw_set(broker.username, broker.password)
        self._mqtt.on_connect = subscribe
        self._mqtt.on_subscribe = lambda *_: ready.set()
        self._mqtt.on_message = lambda _client, _data, message: self.events.receive(message.topic, bytes(message.payload))
        try:
            self._mqtt.connect(broker.host, broker.port)
        except OSError as error:
            raise NetworkServerError(
                f"The stand-in network server finds no MQTT broker at {broker.host}:{broker.port}; start the broker first."
            ) from error
        self._mqtt.loop_start()
        if not ready.wait(10):
            raise NetworkServerError(f"The MQTT broker at {broker.host}:{broker.port} lets nobody subscribe; check user name and password.")

    def _publish(self, topic: str, payload: bytes) -> None:
        if self._mqtt and self._broker:
            self._mqtt.publish(topic, payload, qos=self._broker.qos, retain=False)

    def _kept_token(self, path: Path) -> str:
        """The admin key made at the first start."""
        if not path.exists():
            _write_private(path, self.access.create_key("mjosa")[1])
        return path.read_text()


def _kept_secret(path: Path) -> str:
    if not path.exists():
        _write_private(path, secrets.token_hex(32))
    return path.read_text()


def _write_private(path: Path, text: str) -> None:
    """Readable by the owner only, and whole or not there at all."""
    new = path.with_suffix(".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    new.replace(path)
