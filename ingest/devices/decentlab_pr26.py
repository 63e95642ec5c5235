"""Decentlab DL-PR26: pressure or level by a Keller 26 transmitter.

pressure = (x − 16384) / 32768 · (pmax − pmin) + pmin; temperature = (x − 384) · 0.003125 − 50.
Options: `pmin_bar`, `pmax_bar` of the transmitter; `submerged` = 1 for level_m as well; `device_id` when encoding.
"""

from collections.abc import Sequence

from core.model import Sample
from ingest.device_model import DeviceModel, Options, Profile, Vector
from ingest.devices import _decentlab as decentlab
from ingest.devices._encoding import head_samples, latest, pressure_of, steps

_SENSOR, _BATTERY = 0, 1
_WORDS = (2, 1)


def decode(payload: bytes, f_port: int, options: Options) -> Sequence[Sample]:
    groups = decentlab.groups(payload, _WORDS)
    samples = []
    if _SENSOR in groups:
        pressure, temperature = groups[_SENSOR]
        low, high = options["pmin_bar"], options["pmax_bar"]
        samples += head_samples((pressure - 16384) / 32768 * (high - low) + low, options)
        samples.append(Sample("temperature_c", (temperature - 384) * 0.003125 - 50))
    if _BATTERY in groups:
        samples.append(decentlab.battery(groups[_BATTERY]))
    return samples


def encode(samples: Sequence[Sample], options: Options) -> tuple[int, bytes]:
    values = latest(samples)
    present: dict[int, Sequence[int]] = {}
    pressure = pressure_of(values, options)
    if pressure is not None:
        low, high = options["pmin_bar"], options["pmax_bar"]
        present[_SENSOR] = (steps((pressure - low) / (high - low), 32768) + 16384, steps(values.get("temperature_c", 0.0) + 50, 320) + 384)
    if "battery_v" in values:
        present[_BATTERY] = (steps(values["battery_v"], 1000),)
    return decentlab.frame(options.get("device_id", 0), present)


_SOURCE = "TheThingsNetwork/lorawan-devices vendor/decentlab/dl-pr26-0-1-codec.yaml"
_UNIT = {"device_id": 0x0167, "pmin_bar": 0.0, "pmax_bar": 1.0}
MODEL = DeviceModel(
    key="decentlab_pr26",
    vendor="Decentlab",
    product="DL-PR26 pressure / level",
    measures=("pressure_bar", "level_m", "temperature_c", "battery_v"),
    profile=Profile(uplink_s=600),
    decode=decode,
    encode=encode,
    options={"pmin_bar": 0.0, "pmax_bar": 1.0},
    bounds={"temperature_c": (-40.0, 85.0)},
    vectors=(
        Vector(1, "02016700033e8060170c7f",
               (Sample("pressure_bar", -0.01171875), Sample("temperature_c", 25.671875), Sample("battery_v", 3.199)), _SOURCE, _UNIT),
        Vector(1, "02016700020c7f", (Sample("battery_v", 3.199),), _SOURCE, _UNIT),
    ),
)  # fmt: skip
