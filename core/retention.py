"""How long each class of data is kept. Household readings have their own, shorter limit; raw uplinks hold them too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from core.errors import ConfigError
from core.quantities import QUANTITIES
from core.store import SeriesStore
from core.town import Town

DAY_S = 86_400.0
_RADIO = tuple(q.name for q in QUANTITIES.values() if q.table == "radio")
_REST = tuple(q.name for q in QUANTITIES.values() if q.table != "radio")
_METER = {q.name for q in QUANTITIES.values() if q.table == "volume"}


class DataClass(StrEnum):
    """What is kept equally long."""

    HOUSEHOLD_METERS = "household_meters"
    OTHER_METERS = "other_meters"
    NETWORK_SENSORS = "network_sensors"
    RADIO = "radio"
    RAW_UPLINKS = "raw_uplinks"


@dataclass(frozen=True, slots=True)
class Policy:
    """Days each class is kept; None: for ever. The default for households, 400 days, is a year and a bill; it is a choice, not a law."""

    days: Mapping[DataClass, int | None] = field(default_factory=lambda: {
        DataClass.HOUSEHOLD_METERS: 400, DataClass.OTHER_METERS: None, DataClass.NETWORK_SENSORS: None, DataClass.RADIO: 400,
        DataClass.RAW_UPLINKS: 400,
    })  # fmt: skip

    def warnings(self) -> list[str]:
        """Settings that undo each other."""
        homes, raw = self.days.get(DataClass.HOUSEHOLD_METERS), self.days.get(DataClass.RAW_UPLINKS)
        if homes is not None and (raw is None or raw > homes):
            return [f"raw uplinks are kept longer than household readings ({homes} days) and still hold them"]
        return []


@dataclass(frozen=True, slots=True)
class Step:
    """What one class loses: rows (of raw uplinks: messages) older than `before` [Unix s]."""

    data: DataClass
    before: float
    rows: int


PruneUplinks = Callable[[float, bool], int]
"""(before, dry_run) → messages older than that, removed unless dry_run."""


def changed(policy: Policy, options: Sequence[str]) -> Policy:
    """The policy with `class=days` or `class=forever` applied. Raises ConfigError listing every mistake."""
    days, problems = dict(policy.days), []
    for option in options:
        name, _, value = option.partition("=")
        if name not in list(DataClass):
            problems.append(f"{option}: there is no class '{name}'; classes are {', '.join(DataClass)}")
        elif value != "forever" and not (value.isdigit() and int(value) > 0):
            problems.append(f"{option}: write a number of days, or forever")
        else:
            days[DataClass(name)] = None if value == "forever" else int(value)
    if problems:
        raise ConfigError(problems)
    return Policy(days)


def to_document(policy: Policy) -> dict[str, int | None]:
    return {str(name): days for name, days in policy.days.items()}


def from_document(document: Mapping[str, int | None] | None) -> Policy:
    """The policy kept in the registry; the default where none is."""
    return Policy() if document is None else Policy({**Policy().days, **{DataClass(k): v for k, v in document.items()}})


def apply(
    store: SeriesStore, town: Town, policy: Policy, now: float, *, dry_run: bool, prune_uplinks: PruneUplinks | None = None
) -> list[Step]:
    """Remove what is past its time, or only count it; one step per class that has a limit (and that this process can reach)."""
    steps = []
    devices = classes(store, town)
    for data, days in policy.days.items():
        if days is None or (data is DataClass.RAW_UPLINKS and prune_uplinks is None):
            continue
        before = now - days * DAY_S
        if data is DataClass.RAW_UPLINKS and prune_uplinks is not None:
            rows = prune_uplinks(before, dry_run)
        elif data is DataClass.RADIO:
            rows = store.delete(quantities=_RADIO, before=before, dry_run=dry_run)
        else:
            rows = store.delete(sensors=devices[data], quantities=_REST, before=before, dry_run=dry_run)
        steps.append(Step(data, before, rows))
    if not dry_run and any(s.rows for s in steps if s.data is not DataClass.RAW_UPLINKS):
        store.compact()
    return steps


def classes(store: SeriesStore, town: Town) -> dict[DataClass, list[str]]:
    """Every device in the store or the town, by class. One that was ever on a household's asset is a household's."""
    found: dict[DataClass, list[str]] = {data: [] for data in DataClass}
    measured: dict[str, set[str]] = {}
    for c in store.coverage():
        measured.setdefault(c.sensor, set()).add(c.quantity)
    for device in sorted(measured.keys() | town.by_device.keys()):
        places = town.by_device.get(device, ())
        if any(town.is_personal(p) for p in places):
            data = DataClass.HOUSEHOLD_METERS
        elif (measured.get(device, set()) | {q for p in places for q in p.quantities}) & _METER:
            data = DataClass.OTHER_METERS
        else:
            data = DataClass.NETWORK_SENSORS
        found[data].append(device)
    return found
