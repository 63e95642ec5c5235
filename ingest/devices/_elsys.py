"""Elsys' tagged frames: type byte, big-endian value of a length fixed by the type. fPort 5.

Layout: chirpstack/chirpstack-device-profiles vendors/elsys, TheThingsNetwork/lorawan-devices vendor/elsys.
"""

from core.errors import DecodeError

F_PORT = 5
_SIZES = {
    0x01: 2, 0x02: 1, 0x03: 3, 0x04: 2, 0x05: 1, 0x06: 2, 0x07: 2, 0x08: 2, 0x09: 6, 0x0A: 2, 0x0B: 4, 0x0C: 2, 0x0D: 1,
    0x0E: 2, 0x0F: 1, 0x10: 4, 0x11: 1, 0x12: 1, 0x13: 65, 0x14: 4, 0x15: 2, 0x16: 2, 0x17: 4, 0x18: 2, 0x19: 2, 0x1A: 1,
    0x1B: 4, 0x1C: 2, 0x3D: 4,
}  # fmt: skip


def records(payload: bytes) -> list[tuple[int, bytes]]:
    """(type, value bytes) of a frame in order. Raises DecodeError on an unknown type or a cut value."""
    found = []
    position = 0
    while position < len(payload):
        kind = payload[position]
        size = _SIZES.get(kind)
        if size is None:
            raise DecodeError(f"unknown Elsys type {kind:02x} at byte {position} of {payload.hex()}")
        value = payload[position + 1 : position + 1 + size]
        if len(value) < size:
            raise DecodeError(f"frame ends inside Elsys type {kind:02x} at byte {position} of {payload.hex()}")
        found.append((kind, value))
        position += 1 + size
    return found
