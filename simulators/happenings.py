"""What happened, as records: events, leaks and sensor faults; the parts of truth.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.timekeeping import iso


@dataclass(frozen=True, slots=True)
class TrueEvent:
    """One thing that happened. `zone`, `asset`, `sensors` say where; `details` holds sizes, each name ending in its unit."""

    kind: str
    start: float
    end: float
    zone: str | None = None
    asset: str | None = None
    sensors: tuple[str, ...] = ()
    volume_m3: float | None = None
    details: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrueLeak:
    """Water lost from a pipe: mean flow over its life, the flow it ended with, and the pipe of the hydraulic model."""

    pipe: str
    node: str
    zone: str
    start: float
    end: float
    flow_m3h: float
    peak_m3h: float
    kind: str


@dataclass(frozen=True, slots=True)
class SensorFault:
    sensor: str
    kind: str
    start: float
    end: float
    details: Mapping[str, float] = field(default_factory=dict)


def plain(item: TrueEvent | TrueLeak | SensorFault) -> dict[str, Any]:
    """A record as JSON: times in ISO 8601, details beside the rest, nothing that is unknown."""
    data: dict[str, Any] = {}
    for name in item.__dataclass_fields__:
        value = getattr(item, name)
        if name == "details":
            data.update({k: round(v, 4) if isinstance(v, float) else v for k, v in value.items()})
        elif name in ("start", "end"):
            data[name] = iso(value)
        elif value is not None:
            data[name] = list(value) if isinstance(value, tuple) else round(value, 4) if isinstance(value, float) else value
    return data
