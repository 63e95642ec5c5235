"""Milesight EM500-SWL: level above a submersible probe."""

from collections.abc import Sequence

from core.model import Sample
from ingest.device_model import DeviceModel, Options, Profile, Vector
from ingest.devices import _milesight as milesight
from ingest.devices._milesight import Channel, Layout

_LEVEL = Channel("level_m", "h", 100)  # cm
_LAYOUT = Layout({**milesight.BATTERY, 0x0377: _LEVEL}, history=(_LEVEL,))


def decode(payload: bytes, f_port: int, options: Options) -> Sequence[Sample]:
    return milesight.decode(_LAYOUT, payload, options)


def encode(samples: Sequence[Sample], options: Options) -> tuple[int, bytes]:
    return milesight.encode(_LAYOUT, samples)


MODEL = DeviceModel(
    key="milesight_em500_swl",
    vendor="Milesight",
    product="EM500-SWL submersible level",
    measures=("battery_pct", "level_m"),
    profile=Profile(uplink_s=600),
    decode=decode,
    encode=encode,
    bounds={"level_m": (-0.1, 10.0)},
    vectors=(
        Vector(85, "01755c03770200", (Sample("battery_pct", 92.0), Sample("level_m", 0.02)),
               "Milesight-IoT/SensorDecoders em-series/em500-swl/README.md"),
        Vector(85, "01756403770200", (Sample("battery_pct", 100.0), Sample("level_m", 0.02)),
               "TheThingsNetwork/lorawan-devices vendor/milesight-iot/em500-swl-codec.yaml"),
    ),
)  # fmt: skip
