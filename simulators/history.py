"""A simulated past: as a data folder for tools, or as readings for the store."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.model import Readings, concatenate
from core.town import Town
from core.town_file import save_town
from simulators import scenario
from simulators.meter_events import exchanged
from simulators.networks import NETWORK
from simulators.sensing import Column, observe
from simulators.town import HYDRAULIC_MODEL, build_town
from simulators.truth import Progress, Truth, simulate_truth

_SCHEMA = pa.schema([
    ("sensor", pa.dictionary(pa.int32(), pa.string())), ("quantity", pa.dictionary(pa.int8(), pa.string())),
    ("time", pa.timestamp("ms", tz="UTC")), ("value", pa.float64()),
])  # fmt: skip


def simulate(
    name: str, seed: int, days: float | None, scale: float, out: Path, *, start: float | None = None, lossless: bool = False
) -> Truth:
    """Write the data folder of one scenario: town.yaml, network.inp, readings.parquet, truth.json. Same arguments, same bytes."""
    plan, town = scenario.load(name), build_town(seed, scale)
    begin = scenario.default_start(plan) if start is None else start
    length = plan.days if days is None else days
    town = exchanged(town, scenario.actions(plan, town, seed, begin, length, compress=True))
    truth = simulate_truth(town, plan, seed, begin, length)
    write_folder(truth, out, lossless=lossless)
    return truth


def write_folder(truth: Truth, out: Path, *, lossless: bool = False) -> None:
    """town.yaml, its network.inp, readings.parquet (sensor = measuring point id, quantity, time, value) and truth.json."""
    out.mkdir(parents=True, exist_ok=True)
    save_town(truth.town, out / "town.yaml")
    shutil.copyfile(NETWORK, out / HYDRAULIC_MODEL)
    (out / "truth.json").write_text(json.dumps(truth.as_data(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    points = sorted(truth.town.current)
    number = {point: i for i, point in enumerate(points)}
    quantities = sorted({q for s in truth.town.current.values() for q in s.quantities})
    with pq.ParquetWriter(out / "readings.parquet", _SCHEMA, compression="zstd") as writer:
        batch: list[Column] = []
        for column in observe(truth, lossless=lossless):
            batch.append(column)
            if sum(c.t.size for c in batch) > 500_000:
                writer.write_table(_table(batch, points, number, quantities))
                batch = []
        writer.write_table(_table(batch, points, number, quantities))


def readings_of(
    town: Town, name: str, seed: int, start: float, days: float, *, origin: float | None = None, progress: Progress | None = None
) -> Readings:
    """The same history as one batch for the store: keyed by dev_eui, ordered by sensor, quantity and time.

    The scenario ends where the history ends (unless `origin` says when it began); `LiveTown` goes on from there.
    """
    begun = scenario.scenario_origin(name, start + days * 86_400) if origin is None else origin
    tell = progress or (lambda _: None)
    truth = simulate_truth(town, name, seed, start, days, origin=begun, progress=lambda share: tell(0.9 * share))
    return readings(truth, lambda share: tell(0.9 + 0.1 * share))


def readings(truth: Truth, progress: Progress | None = None) -> Readings:
    """Everything observed, as one batch."""
    batches, total = [], 2 * len(truth.town.current)
    for i, c in enumerate(observe(truth)):
        batches.append(Readings.of_series(c.sensor.dev_eui, c.quantity, c.t, c.x))
        if progress and i % 50 == 0:
            progress(min(i / total, 1.0))
    return concatenate(batches)


def _table(batch: list[Column], points: list[str], number: dict[str, int], quantities: list[str]) -> pa.Table:
    sizes = [c.t.size for c in batch]
    sensor = np.repeat(np.array([number[c.sensor.id] for c in batch], np.int32), sizes)
    quantity = np.repeat(np.array([quantities.index(c.quantity) for c in batch], np.int8), sizes)
    t = np.concatenate([c.t for c in batch]) if batch else np.empty(0)
    x = np.concatenate([c.x for c in batch]) if batch else np.empty(0)
    return pa.table([
        pa.DictionaryArray.from_arrays(sensor, points), pa.DictionaryArray.from_arrays(quantity, quantities),
        pa.array(np.round(t * 1e3).astype("int64")).cast(_SCHEMA.field("time").type), pa.array(x),
    ], schema=_SCHEMA)  # fmt: skip
