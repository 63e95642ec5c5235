"""Milesight EM300-MCS: magnet contact on a hatch or manhole cover. contact 1 = open."""

from collections.abc import Sequence

from core.model import Sample
from ingest.device_model import DeviceModel, Options, Profile, Vector
from ingest.devices import _milesight as milesight
from ingest.devices._milesight import Channel, Layout

_TEMPERATURE = Channel("air_temperature_c", "h", 10)
_HUMIDITY = Channel("humidity_pct", "B", 2)
_CONTACT = Channel("contact", "B")
_LAYOUT = Layout(
    {**milesight.BATTERY, 0x0367: _TEMPERATURE, 0x0468: _HUMIDITY, 0x0600: _CONTACT},
    history=(_TEMPERATURE, _HUMIDITY, _CONTACT),
)
_SOURCE = "Milesight-IoT/SensorDecoders em-series/em300-mcs/README.md"
_AT = 1665561758.0


def decode(payload: bytes, f_port: int, options: Options) -> Sequence[Sample]:
    return milesight.decode(_LAYOUT, payload, options)


def encode(samples: Sequence[Sample], options: Options) -> tuple[int, bytes]:
    return milesight.encode(_LAYOUT, samples)


MODEL = DeviceModel(
    key="milesight_em300_mcs",
    vendor="Milesight",
    product="EM300-MCS magnet contact",
    measures=("battery_pct", "air_temperature_c", "humidity_pct", "contact"),
    profile=Profile(uplink_s=3600),
    decode=decode,
    encode=encode,
    vectors=(
        Vector(85, "01755c03673401046865060001",
               (Sample("battery_pct", 92.0), Sample("air_temperature_c", 30.8), Sample("humidity_pct", 50.5), Sample("contact", 1.0)),
               _SOURCE),
        Vector(85, "20ce9e74466310015d01",
               (Sample("air_temperature_c", 27.2, _AT), Sample("humidity_pct", 46.5, _AT), Sample("contact", 1.0, _AT)), _SOURCE),
    ),
)  # fmt: skip
