"""Decentlab DL-PR36: pressure or level by a Keller 36XW transmitter. pressure = (x − 32768) / kp; temperature = (x − 32768) / 256.

Options: `kp` printed on the device (8192); `submerged` = 1 for level_m as well; `device_id` when encoding.
"""

from collections.abc import Sequence

from core.model import Sample
from ingest.device_model import DeviceModel, Options, Profile, Vector
from ingest.devices import _decentlab as decentlab
from ingest.devices._encoding import head_samples, latest, pressure_of, steps

_SENSOR, _BATTERY = 0, 1
_WORDS = (2, 1)
_MIDDLE = 32768


def decode(payload: bytes, f_port: int, options: Options) -> Sequence[Sample]:
    groups = decentlab.groups(payload, _WORDS)
    samples = []
    if _SENSOR in groups:
        pressure, temperature = groups[_SENSOR]
        if options["kp"] <= 0:
            raise ValueError("option kp must be positive")
        samples += head_samples((pressure - _MIDDLE) / options["kp"], options)
        samples.append(Sample("temperature_c", (temperature - _MIDDLE) / 256))
    if _BATTERY in groups:
        samples.append(decentlab.battery(groups[_BATTERY]))
    return samples


def encode(samples: Sequence[Sample], options: Options) -> tuple[int, bytes]:
    values = latest(samples)
    present: dict[int, Sequence[int]] = {}
    pressure = pressure_of(values, options)
    if pressure is not None:
        present[_SENSOR] = (steps(pressure, options["kp"]) + _MIDDLE, steps(values.get("temperature_c", 0.0), 256) + _MIDDLE)
    if "battery_v" in values:
        present[_BATTERY] = (steps(values["battery_v"], 1000),)
    return decentlab.frame(options.get("device_id", 0), present)


_SOURCE = "TheThingsNetwork/lorawan-devices vendor/decentlab/dl-pr36-8192-codec.yaml"
MODEL = DeviceModel(
    key="decentlab_pr36",
    vendor="Decentlab",
    product="DL-PR36 pressure / level, high accuracy",
    measures=("pressure_bar", "level_m", "temperature_c", "battery_v"),
    profile=Profile(uplink_s=600),
    decode=decode,
    encode=encode,
    options={"kp": 8192.0},
    bounds={"temperature_c": (-40.0, 85.0)},
    vectors=(
        Vector(1, "02032b0003806797810c2b",
               (Sample("pressure_bar", 0.0125732421875), Sample("temperature_c", 23.50390625), Sample("battery_v", 3.115)),
               _SOURCE, {"device_id": 0x032B, "kp": 8192.0}),
    ),
)  # fmt: skip
