"""Household readings are personal data: zone totals that reveal no household, and a person's right to see and to be forgotten.

A cell of a published table must hold at least k meters, none of which is more than half of the sum ((n,k)-dominance with n = 1:
Hundepool et al., Statistical Disclosure Control, 2012, §4.2). A cell that fails is left out with its reason, never rounded.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.errors import ConfigError, Conflict, NotFound
from core.exchange.readings import export_readings
from core.model import Floats
from core.points import read_points
from core.records import AuditEntry
from core.registry import Registry
from core.store import SeriesStore
from core.timekeeping import iso
from core.town import Sensor, Town

MIN_METERS = 10
FEWEST_EVER = 5
MAX_SHARE = 0.5
_ALWAYS = 9e9


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over meters by bucket, shape (n,): `value` is NaN where `withheld` gives a reason ("" where it is published)."""

    start: Floats
    value: Floats
    meters: npt.NDArray[np.int64]
    withheld: tuple[str, ...]


def protected(values: Floats, start: Floats, *, k: int = MIN_METERS, max_share: float = MAX_SHARE) -> Totals:
    """Sum values (m meters × n buckets, NaN: unknown) over meters, leaving out every bucket that could reveal one of them.

    Raises ConfigError for a k below five.
    """
    if k < FEWEST_EVER:
        raise ConfigError([f"k = {k}: no figure is published about fewer than {FEWEST_EVER} households"])
    known = ~np.isnan(values)
    meters = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    size = np.where(known, np.abs(values), 0.0)
    largest, sizes = size.max(axis=0, initial=0.0), size.sum(axis=0)
    reasons = [
        f"fewer than {k} meters" if m < k else f"one meter is more than {max_share:.0%} of the sum" if top > max_share * all_of else ""
        for m, top, all_of in zip(meters.tolist(), largest.tolist(), sizes.tolist(), strict=True)
    ]
    return Totals(start, np.where([not r for r in reasons], total, np.nan), meters.astype(np.int64), tuple(reasons))


def zone_totals(store: SeriesStore, town: Town, zone: str, edges: Floats, *, k: int = MIN_METERS) -> Totals:
    """Water used in a zone by bucket [m³], from the indices of its household meters, for readers without the meter role.

    An index is interpolated between the readings around an edge; a bucket without readings on both sides of both its edges, or over
    which an index falls, counts that meter as unknown. Raises NotFound for a zone that is not there.
    """
    if zone not in town.zone_by_id:
        raise NotFound(f"there is no zone '{zone}'")
    meters = [s for s in town.sensors_with("volume_m3", zone) if town.is_personal(s)]
    around = float(np.median(np.diff(edges))) if len(edges) > 1 else 0.0
    series = read_points(store, town, meters, "volume_m3", float(edges[0]) - around, float(edges[-1]) + around)
    used = np.array([_used(s.t, s.usable(), edges) for s in series.values()]).reshape(len(meters), len(edges) - 1)
    return protected(used, edges[:-1], k=k)


def meters_at(town: Town, point: str) -> list[Sensor]:
    """The measuring points that a name means: a sensor's id, or an asset's with all that ever sat on it. Raises NotFound."""
    found = [s for s in town.sensors if point in (s.id, s.asset)]
    if not found:
        raise NotFound(f"there is no meter point or sensor '{point}'")
    return list({s.id: town.current[s.id] for s in found}.values())


def export_person(store: SeriesStore, registry: Registry, point: str, folder: Path, actor: str, now: float) -> int:
    """Everything kept about one meter point, into a folder: records, readings, events, who has looked; rows of readings written.

    The export itself is in the access log.
    """
    town = registry.town()
    sensors = meters_at(town, point)
    folder.mkdir(parents=True, exist_ok=True)
    ids = {s.id for s in sensors}
    rows = export_readings(store, town, folder / "readings.csv", sensors, -_ALWAYS, _ALWAYS)
    looked = [e for subject in sorted({*ids, point}) for e in registry.audit.find(subject=subject)]
    kept = {
        "meter_point": point, "exported_at": iso(now),
        "sensors": [p.model_dump(mode="json", exclude_defaults=True) for p in town.sensors if p.id in ids],
        "assets": [a.model_dump(mode="json", exclude_defaults=True) for a in town.assets if a.id in {s.asset for s in sensors}],
        "events": [{"id": e.id, "kind": e.kind, "start": iso(e.start), "end": None if e.end is None else iso(e.end)}
                   for i in sorted(ids) for e in registry.events.find(sensor=i)],
        "access_log": [{"at": iso(e.at), "who": e.actor, "what": e.action, "subject": e.subject} for e in looked],
    }  # fmt: skip
    (folder / "record.json").write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    registry.audit.add(AuditEntry(now, actor, "privacy.export", point, {"rows": rows}, personal=True))
    return rows


def erase_person(store: SeriesStore, registry: Registry, point: str, actor: str, now: float, *, dry_run: bool,
                 erase_uplinks: Callable[[Sequence[str], bool], int] | None = None) -> tuple[int, int]:  # fmt: skip
    """Remove all readings of a meter point, of every device it has had, and their raw uplinks: (readings, uplinks).

    `erase_uplinks(dev_euis, dry_run)` is the uplink log's part. Raises Conflict where a device has also been elsewhere:
    its readings cannot be told apart by device alone.
    """
    town = registry.town()
    ids = {s.id for s in meters_at(town, point)}
    devices = sorted({p.dev_eui for i in ids for p in town.placements[i]})
    shared = [d for d in devices if {p.id for p in town.by_device[d]} - ids]
    if shared:
        raise Conflict(f"{', '.join(shared)} has also been at another measuring point: erase that one's readings by its own name first")
    rows = store.delete(sensors=devices, dry_run=dry_run)
    uplinks = erase_uplinks(devices, dry_run) if erase_uplinks else 0
    if not dry_run:
        store.compact()
        registry.events.withdraw([e.id for i in sorted(ids) for e in registry.events.find(sensor=i) if set(e.sensors) <= ids])
        registry.audit.add(AuditEntry(now, actor, "privacy.erase", point, {"rows": rows, "uplinks": uplinks}, personal=True))
    return rows, uplinks


def _used(t: Floats, x: Floats, edges: Floats) -> Floats:
    known = ~np.isnan(x)
    t, x = t[known], x[known]
    if len(t) < 2:
        return np.full(len(edges) - 1, np.nan)
    index = np.interp(edges, t, x, left=np.nan, right=np.nan)
    falls = np.concatenate([[0], np.cumsum(np.diff(x) < 0)])
    before = np.clip(np.searchsorted(t, edges[:-1], "right") - 1, 0, None)
    after = np.clip(np.searchsorted(t, edges[1:], "left"), None, len(t) - 1)
    return np.where(falls[after] == falls[before], np.diff(index), np.nan)
