"""Keller ADT1 and ARC1: radio head of a level probe or pressure transmitter, big-endian floats in bar and °C.

The connection type says which channel each bit stands for. Where the head knows the air pressure, pressure_bar is the probe's
pressure above it; else the probe's own. Option `submerged` = 1 gives level_m as well.
"""

import struct
from collections.abc import Sequence

from core.errors import DecodeError
from core.model import Sample
from ingest.device_model import DeviceModel, Options, Profile, Vector
from ingest.devices._encoding import head_samples, latest, pressure_of

_MEASUREMENTS, _INFORMATION = 1, 12
_ABOVE_AIR, _PROBE, _PROBE_TEMPERATURE, _AIR, _AIR_TEMPERATURE = 0, 1, 4, 6, 7
_WITH_AIR_PRESSURE = {2, 3, 5, 10}
_KNOWN_CONNECTIONS = {0, 1, 4, 6, 9} | _WITH_AIR_PRESSURE
_OTHER_FUNCTIONS = range(2, 100)


def decode(payload: bytes, f_port: int, options: Options) -> Sequence[Sample]:
    """Function 1: connection type, u16 channel bits, f32 each. Function 12: battery and humidity of the head."""
    function = payload[0]
    if function == _INFORMATION:
        volt, percent, humidity = struct.unpack_from(">fBB", payload, 14)
        return [Sample("battery_v", volt), Sample("battery_pct", float(percent)), Sample("humidity_pct", float(humidity))]
    if function in _OTHER_FUNCTIONS:
        return []
    if function != _MEASUREMENTS:
        raise DecodeError(f"unknown Keller function {function}")
    connection, bits = struct.unpack_from(">BH", payload, 1)
    if connection not in _KNOWN_CONNECTIONS:
        raise DecodeError(f"Keller connection type {connection} is not supported")
    channels = [bit for bit in range(16) if bits >> bit & 1]
    values = dict(zip(channels, struct.unpack_from(f">{len(channels)}f", payload, 4), strict=True))
    gauge = _ABOVE_AIR if connection in _WITH_AIR_PRESSURE else _PROBE
    samples = head_samples(values[gauge], options) if gauge in values else []
    if _PROBE_TEMPERATURE in values:
        samples.append(Sample("temperature_c", values[_PROBE_TEMPERATURE]))
    if connection in _WITH_AIR_PRESSURE:
        samples += [Sample(q, values[c]) for c, q in _HEAD_CHANNELS.items() if c in values]
    return samples


_HEAD_CHANNELS = {_AIR: "air_pressure_bar", _AIR_TEMPERATURE: "air_temperature_c"}


def encode(samples: Sequence[Sample], options: Options) -> tuple[int, bytes]:
    """A measurement frame of connection type 3; a head's own values go out as function 12 where there is no pressure."""
    values = latest(samples)
    pressure = pressure_of(values, options)
    if pressure is None:
        head = struct.pack(">BB12xfBB", _INFORMATION, 1, values["battery_v"], int(values["battery_pct"]), int(values["humidity_pct"]))
        return 4, head
    channels = {_ABOVE_AIR: pressure}
    if "air_pressure_bar" in values:
        channels[_PROBE] = pressure + values["air_pressure_bar"]
    named = {_PROBE_TEMPERATURE: "temperature_c", **_HEAD_CHANNELS}
    channels |= {c: values[q] for c, q in named.items() if q in values}
    bits = sum(1 << c for c in channels)
    return 1, struct.pack(f">BBH{len(channels)}f", _MEASUREMENTS, 3, bits, *(channels[c] for c in sorted(channels)))


_SOURCE = "TheThingsNetwork/lorawan-devices vendor/keller/keller-codec.yaml"
MODEL = DeviceModel(
    key="keller_adt1",
    vendor="Keller",
    product="ADT1 / ARC1 level and pressure",
    measures=("pressure_bar", "level_m", "temperature_c", "air_pressure_bar", "air_temperature_c", "battery_v", "battery_pct",
              "humidity_pct"),
    profile=Profile(uplink_s=3600),
    decode=decode,
    encode=encode,
    vectors=(
        Vector(1, "010300d3bf78937db800000041ae66663f78917d41be0000",
               (Sample("pressure_bar", -0.9710004925727844), Sample("temperature_c", 21.799999237060547),
                Sample("air_pressure_bar", 0.9709699749946594), Sample("air_temperature_c", 23.75)), _SOURCE, round_trip=False),
        Vector(4, "0c011300132f0000000c27e3928b40a2b00d2f3a",
               (Sample("battery_v", 5.083990573883057), Sample("battery_pct", 47.0), Sample("humidity_pct", 58.0)),
               _SOURCE, round_trip=False),
        Vector(1, "01030051" + "3e800000" + "41200000" + "3f800000",
               (Sample("pressure_bar", 0.25), Sample("temperature_c", 10.0), Sample("air_pressure_bar", 1.0)),
               "same layout, channels 0, 4 and 6: 0.25 bar, 10 °C, 1 bar", round_trip=False),
        Vector(1, "010300113e80000041200000", (Sample("pressure_bar", 0.25), Sample("temperature_c", 10.0)),
               "same layout, channels 0 and 4"),
    ),
)  # fmt: skip
