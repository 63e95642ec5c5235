"""town.yaml ⇄ Town: every mistake at once, each with file and line."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from core.errors import ConfigError
from core.quantities import QUANTITIES
from core.town import Asset, BaseStation, Sensor, Town, Weir, Zone, as_data
from core.yaml_lines import Place, dotted, line_of, parse_with_lines

_PARTS: dict[str, type[BaseModel]] = {"base_stations": BaseStation, "zones": Zone, "assets": Asset, "sensors": Sensor}


def load_town(path: Path) -> Town:
    """The town described by a file (or by `town.yaml` in a folder). Raises ConfigError listing every mistake."""
    path = path / "town.yaml" if path.is_dir() else path
    try:
        data, lines = parse_with_lines(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read ({error.strerror})"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: is not UTF-8 text (byte {error.start})"]) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ConfigError([f"{path}:{mark.line + 1 if mark else 1}: not valid YAML: {getattr(error, 'problem', error)}"]) from error
    if not isinstance(data, dict):
        raise ConfigError([f"{path}:1: must be a mapping with utility, zones, assets and sensors"])
    _fill_defaults(data)
    try:
        town = Town.model_validate(data)
    except ValidationError as error:
        raise ConfigError([f"{path}:{line_of(lines, e['loc'])}: {dotted(e['loc']) or 'town'}: {e['msg'].removeprefix('Value error, ')}"
                           for e in error.errors()]) from error  # fmt: skip
    problems = [f"{path}:{line_of(lines, place)}: {dotted(place) or 'town'}: {text}" for place, text in _inconsistencies(town)]
    if problems:
        raise ConfigError(problems)
    return town


def unknown_fields(town: Town) -> list[str]:
    """Fields that nothing reads, with the nearest known name: most often a spelling mistake."""
    found = []
    parts: list[tuple[str, BaseModel]] = [("utility", town.utility), ("town", town)]
    parts += [(f"{name}[{i}]", part) for name in _PARTS for i, part in enumerate(getattr(town, name))]
    for place, part in parts:
        for field in part.model_extra or {}:
            near = difflib.get_close_matches(field, type(part).model_fields, 1)
            found.append(f"{place}.{field}: not a known field" + (f"; did you mean '{near[0]}'?" if near else ""))
    return found


def save_town(town: Town, path: Path) -> None:
    """Write a town so that `load_town` gives it back."""
    path.write_text(yaml.safe_dump(as_data(town), allow_unicode=True, sort_keys=False), encoding="utf-8")


def _fill_defaults(data: dict[str, Any]) -> None:
    """A sensor may leave out its id or its dev_eui: each stands in for the other. A bare list of names is a list of zones."""
    data.setdefault("utility", {"name": "Utility"})
    if isinstance(data["utility"], str):
        data["utility"] = {"name": data["utility"]}
    for sensor in data.get("sensors") or ():
        if isinstance(sensor, dict):
            key = sensor.get("id") or sensor.get("dev_eui")
            if key is not None:
                sensor["id"], sensor["dev_eui"] = str(sensor.get("id") or key), str(sensor.get("dev_eui") or key)
    for name in _PARTS:
        if data.get(name) is None:
            data.pop(name, None)
    data["zones"] = [{"id": z} if isinstance(z, str) else z for z in data.get("zones", ())]


def _inconsistencies(town: Town) -> Iterator[tuple[Place, str]]:
    """References that lead nowhere and things that exist twice."""
    yield from _repeated("base_stations", [b.id for b in town.base_stations])
    yield from _repeated("zones", [z.id for z in town.zones])
    yield from _repeated("assets", [a.id for a in town.assets])
    for i, zone in enumerate(town.zones):
        yield from _reference(("zones", i, "parent"), zone.parent, town.zone_by_id, "zone")
    for i, asset in enumerate(town.assets):
        yield from _reference(("assets", i, "zone"), asset.zone, town.zone_by_id, "zone")
        yield from _reference(("assets", i, "downstream"), asset.downstream, town.asset_by_id, "asset")
        yield from _weir_width(("assets", i, "weir"), asset.weir)
    for i, sensor in enumerate(town.sensors):
        yield from _reference(("sensors", i, "asset"), sensor.asset, town.asset_by_id, "asset")
        yield from _reference(("sensors", i, "zone"), sensor.zone, town.zone_by_id, "zone")
        yield from _weir_width(("sensors", i, "weir"), sensor.weir)
        for quantity in (*sensor.quantities, *(c.quantity for c in sensor.calibration)):
            yield from _reference(("sensors", i, "quantities"), quantity, QUANTITIES, "quantity")
        for other in (*town.placements[sensor.id], *town.by_device[sensor.dev_eui]):
            if other is not sensor and other.valid_from < sensor.valid_to and sensor.valid_from < other.valid_to:
                yield (
                    ("sensors", i),
                    f"'{sensor.id}' ({sensor.dev_eui}) is there twice at the same time; give one valid_to, the other valid_from",
                )
                break


def _repeated(part: str, ids: list[str]) -> Iterator[tuple[Place, str]]:
    seen: set[str] = set()
    for i, key in enumerate(ids):
        if key in seen:
            yield (part, i, "id"), f"'{key}' is there twice"
        seen.add(key)


def _reference(place: Place, key: str | None, known: dict[str, Any], what: str) -> Iterator[tuple[Place, str]]:
    if key is not None and key not in known:
        near = difflib.get_close_matches(key, known, 1, 0.5)
        yield place, f"there is no {what} '{key}'" + (f"; did you mean '{near[0]}'?" if near else "")


def _weir_width(place: Place, weir: Weir | None) -> Iterator[tuple[Place, str]]:
    if weir is not None and weir.kind != "v_notch" and weir.width_m is None:
        yield place, f"a {weir.kind} weir needs width_m"
    if weir is not None and weir.kind == "v_notch" and weir.notch_angle_deg is None:
        yield place, "a v_notch weir needs notch_angle_deg"
