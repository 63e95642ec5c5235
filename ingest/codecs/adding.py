"""Putting a utility's own codec into its folder: only when script, map and examples are sound."""

from __future__ import annotations

import os
from pathlib import Path

from core.errors import ConfigError, Conflict
from ingest.codecs.codec import MAP_NAME, SCRIPT_NAME, Codec, make_codec
from ingest.codecs.map_file import parse_map
from ingest.device_model import native_models
from ingest.models import as_key


def add_codec(
    devices: Path, map_text: str, source: str | None, *, key: str = "", loose: bool = False, replace: bool = False, name: str = MAP_NAME
) -> Codec:
    """Check a codec and write `<devices>/<key>/map.yaml` and `codec.js`; without `source` the map reads ChirpStack's object.

    `key`: else the map's own, else made of vendor and product. `name`: what mistakes call the map file.
    Raises ConfigError with every mistake, Conflict where the key is taken.
    """
    map_file = parse_map(map_text, name)
    if loose and not map_file.loose:
        map_text = "loose: true\n" + map_text
        map_file = map_file.model_copy(update={"loose": True})
    chosen = key or map_file.key or as_key(f"{map_file.vendor} {map_file.product}")
    if not chosen or as_key(chosen) != chosen or not chosen[0].isalpha():
        raise ConfigError([f"{name}:1: needs a key of small letters, digits and _ (or vendor and product), not '{chosen}'"])
    if map_file.key not in ("", chosen):
        raise ConfigError([f"{name}:1: key '{map_file.key}' differs from '{chosen}'"])
    codec = make_codec(map_file.model_copy(update={"key": chosen}), source)
    problems = [f"{name}: example {e.bytes or 'object'}: {p}" for e in map_file.examples if (p := codec.check(e)) is not None]
    if problems:
        raise ConfigError(problems)
    target = devices / chosen
    if chosen in native_models():
        raise Conflict(f"'{chosen}' is a native model, and its key never changes meaning; choose another")
    if (target / MAP_NAME).exists() and not replace:
        raise Conflict(f"'{chosen}' is there already; --replace puts this one in its place")
    _write(target, source, map_text)
    return codec


def _write(target: Path, source: str | None, map_text: str) -> None:
    """Each file whole or not at all; a reader between the two sees a codec that the next frame reads anew."""
    target.mkdir(parents=True, exist_ok=True)
    for name, text in ((SCRIPT_NAME, source), (MAP_NAME, map_text)):
        if text is None:
            (target / name).unlink(missing_ok=True)
            continue
        part = target / f".{name}.part"
        part.write_text(text, encoding="utf-8")
        os.replace(part, target / name)
