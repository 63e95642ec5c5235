"""Which decoder reads an uplink: a native model, a utility's own codec, or a mapping of what ChirpStack has decoded already."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from core.errors import DecodeError
from core.model import Sample, Uplink
from core.town import Sensor
from ingest.device_model import Options, native_models

MODEL_TAG = "mjosa_model"
"""Tag of a ChirpStack device profile or device that names the model key; set by provisioning."""


class Decoder(Protocol):
    """What reads frames: a DeviceModel or a codec. `bounds` {quantity: (low, high)}; `status` {mask of status_bits: meaning}."""

    @property
    def key(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def measures(self) -> tuple[str, ...]: ...
    @property
    def bounds(self) -> Mapping[str, tuple[float, float]]: ...
    @property
    def status(self) -> Mapping[int, str]: ...

    def read(self, payload: bytes, f_port: int, options: Options | None = None, uplink: Uplink | None = None) -> list[Sample]:
        """Samples of one frame. Raises DecodeError."""
        ...


class ModelLibrary:
    """Every decoder there is: native models, and the codecs in a folder of one folder per key."""

    def __init__(self, folder: Path | None = None) -> None:
        self._decoders: dict[str, Decoder] = dict(native_models())

    def keys(self) -> list[str]:
        return sorted(self._decoders)

    def get(self, key: str) -> Decoder | None:
        return self._decoders.get(key)

    def find(self, sensor: Sensor | None, uplink: Uplink) -> Decoder:
        """The decoder for an uplink: the registered sensor's model, else what the network server's tag or profile name says.

        Raises DecodeError where nothing is known, naming what was asked for.
        """
        asked = [key for key in (sensor.model if sensor else "", uplink.tags.get(MODEL_TAG, ""), uplink.profile_name) if key]
        for key in asked:
            decoder = self._decoders.get(key)
            if decoder is not None:
                return decoder
        raise DecodeError(f"no device model for {uplink.dev_eui}: " + (f"'{asked[0]}' is not known" if asked else "it has none registered"))
