"""M-Bus application records (EN 13757-3) as meters send them over LoRaWAN: header, then (DIF, VIF, value) records.

Only what a water meter needs: instantaneous volume, flow and temperatures, time points of types F and G, and compact
profiles of the volume. Everything is in the meter's own clock, taken as UTC plus `utc_offset_s`.
"""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from core.errors import DecodeError
from core.model import Flag, Sample

_HEADER = {0x78: 1, 0x7A: 5, 0x72: 13}
_SECURITY_MODE = 0x1F
_SIGNED = 3
_FILLER = 0x2F
_SIZE = (0, 1, 2, 3, 4, 4, 6, 8, 0, 1, 2, 3, 4, -1, 6, 0)
_REAL, _VARIABLE = 5, 13
_BCD = {9, 10, 11, 12, 14}
_INSTANT = 0
_DATE_F, _DATE_G, _MANUFACTURER, _INVERSE_PROFILE = 0x6D, 0x6C, 0x7F, 0x13
_HOUR_S = {0: 1, 1: 60, 2: 3600, 3: 86400}
_SCALED = ((0x10, "volume_m3", -6), (0x38, "flow_m3h", -6))
_TEMPERATURES = ((0x58, "temperature_c", -3), (0x64, "air_temperature_c", -3))


@dataclass(frozen=True, slots=True)
class Record:
    """One record: function (0 instantaneous, 1 maximum, 2 minimum), coding nibble, VIF without extension bit, VIFEs, value bytes."""

    function: int
    coding: int
    vif: int
    extensions: tuple[int, ...]
    raw: bytes

    def number(self) -> float:
        """The value as a number: little-endian integer, BCD or real; NaN where the meter marks it invalid."""
        if self.coding == _REAL:
            return float(struct.unpack("<f", self.raw)[0])
        if self.coding in _BCD:
            digits = self.raw[::-1].hex()
            return float(digits) if digits.isdecimal() else math.nan
        value = int.from_bytes(self.raw, "little", signed=True)
        return math.nan if value == -(1 << 8 * len(self.raw) - 1) else float(value)


def records(payload: bytes) -> Iterator[Record]:
    """The records of a frame. Raises DecodeError where the header is unknown or a record is cut."""
    if payload[0] not in _HEADER:
        raise DecodeError(f"unknown M-Bus header {payload[0]:02x} in {payload.hex()}")
    position = _HEADER[payload[0]]
    mode = payload[position - 1] & _SECURITY_MODE if position > 1 else 0
    if mode:
        raise DecodeError(f"M-Bus frame is encrypted (security mode {mode}); let the meter send without, the radio network encrypts")
    while position < len(payload):
        dif = payload[position]
        position += 1
        if dif == _FILLER:
            continue
        if dif & 0x0F == 0x0F:
            return  # manufacturer's own data to the end of the frame
        position, _ = _extensions(payload, position, dif)
        vif = payload[position]
        position, vifes = _extensions(payload, position + 1, vif)
        size = _SIZE[dif & 0x0F]
        if size < 0:
            size, position = payload[position], position + 1
        raw = payload[position : position + size]
        if len(raw) < size:
            raise DecodeError(f"frame ends inside an M-Bus record at byte {position} of {payload.hex()}")
        position += size
        yield Record(dif >> 4 & 0x03, dif & 0x0F, vif & 0x7F, vifes, raw)


def samples(payload: bytes, utc_offset_s: float) -> Iterator[tuple[Record, Sample | None]]:
    """Each record, with the sample it gives (None: no measurement); a profile gives one sample per step, newest first.

    The frame's time point applies to the records after it. Raises DecodeError for a profile without a base value.
    """
    at: float | None = None
    volume: Sample | None = None
    for record in records(payload):
        if record.vif in (_DATE_F, _DATE_G):
            moment = _date(record)
            at = None if moment is None else moment - utc_offset_s
        elif record.vif & 0x78 == 0x10 and _INVERSE_PROFILE in record.extensions:
            if volume is None or volume.at is None:
                raise DecodeError("M-Bus profile without a base value and time before it")
            yield from ((record, s) for s in _profile(record, volume))
        elif record.function != _INSTANT or record.extensions or not record.raw:
            yield record, None
        else:
            sample = _scaled(record, at)
            volume = sample if sample is not None and sample.quantity == "volume_m3" else volume
            yield record, sample


def _scaled(record: Record, at: float | None) -> Sample | None:
    """A number in its canonical unit; an invalid one is missing. None for what is no reading."""
    for mask, scale_bits, table in ((0x78, 0x07, _SCALED), (0x7C, 0x03, _TEMPERATURES)):
        for base, quantity, exponent in table:
            if record.vif & mask == base:
                value = _times_ten_to(record.number(), (record.vif & scale_bits) + exponent)
                return Sample(quantity, value, at, flag=Flag.MISSING if math.isnan(value) else Flag.NOT_EVALUATED)
    return None


def _times_ten_to(value: float, exponent: int) -> float:
    return value * 10.0**exponent if exponent >= 0 else value / 10.0**-exponent


def _profile(record: Record, base: Sample) -> Iterator[Sample]:
    """Inverse compact profile (annex F): control byte, spacing, differences from the base value back in time.

    Control: signed differences in bits 6–7 = 3, spacing unit in bits 4–5, bytes of a difference in the low nibble. The first
    invalid difference ends the profile: what lies before it in time cannot be known.
    """
    control, spacing, *_ = record.raw
    size, signed = _SIZE[control & 0x0F], control >> 6 == _SIGNED
    invalid = bytes([0xFF] * size) if not signed else bytes([0x00] * (size - 1) + [0x80])
    step_s = spacing * _HOUR_S[control >> 4 & 0x03]
    if size <= 0 or step_s == 0 or control & 0x0F in _BCD or base.at is None or math.isnan(base.value):
        raise DecodeError(f"M-Bus profile of an unknown kind (control byte {control:02x})")
    per_unit = 10.0 ** (6 - (record.vif & 0x07))
    raw = round(base.value * per_unit)
    for number, start in enumerate(range(2, len(record.raw) - size + 1, size), 1):
        difference = record.raw[start : start + size]
        if difference == invalid:
            return
        raw -= int.from_bytes(difference, "little", signed=signed)
        yield Sample("volume_m3", raw / per_unit, base.at - number * step_s)


def _date(record: Record) -> float | None:
    """Type F (four bytes, to the minute) or type G (two bytes, a day) as Unix seconds; None when the meter marks it invalid."""
    minute = hour = 0
    century = 2000
    day_bytes = record.raw
    if len(record.raw) == 4:
        minute, hour = record.raw[0] & 0x3F, record.raw[1] & 0x1F
        century = 1900 + 100 * max(record.raw[1] >> 5 & 0x03, 1)
        day_bytes = record.raw[2:]
        if record.raw[0] & 0x80:
            return None
    low, high = day_bytes
    year = century + (low >> 5 | (high >> 1 & 0x78))
    return datetime(year, high & 0x0F, low & 0x1F, hour, minute, tzinfo=UTC).timestamp()


def _extensions(payload: bytes, position: int, field: int) -> tuple[int, tuple[int, ...]]:
    """Skip the extension bytes that a set top bit announces: (next position, their values without the top bit)."""
    found = []
    while field & 0x80:
        field = payload[position]
        found.append(field & 0x7F)
        position += 1
    return position, tuple(found)
