"""Scenarios: what happens to Mjøsby, as files in `scenarios/`. A seed turns one into actions with a time, a place and a size."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from core.errors import ConfigError
from core.timekeeping import unix
from core.town import Town

FOLDER = Path(__file__).parent / "scenarios"
DAY_S, HOUR_S = 86_400.0, 3_600.0
UNITS = {"d": DAY_S, "h": HOUR_S, "m": 60.0}
FAULTS = ("stuck", "drift", "offset", "noise", "spikes", "dead", "fouling", "clock", "stuck_wet")


@dataclass(frozen=True, slots=True)
class Action:
    """Something that happens in [start, end) [Unix s] at `place` (zone, asset or sensor id; "" everywhere). Sizes carry their unit."""

    kind: str
    start: float
    end: float
    place: str = ""
    size: Mapping[str, float] = field(default_factory=dict)
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """`natural`: the year's own rain falls too. `begins`: month and day the history starts on when no start is given."""

    name: str
    title: str
    days: float
    natural: bool
    begins: str
    steps: tuple[Mapping[str, Any], ...]


def names() -> list[str]:
    return sorted(p.stem for p in FOLDER.glob("*.yaml"))


def table() -> str:
    """Every scenario as a Markdown table, for docs/simulators.md."""
    rows = [f"| `{p.name}` | {p.days:g} | {p.title} |" for p in map(load, names())]
    return "\n".join(["| scenario | days | what happens |", "|---|---|---|", *rows])


def load(name: str | Path) -> Scenario:
    """A scenario of ours by name, or any file. Raises ConfigError."""
    path = name if isinstance(name, Path) else FOLDER / f"{name}.yaml"
    if not path.exists():
        near = difflib.get_close_matches(str(name), names(), 1)
        raise ConfigError(
            [f"there is no scenario '{name}'" + (f"; did you mean '{near[0]}'?" if near else f"; known: {', '.join(names())}")]
        )
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Scenario(path.stem, data["title"], float(data.get("days", 30)), bool(data.get("natural_weather", True)),
                    str(data.get("begins", "09-01")), tuple(data.get("actions", ())))  # fmt: skip


def default_start(scenario: Scenario, year: int = 2026) -> float:
    return unix(f"{year}-{scenario.begins}T00:00:00Z")


def scenario_origin(name: str, end: float) -> float:
    """When a scenario began that ends at `end`: what a history up to `end` and the live run after it must share."""
    return float(np.floor(end / HOUR_S) * HOUR_S - load(name).days * DAY_S)


def actions(scenario: Scenario, town: Town, seed: int, origin: float, days: float, *, compress: bool = False) -> list[Action]:
    """Every action that begins within `days` after `origin`, in order of time. Same seed, same actions.

    `compress` brings the given times closer together when fewer days are asked for than the scenario has.
    """
    found: list[Action] = []
    for i, step in enumerate(scenario.steps):
        rng = np.random.default_rng([seed, 41, i])
        for start in _starts(step, np.random.default_rng([seed, 42, i]), origin, days, min(1.0, days / scenario.days) if compress else 1.0):
            found += _act(step, town, rng, start)
    return sorted(found, key=lambda a: (a.start, a.kind, a.place))


def seconds(text: str | float) -> float:
    """'5d14h30m' or a number of seconds."""
    if isinstance(text, int | float):
        return float(text)
    parts = re.findall(r"([\d.]+)\s*([dhm])", text)
    if not parts:
        raise ConfigError([f"'{text}' is not a duration such as 5d14h"])
    return sum(float(n) * UNITS[u] for n, u in parts)


def _starts(step: Mapping[str, Any], rng: np.random.Generator, origin: float, days: float, share: float) -> Iterator[float]:
    """Given times × share; `per_year` is a Poisson process, drawn month by month so that a longer run begins the same."""
    if "per_year" in step:
        for month in range(int(np.ceil(days / 30))):
            at = 30 * DAY_S * (month + np.sort(rng.uniform(size=rng.poisson(float(step["per_year"]) * 30 / 365))))
            yield from (origin + at[at < days * DAY_S]).tolist()
        return
    for at in np.atleast_1d(np.array(step["at"], object)):
        offset = seconds(at) * share
        if offset < days * DAY_S:
            yield origin + np.floor(offset / 60) * 60


def _act(step: Mapping[str, Any], town: Town, rng: np.random.Generator, start: float) -> list[Action]:
    places = list(_places(step, town, rng))
    size = {k: _draw(v, rng) for k, v in step.get("size", {}).items()}
    length = _draw(step.get("hours", 0.0), rng) * HOUR_S
    start = float(np.floor(start / 600) * 600)
    return [Action(step["kind"], start, start + length, place, size, str(step.get("fault", ""))) for place in places]


def _places(step: Mapping[str, Any], town: Town, rng: np.random.Generator) -> Sequence[str]:
    """The place named, or `one_of: {assets: kind}`, `{zones: kind}`, `{sensors: quantity}` or
    `{meters: household}`, `{stations: any}` drawn by the seed; "" where none is given."""
    if "place" in step:
        return [str(step["place"])]
    choice = step.get("one_of")
    if choice is None:
        return [""]
    (what, kind), *_ = choice.items()
    found = {
        "assets": lambda: [a.id for a in town.assets if a.kind == kind],
        "zones": lambda: [z.id for z in town.zones if z.kind == kind],
        "meters": lambda: [
            s.id for s in town.sensors_with("volume_m3", kind="meter_point") if town.is_personal(s) == (kind == "household")
        ],
        "stations": lambda: [b.id for b in town.base_stations],
        "sensors": lambda: [s.id for s in town.sensors_with(kind) if not town.is_personal(s)],
    }[what]()
    return [found[i] for i in rng.choice(len(found), min(int(step.get("count", 1)), len(found)), replace=False)]


def _draw(value: Any, rng: np.random.Generator) -> float:
    """A number as it is, or [low, high] drawn evenly on a log scale."""
    if isinstance(value, list):
        low, high = map(float, value)
        return float(np.exp(rng.uniform(np.log(low), np.log(high)))) if low > 0 else float(rng.uniform(low, high))
    return float(value)
