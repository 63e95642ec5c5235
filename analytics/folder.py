"""A data folder as a store: town.yaml, readings.csv or .parquet, optional truth.json and network.inp."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from core.errors import ConfigError
from core.model import Event, Series
from core.quantities import QUANTITIES
from core.store import SeriesStore
from core.timekeeping import iso
from core.town import Sensor, Town, Utility
from core.town_file import load_town

COLUMNS = ("sensor", "quantity", "time", "value")


@dataclass(frozen=True)
class FolderStore:
    """The reading half of `core.store.SeriesStore`, over arrays in memory."""

    series: Mapping[tuple[str, str], Series]

    def read(self, sensors: Sequence[str], quantity: str, start: float, end: float) -> dict[str, Series]:
        return {s: _cut(self.series.get((s, quantity), Series.empty(s, quantity)), start, end) for s in sensors}


@dataclass(frozen=True)
class DataFolder:
    """What a folder holds. [start, end) covers its readings; `truth` and `model` are None where there is none."""

    path: Path
    town: Town
    store: SeriesStore
    start: float
    end: float
    rows: int
    truth: Mapping[str, Any] | None
    model: Path | None


def open_folder(path: Path) -> DataFolder:
    """Read a data folder. Raises ConfigError naming what is missing or wrong.

    A sensor of the readings that town.yaml does not know is taken as a bare measuring point; a quantity that a sensor reports without
    being registered for it is added.
    """
    if not path.is_dir():
        raise ConfigError([f"{path}: there is no such folder"])
    town = load_town(path) if (path / "town.yaml").exists() else Town(utility=Utility(name=path.name))
    series = _split(_table(path))
    device = {s.id: s.dev_eui for s in town.current.values()}
    stored = {(device.get(name, name), quantity): s for (name, quantity), s in series.items()}
    town = _complete(town, stored)
    if not stored:
        raise ConfigError([f"{path}: there are no readings in it"])
    model = next((p for p in (path / (town.hydraulic_model or "network.inp"), path / "network.inp") if p.exists()), None)
    truth = path / "truth.json"
    return DataFolder(
        path,
        town,
        cast(SeriesStore, FolderStore(stored)),
        min(float(s.t[0]) for s in stored.values()),
        max(float(s.t[-1]) for s in stored.values()) + 1.0,
        sum(map(len, stored.values())),
        json.loads(truth.read_text(encoding="utf-8")) if truth.exists() else None,
        model,
    )


def write_events(events: Sequence[Event], path: Path) -> None:
    """events.json: one object per event, times in ISO 8601, nothing that is unknown but `end`."""
    path.write_text(json.dumps([event_data(e) for e in events], ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def event_data(e: Event) -> dict[str, Any]:
    """An event as JSON."""
    data: dict[str, Any] = {
        "id": e.id,
        "kind": e.kind,
        "detector": e.detector,
        "sensors": list(e.sensors),
        "zone": e.zone,
        "asset": e.asset,
        "start": iso(round(e.start, 3)),
        "end": None if e.end is None else iso(round(e.end, 3)),
        "onset": iso(round(e.onset, 3)),
        "onset_uncertainty_s": round(e.onset_uncertainty_s, 1),
        "score": round(e.score, 4),
        "threshold": round(e.threshold, 4),
        "completeness": round(e.completeness, 4),
        "severity": e.severity,
    }
    if e.volume_m3 is not None:
        data |= {"volume_m3": round(e.volume_m3, 4), "volume_u_m3": round(e.volume_u_m3 or 0.0, 4)}
    if e.location:
        data["location"] = [{"pipe": pipe, "probability": round(p, 5)} for pipe, p in e.location]
    details = {
        k: round(v, 6) if isinstance(v, float) else v for k, v in e.details.items() if not (isinstance(v, float) and not math.isfinite(v))
    }
    return {**data, "details": details, "revision": e.revision, "method_version": e.method_version}


def _cut(series: Series, start: float, end: float) -> Series:
    part = slice(*np.searchsorted(series.t, [start, end]))
    return Series(series.sensor, series.quantity, series.t[part], series.x[part], series.flag[part], series.uplink[part])


def _table(path: Path) -> pa.Table:
    file = next((p for name in ("readings.parquet", "readings.csv") if (p := path / name).exists()), None)
    if file is None:
        raise ConfigError([f"{path}: has neither readings.parquet nor readings.csv"])
    try:
        if file.suffix == ".parquet":
            table = parquet.read_table(file)
        else:
            types = {"sensor": pa.string(), "quantity": pa.string(), "value": pa.float64()}
            table = csv.read_csv(file, convert_options=csv.ConvertOptions(column_types=types, null_values=["", "NaN", "nan", "null", "NA"]))
    except (pa.ArrowInvalid, OSError) as error:
        raise ConfigError([f"{file}: cannot be read ({error})"]) from error
    missing = [c for c in COLUMNS if c not in table.column_names]
    if missing:
        raise ConfigError([f"{file}: has no column {', '.join(missing)}; it needs {', '.join(COLUMNS)}"])
    return table


def _seconds(column: pa.ChunkedArray) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Unix s of a column of timestamps, numbers or ISO 8601 text; without a zone they are local to Oslo."""
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        column = column.cast(pa.timestamp("us", "UTC"))
        kind = column.type
    if not pa.types.is_timestamp(kind):
        return np.asarray(column.cast(pa.float64()).to_numpy(), np.float64)
    if kind.tz is None:
        column = pc.assume_timezone(column, "Europe/Oslo", ambiguous="earliest", nonexistent="latest")
    return np.asarray(column.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy(), np.float64) / 1e6


def _split(table: pa.Table) -> dict[tuple[str, str], Series]:
    """Series by (sensor, quantity), ordered, the last of two values for one time kept; quantities nobody knows are left out."""
    sensor, quantity = (table[c].combine_chunks().dictionary_encode() for c in ("sensor", "quantity"))
    t, x = _seconds(table["time"]), np.asarray(table["value"].cast(pa.float64()).to_numpy(), np.float64)
    names, kinds = sensor.dictionary.to_pylist(), quantity.dictionary.to_pylist()
    code = np.asarray(sensor.indices.to_numpy(zero_copy_only=False), np.int64) * len(kinds) + np.asarray(
        quantity.indices.to_numpy(zero_copy_only=False), np.int64
    )
    order = np.lexsort((t, code))
    code, t, x = code[order], t[order], x[order]
    last = np.append((np.diff(code) != 0) | (np.diff(t) > 0), True) if len(t) else np.zeros(0, bool)
    code, t, x = code[last], t[last], x[last]
    found = {}
    for part in np.split(np.arange(len(t)), np.flatnonzero(np.diff(code)) + 1) if len(t) else []:
        name, kind = names[code[part[0]] // len(kinds)], kinds[code[part[0]] % len(kinds)]
        if kind in QUANTITIES:
            where = slice(part[0], part[-1] + 1)
            n = len(part)
            found[(name, kind)] = Series(name, kind, t[where], x[where], np.full(n, 2, np.uint8), np.zeros(n, np.int64))
    return found


def _complete(town: Town, stored: Mapping[tuple[str, str], Series]) -> Town:
    """The town with every sensor and quantity that the readings have."""
    reported: dict[str, list[str]] = {}
    for device, quantity in stored:
        reported.setdefault(device, []).append(quantity)
    known = [s.model_copy(update={"quantities": tuple(dict.fromkeys((*s.quantities, *reported.get(s.dev_eui, ()))))}) for s in town.sensors]
    new = [Sensor(id=d, dev_eui=d, quantities=tuple(q)) for d, q in reported.items() if d not in {s.dev_eui for s in town.sensors}]
    return Town(**{**dict(town), "sensors": (*known, *new)})
