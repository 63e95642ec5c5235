"""Milesight's tagged frames: channel byte, type byte, little-endian value; repeated. fPort 85 as delivered, but settable.

Layout: README.md of each product in Milesight-IoT/SensorDecoders.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from core.errors import DecodeError
from core.model import Sample
from ingest.device_model import Options
from ingest.devices._encoding import steps

F_PORT = 85
HISTORY = 0x20CE
ALARM = 0x8000
"""Bit of the channel in the alarm form of a value, which carries one byte more: the alarm's state."""
Special = Callable[[bytes, Options], Sequence[Sample]]


@dataclass(frozen=True, slots=True)
class Channel:
    """One scalar: quantity, its integer's struct code, raw steps per canonical unit, status bit set by its alarm form."""

    quantity: str
    code: str
    per_unit: float = 1.0
    alarm_bit: int = 0


@dataclass(frozen=True, slots=True)
class Layout:
    """A product's channels by (channel << 8 | type), the columns of its history record, and what fits neither."""

    channels: Mapping[int, Channel]
    history: tuple[Channel, ...] = ()
    special: Mapping[int, tuple[int, Special]] = field(default_factory=dict)


_DEVICE_INFORMATION = {0xFF01: 1, 0xFF09: 2, 0xFF0A: 2, 0xFF0B: 1, 0xFF0F: 1, 0xFF16: 8, 0xFFFE: 1, 0xFFFF: 2}
_CONFIGURATION = (0xFE, 0xFF)
BATTERY = {0x0175: Channel("battery_pct", "B")}


def decode(layout: Layout, payload: bytes, options: Options) -> list[Sample]:
    """All samples of a frame; alarm and position bits are gathered into one `status_bits`.

    An answer to a configuration downlink carries no measurement and ends the frame. Raises DecodeError on an unknown tag.
    """
    samples: list[Sample] = []
    status: int | None = None
    position = 0
    while position < len(payload):
        (tag,) = struct.unpack_from(">H", payload, position)
        position += 2
        channel = layout.channels.get(tag) or layout.channels.get(tag & ~ALARM)
        if tag in layout.special:
            size, read = layout.special[tag]
            samples += read(_take(payload, position, size), options)
        elif tag == HISTORY and layout.history:
            size = struct.calcsize(_record(layout))
            samples += _history(layout, _take(payload, position, size))
        elif channel is not None:
            size = struct.calcsize(channel.code) + (tag != _plain(layout, tag))
            value, alarm = _scalar(channel, _take(payload, position, size), tag in layout.channels)
            if channel.quantity == "status_bits":
                status = (status or 0) | channel.alarm_bit * int(value)
            else:
                samples.append(Sample(channel.quantity, value))
            if alarm is not None:
                status = (status or 0) | channel.alarm_bit * alarm
        elif tag in _DEVICE_INFORMATION:
            size = _DEVICE_INFORMATION[tag]
        elif tag >> 8 in _CONFIGURATION:
            break
        else:
            raise DecodeError(f"unknown Milesight channel {tag >> 8:02x} type {tag & 0xFF:02x} at byte {position - 2} of {payload.hex()}")
        position += size
    if status is not None:
        samples.append(Sample("status_bits", float(status)))
    return samples


def encode(layout: Layout, samples: Sequence[Sample]) -> tuple[int, bytes]:
    """Samples without time become channels, in the order of the layout; those with a time become history records."""
    now = {s.quantity: s.value for s in samples if s.at is None}
    frame = bytearray()
    for tag, channel in layout.channels.items():
        if channel.quantity in now:
            raw = int(bool(int(now["status_bits"]) & channel.alarm_bit)) if channel.quantity == "status_bits" else steps(
                now[channel.quantity], channel.per_unit)  # fmt: skip
            frame += struct.pack(">H", tag) + struct.pack("<" + channel.code, raw)
    past: dict[float, dict[str, float]] = {}
    for s in samples:
        if s.at is not None:
            past.setdefault(s.at, {})[s.quantity] = s.value
    for at, values in past.items():
        raws = [steps(values.get(c.quantity, 0.0), c.per_unit) for c in layout.history]
        frame += struct.pack(">H", HISTORY) + struct.pack(_record(layout), int(at), *raws)
    return F_PORT, bytes(frame)


def _plain(layout: Layout, tag: int) -> int:
    return tag if tag in layout.channels else tag & ~ALARM


def _take(payload: bytes, position: int, size: int) -> bytes:
    part = payload[position : position + size]
    if len(part) < size:
        raise DecodeError(f"frame ends inside a Milesight value at byte {position} of {payload.hex()}")
    return part


def _scalar(channel: Channel, raw: bytes, plain: bool) -> tuple[float, int | None]:
    size = struct.calcsize(channel.code)
    (value,) = struct.unpack("<" + channel.code, raw[:size])
    return value / channel.per_unit, None if plain else int(raw[size] == 1)


def _record(layout: Layout) -> str:
    return "<I" + "".join(c.code for c in layout.history)


def _history(layout: Layout, raw: bytes) -> list[Sample]:
    at, *values = struct.unpack(_record(layout), raw)
    return [Sample(c.quantity, v / c.per_unit, float(at)) for c, v in zip(layout.history, values, strict=True)]
