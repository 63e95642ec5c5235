"""Commands to a sensor through ChirpStack's queue, each followed until the device has acknowledged it.

waiting in ChirpStack → sent (txack: a base station took it) → acknowledged, or failed (the device did not answer)
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace

from core.errors import ConfigError, NetworkServerError, NotFound
from core.network import AckEvent, NetworkEvent, TxAckEvent
from core.registry import Registry
from core.town import Sensor
from gateway.fleet import Fleet

_KEPT = "downlink:"
_SOURCE_SWL = "Milesight-IoT/SensorDecoders em-series/em500-swl/em500-swl-encoder.js"


@dataclass(frozen=True, slots=True)
class Command:
    """One thing a product can be told. `value` must be within [low, high] in `unit`; `source` says where the bytes stand written."""

    f_port: int
    encode: Callable[[float], bytes]
    low: float
    high: float
    unit: str
    source: str


def _depth_above(metres: float) -> bytes:
    """Alarm above a depth: condition 2, quantity depth (bit 3), enabled (bit 6); limits in cm, little-endian."""
    return struct.pack("<BBBhhHH", 0xFF, 0x06, 2 | 1 << 3 | 1 << 6, 0, round(metres * 100), 0, 0)


COMMANDS: Mapping[str, Mapping[str, Command]] = {
    "milesight_em500_swl": {
        "interval_s": Command(85, lambda s: struct.pack("<BBH", 0xFF, 0x03, round(s)), 60, 64_800, "s", _SOURCE_SWL),
        "threshold_m": Command(85, _depth_above, 0, 100, "m", _SOURCE_SWL),
    },
}
"""Product → command → how to say it. A product not here takes raw bytes (`send_raw`)."""


def commands_table() -> str:
    """What each product can be told, as a Markdown table for docs/field.md."""
    lines = ["| product | command | from | to | source |", "|---|---|---|---|---|"]
    return "\n".join([*lines, *(
        f"| `{product}` | `{name}` | {c.low:g} {c.unit} | {c.high:g} {c.unit} | {c.source} |"
        for product, commands in COMMANDS.items() for name, c in commands.items()
    )])  # fmt: skip


@dataclass(frozen=True, slots=True)
class Downlink:
    """One command on its way. `id` is ChirpStack's queue item; times are Unix seconds. state: waiting, sent, acknowledged, failed."""

    id: str
    sensor: str
    dev_eui: str
    command: str
    value: float
    author: str
    at: float
    state: str = "waiting"
    state_at: float = 0.0


class Downlinks:
    """Sends commands and follows them. `see` is fed with the network's events, by whichever process reads them."""

    def __init__(self, registry: Registry, fleet: Fleet | None, clock: Callable[[], float] = time.time) -> None:
        self._registry, self._fleet, self._clock = registry, fleet, clock

    def offered(self, sensor: str) -> Mapping[str, Command]:
        """What this sensor can be told. Raises NotFound."""
        return COMMANDS.get(self._sensor(sensor).model, {})

    def send(self, sensor: str, command: str, value: float, author: str) -> Downlink:
        """Raises ConfigError for what the product does not know or take, NetworkServerError where ChirpStack refuses."""
        known = self.offered(sensor)
        if command not in known:
            raise ConfigError([f"'{sensor}' cannot be told '{command}'; it knows {', '.join(known) or 'no command, send raw bytes'}"])
        how = known[command]
        if not how.low <= value <= how.high:
            raise ConfigError([f"{command} of '{sensor}' must be from {how.low:g} to {how.high:g} {how.unit}, not {value:g}"])
        return self._enqueue(sensor, command, value, how.f_port, how.encode(value), author)

    def send_raw(self, sensor: str, f_port: int, payload: bytes, author: str) -> Downlink:
        """Bytes of the maker's own manual."""
        return self._enqueue(sensor, f"raw {payload.hex()}", float(f_port), f_port, payload, author)

    def find(self, sensor: str | None = None) -> list[Downlink]:
        """Newest first."""
        found = (self._registry.documents.get(key) for key in self._registry.documents.keys(_KEPT))
        kept = [Downlink(**body) for body in found if body]
        return sorted((d for d in kept if sensor in (None, d.sensor)), key=lambda d: -d.at)

    def see(self, events: Iterable[NetworkEvent]) -> None:
        """txack and ack events change the state of the command they belong to; anything else passes by."""
        for event in events:
            if isinstance(event, AckEvent | TxAckEvent):
                self._note(event)

    def _note(self, event: AckEvent | TxAckEvent) -> None:
        body = self._registry.documents.get(_KEPT + event.queue_item_id)
        if not body or body["state"] in ("acknowledged", "failed"):
            return
        state = "sent" if isinstance(event, TxAckEvent) else "acknowledged" if event.acknowledged else "failed"
        done = replace(Downlink(**body), state=state, state_at=event.time or event.received_at)
        self._registry.documents.put(_KEPT + done.id, asdict(done))
        if state == "acknowledged" and done.command == "interval_s":
            current = self._registry.town().current.get(done.sensor)
            if current is not None and current.dev_eui == done.dev_eui:
                self._registry.put(current.model_copy(update={"interval_s": done.value}), done.author)

    def _enqueue(self, sensor: str, command: str, value: float, f_port: int, payload: bytes, author: str) -> Downlink:
        if self._fleet is None:
            raise NetworkServerError("This process has no network server; set MJOSA_CHIRPSTACK_URL.")
        dev_eui, now = self._sensor(sensor).dev_eui, self._clock()
        item = self._fleet.client.enqueue(dev_eui, f_port, payload, confirmed=True)
        sent = Downlink(item, sensor, dev_eui, command, value, author, now, state_at=now)
        self._registry.documents.put(_KEPT + item, asdict(sent))
        return sent

    def _sensor(self, sensor: str) -> Sensor:
        found = self._registry.town().current.get(sensor)
        if found is None:
            raise NotFound(f"There is no sensor '{sensor}'.")
        return found
