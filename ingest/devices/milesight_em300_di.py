"""Milesight EM300-DI: pulse counter on a mechanical meter, or a switch, with air temperature and humidity.

Old firmware sends pulses; firmware 1.3 and later can send the volume it has worked out itself, in the unit it was set to
(option `water_unit_m3`, default 0.001: litres). With option `litres_per_pulse` pulses become volume_m3.
"""

import struct
from collections.abc import Sequence

from core.model import Sample
from ingest.device_model import DeviceModel, Options, Profile, Vector
from ingest.devices import _milesight as milesight
from ingest.devices._encoding import latest, pulse_samples, pulses_of
from ingest.devices._milesight import Channel, Layout

OUTAGE, LONG_FLOW, SWITCHED = 0x01, 0x02, 0x04
_ALARMS = {1: OUTAGE, 2: 0, 3: LONG_FLOW, 4: 0, 5: SWITCHED, 6: 0, 0: 0}
_SWITCH_MODE, _COUNTER_MODE = 1, 2
_PULSES, _VOLUME = 0x05C8, 0x05E1


def _pulses(raw: bytes, options: Options) -> list[Sample]:
    return pulse_samples(struct.unpack("<I", raw)[0], options)


def _volume(raw: bytes, options: Options) -> list[Sample]:
    (water,) = struct.unpack_from("<f", raw, 4)
    return [Sample("volume_m3", options.get("start_m3", 0.0) + water * options["water_unit_m3"])]


def _volume_alarm(raw: bytes, options: Options) -> list[Sample]:
    return [*_volume(raw, options), Sample("status_bits", float(_ALARMS[raw[8]]))]


def _switch_alarm(raw: bytes, options: Options) -> list[Sample]:
    return [Sample("contact", float(raw[0])), Sample("status_bits", float(SWITCHED * (raw[1] == 1)))]


def _at(at: int, samples: Sequence[Sample]) -> list[Sample]:
    return [s._replace(at=float(at)) for s in samples]


def _pulse_record(raw: bytes, options: Options) -> list[Sample]:
    at, temperature, humidity, mode, switch, pulses = struct.unpack("<IhBBBI", raw)
    counted = {_SWITCH_MODE: [Sample("contact", float(switch))], _COUNTER_MODE: pulse_samples(pulses, options)}
    return _at(at, [Sample("air_temperature_c", temperature / 10), Sample("humidity_pct", humidity / 2), *counted[mode]])


def _volume_record(raw: bytes, options: Options) -> list[Sample]:
    at, temperature, humidity, alarm, mode, switch = struct.unpack_from("<IhBBBB", raw)
    counted = {_SWITCH_MODE: [Sample("contact", float(switch))], _COUNTER_MODE: _volume(raw[10:], options)}
    air = [Sample("air_temperature_c", temperature / 10), Sample("humidity_pct", humidity / 2)]
    return _at(at, [*air, *counted[mode], Sample("status_bits", float(_ALARMS[alarm]))])


_LAYOUT = Layout(
    {
        **milesight.BATTERY,
        0x0367: Channel("air_temperature_c", "h", 10),
        0x0468: Channel("humidity_pct", "B", 2),
        0x0500: Channel("contact", "B"),
    },
    special={
        _PULSES: (4, _pulses),
        _VOLUME: (8, _volume),
        0x8500: (2, _switch_alarm),
        0x85E1: (9, _volume_alarm),
        0x20CE: (13, _pulse_record),
        0x21CE: (18, _volume_record),
    },
)


def decode(payload: bytes, f_port: int, options: Options) -> Sequence[Sample]:
    return milesight.decode(_LAYOUT, payload, options)


def encode(samples: Sequence[Sample], options: Options) -> tuple[int, bytes]:
    """Pulses where they are given or follow from `litres_per_pulse`; else the meter's own volume."""
    values = latest(samples)
    f_port, frame = milesight.encode(_LAYOUT, [s._replace(at=None) for s in samples])
    pulses = pulses_of(values, options)
    if pulses is not None:
        return f_port, frame + struct.pack(">H", _PULSES) + struct.pack("<I", pulses)
    if "volume_m3" in values:
        water = (values["volume_m3"] - options.get("start_m3", 0.0)) / options["water_unit_m3"]
        return f_port, frame + struct.pack(">H", _VOLUME) + struct.pack("<HHf", 10, 10, water)
    return f_port, frame


_README = "Milesight-IoT/SensorDecoders em-series/em300-di/README.md"
_AT = 1665561758.0
MODEL = DeviceModel(
    key="milesight_em300_di",
    vendor="Milesight",
    product="EM300-DI pulse counter",
    measures=("battery_pct", "air_temperature_c", "humidity_pct", "contact", "pulses", "volume_m3", "status_bits"),
    profile=Profile(uplink_s=600),
    decode=decode,
    encode=encode,
    options={"water_unit_m3": 0.001},
    status={OUTAGE: "no_flow", LONG_FLOW: "leak", SWITCHED: "switched"},
    vectors=(
        Vector(85, "01755c05c800010000", (Sample("battery_pct", 92.0), Sample("pulses", 256.0)),
               "TheThingsNetwork/lorawan-devices vendor/milesight-iot/em300-di-codec.yaml"),
        Vector(85, "01755c05c800010000", (Sample("battery_pct", 92.0), Sample("pulses", 256.0), Sample("volume_m3", 102.56)),
               "same frame, 10 litres per pulse from 100 m³: 100 + 256 · 10 / 1000", {"litres_per_pulse": 10.0, "start_m3": 100.0}),
        Vector(85, "85e16400a0000040394401", (Sample("volume_m3", 0.741), Sample("status_bits", float(OUTAGE))),
               _README, round_trip=False),
        Vector(85, "01755c0367340104686520ce9e74466310015d020000010000",
               (Sample("battery_pct", 92.0), Sample("air_temperature_c", 30.8), Sample("humidity_pct", 50.5),
                Sample("air_temperature_c", 27.2, _AT), Sample("humidity_pct", 46.5, _AT), Sample("pulses", 256.0, _AT)),
               _README, round_trip=False),
    ),
)  # fmt: skip
