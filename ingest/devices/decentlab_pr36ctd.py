"""Decentlab DL-PR36CTD: pressure or level, temperature and conductivity by a Keller 36XiW-CTD probe: wells, springs, saline intrusion.

pressure = (x − 32768) / kp; temperature = (x − 32768) / 256; conductivity = (x − 32768) / kc mS/cm.
Options: `kp` (8192) and `kc` (1024) printed on the device; `submerged` = 1 for level_m as well; `device_id` when encoding.
"""

from collections.abc import Sequence

from core.model import Sample
from ingest.device_model import DeviceModel, Options, Profile, Vector
from ingest.devices import _decentlab as decentlab
from ingest.devices._encoding import head_samples, latest, pressure_of, steps

_SENSOR, _BATTERY = 0, 1
_WORDS = (4, 1)
_MIDDLE = 32768


def decode(payload: bytes, f_port: int, options: Options) -> Sequence[Sample]:
    groups = decentlab.groups(payload, _WORDS)
    samples = []
    if _SENSOR in groups:
        pressure, _electronics, temperature, conductivity = groups[_SENSOR]
        if options["kp"] <= 0 or options["kc"] <= 0:
            raise ValueError("options kp and kc must be positive")
        samples += head_samples((pressure - _MIDDLE) / options["kp"], options)
        samples.append(Sample("temperature_c", (temperature - _MIDDLE) / 256))
        samples.append(Sample("conductivity_us_cm", (conductivity - _MIDDLE) / options["kc"] * 1000))
    if _BATTERY in groups:
        samples.append(decentlab.battery(groups[_BATTERY]))
    return samples


def encode(samples: Sequence[Sample], options: Options) -> tuple[int, bytes]:
    """The electronics' own temperature, which is no reading of the water, is sent as the probe's."""
    values = latest(samples)
    present: dict[int, Sequence[int]] = {}
    pressure = pressure_of(values, options)
    if pressure is not None:
        temperature = steps(values.get("temperature_c", 0.0), 256) + _MIDDLE
        conductivity = steps(values.get("conductivity_us_cm", 0.0) / 1000, options["kc"]) + _MIDDLE
        present[_SENSOR] = (steps(pressure, options["kp"]) + _MIDDLE, temperature, temperature, conductivity)
    if "battery_v" in values:
        present[_BATTERY] = (steps(values["battery_v"], 1000),)
    return decentlab.frame(options.get("device_id", 0), present)


_SOURCE = "TheThingsNetwork/lorawan-devices vendor/decentlab/dl-pr36ctd-8192-codec.yaml"
_UNIT = {"device_id": 0x0A17}
MODEL = DeviceModel(
    key="decentlab_pr36ctd",
    vendor="Decentlab",
    product="DL-PR36CTD pressure / level, temperature, conductivity",
    measures=("pressure_bar", "level_m", "temperature_c", "conductivity_us_cm", "battery_v"),
    profile=Profile(uplink_s=600),
    decode=decode,
    encode=encode,
    options={"kp": 8192.0, "kc": 1024.0},
    bounds={"temperature_c": (-40.0, 85.0)},
    vectors=(
        Vector(1, "020a170003800797869781" + "80060c2b",
               (Sample("pressure_bar", 0.0008544921875), Sample("temperature_c", 23.50390625), Sample("conductivity_us_cm", 5.859375),
                Sample("battery_v", 3.115)), _SOURCE, _UNIT, round_trip=False),
        Vector(1, "020a1700020c2b", (Sample("battery_v", 3.115),), _SOURCE, _UNIT),
    ),
)  # fmt: skip
