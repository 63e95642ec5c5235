"""A year of hourly readings to every indicator, from DuckDB. MJOSA_TEST_INDICATOR_METERS=13000 for the full size (about 116 M readings)."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from analytics.indicators import Rollups, compute
from core.model import Readings
from core.store import SeriesStore
from core.stores import open_store
from core.timekeeping import period
from core.town import Town

HOUR = 3600.0
SENSORS_PER_METER = 300 / 13_000
DMAS = 12


def build_town(meters: int) -> Town:
    """`meters` household meters over 12 supply zones, and inlets, pressure, overflow and rain sensors in the proportion of Gjøvik's 300."""
    others = max(int(meters * SENSORS_PER_METER), 2 * DMAS)
    sewers = [f"S{i}" for i in range(4)]
    rows = [("zone_inlet", f"D{i % DMAS}", "volume_m3") for i in range(DMAS)]
    kinds = (
        ("junction", "pressure_bar", [f"D{i}" for i in range(DMAS)]),
        ("overflow_chamber", "level_m", sewers),
        ("treatment_plant", "flow_m3h", ["S0"]),
    )
    for i in range(others - DMAS):
        kind, quantity, zones = kinds[i % 2] if i else kinds[2]
        rows.append((kind, zones[(i // 2) % len(zones)], quantity))
    rows += [("meter_point", f"D{i % DMAS}", "volume_m3") for i in range(meters)]
    assets = [
        {"id": f"a{i}", "kind": kind, "zone": zone, "household": kind == "meter_point", "crest_m": 1.0}
        for i, (kind, zone, _) in enumerate(rows)
    ]
    sensors = [
        {"id": f"s{i}", "dev_eui": f"{i:016x}", "asset": f"a{i}", "quantities": [q], "interval_s": HOUR} for i, (_, _, q) in enumerate(rows)
    ]
    each = meters // DMAS
    zones = [{"id": f"D{i}", "population": 2 * each, "households": each, "connections": each, "mains_km": 10, "private_pipe_km": 1,
              "master": {"unmetered_persons": 0}} for i in range(DMAS)]  # fmt: skip
    zones += [{"id": s, "kind": "sewer"} for s in sewers]
    return Town.model_validate(
        {"utility": {"name": "Bench", "id": "bench", "population": 2 * meters}, "zones": zones, "assets": assets, "sensors": sensors}
    )


def fill(folder: Path, town: Town, start: float, end: float) -> int:
    """Write the period, a fortnight at a time."""
    store = open_store("duckdb:", folder)
    rng = np.random.default_rng(1)
    rows = 0
    shares = {"volume_m3": 0.02, "pressure_bar": 0.0, "level_m": 0.0, "flow_m3h": 0.0}
    level = {"volume_m3": 10.0, "pressure_bar": 5.0, "level_m": 0.3, "flow_m3h": 200.0}
    for low in np.arange(start, end, 14 * 86400.0):
        t = np.arange(low, min(low + 14 * 86400.0, end), HOUR)
        for quantity in level:
            devices = np.array([s.dev_eui for s in town.sensors if s.quantities[0] == quantity], object)
            rate = (
                np.where([town.asset_of(s).kind == "zone_inlet" for s in town.sensors if s.quantities[0] == quantity], 80.0, 1.0)
                * shares[quantity]
            )
            x = (
                level[quantity]
                + rate[:, None] * (t - start)[None, :] / HOUR
                + (0 if rate.any() else rng.normal(0, 0.01, (len(devices), len(t))))
            )
            n = x.size
            batch = Readings(np.repeat(devices, len(t)), np.full(n, quantity, object), np.tile(t, len(devices)), x.ravel(),
                             np.ones(n, np.uint8), np.zeros(n, np.int64), np.ones(n, np.uint8))  # fmt: skip
            store.write(batch)
            rows += n
    store.close()
    return rows


def measure(folder: Path, meters: int) -> list[float]:
    """[seconds for everything, of processor time, peak memory MB, seconds after one late reading, values that are not null]."""
    town = build_town(meters)
    start, end = period("2025")
    store = open_store("duckdb:", folder)
    rollups = Rollups(store)
    began, worked = time.perf_counter(), time.process_time()
    arguments = {"events": (), "master": lambda *_: None, "now": end + 86400.0, "rollups": rollups}
    values = compute(store, town, start, end, **arguments)
    whole, processor = time.perf_counter() - began, time.process_time() - worked
    again = republish(store, town, rollups, arguments)
    store.close()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [whole, processor, memory, again, sum(v.value is not None for v in values)]


def republish(store: SeriesStore, town: Town, rollups: Rollups, arguments: dict[str, Any]) -> float:
    """Seconds from one late reading of a meter to every figure of its month, for its zone and the town."""
    late = next(s for s in town.sensors if town.asset_of(s).kind == "meter_point")
    start, end = period("2025-02")
    began = time.perf_counter()
    written = store.write(Readings.of_series(late.dev_eui, "volume_m3", np.array([start + 100.0 * HOUR + 60]), np.array([30.0])))
    rollups.forget(written.touched)
    compute(store, town, start, end, zones=[town.zone_of(late), "bench"], **arguments)
    return time.perf_counter() - began


def run() -> list[tuple[str, str, str]]:
    meters = int(os.environ.get("MJOSA_TEST_INDICATOR_METERS", "650"))
    start, end = period("2025")
    with tempfile.TemporaryDirectory() as folder:
        rows = fill(Path(folder), build_town(meters), start, end)
        code = f"from tests.bench.bench_indicators import *; print(*measure(Path({folder!r}), {meters}))"
        answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        whole, processor, memory, again, filled = map(float, answer.split())
    return [
        (
            f"{rows / 1e6:.1f} M readings of {meters} meters → all 27 indicators ({filled:.0f} values)",
            f"{whole:.1f} s",
            f"{90 * rows / 115e6:.1f} s",
        ),
        ("of it processor time, on both cores", f"{processor:.1f} s", ""),
        ("peak memory of that process", f"{memory:.0f} MB", "2048 MB"),
        ("one late reading → all its month's figures of zone and town", f"{again:.2f} s", "2 s"),
    ]
