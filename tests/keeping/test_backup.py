"""Backup while writing goes on, restore into an empty Mjøsa, damage noticed before anything is written."""

import sqlite3
import threading
from contextlib import closing

import numpy as np
import pytest
from pyarrow import parquet

from core.backup import backup, check, restore
from core.errors import Conflict, StoreRejected
from core.model import Event, Reading, Readings
from core.registry import Registry
from core.stores.duckdb import DuckDBStore
from core.stores.memory import MemoryStore
from tests.keeping.conftest import NOW, house


@pytest.fixture
def data_dir(tmp_path):
    folder = tmp_path / "data"
    (folder / "uplinks").mkdir(parents=True)
    (folder / "devices").mkdir()
    (folder / "devices" / "own.js").write_text("function decodeUplink() {}")
    for name in ("cursor.db", "uplinks-2026-05.sqlite"):
        with closing(sqlite3.connect(folder / "uplinks" / name)) as database:
            database.executescript("PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (5); PRAGMA wal_checkpoint;")
    return folder


def rows(store):
    return {
        (c.sensor, c.quantity): [column.tolist() for column in (r.t, r.x, r.flag, r.uplink, r.origin)]
        for c in store.coverage() for r in [store.rows([c.sensor], c.quantity, -9e9, 9e9)]
    }  # fmt: skip


def test_what_was_backed_up_comes_back(store, registry, data_dir, tmp_path):
    store.write(Readings.from_rows([Reading("é ø", "level_m", 5.25, np.nan, 9, 12, 1)]))
    registry.events.save([Event("e1", "overflow", "d", ("L1",), None, None, NOW, None, NOW, 0.0, 1.0, 1.0, 1.0)])
    seen = []
    kept = backup(tmp_path / "backup", store, registry, data_dir, NOW, seen.append)
    assert kept.readings == store.size()["rows"]
    assert seen[-1] == 1.0
    other = DuckDBStore(tmp_path / "new" / "readings.duckdb")
    url = f"sqlite:///{tmp_path}/new/registry.db"
    back = restore(tmp_path / "backup", other, url, tmp_path / "new")
    assert (back.readings, back.registry_rows) == (kept.readings, kept.registry_rows)
    np.testing.assert_equal(rows(other), rows(store))
    restored = Registry.open(url)
    assert restored.town() == registry.town()
    assert restored.events.find() == registry.events.find()
    assert restored.audit.find() == registry.audit.find()
    restored.put(restored.town().zones[0], "anna")  # the audit's numbers go on
    restored.close()
    other.close()
    with closing(sqlite3.connect(tmp_path / "new" / "uplinks" / "uplinks-2026-05.sqlite")) as database:
        assert database.execute("SELECT x FROM t").fetchall() == [(5,)]
    assert (tmp_path / "new" / "devices" / "own.js").read_text() == "function decodeUplink() {}"


def test_readings_are_plain_parquet(store, registry, data_dir, tmp_path):
    backup(tmp_path / "backup", store, registry, data_dir, NOW)
    table = parquet.read_table(tmp_path / "backup" / "readings" / "level_m.parquet")
    assert table.column_names == ["sensor", "t", "x", "flag", "uplink", "origin"]
    assert table.num_rows == 500


def test_a_backup_taken_while_writing_holds_everything_written_before_it(store, registry, data_dir, tmp_path):
    stop = threading.Event()

    def write():
        i = 0
        while not stop.is_set():
            store.write(Readings.from_rows([Reading(house(0), "volume_m3", NOW + 60 * i, 500.0 + i)]))
            i += 1

    writer = threading.Thread(target=write)
    before = rows(store)
    writer.start()
    backup(tmp_path / "backup", store, registry, data_dir, NOW)
    stop.set()
    writer.join()
    other = MemoryStore()
    restore(tmp_path / "backup", other, f"sqlite:///{tmp_path}/new.db", tmp_path / "new")
    after = rows(other)
    assert before.keys() <= after.keys()
    for key, columns in before.items():
        assert after[key][0][: len(columns[0])] == columns[0]


@pytest.mark.parametrize("name", ["registry.jsonl", "readings/level_m.parquet", "uplinks/cursor.db"])
@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_damage_is_noticed_before_anything_is_written(store, registry, data_dir, tmp_path, name, damage):
    backup(tmp_path / "backup", store, registry, data_dir, NOW)
    path = tmp_path / "backup" / name
    path.write_bytes(path.read_bytes()[:-1] + b"\x00") if damage == "changed" else path.unlink()
    other = MemoryStore()
    with pytest.raises(StoreRejected, match=f"damaged or not complete: {name}"):
        restore(tmp_path / "backup", other, f"sqlite:///{tmp_path}/new.db", tmp_path / "new")
    assert other.size()["rows"] == 0
    assert not (tmp_path / "new.db").exists()


def test_half_a_backup_is_no_backup(tmp_path):
    (tmp_path / "readings").mkdir()
    with pytest.raises(StoreRejected, match="not a finished backup"):
        check(tmp_path)


def test_nothing_is_written_over(store, registry, data_dir, tmp_path):
    backup(tmp_path / "backup", store, registry, data_dir, NOW)
    with pytest.raises(Conflict, match="not empty"):
        backup(tmp_path / "backup", store, registry, data_dir, NOW)
    with pytest.raises(Conflict, match="store is not empty"):
        restore(tmp_path / "backup", store, f"sqlite:///{tmp_path}/new.db", tmp_path / "new")
    with pytest.raises(Conflict, match="registry is not empty"):
        restore(tmp_path / "backup", MemoryStore(), f"sqlite:///{tmp_path}/registry.db", tmp_path / "new")
    with pytest.raises(Conflict, match="uplinks is not empty"):
        restore(tmp_path / "backup", MemoryStore(), f"sqlite:///{tmp_path}/new.db", data_dir)
