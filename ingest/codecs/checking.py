"""Trying a codec before it is trusted: its examples, or those of a The Things Network device-repository file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import yaml

from core.errors import ConfigError, DecodeError
from ingest.codecs.codec import MAP_NAME, SCRIPT_NAME, load_codec, make_codec
from ingest.codecs.map_file import MapFile, load_map
from ingest.codecs.mapping import NOT_A_NUMBER
from ingest.codecs.script import Script

_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried, and what was wrong with it (None: nothing)."""

    what: str
    problem: str | None


def check_path(path: Path, map_path: Path | None = None, loose: bool = False) -> list[Check]:
    """Try a codec folder, a script (with its map or alone), a map file beside its script, or a TTN `*-codec.yaml`.

    Raises ConfigError where a file cannot be read or has mistakes.
    """
    if path.is_dir():
        codec = load_codec(path)
        return [
            Check(f"{codec.key} loads", None),
            *(Check(f"example {e.bytes or 'object'}", codec.check(e)) for e in codec.map_file.examples),
        ]
    if path.suffix in (".yaml", ".yml"):
        data = _yaml(path)
        if isinstance(data, dict) and "uplinkDecoder" in data:
            return list(_check_ttn(path, data["uplinkDecoder"], loose))
        return _check_map(load_map(path), path.parent / SCRIPT_NAME if (path.parent / SCRIPT_NAME).exists() else None, loose)
    if map_path is not None:
        return _check_map(load_map(map_path), path, loose)
    return [_loads(path, loose)]


def read_text(path: Path) -> str:
    """A script or map as text. Raises ConfigError."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: cannot be read ({error})"]) from error


def _check_map(map_file: MapFile, script: Path | None, loose: bool) -> list[Check]:
    if loose:
        map_file = map_file.model_copy(update={"loose": True})
    codec = make_codec(map_file, read_text(script) if script else None)
    return [
        Check(f"{script or MAP_NAME} loads", None),
        *(Check(f"example {e.bytes or 'object'}", codec.check(e)) for e in map_file.examples),
    ]


def _loads(path: Path, loose: bool) -> Check:
    try:
        script = Script(read_text(path), loose=loose)
    except DecodeError as error:
        return Check(f"{path} loads", str(error))
    return Check(f"{path} loads: {script.entry}", None)


def _check_ttn(path: Path, decoder: Mapping[str, Any], loose: bool) -> Iterator[Check]:
    source = path.parent / str(decoder.get("fileName", SCRIPT_NAME))
    loads = _loads(source, loose)
    yield loads
    if loads.problem is not None:
        return
    script = Script(read_text(source), loose=loose)
    for number, example in enumerate(decoder.get("examples") or (), 1):
        yield Check(f"example {number}: {example.get('description', '')}", _difference(script, example))


def _difference(script: Script, example: Mapping[str, Any]) -> str | None:
    given, expected = example.get("input", {}), example.get("output", {})
    try:
        received = _instant(given.get("recvTime"))
        got = script.decode(_payload(given), int(given.get("fPort", 1)), received if isinstance(received, float) else 0.0, {})
    except DecodeError as error:
        return None if expected.get("errors") else str(error)
    except (TypeError, ValueError) as error:
        return f"its input cannot be read: {error}"
    return next(_differences(got, expected.get("data", {}), "data"), None)


def _payload(given: Mapping[str, Any]) -> bytes:
    """A TTN example's bytes: a list of numbers, or hexadecimal text."""
    raw = given.get("bytes", ())
    return bytes.fromhex(raw) if isinstance(raw, str) else bytes(raw)


def _differences(got: Any, expected: Any, place: str) -> Iterator[str]:
    if isinstance(got, str) and got.startswith(NOT_A_NUMBER):
        got = None
    if isinstance(expected, date):
        expected, got = _instant(expected), _instant(got)
    if isinstance(expected, Mapping) and isinstance(got, Mapping):
        for key in {**expected, **got}:
            yield from _differences(got.get(str(key)), expected.get(key), f"{place}.{key}")
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        for i, (a, b) in enumerate(zip(got, expected, strict=True)):
            yield from _differences(a, b, f"{place}[{i}]")
    elif isinstance(expected, int | float) and isinstance(got, int | float):
        if not math.isclose(got, expected, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE):
            yield f"{place} is {got}, expected {expected}"
    elif got != expected and str(got) != str(expected):
        yield f"{place} is {got!r}, expected {expected!r}"


def _instant(value: Any) -> Any:
    """A time as Unix seconds, whether YAML made it a date or the codec wrote it as text; anything else as it is."""
    try:
        moment = value if isinstance(value, date) else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return value
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError([f"{path}: cannot be read ({error})"]) from error
