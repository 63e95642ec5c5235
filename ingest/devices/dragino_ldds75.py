"""Dragino LDDS75: ultrasonic distance. 0 mm means no sensor connected, 20 mm that there was no valid echo: both are missing values."""

import math
import struct
from collections.abc import Sequence

from core.model import Flag, Sample
from ingest.device_model import DeviceModel, Options, Profile, Vector
from ingest.devices._encoding import latest, steps

_F_PORT = 2
_NO_SENSOR_MM, _NO_ECHO_MM = 0, 20
_BATTERY_MASK = 0x3FFF
_PROBE_PRESENT = 0x01


def decode(payload: bytes, f_port: int, options: Options) -> Sequence[Sample]:
    """u16 battery mV in 14 bits, u16 distance mm, u8 interrupt, i16 probe 0.1 °C, u8 sensor flag. fPort 5 describes the device."""
    if f_port == 5:
        return []
    battery, distance_mm, _interrupt, temperature, sensor = struct.unpack_from(">HHBhB", payload)
    samples = [Sample("battery_v", (battery & _BATTERY_MASK) / 1000)]
    if distance_mm in (_NO_SENSOR_MM, _NO_ECHO_MM):
        samples.append(Sample("distance_m", math.nan, flag=Flag.MISSING))
    else:
        samples.append(Sample("distance_m", distance_mm / 1000))
    if temperature and sensor & _PROBE_PRESENT:
        samples.append(Sample("temperature_c", temperature / 10))
    return samples


def encode(samples: Sequence[Sample], options: Options) -> tuple[int, bytes]:
    values = latest(samples)
    distance = values.get("distance_m", math.nan)
    distance_mm = _NO_ECHO_MM if math.isnan(distance) else steps(distance, 1000)
    temperature = steps(values.get("temperature_c", 0.0), 10)
    return _F_PORT, struct.pack(">HHBhB", steps(values.get("battery_v", 0.0), 1000), distance_mm, 0, temperature, _PROBE_PRESENT)


_SOURCE = "TheThingsNetwork/lorawan-devices vendor/dragino (LDDS75), chirpstack/chirpstack-device-profiles"
MODEL = DeviceModel(
    key="dragino_ldds75",
    vendor="Dragino",
    product="LDDS75 ultrasonic distance",
    measures=("distance_m", "battery_v", "temperature_c"),
    profile=Profile(uplink_s=1200),
    decode=decode,
    encode=encode,
    bounds={"distance_m": (0.28, 7.5)},
    vectors=(
        Vector(2, "0d0a07e900000001", (Sample("battery_v", 3.338), Sample("distance_m", 2.025)), _SOURCE),
        Vector(2, "0d3b0aef00000001", (Sample("battery_v", 3.387), Sample("distance_m", 2.799)), _SOURCE),
    ),
)
