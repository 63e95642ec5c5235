"""What the radio side looks like now, read from the tail of the uplink log: uplinks per minute, base stations heard, one raw uplink."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from api import present
from api.now import finite
from core.errors import DecodeError, MjosaError
from core.model import Uplink
from gateway.events import parse_event

TAIL = 2000
"""Messages looked at when starting, and at most per turn: beyond that the tail skips ahead."""
WINDOW_S = 600.0


class Radio:
    """Follows the uplink log. Thread-safe; `look` is called every few seconds."""

    def __init__(self, log: Any, clock: Callable[[], float]) -> None:
        self._log, self._clock = log, clock
        self._lock = threading.Lock()
        self._after: int | None = None
        self._times: deque[float] = deque(maxlen=100_000)
        self.heard: dict[str, float] = {}

    def look(self) -> None:
        """Read what is new in the log."""
        if self._log is None:
            return
        with self._lock:
            last = int(self._log.last_seq)
            after = max(self._after if self._after is not None else 0, last - TAIL)
            for message in self._log.read(after, TAIL):
                self._take(message)
                after = message.seq
            self._after = after

    def _take(self, message: Any) -> None:
        self._times.append(message.received_at)
        uplink = parsed(message)
        for reception in uplink.receptions if uplink else ():
            self.heard[reception.base_station] = max(message.received_at, self.heard.get(reception.base_station, 0.0))

    def per_minute(self) -> float | None:
        """Over the last ten minutes, or as long as the tail goes back; None before anything came."""
        now = self._clock()
        recent = [t for t in self._times if now - WINDOW_S <= t <= now + 60.0]
        if not self._times:
            return None
        return 60.0 * len(recent) / max(60.0, min(WINDOW_S, now - self._times[0]))


def parsed(message: Any) -> Uplink | None:
    """The uplink in a logged message; None for other events and for what cannot be read."""
    try:
        event = parse_event(message.topic, message.payload, message.received_at, message.seq)
    except (DecodeError, MjosaError):
        return None
    return event if isinstance(event, Uplink) else None


def raw_uplink(log: Any, models: Any, seq: int, sensor: Any = None) -> dict[str, Any]:
    """One uplink as it came, with what the device model makes of it now. Raises NotFound when it has left the log."""
    message = log.get(seq)
    uplink = parsed(message)
    found: dict[str, Any] = {"seq": seq, "received_at": present.when(message.received_at), "topic": message.topic}
    if uplink is None:
        return {**found, "unreadable": message.payload[:2000].decode("utf-8", "replace")}
    found |= {
        "dev_eui": uplink.dev_eui, "f_port": uplink.f_port, "f_cnt": uplink.f_cnt, "payload": uplink.payload.hex(),
        "time": present.when(uplink.time), "spreading_factor": uplink.spreading_factor, "frequency_hz": uplink.frequency_hz,
        "receptions": [
            {"base_station": r.base_station, "rssi_dbm": finite(r.rssi_dbm), "snr_db": finite(r.snr_db)} for r in uplink.receptions
        ],
    }  # fmt: skip
    return {**found, **_decoded(models, sensor, uplink)} if models is not None else found


def _decoded(models: Any, sensor: Any, uplink: Uplink) -> dict[str, Any]:
    try:
        model = models.find(sensor, uplink)
        samples = model.read(uplink.payload, uplink.f_port, dict(sensor.options) if sensor else {})
    except MjosaError as error:
        return {"refused": str(error)}
    rows = [{"quantity": s.quantity, "value": finite(s.value), "at": present.when(s.at), "age_s": s.age_s} for s in samples]
    return {"model": model.key, "model_version": model.version, "samples": rows}
