"""Milesight EM500-PP: pressure in a pipe."""

from collections.abc import Sequence

from core.model import Sample
from ingest.device_model import DeviceModel, Options, Profile, Vector
from ingest.devices import _milesight as milesight
from ingest.devices._milesight import Channel, Layout

_PRESSURE = Channel("pressure_bar", "h", 100)  # kPa
_LAYOUT = Layout({**milesight.BATTERY, 0x037B: _PRESSURE}, history=(_PRESSURE,))


def decode(payload: bytes, f_port: int, options: Options) -> Sequence[Sample]:
    return milesight.decode(_LAYOUT, payload, options)


def encode(samples: Sequence[Sample], options: Options) -> tuple[int, bytes]:
    return milesight.encode(_LAYOUT, samples)


MODEL = DeviceModel(
    key="milesight_em500_pp",
    vendor="Milesight",
    product="EM500-PP pipe pressure",
    measures=("battery_pct", "pressure_bar"),
    profile=Profile(uplink_s=600),
    decode=decode,
    encode=encode,
    bounds={"pressure_bar": (-1.0, 16.0)},
    vectors=(
        Vector(85, "01755c037b0a00", (Sample("battery_pct", 92.0), Sample("pressure_bar", 0.1)),
               "Milesight-IoT/SensorDecoders em-series/em500-pp/README.md"),
        Vector(85, "017564037b0a00", (Sample("battery_pct", 100.0), Sample("pressure_bar", 0.1)),
               "TheThingsNetwork/lorawan-devices vendor/milesight-iot/em500-pp-codec.yaml"),
    ),
)  # fmt: skip
