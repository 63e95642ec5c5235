"""Master data from a YAML or CSV file, every mistake at once.

    - {name: service_connections, zone: dma-nord, value: 1450, valid_from: 2026-01-01, source: "VA-kart 2026"}

CSV has the same names as header; `;` with decimal comma is read too. valid_to, relative_u and author may be left out.
"""

from __future__ import annotations

import csv
import difflib
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from analytics.indicators.master import MASTER
from analytics.indicators.scope import town_zone
from core.errors import ConfigError
from core.records import MasterValue
from core.timekeeping import unix
from core.town import Town

REQUIRED = ("name", "zone", "value", "valid_from", "source")


def load_master(path: Path, town: Town, entered_at: float, author: str = "") -> list[MasterValue]:
    """The figures of a file. Raises ConfigError naming every mistake with its place; then nothing was taken."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: cannot be read ({error})"]) from error
    rows = _csv(text) if path.suffix.lower() == ".csv" else _yaml(path, text)
    problems: list[str] = []
    values = [
        v for i, row in enumerate(rows, 1) if (v := _value(f"{path}, entry {i}", row, town, entered_at, author, problems)) is not None
    ]
    if problems:
        raise ConfigError(problems)
    return values


def _csv(text: str) -> list[Mapping[str, Any]]:
    delimiter = ";" if text.partition("\n")[0].count(";") >= 2 else ","
    rows = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    return [{k: v for k, v in row.items() if k is not None and v not in (None, "")} for row in rows]


def _yaml(path: Path, text: str) -> list[Mapping[str, Any]]:
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError([f"{path}: not valid YAML: {error}"]) from error
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise ConfigError([f"{path}: must be a list of entries with {', '.join(REQUIRED)}"])
    return data


def _value(place: str, row: Mapping[str, Any], town: Town, entered_at: float, author: str, problems: list[str]) -> MasterValue | None:
    before = len(problems)
    problems += [f"{place}: {key} is missing" for key in REQUIRED if row.get(key) is None]
    name, zone = str(row.get("name", "")), str(row.get("zone", ""))
    if name and name not in MASTER:
        near = difflib.get_close_matches(name, MASTER, 1)
        problems.append(f"{place}: there is no master data '{name}'" + (f"; did you mean '{near[0]}'?" if near else ""))
    if zone and zone not in town.zone_by_id and zone != town_zone(town):
        problems.append(f"{place}: there is no zone '{zone}' (the whole town is '{town_zone(town)}')")
    value = _number(place, "value", row.get("value", 0), problems)
    relative = _number(place, "relative_u", row["relative_u"], problems) if "relative_u" in row else None
    since = _moment(place, "valid_from", row.get("valid_from", "2000-01-01"), problems)
    until = _moment(place, "valid_to", row["valid_to"], problems) if "valid_to" in row else math.inf
    if value < 0:
        problems.append(f"{place}: value {value:g} is negative")
    if until <= since:
        problems.append(f"{place}: valid_to is not after valid_from")
    if len(problems) > before:
        return None
    return MasterValue(name, zone, value, since, until, str(row["source"]), entered_at, str(row.get("author", author)), relative)


def _number(place: str, key: str, raw: Any, problems: list[str]) -> float:
    try:
        found = float(str(raw).replace("\u00a0", "").replace(" ", "").replace(",", "."))
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        problems.append(f"{place}: {key} '{raw}' is not a number")
        return 0.0
    return found


def _moment(place: str, key: str, raw: Any, problems: list[str]) -> float:
    try:
        return unix(str(raw))
    except ValueError as error:
        problems.append(f"{place}: {key}: {error}")
        return 0.0


def template(town: Town, missing: Sequence[tuple[str, str]]) -> str:
    """A file to fill in: one entry for each (name, zone) that is lacking, as YAML with the unit as a comment."""
    lines = [f"- {{name: {n}, zone: {z}, value: , valid_from: , source: }}  # {MASTER[n].unit}" for n, z in missing if n in MASTER]
    return "\n".join([f"# Master data of {town.utility.name}", *lines]) + "\n"
