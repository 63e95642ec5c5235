"""Which decoder reads an uplink: a native model, a utility's own codec, or a mapping of what ChirpStack has decoded already."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from core.errors import ConfigError, DecodeError
from core.model import Sample, Uplink
from core.quantities import QUANTITIES
from core.town import Sensor
from ingest.codecs.codec import MAP_NAME, SCRIPT_NAME, Codec, load_codec, make_codec
from ingest.codecs.map_file import MapFile
from ingest.device_model import Options, Profile, native_models

MODEL_TAG = "mjosa_model"
"""Tag of a ChirpStack device profile or device that names the model key; set by provisioning."""
PROFILE_PREFIX = "mjosa "
"""Begins the name of a device profile that provisioning made for a model key."""
OBJECT_KEY = "object"
"""The codec that reads `object` where no model is known; a folder of this name replaces it."""


class Decoder(Protocol):
    """What reads frames: a DeviceModel or a codec. `bounds` {quantity: (low, high)}; `status` {mask of status_bits: meaning}."""

    @property
    def key(self) -> str: ...
    @property
    def vendor(self) -> str: ...
    @property
    def product(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def profile(self) -> Profile: ...
    @property
    def measures(self) -> tuple[str, ...]: ...
    @property
    def bounds(self) -> Mapping[str, tuple[float, float]]: ...
    @property
    def status(self) -> Mapping[int, str]: ...

    def read(self, payload: bytes, f_port: int, options: Options | None = None) -> list[Sample]:
        """Samples of one frame. Raises DecodeError."""
        ...


@dataclass(frozen=True)
class Broken:
    """Stands for a codec whose folder has mistakes: every frame becomes a dead letter that says which, until it is repaired."""

    key: str
    problems: tuple[str, ...]
    vendor: str = ""
    product: str = "(does not load)"
    version: str = "broken"
    profile: Profile = field(default_factory=lambda: Profile(uplink_s=900))
    measures: tuple[str, ...] = ()
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    status: Mapping[int, str] = field(default_factory=dict)

    def read(self, payload: bytes, f_port: int, options: Options | None = None) -> list[Sample]:
        raise DecodeError("; ".join(self.problems))


class ModelLibrary:
    """Every decoder there is: native models, and codecs in a folder that has one folder per key. A changed folder is read anew.

    Native keys cannot be replaced: a published key never changes meaning.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._native = native_models()
        self._own: dict[str, tuple[tuple[int, ...], Decoder]] = {}
        self._object = _canonical_fields()

    def keys(self) -> list[str]:
        """All model keys, sorted."""
        own = [p.parent.name for p in self._folder.glob(f"*/{MAP_NAME}")] if self._folder else []
        return sorted({*self._native, *own})

    def get(self, key: str) -> Decoder | None:
        """The decoder of a key; None where there is none."""
        native = self._native.get(key)
        return native if native is not None else self._custom(key)

    def find(self, sensor: Sensor | None, uplink: Uplink) -> Decoder:
        """The decoder for an uplink: the registered sensor's model, else what the network server's tag or profile name says.

        Where none is known and ChirpStack decoded the frame itself, its object is read. A codec comes bound to the uplink, whose
        time and object it needs. Raises DecodeError where nothing is known.
        """
        asked = [key for key in (sensor.model if sensor else "", uplink.tags.get(MODEL_TAG, ""), uplink.profile_name) if key]
        for key in asked:
            decoder = self.get(key) or self.get(as_key(key)) or self.get(key.removeprefix(PROFILE_PREFIX))
            if decoder is not None:
                return _for(decoder, uplink)
        if uplink.object:
            return _for(self._custom(OBJECT_KEY) or self._object, uplink)
        raise DecodeError(f"no device model for {uplink.dev_eui}: " + (f"'{asked[0]}' is not known" if asked else "it has none registered"))

    def _custom(self, key: str) -> Decoder | None:
        if self._folder is None or not re.fullmatch(r"[a-z][a-z0-9_]*", key):
            return None
        folder = self._folder / key
        stamp = _stamp(folder)
        if stamp is None:
            self._own.pop(key, None)
            return None
        known = self._own.get(key)
        if known is None or known[0] != stamp:
            try:
                decoder: Decoder = load_codec(folder)
            except ConfigError as error:
                decoder = Broken(key, error.problems)
            known = self._own[key] = (stamp, decoder)
        return known[1]


def _for(decoder: Decoder, uplink: Uplink) -> Decoder:
    return replace(decoder, uplink=uplink) if isinstance(decoder, Codec) else decoder


def as_key(name: str) -> str:
    """A profile's or product's name in the form of a key: `Acme AquaFlow 2` → `acme_aquaflow_2`."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _stamp(folder: Path) -> tuple[int, ...] | None:
    """What changes when a codec's files do; None without a map."""
    try:
        stamp = [(folder / MAP_NAME).stat()]
    except OSError:
        return None
    with suppress(OSError):
        stamp.append((folder / SCRIPT_NAME).stat())
    return tuple(n for s in stamp for n in (s.st_mtime_ns, s.st_size))


def _canonical_fields() -> Codec:
    """Reads an object whose fields already have canonical names (`pressure_bar`, …), at the top or one level down."""
    rules = [{"quantity": q, "path": path} for q in QUANTITIES for path in (q, f"[*].{q}")]
    return make_codec(
        MapFile.model_validate({"key": OBJECT_KEY, "product": "object with canonical names", "fields": rules, "at_least_one": True}), None
    )
