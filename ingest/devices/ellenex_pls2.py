"""Ellenex PLS2-L: submersible level. Option `level_m_per_raw`: what one raw step is worth on this unit's range (default 0.001)."""

from collections.abc import Sequence

from core.model import Sample
from ingest.device_model import DeviceModel, Options, Profile, Vector
from ingest.devices import _ellenex as ellenex


def decode(payload: bytes, f_port: int, options: Options) -> Sequence[Sample]:
    return ellenex.decode(payload, f_port, "level_m", options["level_m_per_raw"])


def encode(samples: Sequence[Sample], options: Options) -> tuple[int, bytes]:
    return ellenex.encode(samples, "level_m", options["level_m_per_raw"])


MODEL = DeviceModel(
    key="ellenex_pls2",
    vendor="Ellenex",
    product="PLS2-L submersible level",
    measures=("level_m", "battery_v"),
    profile=Profile(uplink_s=900),
    decode=decode,
    encode=encode,
    options={"level_m_per_raw": 0.001},
    vectors=(
        Vector(15, "01e80000d6000022", (Sample("level_m", 0.214), Sample("battery_v", 3.4)),
               "TheThingsNetwork/lorawan-devices vendor/ellenex/pls2-l-codec.yaml: raw 214, 3.4 V"),
    ),
)  # fmt: skip
