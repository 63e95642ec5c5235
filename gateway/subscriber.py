"""From the broker to the uplink log: store, then acknowledge.

One thread owns the connection. It collects messages for at most 50 ms or 500 messages, hands the batch to `keep`, and
acknowledges only when `keep` has returned. When `keep` cannot store, the connection is closed: the broker holds the
session and sends everything unacknowledged again. Not reading the socket is the back-pressure.
"""

from __future__ import annotations

import select
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, urlsplit

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from core.errors import ConfigError, StoreUnavailable
from core.network import Message
from gateway.mqtt_client import BufferedClient
from gateway.topics import ALL_EVENTS, shared

log = structlog.get_logger("mjosa.gateway")
SESSION_S = 7 * 86_400
"""How long an MQTT 5 broker keeps the session of an absent Mjøsa."""
_SCHEMES = {"mqtt": ("tcp", False, 1883), "mqtts": ("tcp", True, 8883), "ws": ("websockets", False, 80), "wss": ("websockets", True, 443)}
QUIET_S = 0.02
"""Few messages are left to gather for so long, and a batch ends when none came: a broker that keeps few in flight is not held up."""
FEW = 50


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach the broker. url: mqtt[s]://host:port or ws[s]://host:port/path."""

    url: str
    client_id: str = "mjosa-ingest"
    username: str | None = None
    password: str | None = None
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    protocol: Literal["5", "3.1.1"] = "5"
    group: str | None = None
    topics: tuple[str, ...] = (ALL_EVENTS,)


class Subscriber:
    """Follows the broker until stopped. `keep(batch)` must return only when the batch is durable, or raise StoreUnavailable."""

    def __init__(
        self,
        connection: Connection,
        keep: Callable[[Sequence[Message]], object],
        *,
        batch: int = 500,
        window_s: float = 0.05,
        retry_s: tuple[float, float] = (0.5, 30.0),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._connection, self._keep, self._batch, self._window_s, self._retry_s, self._clock = (
            connection, keep, batch, window_s, retry_s, clock,
        )  # fmt: skip
        self._client()  # a wrong setting is told now, not by the thread
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._refused: str | None = None
        self._cannot_store = False
        self.subscribed = threading.Event()
        self.fault: str | None = None
        """Why nothing arrives at present, as a sentence; None when all is well."""
        self.received = 0
        self.acknowledged = 0

    def start(self) -> Subscriber:
        self._thread = threading.Thread(target=self.run, name="subscriber", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop reading; what is not acknowledged stays with the broker."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=15)

    def run(self) -> None:
        """Connect, follow, and on any fault wait (doubling, capped) and begin again, until stopped."""
        wait_s = self._retry_s[0]
        while not self._stop.is_set():
            before = self.acknowledged
            try:
                self._follow()
            except StoreUnavailable as error:
                self._cannot_store = True
                self._say(str(error))
            except OSError as error:
                self._say(str(error))
            except Exception as error:  # whatever it is, nothing is lost by trying again, and everything by stopping
                with suppress(OSError):
                    log.exception("the subscriber failed; trying again")
                self._say(str(error) or type(error).__name__)
            wait_s = self._retry_s[0] if self.acknowledged > before else min(2 * wait_s, self._retry_s[1])
            self._stop.wait(wait_s)

    def _follow(self) -> None:
        client = self._client()
        self._refused = None
        try:
            _connect(client, self._connection)
            while not self._stop.is_set():
                self._collect(client)
                if client.collected:
                    self._settle(client)
        finally:
            self.subscribed.clear()
            client.disconnect()

    def _collect(self, client: BufferedClient) -> None:
        """Read until the batch is full, its window has passed, or a second went by without a message."""
        deadline = time.monotonic() + 1.0
        while len(client.collected) < self._batch and (left_s := deadline - time.monotonic()) > 0 and not self._stop.is_set():
            if 0 < len(client.collected) < FEW:
                self._stop.wait(min(left_s, QUIET_S))
            if not _readable(client, 0.0 if client.collected else left_s) and client.collected:
                break
            client.read_packets(self._batch)
            client.loop_misc()
            if self._refused:
                raise ConnectionError(self._refused)
            if client.collected:
                deadline = min(deadline, time.monotonic() + self._window_s)

    def _settle(self, client: BufferedClient) -> None:
        """Store, then acknowledge."""
        now, batch, client.collected = self._clock(), client.collected, []
        self.received += len(batch)
        self._keep([Message(now, m.topic, m.payload) for m in batch])
        client.acknowledge(m.mid for m in batch if m.qos)
        self.acknowledged += len(batch)
        self._cannot_store = False
        self._say(None)

    def _client(self) -> BufferedClient:
        c = self._connection
        transport, tls, _ = _SCHEMES[_address(c.url).scheme]
        client = BufferedClient(
            CallbackAPIVersion.VERSION2, client_id=c.client_id, protocol=MQTTv5 if c.protocol == "5" else MQTTv311,
            clean_session=None if c.protocol == "5" else False, transport="websockets" if transport == "websockets" else "tcp",
            manual_ack=True,
        )  # fmt: skip
        if c.username is not None:
            client.username_pw_set(c.username, c.password)
        if tls:
            client.tls_set_context(_tls(c))
        if transport == "websockets":
            client.ws_set_options(path=_address(c.url).path or "/mqtt")
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        return client

    def _on_connect(
        self, client: Client, _userdata: object, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._refused = f"{self._connection.url}: the broker refused the connection: {reason}"
            return
        for topic in self._connection.topics:
            client.subscribe(shared(topic, self._connection.group), qos=1)

    def _on_subscribe(
        self, _client: Client, _userdata: object, _mid: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self._refused = f"{self._connection.url}: the broker refused the subscription ({reasons[0]}); check its access rules"
            return
        self.subscribed.set()
        if not self._cannot_store:  # that fault ends when a batch has been kept
            self._say(None)

    def _on_disconnect(
        self, _client: Client, _userdata: object, _flags: DisconnectFlags, reason: ReasonCode, _p: Properties | None
    ) -> None:
        if reason.is_failure and not self._refused:
            self._refused = f"{self._connection.url}: the connection ended: {reason}"

    def _say(self, fault: str | None) -> None:
        """One line when a fault begins, changes or ends. A log that cannot be written (the disk is full) stops nothing."""
        before, self.fault = self.fault, fault
        with suppress(OSError):
            if fault and fault != before:
                log.warning("ingest does not receive", why=fault, client_id=self._connection.client_id)
            elif fault is None and before:
                log.info("ingest receives", broker=self._connection.url, client_id=self._connection.client_id)


def _address(url: str) -> SplitResult:
    address = urlsplit(url)
    if address.scheme not in _SCHEMES or not address.hostname:
        raise ConfigError([f"MJOSA_MQTT_URL: '{url}' is not one of {', '.join(f'{s}://host:port' for s in _SCHEMES)}"])
    return address


def _tls(c: Connection) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=c.ca)
        if c.certificate is not None:
            context.load_cert_chain(c.certificate, c.key)
    except OSError as error:
        raise ConfigError([f"MJOSA_MQTT_CA, _CERTIFICATE or _KEY cannot be used: {error}"]) from error
    return context


def _connect(client: Client, c: Connection) -> None:
    address = _address(c.url)
    host, port = address.hostname or "", address.port or _SCHEMES[address.scheme][2]
    try:
        if c.protocol == "5":
            session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            session.SessionExpiryInterval = SESSION_S
            client.connect(host, port, keepalive=30, clean_start=False, properties=session)
        else:
            client.connect(host, port, keepalive=30)
    except OSError as error:
        raise ConnectionError(f"{c.url}: the broker cannot be reached ({error}); trying again") from error


def _readable(client: BufferedClient, timeout_s: float) -> bool:
    """Wait for something to read, and write what is waiting to be written."""
    connection = client.socket()
    if connection is None:
        return True
    if client.has_input:
        return True
    pending = getattr(connection, "pending", None)  # TLS may hold what select cannot see
    ready, writable, _ = select.select(
        [connection], [connection] if client.want_write() else [], [], 0 if pending and pending() else timeout_s
    )
    if writable:
        client.loop_write()
    return bool(ready or (pending and pending()))
