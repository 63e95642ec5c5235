"""The embedded store's own promises: durable, one process at a time, nothing foreign touched."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import numpy as np
import pytest

from core.errors import StoreRejected, StoreUnavailable
from core.model import Reading, Readings
from core.stores.duckdb import DuckDBStore

ROOT = Path(__file__).parent.parent.parent
T0 = 1_780_000_000.0
WRITER = """
import sys
from core.model import Reading, Readings
from core.stores.duckdb import DuckDBStore
store = DuckDBStore(sys.argv[1])
for i in range(100_000):
    rows = [Reading(f"s{k}", "level_m", 1_780_000_000.0 + i, float(i)) for k in range(20)]
    rows += [Reading("changing", "level_m", 1_780_000_000.0, float(i))]
    store.write(Readings.from_rows(rows))
    if sys.argv[2] == "compacting" and i % 3 == 0:
        store.compact()
    print(i, flush=True)
"""
OPENER = """
import sys
from core.stores.duckdb import DuckDBStore
try:
    DuckDBStore(sys.argv[1])
except Exception as error:
    print(type(error).__name__, error)
"""


def start(code, *arguments):
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], cwd=ROOT, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize(
    ("doing", "after", "then_s"), [("writing", 3, 0), ("writing", 150, 0.003), ("compacting", 30, 0.004), ("compacting", 45, 0.02)]
)
def test_a_killed_writer_loses_nothing_it_acknowledged(tmp_path, doing, after, then_s):
    path = tmp_path / "readings.duckdb"
    writer = start(WRITER, path, doing)
    acknowledged = -1
    for line in writer.stdout:
        acknowledged = int(line)
        if acknowledged == after:
            time.sleep(then_s)
            os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    store = DuckDBStore(path)
    for k in range(20):
        x = store.read([f"s{k}"], "level_m", T0, T0 + 1e6)[f"s{k}"].x
        assert x[: acknowledged + 1].tolist() == list(range(acknowledged + 1))
        assert len(x) <= acknowledged + 2, "more rows than were ever written"
    assert store.latest(["changing"])[0].value in (acknowledged, acknowledged + 1)
    assert sum(c.rows for c in store.coverage(["changing"])) == 1
    store.close()


def test_a_second_process_is_told_who_holds_the_store(tmp_path):
    path = tmp_path / "readings.duckdb"
    store = DuckDBStore(path)
    other = start(OPENER, path)
    said = other.communicate(timeout=30)[0]
    assert said.startswith("StoreUnavailable")
    assert "in use by another process" in said
    assert "HTTP API" in said
    store.close()


def test_the_same_process_cannot_open_it_twice(tmp_path):
    store = DuckDBStore(tmp_path / "a.duckdb")
    with pytest.raises(StoreUnavailable, match="already open in this process"):
        DuckDBStore(tmp_path / "a.duckdb")
    store.close()
    DuckDBStore(tmp_path / "a.duckdb").close()


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def not_a_database(path):
    path.write_bytes(b"sensor,quantity,time,value\n" * 500)


def somebody_elses(path):
    with duckdb.connect(path) as other:
        other.execute("CREATE TABLE wages(name VARCHAR, amount DOUBLE); INSERT INTO wages VALUES ('anna', 1)")


def newer(path):
    DuckDBStore(path).close()
    with duckdb.connect(path) as other:
        other.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")


def truncated(path):
    filled(path)
    os.truncate(path, path.stat().st_size // 2)


def overwritten(path):
    filled(path)
    size = path.stat().st_size
    with path.open("r+b") as file:
        for place in range(12_288, size, 65_536):
            file.seek(place)
            file.write(b"\xa5" * 4096)


def filled(path):
    store = DuckDBStore(path)
    rng = np.random.default_rng(2)
    store.write(Readings.of_series("a", "level_m", T0 + np.arange(200_000.0), rng.normal(size=200_000)))
    store.compact()
    store.close()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (not_a_database, "left as it is"),
        (somebody_elses, "wages"),
        (newer, "schema 99"),
        (truncated, "left as it"),
        (overwritten, "left as it"),
    ],
)
def test_a_foreign_or_damaged_file_is_refused_and_left_as_it_is(tmp_path, spoil, says):
    path = tmp_path / "readings.duckdb"
    spoil(path)
    before = digest(path)
    with pytest.raises(StoreRejected, match=says):
        DuckDBStore(path)
    assert digest(path) == before
    assert sorted(f.name for f in tmp_path.iterdir()) == ["readings.duckdb"]


def test_reading_goes_on_while_writing(tmp_path):
    """A reader sees whole batches only: every batch holds the same number of rows for both sensors."""
    store = DuckDBStore(tmp_path / "readings.duckdb")
    wrong, done = [], threading.Event()

    def look():
        while not done.is_set():
            found = store.read(["a", "b"], "level_m", T0, T0 + 1e9)
            if len(found["a"]) != len(found["b"]) or len(found["a"]) % 10:
                wrong.append((len(found["a"]), len(found["b"])))

    readers = [threading.Thread(target=look) for _ in range(3)]
    for reader in readers:
        reader.start()
    for i in range(60):
        store.write(Readings.from_rows(Reading(s, "level_m", T0 + 10 * i + k, 1.0) for k in range(10) for s in ("a", "b", f"new-{i}")))
        if i % 20 == 19:
            store.compact()
    done.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert len(store.read(["a"], "level_m", T0, T0 + 1e9)["a"]) == 600
    store.close()


def test_after_close_it_says_so(tmp_path):
    store = DuckDBStore(tmp_path / "readings.duckdb")
    store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        store.write(Readings.from_rows([Reading("a", "level_m", T0, 1.0)]))


def test_after_a_large_delete_the_file_becomes_shorter(tmp_path):
    store = DuckDBStore(tmp_path / "readings.duckdb")
    rng = np.random.default_rng(3)
    for s in "abcd":
        store.write(Readings.of_series(s, "level_m", T0 + 60.0 * np.arange(150_000), rng.normal(size=150_000)))
    full = store.size()["bytes"]
    store.delete(sensors=["a", "b", "c"])
    store.compact()
    store.close()
    store = DuckDBStore(tmp_path / "readings.duckdb")
    assert store.size()["bytes"] < 0.5 * full
    assert len(store.read(["d"], "level_m", T0, T0 + 1e9)["d"]) == 150_000
    store.close()


def test_arrays_are_ready_for_numpy(tmp_path):
    store = DuckDBStore(tmp_path / "readings.duckdb")
    store.write(Readings.of_series("a", "level_m", T0 + np.arange(10.0), np.arange(10.0)))
    series = store.read(["a"], "level_m", T0, T0 + 99)["a"]
    assert all(type(c) is np.ndarray and c.flags.c_contiguous for c in (series.t, series.x, series.flag, series.uplink))
    store.close()


def test_a_refused_name_leaves_no_trace(tmp_path):
    store = DuckDBStore(tmp_path / "readings.duckdb")
    with pytest.raises(StoreRejected):
        store.write(Readings.from_rows([Reading("a", "no_such_thing", T0, 1.0), Reading("b", "level_m", T0, 1.0)]))
    assert store._database.execute("SELECT sensor FROM series").fetchall() == [("b",)]
    store.close()


def test_a_first_start_that_was_stopped_can_be_made_again(tmp_path):
    path = tmp_path / "readings.duckdb"
    duckdb.connect(path).close()
    store = DuckDBStore(path)
    assert store.write(Readings.from_rows([Reading("a", "level_m", T0, 1.0)])).new == 1
    store.close()
    DuckDBStore(path).close()
