"""The embedded store against the bars of its issue: bulk load, one sensor-year, daily roll-up, size on disk, small writes."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from core.exchange.layout import Layout
from core.exchange.readings import import_readings
from core.model import Reading, Readings, concatenate
from core.registry import Registry
from core.stores.duckdb import DuckDBStore
from core.timekeeping import iso
from core.town import Asset, Sensor, Town, Utility

T0 = 1_767_225_600.0
YEAR_S = 365 * 86_400.0
N_YEAR = int(YEAR_S / 300)
SENSORS = [f"{i:016x}" for i in range(100)]


def run() -> list[tuple[str, str, str]]:
    """(what, measured, bar) for 10.5 million readings of 100 sensors, compacted, then small live writes of 13,000 meters."""
    with tempfile.TemporaryDirectory() as folder:
        store = DuckDBStore(Path(folder) / "readings.duckdb")
        rng = np.random.default_rng(1)
        batches = [concatenate([_year(s, rng) for s in SENSORS[low : low + 10]]) for low in range(0, 100, 10)]
        loading = _seconds(lambda: [store.write(b) for b in batches])
        again = _seconds(lambda: store.write(batches[0]))
        compacting = _seconds(store.compact)
        year = float(np.median([_seconds(lambda s=s: store.read([s], "level_m", T0, T0 + YEAR_S)) for s in SENSORS[::10]]))
        days = T0 + 86_400.0 * np.arange(366)
        rollup = _seconds(lambda: store.aggregate(SENSORS, "level_m", days))
        size = store.size()["bytes_per_reading"]
        live, cpu = _live(store, rng)
        taken = _import(store, Path(folder))
        registered = _register(Path(folder))
        store.close()
    million = len(SENSORS) * N_YEAR / 1e6
    return [
        ("DuckDB bulk load", f"{million / loading:.1f} M readings/s", "≥ 3 M/s"),
        ("DuckDB the same rows again (idempotent)", f"{million / 10 / again:.1f} M readings/s", ""),
        ("DuckDB compaction of 10.5 M readings", f"{compacting:.1f} s", ""),
        ("DuckDB one sensor-year at 5 min", f"{1000 * year:.1f} ms", "≤ 50 ms"),
        ("DuckDB daily roll-up of 10.5 M readings", f"{rollup:.2f} s", "≤ 1 s"),
        ("DuckDB size on disk", f"{size:.1f} B/reading", "≤ 20 B"),
        ("DuckDB write of 1,500 readings (500 uplinks), half of them late", f"{live:.1f} µs/reading, {cpu:.1f} µs CPU", "≤ 10 µs"),
        ("CSV import, 200,000 rows with times as text", f"{taken / 1000:.0f} k rows/s", ""),
        ("Registry on SQLite: 13,000 meters imported and read back", f"{registered:.1f} s", "a few seconds"),
    ]


def _year(sensor: str, rng: np.random.Generator) -> Readings:
    return Readings.of_series(sensor, "level_m", T0 + 300.0 * np.arange(N_YEAR), np.round(rng.normal(1.5, 0.1, N_YEAR), 3))


def _live(store: DuckDBStore, rng: np.random.Generator) -> tuple[float, float]:
    """Median wall and mean CPU microseconds per reading over 60 batches."""
    walls, cpu, count = [], 0.0, 0
    for i in range(60):
        euis = [f"{k:016x}" for k in rng.integers(0, 13_000, 500)]
        at = T0 + 2 * YEAR_S + 25.0 * i
        rows = [Reading(e, q, at - 50 * rng.random(), 1.0, 2, i) for e in euis for q in ("volume_m3", "battery_v", "rssi_dbm")]
        batch = Readings.from_rows(rows)
        before = time.process_time()
        walls.append(_seconds(lambda b=batch: store.write(b)) / len(batch))
        cpu += time.process_time() - before
        count += len(batch)
    return 1e6 * float(np.median(walls)), 1e6 * cpu / count


def _import(store: DuckDBStore, folder: Path) -> float:
    """Rows per second from a file of 50 sensors."""
    path, n = folder / "history.csv", 200_000
    lines = (f"L{i % 50},level_m,{iso(T0 - 300.0 * (i // 50))},{i % 7 / 10}" for i in range(n))
    path.write_text("sensor,quantity,time,value\n" + "\n".join(lines))
    town = Town(utility=Utility(name="x"), sensors=tuple(Sensor(id=f"L{i}", dev_eui=f"{i:016x}") for i in range(50)))
    return n / _seconds(lambda: import_readings(path, store, town, Layout()))


def _register(folder: Path) -> float:
    assets = tuple(Asset(id=f"p{i}", kind="meter_point", household=True) for i in range(13_000))
    sensors = tuple(Sensor(id=f"m{i}", dev_eui=f"{i:016x}", asset=f"p{i}", quantities=("volume_m3",)) for i in range(13_000))
    town = Town(utility=Utility(name="Large"), assets=assets, sensors=sensors)
    registry = Registry.open(f"sqlite:///{folder}/registry.db")
    took = _seconds(lambda: registry.import_town(town, "bench"))
    registry.close()
    return took


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    for row in run():
        print(*row, sep=" | ")
