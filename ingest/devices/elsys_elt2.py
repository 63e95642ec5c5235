"""Elsys ELT-2 and its ultrasonic form: pulses, analogue and switch input, probe, distance, leak, beside the air in the box.

Options of one unit:
- `litres_per_pulse`, `start_m3`: the absolute pulse counter becomes volume_m3;
- `interval_s`: with litres_per_pulse, the pulses since the last uplink become the mean flow_m3h of that interval;
- `flow_m3h_per_mv`, `pressure_bar_per_mv`, `level_m_per_mv` (and `…_at_0_mv`, default 0): a transmitter on the analogue input.
"""

import struct
from collections.abc import Sequence

from core.model import Sample
from ingest.device_model import DeviceModel, Options, Profile, Vector
from ingest.devices import _elsys as elsys
from ingest.devices._encoding import LITRES_PER_M3, latest, pulse_samples, pulses_of, steps

_TEMPERATURE, _HUMIDITY, _SUPPLY, _ANALOGUE, _PULSES, _PULSE_INDEX, _PROBE = 0x01, 0x02, 0x07, 0x08, 0x0A, 0x0B, 0x0C
_DIGITAL, _DISTANCE, _LEAK, _AIR_PRESSURE = 0x0D, 0x0E, 0x12, 0x14
_SCALARS: dict[int, tuple[str, str, float]] = {
    _TEMPERATURE: (">h", "air_temperature_c", 10),
    _HUMIDITY: (">B", "humidity_pct", 1),
    _SUPPLY: (">H", "battery_v", 1000),
    _PROBE: (">h", "temperature_c", 10),
    _DISTANCE: (">H", "distance_m", 1000),
    _AIR_PRESSURE: (">I", "air_pressure_bar", 1e6),
}  # fmt: skip
_CONTACTS = (_DIGITAL, _LEAK)
_ANALOGUE_QUANTITIES = ("flow_m3h", "pressure_bar", "level_m")


def decode(payload: bytes, f_port: int, options: Options) -> Sequence[Sample]:
    samples: list[Sample] = []
    for kind, raw in elsys.records(payload):
        if kind in _SCALARS:
            code, quantity, per_unit = _SCALARS[kind]
            samples.append(Sample(quantity, struct.unpack(code, raw)[0] / per_unit))
        elif kind in _CONTACTS:
            samples.append(Sample("contact", float(raw[0] != 0)))
        elif kind == _PULSE_INDEX:
            samples += pulse_samples(struct.unpack(">I", raw)[0], options)
        elif kind == _PULSES and _flow_per_pulse(options) > 0:
            samples.append(Sample("flow_m3h", struct.unpack(">H", raw)[0] * _flow_per_pulse(options)))
        elif kind == _ANALOGUE:
            samples += _analogue(struct.unpack(">H", raw)[0], options)
    return samples


def encode(samples: Sequence[Sample], options: Options) -> tuple[int, bytes]:
    values = latest(samples)
    frame = bytearray()
    for kind, (code, quantity, per_unit) in _SCALARS.items():
        if quantity in values:
            frame += bytes([kind]) + struct.pack(code, steps(values[quantity], per_unit))
    for quantity in _ANALOGUE_QUANTITIES:
        per_mv = options.get(f"{quantity}_per_mv", 0.0)
        if quantity in values and per_mv:
            frame += struct.pack(">BH", _ANALOGUE, steps(values[quantity] - options.get(f"{quantity}_at_0_mv", 0.0), 1 / per_mv))
        elif quantity == "flow_m3h" and quantity in values and _flow_per_pulse(options) > 0:
            frame += struct.pack(">BH", _PULSES, steps(values[quantity], 1 / _flow_per_pulse(options)))
    pulses = pulses_of(values, options)
    if pulses is not None:
        frame += struct.pack(">BI", _PULSE_INDEX, pulses)
    if "contact" in values:
        frame += bytes([_DIGITAL, int(values["contact"])])
    return elsys.F_PORT, bytes(frame)


def _flow_per_pulse(options: Options) -> float:
    """m³/h that one pulse per reporting interval stands for; 0 where the unit's options do not say."""
    interval_s = options.get("interval_s", 0.0)
    return options.get("litres_per_pulse", 0.0) / LITRES_PER_M3 * 3600 / interval_s if interval_s > 0 else 0.0


def _analogue(millivolt: int, options: Options) -> list[Sample]:
    return [
        Sample(quantity, options.get(f"{quantity}_at_0_mv", 0.0) + millivolt * options[f"{quantity}_per_mv"])
        for quantity in _ANALOGUE_QUANTITIES
        if options.get(f"{quantity}_per_mv")
    ]


_SOURCE = "TheThingsNetwork/lorawan-devices vendor/elsys"
_METER = {"litres_per_pulse": 100.0, "interval_s": 300.0}
MODEL = DeviceModel(
    key="elsys_elt2",
    vendor="Elsys",
    product="ELT-2 (pulse, analogue, switch, probe, ultrasonic distance)",
    measures=("air_temperature_c", "humidity_pct", "battery_v", "temperature_c", "distance_m", "air_pressure_bar", "contact",
              "pulses", "volume_m3", "flow_m3h", "pressure_bar", "level_m"),
    profile=Profile(uplink_s=600),
    decode=decode,
    encode=encode,
    vectors=(
        Vector(5, "01ffce0250", (Sample("air_temperature_c", -5.0), Sample("humidity_pct", 80.0)), _SOURCE),
        Vector(5, "0100c6022a070e0a",
               (Sample("air_temperature_c", 19.8), Sample("humidity_pct", 42.0), Sample("battery_v", 3.594)), _SOURCE),
        Vector(5, "14000f5ca8", (Sample("air_pressure_bar", 1.00676),), _SOURCE),
        Vector(5, "070e0a0a00040b0001e240",
               (Sample("battery_v", 3.594), Sample("flow_m3h", 4.8), Sample("pulses", 123456.0), Sample("volume_m3", 12345.6)),
               "types 07, 0A and 0B of the same layout: 4 · 0.1 m³ in 300 s; 123456 · 0.1 m³", _METER),
        Vector(5, "0e04d2", (Sample("distance_m", 1.234),), "type 0E of the same layout"),
    ),
)  # fmt: skip
