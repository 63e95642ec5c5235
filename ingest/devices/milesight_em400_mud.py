"""Milesight EM400-MUD: ultrasonic distance under a manhole cover, with temperature, tilt and threshold alarms."""

from collections.abc import Sequence

from core.model import Sample
from ingest.device_model import DeviceModel, Options, Profile, Vector
from ingest.devices import _milesight as milesight
from ingest.devices._milesight import Channel, Layout

TILTED, WARM, THRESHOLD = 0x01, 0x02, 0x04
_TEMPERATURE = Channel("temperature_c", "h", 10, alarm_bit=WARM)
_DISTANCE = Channel("distance_m", "H", 1000, alarm_bit=THRESHOLD)  # mm
_LAYOUT = Layout({
    **milesight.BATTERY,
    0x0367: _TEMPERATURE,
    0x0482: _DISTANCE,
    0x0500: Channel("status_bits", "B", alarm_bit=TILTED),
})  # fmt: skip


def decode(payload: bytes, f_port: int, options: Options) -> Sequence[Sample]:
    return milesight.decode(_LAYOUT, payload, options)


def encode(samples: Sequence[Sample], options: Options) -> tuple[int, bytes]:
    return milesight.encode(_LAYOUT, samples)


MODEL = DeviceModel(
    key="milesight_em400_mud",
    vendor="Milesight",
    product="EM400-MUD manhole distance",
    measures=("battery_pct", "distance_m", "temperature_c", "status_bits"),
    profile=Profile(uplink_s=600),
    decode=decode,
    encode=encode,
    bounds={"distance_m": (0.03, 4.5), "temperature_c": (-30.0, 70.0)},
    status={TILTED: "tilted", WARM: "temperature_alarm", THRESHOLD: "distance_alarm"},
    vectors=(
        Vector(85, "01755c0367010104824408050001",
               (Sample("battery_pct", 92.0), Sample("temperature_c", 25.7), Sample("distance_m", 2.116),
                Sample("status_bits", float(TILTED))),
               "Milesight-IoT/SensorDecoders em-series/em400-mud/README.md"),
        Vector(85, "8367e800018482410601",
               (Sample("temperature_c", 23.2), Sample("distance_m", 1.601), Sample("status_bits", float(WARM | THRESHOLD))),
               "Milesight-IoT/SensorDecoders em-series/em400-mud/README.md", round_trip=False),
    ),
)  # fmt: skip
