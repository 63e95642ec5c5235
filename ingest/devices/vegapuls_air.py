"""VEGAPULS Air 23/41/42: radar level in sewers and tanks. Big-endian; the first byte tells which fields follow.

Distance is from the sensor's edge to the surface, in the unit the frame names. A NAMUR NE 107 state other
than 0 is kept in status_bits and makes the distance suspect.
"""

import math
import struct
from collections.abc import Iterator, Sequence

from core.errors import DecodeError
from core.model import Flag, Sample
from ingest.device_model import DeviceModel, Options, Profile, Vector
from ingest.devices._encoding import latest, steps

_METRE = 0x2D
_UNIT_M = {0x2C: 0.3048, _METRE: 1.0, 0x2F: 0.0254, 0x31: 0.001}
_FAHRENHEIT = 0x21
_OLD = range(2, 6)
_NAMUR = {10, 11, 14, 15, 19, 20, 21, 22}
_DISTANCE = {8, 9, 10, 11, 12, 13, 14, 15, 18, 19}
_PERCENT = {12, 13, 14, 15, 22}
_POSITION = {9, 11, 13, 15, 21}
_DETAIL = {10, 11, 14, 15, 20}
_TEMPERATURE = {8, 9, 10, 11, 12, 13, 14, 15, 18, 20}
_INFORMATION = {6, 7, 16, 17, 21, 22, 23, 24, 25, 26}
_NO_TEMPERATURE = -32768
_WITH_TILT = 2


def decode(payload: bytes, f_port: int, options: Options) -> Sequence[Sample]:
    """Packets 2–5 (fixed) and 8–20 (compact); packets that only describe the device give nothing."""
    packet = payload[0]
    if packet in _INFORMATION:
        return []
    if packet in _OLD:
        return list(_fixed(payload, packet))
    if packet in _DISTANCE | _TEMPERATURE:
        return list(_compact(payload, packet))
    raise DecodeError(f"unknown VEGAPULS packet {packet}")


def encode(samples: Sequence[Sample], options: Options) -> tuple[int, bytes]:
    """Packet 2, which has the NAMUR state, or packet 8 where option `packet` is 8."""
    values = latest(samples)
    battery, tilt = steps(values.get("battery_pct", 0.0), 1), steps(values.get("tilt_deg", 0.0), 1)
    temperature = steps(values["temperature_c"], 10) if "temperature_c" in values else _NO_TEMPERATURE
    if options.get("packet", _WITH_TILT) == 8:
        return 1, struct.pack(">BfBBhBB", 8, values["distance_m"], _METRE, battery, temperature, 0x20, tilt)
    return 1, struct.pack(
        ">BBfBBhB", _WITH_TILT, int(values.get("status_bits", 0)), values["distance_m"], _METRE, battery, temperature, tilt
    )


def _fixed(payload: bytes, packet: int) -> Iterator[Sample]:
    namur, distance, unit, battery, temperature = struct.unpack_from(">BfBBh", payload, 1)
    tail = {2: 0, 3: 8, 4: 4, 5: 12}[packet]
    tilt = payload[10 + tail]
    yield _distance(distance, unit, namur)
    yield Sample("battery_pct", float(battery))
    if temperature != _NO_TEMPERATURE:
        yield Sample("temperature_c", temperature / 10)
    yield Sample("tilt_deg", float(tilt))
    yield Sample("status_bits", float(namur))


def _compact(payload: bytes, packet: int) -> Iterator[Sample]:
    position, namur = 1, 0
    if packet in _NAMUR:
        namur, position = payload[1], 2
    if packet in _DISTANCE:
        distance, unit = struct.unpack_from(">fB", payload, position)
        position += 5 + 9 * (packet in _PERCENT)
        yield _distance(distance, unit, namur)
        yield Sample("battery_pct", float(payload[position]))
        position += 1
    position += 8 * (packet in _POSITION) + 4 * (packet in _DETAIL)
    if packet in _TEMPERATURE:
        temperature, unit = struct.unpack_from(">hB", payload, position)
        position += 3
        if temperature != _NO_TEMPERATURE:
            yield Sample("temperature_c", (temperature / 10 - 32) / 1.8 if unit == _FAHRENHEIT else temperature / 10)
    if packet in _DISTANCE:
        yield Sample("tilt_deg", float(payload[position]))
    if packet in _NAMUR:
        yield Sample("status_bits", float(namur))


def _distance(value: float, unit: int, namur: int) -> Sample:
    if unit not in _UNIT_M:
        raise DecodeError(f"VEGAPULS distance in unit {unit:#x}, which is not a length Mjøsa knows")
    if not math.isfinite(value):
        return Sample("distance_m", math.nan, flag=Flag.MISSING)
    return Sample("distance_m", value * _UNIT_M[unit], flag=Flag.SUSPECT if namur else Flag.NOT_EVALUATED)


_SOURCE = "diwise/iot-agent internal/pkg/application/decoders/vegapuls/decoders.vegapuls_test.go"
MODEL = DeviceModel(
    key="vegapuls_air",
    vendor="VEGA",
    product="VEGAPULS Air radar level",
    measures=("distance_m", "battery_pct", "temperature_c", "tilt_deg", "status_bits"),
    profile=Profile(uplink_s=900),
    decode=decode,
    encode=encode,
    bounds={"distance_m": (0.0, 30.0), "tilt_deg": (0.0, 180.0), "temperature_c": (-40.0, 85.0)},
    vectors=(
        Vector(1, "0200400000002d6000d1af",
               (Sample("distance_m", 2.0), Sample("battery_pct", 96.0), Sample("temperature_c", 20.9), Sample("tilt_deg", 175.0),
                Sample("status_bits", 0.0)), _SOURCE),
        Vector(1, "083fa31f152d2401042009",
               (Sample("distance_m", 1.2743860483169556), Sample("battery_pct", 36.0), Sample("temperature_c", 26.0),
                Sample("tilt_deg", 9.0)), _SOURCE, {"packet": 8.0}),
        Vector(1, "0c3fefc9712d222f222f42af05af296300d620b2",
               (Sample("distance_m", 1.8733350038528442), Sample("battery_pct", 99.0), Sample("temperature_c", 21.4),
                Sample("tilt_deg", 178.0)), _SOURCE, round_trip=False),
        Vector(1, "0a047fffffff2d42000055f0003d2004",
               (Sample("distance_m", math.nan, flag=Flag.MISSING), Sample("battery_pct", 66.0), Sample("temperature_c", 6.1),
                Sample("tilt_deg", 4.0), Sample("status_bits", 4.0)), _SOURCE, round_trip=False),
    ),
)  # fmt: skip
