"""The vocabulary's frozen dataclasses as JSON columns and back. NaN and infinities, which JSON lacks, travel as words."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from pydantic import TypeAdapter

Record = TypeVar("Record")
_WORDS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


_adapters: dict[type[Any], TypeAdapter[Any]] = {}


def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


def to_json(record: object) -> dict[str, Any]:
    """A dataclass as plain data for a JSON column."""
    return _map(_adapter(type(record)).dump_python(record, mode="json"), _as_word)  # type: ignore[no-any-return]


def from_json(kind: type[Record], body: Any) -> Record:
    """The dataclass again; fields an older Mjøsa did not write have their defaults."""
    return _adapter(kind).validate_python(_map(body, _as_number))  # type: ignore[no-any-return]


def plain(data: Any) -> Any:
    """Any JSON-like data with NaN and infinities as words."""
    return _map(data, _as_word)


def unplain(data: Any) -> Any:
    return _map(data, _as_number)


def _map(data: Any, leaf: Any) -> Any:
    if isinstance(data, dict):
        return {key: _map(value, leaf) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_map(value, leaf) for value in data]
    return leaf(data)


def _as_word(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _as_number(value: Any) -> Any:
    return _WORDS.get(value, value) if isinstance(value, str) else value
