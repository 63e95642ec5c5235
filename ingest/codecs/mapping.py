"""A decoded object to samples, by the rules of a map file."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from core.errors import DecodeError
from core.model import Flag, Sample
from core.timekeeping import OSLO
from ingest.codecs.map_file import MapFile, Rule, Scalar, When, word_of
from ingest.codecs.paths import MISSING, Step, compile_path, expand, look_up
from ingest.codecs.units import conversion, units_of
from ingest.device_model import Options

Chosen = tuple[int | str, ...]
"""The places taken at a path's `[*]`."""
NOT_A_NUMBER = "\0"
"""Begins the string that stands for a NaN or an infinity in a codec's output."""
_MILLISECONDS_FROM = 1e11
_SPAN_S = {"s": 1.0, "ms": 1e-3, "min": 60.0, "h": 3600.0, "d": 86400.0}
_YAML_BOOLEANS = {"on": "true", "yes": "true", "off": "false", "no": "false"}
"""YAML reads an unquoted `on:` as true; a codec's "on" must still find it."""
_ZONES: dict[str, tzinfo] = {"UTC": UTC, "Europe/Oslo": OSLO}
_WITH_UNIT = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([^\d\s].*?)\s*")
"""Text such as `3.6 V`, as some codecs write for people."""
_TRUE = {"true": 1.0, "on": 1.0, "yes": 1.0, "false": 0.0, "off": 0.0, "no": 0.0}


@dataclass(frozen=True, slots=True)
class _Compiled:
    rule: Rule
    path: tuple[Step, ...]
    time: tuple[Step, ...]
    age: tuple[Step, ...]
    base: tuple[Step, ...]
    scale: float
    offset: float


class Mapper:
    """Applies a map file to decoded objects."""

    def __init__(self, map_file: MapFile) -> None:
        self._rules = [_compile(rule) for rule in map_file.fields]
        self._options = map_file.options
        self._at_least_one = map_file.at_least_one

    def samples(self, data: Mapping[str, Any], f_port: int, options: Options) -> list[Sample]:
        """The samples in one decoded object. Raises DecodeError for a mapped field that is not a number, or is required and absent."""
        told = {**self._options, **options}
        samples = [sample for compiled in self._rules for sample in _apply(compiled, data, f_port, told)]
        if self._at_least_one and not samples:
            raise DecodeError(f"no mapped field among {', '.join(map(str, data)) or 'none'}")
        return samples


def _compile(rule: Rule) -> _Compiled:
    path, time, base = (compile_path(text) if text else () for text in (rule.path, rule.time, rule.base))
    age = compile_path(rule.age) if isinstance(rule.age, str) else ()
    return _Compiled(rule, path, time, age, base, *conversion(rule.unit, rule.quantity))


def _apply(compiled: _Compiled, data: Mapping[str, Any], f_port: int, options: Options) -> Iterator[Sample]:
    rule = compiled.rule
    if rule.f_port is not None and f_port not in rule.f_port:
        return
    found: list[tuple[Chosen, Any]] = [((), rule.constant)] if rule.path is None else list(expand(data, compiled.path))
    given = [(c, value) for c, value in found if value is not None and not (rule.missing and _in(value, rule.missing))]
    if not given and rule.required:
        raise DecodeError(f"the decoded object has no '{rule.path}', which is required for {rule.quantity}")
    numbers = {} if rule.base is None else _indices(compiled, data, given)
    with_port = {"fPort": f_port, **data} if rule.when or rule.suspect else data
    for chosen, value in given:
        if rule.when and not all(_holds(when, with_port, chosen) for when in rule.when):
            continue
        scale, offset = (options[x] if isinstance(x, str) else x for x in (rule.scale, rule.offset))
        if rule.base is None:
            number = _number(value, rule) * compiled.scale + compiled.offset
        elif chosen in numbers:
            number = numbers[chosen]
        else:
            continue
        number = number * scale + offset
        at, age_s = _moment(compiled, data, chosen, len(found))
        doubtful = rule.suspect and all(_holds(when, with_port, chosen) for when in rule.suspect)
        yield Sample(rule.quantity, number, at, age_s, Flag.SUSPECT if doubtful else Flag.NOT_EVALUATED)


def _indices(compiled: _Compiled, data: Mapping[str, Any], given: Sequence[tuple[Chosen, Any]]) -> dict[Chosen, float]:
    """{place: index} of a list of differences, in the canonical unit. A missing difference ends its list: what follows is unknown."""
    rule = compiled.rule
    sign = 1.0 if rule.newest == "last" else -1.0
    base_scale, base_offset = conversion(rule.base_unit or rule.unit, rule.quantity)
    running: dict[Chosen, tuple[int, float]] = {}
    found = {}
    for chosen, value in given:
        position = chosen[-1]
        if chosen[:-1] not in running:
            start = look_up(data, compiled.base, chosen)
            if start is MISSING or start is None:
                continue
            running[chosen[:-1]] = (0, _number(start, rule) * base_scale + base_offset)
        expected, index = running[chosen[:-1]]
        if position == expected:
            index += sign * _number(value, rule) * compiled.scale
            running[chosen[:-1]] = (expected + 1, index)
            found[chosen] = index
    return found


def _moment(compiled: _Compiled, data: Mapping[str, Any], chosen: Chosen, count: int) -> tuple[float | None, float]:
    """(Unix seconds or None, age in seconds) of one value."""
    rule = compiled.rule
    if rule.time is None and rule.age is None and rule.step_s is None:
        return None, 0.0
    if rule.age is not None:
        age = look_up(data, compiled.age, chosen) if compiled.age else rule.age
        return None, 0.0 if age is MISSING or age is None else _number(age, rule) * _SPAN_S[rule.age_unit]
    at = None if rule.time is None else _time(look_up(data, compiled.time, chosen), rule)
    if rule.step_s is None or not chosen or not isinstance(chosen[-1], int):
        return at, 0.0
    steps = chosen[-1] + (rule.base is not None)
    if at is not None:
        return at + (steps if rule.newest == "last" else -steps) * rule.step_s, 0.0
    return None, (steps if rule.newest == "first" else count - 1 - chosen[-1]) * rule.step_s


def _time(value: Any, rule: Rule) -> float | None:
    if value is MISSING or value is None:
        return None
    if isinstance(value, str) and not _numeral(value):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError as error:
            raise DecodeError(f"'{rule.time}' is '{value}', which is not an ISO 8601 time") from error
        return (moment if moment.tzinfo else moment.replace(tzinfo=_ZONES[rule.time_zone])).timestamp()
    seconds = _number(value, rule)
    return seconds / 1000 if seconds > _MILLISECONDS_FROM else seconds


def _number(value: Any, rule: Rule) -> float:
    """A codec's value as a float. Raises DecodeError where it is none."""
    if rule.values is None and type(value) in (int, float) and math.isfinite(value):
        return float(value)
    if rule.values is not None:
        word = word_of(value)
        for spelling in (word, _YAML_BOOLEANS.get(word.lower(), word)):
            if spelling in rule.values:
                return rule.values[spelling]
    if isinstance(value, bool | int | float):
        number = float(value)
        if math.isfinite(number):
            return number
    if isinstance(value, str):
        if value.startswith(NOT_A_NUMBER):
            raise DecodeError(f"the codec gives {value[1:]} for '{rule.path}' ({rule.quantity})")
        if _numeral(value):
            return float(value)
        with_unit = _WITH_UNIT.fullmatch(value)
        if with_unit is not None and with_unit[2] in units_of(rule.quantity):
            (scale, offset), (rule_scale, rule_offset) = conversion(with_unit[2], rule.quantity), conversion(rule.unit, rule.quantity)
            return (float(with_unit[1]) * scale + offset - rule_offset) / rule_scale
        if rule.quantity == "contact" and value.strip().lower() in _TRUE:
            return _TRUE[value.strip().lower()]
    shown = repr(value) if len(repr(value)) < 60 else repr(value)[:57] + "…"
    raise DecodeError(
        f"'{rule.path}' is {shown}, which is not a number for {rule.quantity}"
        + ("; list it under values" if isinstance(value, str) else "")
    )


def _numeral(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _in(value: Any, missing: tuple[Scalar, ...]) -> bool:
    return not isinstance(value, dict | list) and any(word_of(value).lstrip(NOT_A_NUMBER) == word_of(m) for m in missing)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _holds(when: When, data: Any, chosen: tuple[int | str, ...]) -> bool:
    value = look_up(data, compile_path(when.path), chosen)
    present = value is not MISSING and value is not None
    tests = (
        (when.exists, lambda want: present == want),
        (when.equals, lambda want: present and value == want),
        (when.differs, lambda want: present and value != want),
        (when.one_of, lambda want: present and value in want),
        (when.above, lambda want: _is_number(value) and value > want),
        (when.below, lambda want: _is_number(value) and value < want),
    )
    return all(test(want) for want, test in tests if want is not None)
