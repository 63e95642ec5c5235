"""Ellenex' eight-byte frame of one sensor: raw value at bytes 3–4 (i16, big-endian), battery in 0.1 V at byte 7. fPort 15.

The raw value's scale belongs to the ordered range and stands in the unit's documents, not in the frame; it is an option.
Layout: TheThingsNetwork/lorawan-devices vendor/ellenex.
"""

import struct
from collections.abc import Sequence

from core.errors import DecodeError
from core.model import Sample
from ingest.devices._encoding import latest, steps

F_PORT = 15
_HEAD = bytes.fromhex("01e800")
_TAIL = bytes(2)


def decode(payload: bytes, f_port: int, quantity: str, per_raw: float) -> list[Sample]:
    if f_port != F_PORT or len(payload) != 8:
        raise DecodeError(f"Ellenex sends 8 bytes on fPort {F_PORT}, not {len(payload)} on fPort {f_port}: {payload.hex()}")
    (raw,) = struct.unpack_from(">h", payload, 3)
    return [Sample(quantity, raw * per_raw), Sample("battery_v", payload[7] / 10)]


def encode(samples: Sequence[Sample], quantity: str, per_raw: float) -> tuple[int, bytes]:
    values = latest(samples)
    raw = steps(values[quantity], 1 / per_raw)
    return F_PORT, _HEAD + struct.pack(">h", raw) + _TAIL + bytes([steps(values.get("battery_v", 0.0), 10)])
