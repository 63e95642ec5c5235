"""Decentlab DL-MBX: ultrasonic distance, the median of several shots. A reading without a valid shot is flagged as failed."""

from collections.abc import Sequence

from core.model import Flag, Sample
from ingest.device_model import DeviceModel, Options, Profile, Vector
from ingest.devices import _decentlab as decentlab
from ingest.devices._encoding import latest, steps

_SENSOR, _BATTERY = 0, 1
_WORDS = (2, 1)


def decode(payload: bytes, f_port: int, options: Options) -> Sequence[Sample]:
    groups = decentlab.groups(payload, _WORDS)
    samples = []
    if _SENSOR in groups:
        distance_mm, valid_shots = groups[_SENSOR]
        samples.append(Sample("distance_m", distance_mm / 1000, flag=Flag.NOT_EVALUATED if valid_shots else Flag.FAIL))
    if _BATTERY in groups:
        samples.append(decentlab.battery(groups[_BATTERY]))
    return samples


def encode(samples: Sequence[Sample], options: Options) -> tuple[int, bytes]:
    values = latest(samples)
    present: dict[int, Sequence[int]] = {}
    for s in samples:
        if s.quantity == "distance_m":
            present[_SENSOR] = (steps(s.value, 1000), int(s.flag != Flag.FAIL))
    if "battery_v" in values:
        present[_BATTERY] = (steps(values["battery_v"], 1000),)
    return decentlab.frame(options.get("device_id", 0), present)


MODEL = DeviceModel(
    key="decentlab_mbx",
    vendor="Decentlab",
    product="DL-MBX ultrasonic distance",
    measures=("distance_m", "battery_v"),
    profile=Profile(uplink_s=600),
    decode=decode,
    encode=encode,
    bounds={"distance_m": (0.25, 10.0)},
    vectors=(
        Vector(1, "02012f000304d200010bb1", (Sample("distance_m", 1.234), Sample("battery_v", 2.993)),
               "TheThingsNetwork/lorawan-devices vendor/decentlab/dl-mbx-codec.yaml", {"device_id": 0x012F}),
    ),
)  # fmt: skip
