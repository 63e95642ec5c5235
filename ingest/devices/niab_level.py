"""NIAB level: distance to the surface in four bytes. A distance of FFFF is a failed measurement: a missing value."""

import math
import struct
from collections.abc import Sequence

from core.errors import DecodeError
from core.model import Flag, Sample
from ingest.device_model import DeviceModel, Options, Profile, Vector
from ingest.devices._encoding import latest, steps

_FAILED = -1


def decode(payload: bytes, f_port: int, options: Options) -> Sequence[Sample]:
    """u8 battery (255 = full), i8 temperature °C, i16 distance mm, big-endian."""
    if len(payload) != 4:
        raise DecodeError(f"NIAB frames have 4 bytes, this one {len(payload)}: {payload.hex()}")
    battery, temperature, distance_mm = struct.unpack(">Bbh", payload)
    missing = distance_mm == _FAILED
    return [
        Sample("battery_pct", battery * 100 / 255),
        Sample("temperature_c", float(temperature)),
        Sample("distance_m", math.nan if missing else distance_mm / 1000, flag=Flag.MISSING if missing else Flag.NOT_EVALUATED),
    ]


def encode(samples: Sequence[Sample], options: Options) -> tuple[int, bytes]:
    values = latest(samples)
    distance = values.get("distance_m", math.nan)
    distance_mm = _FAILED if math.isnan(distance) else steps(distance, 1000)
    battery, temperature = steps(values.get("battery_pct", 0.0), 2.55), steps(values.get("temperature_c", 0.0), 1)
    return 1, struct.pack(">Bbh", battery, temperature, distance_mm)


_SOURCE = "diwise/iot-agent internal/pkg/application/decoders/niab/decoders.niab.go"
MODEL = DeviceModel(
    key="niab_level",
    vendor="NIAB",
    product="level (ultrasonic distance)",
    measures=("battery_pct", "temperature_c", "distance_m"),
    profile=Profile(uplink_s=900),
    decode=decode,
    encode=encode,
    bounds={"distance_m": (0.0, 10.0), "temperature_c": (-40.0, 85.0)},
    vectors=(
        Vector(1, "cc0f03c5", (Sample("battery_pct", 80.0), Sample("temperature_c", 15.0), Sample("distance_m", 0.965)), _SOURCE),
        Vector(1, "cc0fffff",
               (Sample("battery_pct", 80.0), Sample("temperature_c", 15.0), Sample("distance_m", math.nan, flag=Flag.MISSING)),
               _SOURCE),
    ),
)  # fmt: skip
