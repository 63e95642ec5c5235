"""Publishes MQTT messages at QoS 1 as fast as a broker takes them: packets are made beforehand, acknowledgements only counted."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Sequence

CHUNK = 200


def packet(topic: str, payload: bytes, mid: int) -> bytes:
    """One PUBLISH at QoS 1 (MQTT 3.1.1)."""
    name = topic.encode()
    body = struct.pack(">H", len(name)) + name + struct.pack(">H", mid % 65_535 + 1) + payload
    length, digits = len(body), bytearray()
    while length or not digits:
        length, digit = divmod(length, 128)
        digits.append(digit | (128 if length else 0))
    return b"\x32" + bytes(digits) + body


class Publisher:
    """A connection that has counted `accepted` messages acknowledged by the broker."""

    def __init__(self, port: int, client_id: str = "publisher") -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        name = client_id.encode()
        connect = b"\x00\x04MQTT\x04\x02\x00\x00" + struct.pack(">H", len(name)) + name
        self._socket.sendall(b"\x10" + bytes([len(connect)]) + connect)
        if self._socket.recv(4)[3:] != b"\x00":
            raise ConnectionError("the broker refused the publisher")
        self.accepted = 0
        self.sent = 0
        threading.Thread(target=self._count, daemon=True).start()

    def send(self, messages: Sequence[tuple[str, bytes]], *, per_s: float | None = None, in_flight: int = 5000) -> None:
        """All messages, paced when asked, with at most so many not acknowledged."""
        packets = [packet(topic, payload, self.sent + i) for i, (topic, payload) in enumerate(messages)]
        step = CHUNK if per_s is None else max(1, int(per_s / 100))
        start = time.monotonic()
        for i in range(0, len(packets), step):
            while self.sent - self.accepted > in_flight:
                time.sleep(0.001)
            if per_s is not None:
                time.sleep(max(0.0, start + i / per_s - time.monotonic()))
            self._socket.sendall(b"".join(packets[i : i + step]))
            self.sent += len(packets[i : i + step])

    def wait(self, timeout_s: float = 60.0) -> None:
        """Until the broker has acknowledged everything."""
        deadline = time.monotonic() + timeout_s
        while self.accepted < self.sent:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the broker accepted {self.accepted} of {self.sent}")
            time.sleep(0.002)

    def close(self) -> None:
        self._socket.close()

    def _count(self) -> None:
        rest = 0
        try:
            while data := self._socket.recv(65_536):
                rest += len(data)
                self.accepted += rest // 4  # every answer is a PUBACK of four bytes
                rest %= 4
        except OSError:
            return
