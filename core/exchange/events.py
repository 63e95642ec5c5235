"""Lists of overflow events as event duration monitoring keeps them: a place, a start, an end, perhaps a volume."""

from __future__ import annotations

import csv
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import ConfigError
from core.exchange.readings import Trouble
from core.exchange.rows import pieces
from core.model import Event
from core.timekeeping import iso, unix
from core.town import Sensor, Town

ROLES = ("place", "start", "end", "volume_m3", "kind")
_NEEDED = ("place", "start", "end")


@dataclass(frozen=True, slots=True)
class EventsRead:
    """Events of a file, and the rows that are none."""

    events: tuple[Event, ...]
    bad: tuple[Trouble, ...]


def parse_roles(options: Sequence[str]) -> dict[str, str]:
    """`role=Column` for place, start, end, volume_m3 and kind; others have the column of their own name. Raises ConfigError."""
    columns = {role: role for role in ROLES}
    wrong = [o for o in options if o.partition("=")[0] not in ROLES or "=" not in o]
    if wrong:
        raise ConfigError([f"--map {o}: write role=Column, where role is {', '.join(ROLES)}" for o in wrong])
    return columns | dict(o.split("=", 1) for o in options)


def read_events(path: Path, town: Town, columns: Mapping[str, str]) -> EventsRead:
    """Events of a list. A place is a sensor, a device or an asset; importing the same list again gives the same ids.

    An empty end is an event that lasts. Raises ConfigError when the file as a whole cannot be read.
    """
    events: dict[str, Event] = {}
    bad = []
    for lines, cells, _ in pieces(path, [columns[r] for r in _NEEDED], [columns["volume_m3"], columns["kind"]]):
        for i, line in enumerate(lines):
            row = {role: _text(cells.get(columns[role], [""] * len(lines))[i]) for role in ROLES}
            try:
                event = _event(row, town)
            except ValueError as error:
                bad.append(Trouble(line, str(error)))
                continue
            events[event.id] = event
    return EventsRead(tuple(events.values()), tuple(bad))


def write_events(events: Sequence[Event], path: Path) -> None:
    """Write a list that `read_events` takes back."""
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow((*ROLES, "duration_h", "sensors", "zone", "detector"))
        for e in sorted(events, key=lambda e: e.start):
            hours = "" if e.end is None else f"{(e.end - e.start) / 3600:.4f}"
            place, volume = e.sensors[0] if e.sensors else e.asset or "", "" if e.volume_m3 is None else repr(e.volume_m3)
            end = "" if e.end is None else iso(e.end)
            out.writerow((place, iso(e.start), end, volume, e.kind, hours, " ".join(e.sensors), e.zone or "", e.detector))


def _event(row: Mapping[str, str], town: Town) -> Event:
    start = unix(row["start"])
    end = unix(row["end"]) if row["end"] else None
    if end is not None and end < start:
        raise ValueError(f"ends ({row['end']}) before it starts ({row['start']})")
    sensor, asset = _place(row["place"], town, start)
    volume = float(row["volume_m3"].replace(",", ".")) if row["volume_m3"] else None
    if volume is not None and not (math.isfinite(volume) and volume >= 0):
        raise ValueError(f"'{row['volume_m3']}' is not a volume")
    kind = row["kind"] or "overflow"
    digest = hashlib.sha256(f"{kind}|{row['place']}|{start:.0f}".encode()).hexdigest()[:16]
    zone = town.zone_of(sensor) if sensor else town.asset_by_id[asset or ""].zone
    return Event(
        f"imported-{digest}", kind, "imported", (sensor.id,) if sensor else (), zone, asset, start, end, start, math.nan, math.nan,
        math.nan, math.nan, volume_m3=volume,
    )  # fmt: skip


def _place(name: str, town: Town, t: float) -> tuple[Sensor | None, str | None]:
    sensor = town.sensor_at(name.lower(), t) or next((p for p in town.placements.get(name, ()) if p.valid_from <= t < p.valid_to), None)
    if sensor is not None:
        return sensor, sensor.asset
    if name in town.asset_by_id:
        return next((s for s in town.sensors if s.asset == name and s.valid_from <= t < s.valid_to), None), name
    raise ValueError(f"there is no sensor or asset '{name}'")


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()
