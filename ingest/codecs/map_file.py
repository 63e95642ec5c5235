"""The map file: which output field of a codec is which quantity, in which unit, measured when.

docs/devices.md describes the format; `load_map` reads it and tells every mistake with its line.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from core.errors import ConfigError
from core.quantities import QUANTITIES
from core.yaml_lines import Place, dotted, line_of, parse_with_lines
from ingest.codecs.paths import compile_path
from ingest.codecs.units import conversion

Scalar = float | int | str | bool
_UNION_MEMBERS = ("float", "int", "str", "bool")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class When(_Strict):
    """A rule counts only where this holds. `path` may share the rule's `[*]`; `fPort` is a path too."""

    path: str
    equals: Scalar | None = None
    differs: Scalar | None = None
    one_of: tuple[Scalar, ...] | None = Field(None, alias="in")
    above: float | None = None
    below: float | None = None
    exists: bool | None = None

    @field_validator("path")
    @classmethod
    def _path(cls, text: str) -> str:
        compile_path(text)
        return text


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) or value is None else [value]


class Rule(_Strict):
    """One quantity from one place: value · scale + offset after the unit's conversion.

    When: `time`, path of the time of measurement (Unix seconds or milliseconds, or ISO 8601, in `time_zone` where it names
    none); or `age` (a number or a path) in `age_unit`. For a list whose elements have no times, `step_s` seconds between them,
    `newest` first or last; `time` is then the first element's, else the newest is as old as the frame.
    With `base`, the elements are differences: added to the index at that path (which `time` then belongs to) where the newest is
    last, taken from it where the newest is first.
    """

    quantity: str
    path: str | None = None
    constant: float | None = None
    unit: str | None = None
    scale: float | str = 1.0
    offset: float | str = 0.0
    values: Mapping[str, float] | None = None
    time: str | None = None
    time_zone: Literal["UTC", "Europe/Oslo"] = "UTC"
    age: float | str | None = None
    age_unit: Literal["s", "ms", "min", "h", "d"] = "s"
    step_s: float | None = Field(None, gt=0)
    newest: Literal["first", "last"] = "first"
    base: str | None = None
    base_unit: str | None = None
    f_port: Annotated[tuple[int, ...] | None, BeforeValidator(_listed)] = None
    when: Annotated[tuple[When, ...], BeforeValidator(_listed)] = ()
    missing: Annotated[tuple[Scalar, ...], BeforeValidator(_listed)] = ()
    required: bool = False
    suspect: Annotated[tuple[When, ...], BeforeValidator(_listed)] = ()

    @field_validator("quantity")
    @classmethod
    def _quantity(cls, name: str) -> str:
        if name not in QUANTITIES:
            raise ValueError(f"there is no quantity '{name}'" + _suggestion(name, QUANTITIES))
        return name

    @field_validator("path", "time", "base")
    @classmethod
    def _paths(cls, text: str | None) -> str | None:
        if text is not None:
            compile_path(text)
        return text

    @field_validator("values", mode="before")
    @classmethod
    def _words(cls, words: Any) -> Any:
        return {word_of(k): v for k, v in words.items()} if isinstance(words, dict) else words

    @model_validator(mode="after")
    def _whole(self) -> Rule:
        if (self.path is None) == (self.constant is None):
            raise ValueError("give either path or constant")
        if self.age is not None and (self.time is not None or self.step_s is not None):
            raise ValueError("age stands alone, without time or step_s")
        listed = (self.path or "").count("[*]")
        if self.step_s is not None and not listed:
            raise ValueError("step_s needs a path with [*]")
        if self.step_s is not None and (self.time or "").count("[*]") >= max(listed, 1):
            raise ValueError("step_s is for lists whose elements have no times of their own")
        if self.base is not None and not listed:
            raise ValueError("base needs a path with [*]")
        conversion(self.unit, self.quantity)
        conversion(self.base_unit, self.quantity)
        return self


class Example(_Strict):
    """A frame, or a decoded object, and what it must give: {quantity: value} of the newest sample of each."""

    bytes: str = ""
    f_port: int = 1
    object: Mapping[str, Any] | None = None
    gives: Mapping[str, float] = Field(default_factory=dict)
    fails: str | None = None

    @field_validator("bytes", mode="before")
    @classmethod
    def _hex(cls, text: Any) -> str:
        if not isinstance(text, str):
            raise ValueError("write the bytes in quotes; YAML takes digits alone for a number")
        return bytes.fromhex(text).hex()


class MapFile(_Strict):
    """One product's map file."""

    key: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] = ""
    vendor: str = ""
    product: str = ""
    version: Annotated[str, BeforeValidator(str)] = "1"
    source: str = ""
    loose: bool = False
    bytes: Literal["array", "base64", "hex"] = "array"
    uplink_s: float = Field(900.0, gt=0)
    mac_version: Literal["1.0.2", "1.0.3", "1.0.4", "1.1.0"] = "1.0.3"
    device_class: Literal["A", "B", "C"] = "A"
    options: Mapping[str, float] = Field(default_factory=dict)
    variables: Mapping[str, str] = Field(default_factory=dict)
    bounds: Mapping[str, tuple[float, float]] = Field(default_factory=dict)
    status: Mapping[int, str] = Field(default_factory=dict)
    fields: tuple[Rule, ...] = Field(min_length=1)
    at_least_one: bool = False
    examples: tuple[Example, ...] = ()

    @field_validator("bounds")
    @classmethod
    def _bounds(cls, bounds: Mapping[str, tuple[float, float]]) -> Mapping[str, tuple[float, float]]:
        for quantity, (low, high) in bounds.items():
            if quantity not in QUANTITIES or not low < high:
                raise ValueError(f"'{quantity}: [{low}, {high}]' must be a quantity with its lowest and highest value")
        return bounds

    @model_validator(mode="after")
    def _options_exist(self) -> MapFile:
        for rule in self.fields:
            for name in (rule.scale, rule.offset):
                if isinstance(name, str) and name not in self.options:
                    raise ValueError(f"'{name}' is used in fields and needs a default under options")
        return self


def load_map(path: Path) -> MapFile:
    """A map file. Raises ConfigError listing every mistake as `file:line: field: what`."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: cannot be read ({error})"]) from error
    return parse_map(text, str(path))


def parse_map(text: str, name: str) -> MapFile:
    """`load_map` for text already read; `name` stands before each mistake."""
    try:
        data, lines = parse_with_lines(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ConfigError([f"{name}:{mark.line + 1 if mark else 1}: not valid YAML: {getattr(error, 'problem', error)}"]) from error
    if not isinstance(data, dict):
        raise ConfigError([f"{name}:1: must be a mapping with 'fields'"])
    listed = data.get("fields")
    if isinstance(listed, dict):  # short form: {quantity: path, or the rest of the rule}
        names = list(listed)
        data["fields"] = [{"quantity": q, **(rule if isinstance(rule, dict) else {"path": rule})} for q, rule in listed.items()]
        lines = {(p[0], names.index(str(p[1])), *p[2:]) if len(p) > 1 and p[0] == "fields" else p: n for p, n in lines.items()}
    try:
        return MapFile.model_validate(data)
    except ValidationError as error:
        raise ConfigError(_problems(error, lines, name)) from error


def _problems(error: ValidationError, lines: dict[Place, int], name: str) -> list[str]:
    """`file:line: field: what` in the order of the lines, each once."""
    found = []
    for e in error.errors():
        place = tuple(p for p in e["loc"] if not (isinstance(p, str) and (p in _UNION_MEMBERS or "[" in p)))
        text = e["msg"].removeprefix("Value error, ")
        if e["type"] == "extra_forbidden":
            text = "not a known field" + _suggestion(str(place[-1]), {*Rule.model_fields, *MapFile.model_fields, *When.model_fields})
        if e["type"] != "too_short" or len(error.errors()) == 1:
            found.append((line_of(lines, place), f"{dotted(place) or 'map'}: {text}"))
    return list(dict.fromkeys(f"{name}:{line}: {text}" for line, text in sorted(found)))


def _suggestion(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), 1, 0.5)
    return f"; did you mean '{near[0]}'?" if near else ""


def word_of(value: Any) -> str:
    """How a value stands as a key under `values`: text as it is, true/false in lower case, numbers without needless decimals."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
