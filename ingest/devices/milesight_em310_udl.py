"""Milesight EM310-UDL: ultrasonic distance, with a warning when the housing tilts."""

from collections.abc import Sequence

from core.model import Sample
from ingest.device_model import DeviceModel, Options, Profile, Vector
from ingest.devices import _milesight as milesight
from ingest.devices._milesight import Channel, Layout

TILTED = 0x01
_LAYOUT = Layout({
    **milesight.BATTERY,
    0x0382: Channel("distance_m", "H", 1000),  # mm
    0x0400: Channel("status_bits", "B", alarm_bit=TILTED),
})  # fmt: skip


def decode(payload: bytes, f_port: int, options: Options) -> Sequence[Sample]:
    return milesight.decode(_LAYOUT, payload, options)


def encode(samples: Sequence[Sample], options: Options) -> tuple[int, bytes]:
    return milesight.encode(_LAYOUT, samples)


MODEL = DeviceModel(
    key="milesight_em310_udl",
    vendor="Milesight",
    product="EM310-UDL ultrasonic distance",
    measures=("battery_pct", "distance_m", "status_bits"),
    profile=Profile(uplink_s=600),
    decode=decode,
    encode=encode,
    bounds={"distance_m": (0.03, 4.5)},
    status={TILTED: "tilted"},
    vectors=(
        Vector(85, "01755c03824408040001",
               (Sample("battery_pct", 92.0), Sample("distance_m", 2.116), Sample("status_bits", float(TILTED))),
               "Milesight-IoT/SensorDecoders em-series/em310-udl/README.md"),
    ),
)  # fmt: skip
