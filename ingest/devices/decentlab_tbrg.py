"""Decentlab DL-TBRG: tipping-bucket rain gauge. Rain since the last uplink, and the index since installation.

Option `mm_per_tip`: 0.1 (catchment 1000 cm²) or 0.2.
"""

from collections.abc import Sequence

from core.model import Sample
from ingest.device_model import DeviceModel, Options, Profile, Vector
from ingest.devices import _decentlab as decentlab
from ingest.devices._encoding import latest, steps

_SENSOR, _BATTERY = 0, 1
_WORDS = (4, 1)


def decode(payload: bytes, f_port: int, options: Options) -> Sequence[Sample]:
    groups = decentlab.groups(payload, _WORDS)
    samples = []
    if _SENSOR in groups:
        tips, _interval_s, low, high = groups[_SENSOR]
        tips_per_mm = 1 / options["mm_per_tip"] if options["mm_per_tip"] > 0 else 0.0
        if not tips_per_mm:
            raise ValueError("option mm_per_tip must be positive")
        samples += [Sample("rain_mm", tips / tips_per_mm), Sample("rain_total_mm", (low | high << 16) / tips_per_mm)]
    if _BATTERY in groups:
        samples.append(decentlab.battery(groups[_BATTERY]))
    return samples


def encode(samples: Sequence[Sample], options: Options) -> tuple[int, bytes]:
    values = latest(samples)
    present: dict[int, Sequence[int]] = {}
    if "rain_mm" in values or "rain_total_mm" in values:
        per_mm = 1 / options["mm_per_tip"]
        total = steps(values.get("rain_total_mm", 0.0), per_mm)
        present[_SENSOR] = (steps(values.get("rain_mm", 0.0), per_mm), int(options["interval_s"]), total & 0xFFFF, total >> 16)
    if "battery_v" in values:
        present[_BATTERY] = (steps(values["battery_v"], 1000),)
    return decentlab.frame(options.get("device_id", 0), present)


MODEL = DeviceModel(
    key="decentlab_tbrg",
    vendor="Decentlab",
    product="DL-TBRG tipping-bucket rain gauge",
    measures=("rain_mm", "rain_total_mm", "battery_v"),
    profile=Profile(uplink_s=600),
    decode=decode,
    encode=encode,
    options={"mm_per_tip": 0.1, "interval_s": 600.0},
    bounds={"rain_mm": (0.0, 200.0)},
    vectors=(
        Vector(1, "0202f8000300040258409a00000c54",
               (Sample("rain_mm", 0.4), Sample("rain_total_mm", 1653.8), Sample("battery_v", 3.156)),
               "TheThingsNetwork/lorawan-devices vendor/decentlab (DL-TBRG)", {"device_id": 0x02F8}),
    ),
)  # fmt: skip
