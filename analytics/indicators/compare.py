"""Comparison: with the period before, with benchmarks, with other municipalities' published values (JSON-stat or CSV)."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analytics.indicators.compute import find
from analytics.indicators.release import period_name
from core.errors import ConfigError
from core.model import IndicatorValue


@dataclass(frozen=True, slots=True)
class Outside:
    """A figure that somebody else published."""

    indicator: str
    place: str
    period: str
    value: float
    source: str


@dataclass(frozen=True, slots=True)
class Change:
    """From one period to the next. u: standard uncertainty of the difference; `certain` where it exceeds 2 u."""

    earlier: str
    later: str
    difference: float
    u: float
    certain: bool


def over_time(values: Sequence[IndicatorValue]) -> list[Change]:
    """Changes of one indicator and zone between its periods in order; NaN uncertainty is never certain.

    Inputs that two periods share (an assumption, a meter's calibration) make the true uncertainty of the change smaller: this one is safe.
    """
    known = [v for v in sorted(values, key=lambda v: v.start) if v.value is not None]
    changes = []
    for a, b in itertools.pairwise(known):
        u = math.hypot(_u(a), _u(b))
        difference = (b.value or 0.0) - (a.value or 0.0)
        changes.append(Change(period_name(a.start, a.end), period_name(b.start, b.end), difference, u, abs(difference) > 2 * u))
    return changes


def _u(v: IndicatorValue) -> float:
    return math.nan if v.lower is None or v.upper is None else (v.upper - v.lower) / 4


@dataclass(frozen=True, slots=True)
class Place:
    """One line of a comparison, best first. `ours` marks our own zones; certain is False for a benchmark nobody verified."""

    name: str
    period: str
    value: float
    ours: bool
    certain: bool
    source: str = ""


def ranked(values: Sequence[IndicatorValue], others: Sequence[Outside], names: Mapping[str, str]) -> list[Place]:
    """Our zones, benchmarks and others' values of one indicator, best first."""
    if not values:
        return []
    indicator = find(values[0].indicator)
    rows = [Place(names.get(v.zone, v.zone), period_name(v.start, v.end), v.value, True, True) for v in values if v.value is not None]
    rows += [Place(b.name.en, str(b.year or ""), b.value, False, b.status == "V", b.source) for b in indicator.benchmarks]
    rows += [Place(o.place, o.period, o.value, False, True, o.source) for o in others if o.indicator == indicator.id]
    return sorted(rows, key=lambda p: p.value, reverse=indicator.polarity == "higher_is_better")


def read_others(data: bytes, source: str, indicator: str | None = None) -> list[Outside]:
    """Others' values from JSON-stat 2.0, or CSV with the columns indicator, zone (or place, region), period (or time, year), value.

    `indicator` names ours where the file holds one measure under another's code. Missing values are skipped. Raises ConfigError.
    """
    text = data.decode("utf-8-sig")
    rows = flatten(json.loads(text)) if text.lstrip().startswith("{") else _csv(text)
    found = []
    for i, row in enumerate(rows, 1):
        cell = {k.lower(): v for k, v in row.items()}
        key = indicator or _first(cell, "indicator", "metric", "contentscode")
        place, period = _first(cell, "zone", "place", "region", "geo", "municipality"), _first(cell, "time", "period", "year", "tid")
        if key is None or place is None or period is None:
            raise ConfigError([f"{source}, row {i}: needs indicator (or name it), zone and period; there are {', '.join(cell)}"])
        if cell.get("value") not in (None, ""):
            found.append(Outside(find(str(key)).id, str(place), str(period), float(str(cell["value"]).replace(",", ".")), source))
    return found


def _csv(text: str) -> list[dict[str, Any]]:
    delimiter = ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
    return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))


def _first(row: Mapping[str, Any], *names: str) -> Any:
    return next((row[n] for n in names if row.get(n) not in (None, "")), None)


def flatten(cube: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A JSON-stat 2.0 data set as rows of category labels or codes and `value`; sparse values and both kinds of index are read.

    A dimension in the role time, geo or metric takes that word as its column. Raises ConfigError for anything else.
    """
    try:
        roles = {d: role for role, ids in cube.get("role", {}).items() for d in ids}
        ids, values = cube["id"], cube["value"]
        axes = [_codes(cube["dimension"][d]["category"], roles.get(d) == "geo") for d in ids]
        cells = itertools.product(*axes)
        found = values if isinstance(values, dict) else {str(i): v for i, v in enumerate(values)}
        return [
            {**{roles.get(d, d): c for d, c in zip(ids, cell, strict=True)}, "value": found.get(str(i))} for i, cell in enumerate(cells)
        ]
    except (KeyError, IndexError, TypeError) as error:
        raise ConfigError([f"not a JSON-stat 2.0 data set: {error!r} is not as the format says"]) from error


def _codes(category: Mapping[str, Any], labelled: bool) -> list[str]:
    index = category.get("index", list(category.get("label", {})))
    codes = [c for c, _ in sorted(index.items(), key=lambda pair: pair[1])] if isinstance(index, dict) else list(index)
    labels = category.get("label", {})
    return [labels.get(c, c) if labelled else c for c in codes]
