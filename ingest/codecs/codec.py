"""A product of the utility's own: a folder `<key>` with map.yaml and, unless ChirpStack decodes, the vendor's codec.js."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from core.errors import ConfigError, DecodeError
from core.model import Sample, Uplink
from ingest.codecs.map_file import Example, MapFile, load_map
from ingest.codecs.mapping import Mapper
from ingest.codecs.script import Script
from ingest.device_model import Options, Profile

MAP_NAME, SCRIPT_NAME = "map.yaml", "codec.js"
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Codec:
    """Reads frames with a vendor's script, or what ChirpStack decoded already where `script` is None.

    `uplink`: the frame being read, for its time and object. `version` holds a digest of map and script: a changed codec is
    another version, so that replays can tell them apart.
    """

    map_file: MapFile
    mapper: Mapper
    script: Script | None
    version: str
    uplink: Uplink | None = None

    @property
    def key(self) -> str:
        return self.map_file.key

    @property
    def vendor(self) -> str:
        return self.map_file.vendor

    @property
    def product(self) -> str:
        return self.map_file.product

    @property
    def profile(self) -> Profile:
        return Profile(self.map_file.uplink_s, self.map_file.mac_version, self.map_file.device_class)

    @property
    def measures(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(rule.quantity for rule in self.map_file.fields))

    @property
    def bounds(self) -> Mapping[str, tuple[float, float]]:
        return self.map_file.bounds

    @property
    def status(self) -> Mapping[int, str]:
        return self.map_file.status

    def read(self, payload: bytes, f_port: int, options: Options | None = None) -> list[Sample]:
        """Samples of one frame; none for a MAC-only frame, or a decoded object without a mapped field. Raises DecodeError."""
        told = {**self.map_file.options, **(options or {})}
        if self.script is None:
            if self.uplink is None or self.uplink.object is None:
                raise DecodeError(f"{self.key}: ChirpStack sent no decoded object, and there is no {SCRIPT_NAME} to decode with")
            return self._mapped(self.uplink.object, f_port, told)
        if not payload or f_port == 0:
            return []
        received = (self.uplink.time or self.uplink.received_at) if self.uplink is not None else 0.0
        variables = {**self.map_file.variables, **{name: f"{value:g}" for name, value in told.items()}}
        try:
            data = self.script.decode(payload, f_port, received, variables)
        except DecodeError as error:
            raise DecodeError(f"{self.key}: {error}") from error
        return self._mapped(data, f_port, told)

    def _mapped(self, data: Mapping[str, object], f_port: int, options: Options) -> list[Sample]:
        try:
            return self.mapper.samples(data, f_port, options)
        except DecodeError as error:
            raise DecodeError(f"{self.key}: {error}") from error

    def check(self, example: Example) -> str | None:
        """What is wrong with how an example decodes; None when it gives what it should."""
        uplink = Uplink("", "", 0, example.f_port, b"", None, None, None, 0.0, object=example.object)
        try:
            samples = replace(self, uplink=uplink).read(bytes.fromhex(example.bytes), example.f_port)
        except DecodeError as error:
            return None if example.fails is not None and example.fails in str(error) else str(error)
        if example.fails is not None:
            return f"decodes, but should fail with '{example.fails}'"
        newest = {s.quantity: s.value for s in sorted(samples, key=lambda s: (s.at or 0.0, -s.age_s))}
        for quantity, expected in example.gives.items():
            got = newest.get(quantity)
            if got is None or abs(got - expected) > _TOLERANCE * max(1.0, abs(expected)):
                return f"gives {quantity} = {'nothing' if got is None else f'{got:g}'}, expected {expected:g}"
        return None


def make_codec(map_file: MapFile, source: str | None) -> Codec:
    """A codec of a map and a script's source. Raises ConfigError where the script does not load."""
    digest = hashlib.sha256((map_file.model_dump_json() + (source or "")).encode()).hexdigest()[:8]
    try:
        script = None if source is None else Script(source, loose=map_file.loose, shape=map_file.bytes)
    except DecodeError as error:
        raise ConfigError([f"{map_file.key}: {error}"]) from error
    return Codec(map_file, Mapper(map_file), script, f"{map_file.version}+{digest}")


def load_codec(folder: Path) -> Codec:
    """The codec in a folder, whose name is its key. Raises ConfigError with every mistake and its line."""
    path = folder / MAP_NAME
    map_file = load_map(path)
    if map_file.key not in ("", folder.name):
        raise ConfigError([f"{path}: key '{map_file.key}' differs from its folder '{folder.name}'"])
    script = folder / SCRIPT_NAME
    try:
        source = script.read_text(encoding="utf-8") if script.exists() else None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{script}: cannot be read ({error})"]) from error
    return make_codec(map_file.model_copy(update={"key": folder.name}), source)
