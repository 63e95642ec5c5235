"""Readings from anybody's file, and to a file: bad rows and duplicates are reported by line, never dropped in silence."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from core.exchange.layout import Layout
from core.exchange.rows import pieces
from core.model import Flag, Reading, Readings, Series, TimeOrigin
from core.points import read_points
from core.quantities import QUANTITIES
from core.store import SeriesStore
from core.timekeeping import iso, unix
from core.town import Sensor, Town

_REPORTED = 1_000
_EXPORT_STEP_S = 31 * 86_400.0
_FLAGS = {str(int(flag)): int(flag) for flag in Flag} | {"": int(Flag.NOT_EVALUATED)}
Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Trouble:
    """One row that was not taken as it stands: its line in the file and why."""

    line: int
    why: str


@dataclass(slots=True)
class ImportReport:
    """What an import did. `bad` and `duplicates` name the first 1,000 of each; the counts are complete."""

    rows: int = 0
    new: int = 0
    changed: int = 0
    same: int = 0
    bad_count: int = 0
    duplicate_count: int = 0
    bad: list[Trouble] = field(default_factory=list)
    duplicates: list[Trouble] = field(default_factory=list)
    out_of_bounds: int = 0
    first: float = math.inf
    last: float = -math.inf


def import_readings(path: Path, store: SeriesStore | None, town: Town, layout: Layout, *, keep_unknown: bool = False,
                    progress: Progress | None = None) -> ImportReport:  # fmt: skip
    """Write a file's readings; with `store` None only check them.

    Sensors are named by id or dev_eui; a name that is not registered is a bad row unless `keep_unknown`. A time without a
    zone is local to Oslo; numbers may have a decimal comma; an empty value is no reading. A value outside the quantity's
    physical bounds is kept and flagged FAIL. Raises ConfigError when the file as a whole cannot be read.
    """
    report = ImportReport()
    flag = layout.columns["flag"]
    resolve = _Resolver(town, keep_unknown)
    for lines, columns, share in pieces(path, layout.needed(), [flag]):
        rows, origin = _readings(lines, columns, layout, resolve, report)
        _note_duplicates(rows, origin, report)
        if rows and store is not None:
            written = store.write(Readings.from_rows(rows))
            report.new, report.changed, report.same = report.new + written.new, report.changed + written.changed, report.same + written.same
        if progress:
            progress(share)
    return report


def export_readings(store: SeriesStore, town: Town, path: Path, sensors: Sequence[Sensor], start: float, end: float, *,
                    quantities: Sequence[str] | None = None, progress: Progress | None = None) -> int:  # fmt: skip
    """Write [start, end) of measuring points to a file that `import_readings` takes back; rows written. CSV or Parquet by its suffix."""
    count = 0
    with _Writer(path) as write:
        for i, sensor in enumerate(sensors):
            devices = [p.dev_eui for p in town.placements[sensor.id]]
            for quantity in sorted({c.quantity for c in store.coverage(devices)}):
                if quantities is None or quantity in quantities:
                    for series in _in_steps(store, town, sensor, quantity, start, end):
                        write(series)
                        count += len(series)
            if progress:
                progress((i + 1) / len(sensors))
    return count


class _Resolver:
    """Names of sensors to dev_euis at a time."""

    def __init__(self, town: Town, keep_unknown: bool) -> None:
        self._town, self._keep = town, keep_unknown

    def __call__(self, name: str, t: float) -> str:
        places = self._town.placements.get(name)
        if places is None:
            device = name.lower()
            if device in self._town.by_device:
                return device
            if name and self._keep:
                return name
            raise ValueError(f"there is no sensor '{name}'" if name else "no sensor is named")
        at = next((p for p in places if p.valid_from <= t < p.valid_to), None)
        if at is None:
            raise ValueError(f"'{name}' was not in place at {iso(t)}")
        return at.dev_eui


def _readings(
    lines: Sequence[int], columns: dict[str, list[Any]], layout: Layout, resolve: _Resolver, report: ImportReport
) -> tuple[list[Reading], list[int]]:
    """A piece's readings and the line each came from; bad ones go to the report."""
    names, n = layout.columns, len(lines)
    flags = columns.get(names["flag"], [""] * n)
    series = [(columns[column], [name] * n, [quantity] * n) for column, (name, quantity) in layout.wide.items()]
    if not layout.wide:
        of = {role: [layout.constants[role]] * n if role in layout.constants else columns[names[role]] for role in ("sensor", "quantity")}
        series = [(columns[names["value"]], of["sensor"], of["quantity"])]
    rows, origin = [], []
    for values, sensors, quantities in series:
        for line, at, name, quantity, text, flag in zip(lines, columns[names["time"]], sensors, quantities, values, flags, strict=True):
            report.rows += 1
            try:
                reading = _reading(at, str(name).strip(), str(quantity).strip(), text, flag, resolve)
            except ValueError as error:
                report.bad_count += 1
                if len(report.bad) < _REPORTED:
                    report.bad.append(Trouble(line, str(error)))
                continue
            if reading is None:
                report.rows -= 1
                continue
            report.out_of_bounds += reading.flag == Flag.FAIL and str(flag).strip() != str(int(Flag.FAIL))
            report.first, report.last = min(report.first, reading.measured_at), max(report.last, reading.measured_at)
            rows.append(reading)
            origin.append(line)
    return rows, origin


def _reading(at: Any, name: str, quantity: str, text: Any, flag: Any, resolve: _Resolver) -> Reading | None:
    """Raises ValueError saying what is wrong with the row; None for an empty value."""
    if text is None or (isinstance(text, str) and not text.strip()):
        return None
    t = _time(at)
    if quantity not in QUANTITIES:
        raise ValueError(f"there is no quantity '{quantity}'")
    try:
        x = float(text) if not isinstance(text, str) else float(text.strip().replace(",", "."))
    except ValueError:
        raise ValueError(f"'{text}' is not a number") from None
    if math.isinf(x):
        raise ValueError(f"'{text}' is not a finite number")
    mark = "" if flag is None else str(flag).strip()
    if mark not in _FLAGS:
        raise ValueError(f"'{mark}' is not a quality flag: 1, 2, 3, 4 or 9")
    known = QUANTITIES[quantity]
    bounded = int(Flag.FAIL) if not math.isnan(x) and not known.low <= x <= known.high else _FLAGS[mark]
    return Reading(resolve(name, t), quantity, t, x, int(Flag.MISSING) if math.isnan(x) else bounded, 0, TimeOrigin.IMPORTED)


def _time(at: Any) -> float:
    if isinstance(at, str):
        try:
            t = float(at)
        except ValueError:
            t = unix(at.strip())
    elif isinstance(at, datetime | int | float):
        t = unix(at)
    else:
        raise ValueError("no time is given")
    if not math.isfinite(t):
        raise ValueError(f"'{at}' is not a time")
    return t


def _note_duplicates(rows: Sequence[Reading], lines: Sequence[int], report: ImportReport) -> None:
    """Rows of this piece that repeat an earlier one's sensor, quantity and time; the last of them stays."""
    seen: dict[tuple[str, str, float], tuple[int, float]] = {}
    for row, line in zip(rows, lines, strict=True):
        key = row[:3]
        if key in seen:
            earlier, value = seen[key]
            report.duplicate_count += 1
            if len(report.duplicates) < _REPORTED:
                other = "the same value" if value == row.value else f"{value:g} there, {row.value:g} here: the later stays"
                report.duplicates.append(Trouble(line, f"repeats line {earlier} ({other})"))
        seen[key] = (line, row.value)


def _in_steps(store: SeriesStore, town: Town, sensor: Sensor, quantity: str, start: float, end: float) -> Iterator[Series]:
    devices = [p.dev_eui for p in town.placements[sensor.id]]
    spans = [c for c in store.coverage(devices) if c.quantity == quantity]
    low, high = max(start, min(c.first for c in spans)), min(end, np.nextafter(max(c.last for c in spans), np.inf))
    while low < high:
        upper = min(low + _EXPORT_STEP_S, high)
        series = read_points(store, town, [sensor], quantity, low, upper)[sensor.id]
        if len(series):
            yield series
        low = upper


class _Writer:
    """Opens the file, and writes one series after the other to it."""

    def __init__(self, path: Path) -> None:
        self._path, self._parquet = path, path.suffix.lower() in (".parquet", ".pq")

    def __enter__(self) -> Callable[[Series], None]:
        if self._parquet:
            kinds = {
                "sensor": pa.string(),
                "quantity": pa.string(),
                "time": pa.timestamp("us", "UTC"),
                "value": pa.float64(),
                "flag": pa.uint8(),
            }
            self._file: Any = parquet.ParquetWriter(self._path, pa.schema(list(kinds.items())), compression="zstd")
            return self._write_parquet
        self._file = self._path.open("w", encoding="utf-8", newline="")
        self._csv = csv.writer(self._file, lineterminator="\n")
        self._csv.writerow(("sensor", "quantity", "time", "value", "flag"))
        return self._write_csv

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _write_csv(self, series: Series) -> None:
        values: Iterable[str] = ("" if x != x else repr(x) for x in series.x.tolist())
        rows = zip(map(iso, series.t.tolist()), values, series.flag.tolist(), strict=True)
        self._csv.writerows((series.sensor, series.quantity, t, x, flag) for t, x, flag in rows)

    def _write_parquet(self, series: Series) -> None:
        n = len(series)
        us = np.rint(series.t * 1e6).astype(np.int64)
        columns = [pa.array([series.sensor] * n), pa.array([series.quantity] * n), pa.array(us).cast(pa.timestamp("us", "UTC")),
                   pa.array(series.x), pa.array(series.flag)]  # fmt: skip
        self._file.write_table(pa.Table.from_arrays(columns, names=self._file.schema.names))
