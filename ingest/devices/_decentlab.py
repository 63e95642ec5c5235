"""Decentlab's frames: version 2, device id, a flag per group of 16-bit words, big-endian; the last group is the battery. fPort 1.

Layout: TheThingsNetwork/lorawan-devices vendor/decentlab.
"""

import struct
from collections.abc import Mapping, Sequence

from core.errors import DecodeError
from core.model import Sample

F_PORT = 1
VERSION = 2
MISSING_WORD = 0xFFFF


def groups(payload: bytes, sizes: Sequence[int]) -> dict[int, tuple[int, ...]]:
    """{group number: its words} for the groups present, `sizes` being the words of each. Raises DecodeError."""
    version, _device, flags = struct.unpack_from(">BHH", payload)
    if version != VERSION:
        raise DecodeError(f"Decentlab protocol version {version}, expected {VERSION}, in {payload.hex()}")
    found = {}
    position = 5
    for number, size in enumerate(sizes):
        if flags >> number & 1:
            found[number] = struct.unpack_from(f">{size}H", payload, position)
            position += 2 * size
    return found


def battery(words: tuple[int, ...]) -> Sample:
    return Sample("battery_v", words[0] / 1000)


def frame(device_id: float, present: Mapping[int, Sequence[int]]) -> tuple[int, bytes]:
    """fPort and bytes of the groups present. Raises struct.error where a word does not fit 16 bits."""
    flags = sum(1 << number for number in present)
    words = [word for number in sorted(present) for word in present[number]]
    return F_PORT, struct.pack(f">BHH{len(words)}H", VERSION, int(device_id), flags, *words)
