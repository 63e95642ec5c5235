"""What the stand-in network server remembers: one SQLite file, the rows are ChirpStack's own messages.

Deletes cascade as ChirpStack's do: a tenant takes its applications, an application or a device profile takes its devices.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_PARENTS: dict[str, dict[str, str]] = {
    "tenant": {},
    "application": {"tenant_id": "tenant"},
    "device_profile": {"tenant_id": "tenant"},
    "gateway": {"tenant_id": "tenant"},
    "device": {"application_id": "application", "device_profile_id": "device_profile"},
    "device_keys": {"dev_eui": "device"},
    "device_activation": {"dev_eui": "device"},
    "device_queue_item": {"dev_eui": "device"},
    "api_key": {},
}


@dataclass(frozen=True, slots=True)
class Row:
    """One stored message: its key, serialized body and times [Unix s]; `last_seen_at` is None until heard."""

    key: str
    body: bytes
    created_at: float
    updated_at: float
    last_seen_at: float | None


class ServerRegistry:
    """Tables of messages by key. Raises sqlite3.IntegrityError where PostgreSQL would refuse under ChirpStack."""

    def __init__(self, path: Path | str) -> None:
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;")
        for table, parents in _PARENTS.items():
            columns = "".join(f", {c} TEXT NOT NULL REFERENCES {t}(key) ON DELETE CASCADE" for c, t in parents.items())
            self._db.execute(
                f"CREATE TABLE IF NOT EXISTS {table} (key TEXT PRIMARY KEY, name TEXT NOT NULL, body BLOB NOT NULL,"
                f" created_at REAL NOT NULL, updated_at REAL NOT NULL, last_seen_at REAL{columns})"
            )
            for column in parents:
                self._db.execute(f"CREATE INDEX IF NOT EXISTS {table}_{column} ON {table}({column})")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS dev_nonce (join_eui TEXT, dev_eui TEXT, nonce INTEGER, UNIQUE (join_eui, dev_eui, nonce))"
        )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def insert(self, table: str, key: str, name: str, body: bytes, at: float, **parents: str) -> None:
        columns = ["key", "name", "body", "created_at", "updated_at", *parents]
        values = (key, name, body, at, at, *parents.values())
        with self._transaction() as db:
            db.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})", values)  # noqa: S608 - names from _PARENTS

    def update(self, table: str, key: str, name: str, body: bytes, at: float, **parents: str) -> None:
        moved = "".join(f", {column} = ?" for column in parents)
        with self._transaction() as db:
            db.execute(f"UPDATE {table} SET name = ?, body = ?, updated_at = ?{moved} WHERE key = ?",  # noqa: S608
                       (name, body, at, *parents.values(), key))  # fmt: skip

    def delete(self, table: str, key: str) -> bool:
        with self._transaction() as db:
            return db.execute(f"DELETE FROM {table} WHERE key = ?", (key,)).rowcount > 0  # noqa: S608

    def get(self, table: str, key: str) -> Row | None:
        with self._lock:
            row = self._db.execute(f"SELECT key, body, created_at, updated_at, last_seen_at FROM {table} WHERE key = ?", (key,)).fetchone()  # noqa: S608
        return Row(*row) if row else None

    def find(self, table: str, search: str = "", **parents: str) -> list[Row]:
        """Rows under the given parents whose key or name contains the text (case-insensitive), by name."""
        where = "".join(f" AND {column} = ?" for column in parents)
        pattern = f"%{search.lower()}%"
        with self._lock:
            rows = self._db.execute(
                f"SELECT key, body, created_at, updated_at, last_seen_at FROM {table}"  # noqa: S608
                f" WHERE (lower(name) LIKE ? OR lower(key) LIKE ?){where} ORDER BY name, created_at, key",
                (pattern, pattern, *parents.values()),
            ).fetchall()
        return [Row(*row) for row in rows]

    def seen(self, table: str, key: str, at: float) -> None:
        with self._transaction() as db:
            db.execute(f"UPDATE {table} SET last_seen_at = ? WHERE key = ?", (at, key))  # noqa: S608

    def spend_nonce(self, join_eui: str, dev_eui: str, nonce: int) -> bool:
        """False where this DevNonce was used before."""
        with self._transaction() as db:
            return db.execute("INSERT OR IGNORE INTO dev_nonce VALUES (?, ?, ?)", (join_eui, dev_eui, nonce)).rowcount > 0

    def flush_nonces(self, dev_eui: str) -> None:
        with self._transaction() as db:
            db.execute("DELETE FROM dev_nonce WHERE dev_eui = ?", (dev_eui,))

    def tenant_of(self, table: str, key: str) -> str | None:
        """The tenant that a row belongs to; None where there is no such row."""
        if table == "tenant":
            return key if self.get("tenant", key) else None
        path: Mapping[str, str] = _PARENTS[table]
        column, parent = next(iter(path.items()), (None, None))
        if column is None or parent is None:
            return None
        with self._lock:
            row = self._db.execute(f"SELECT {column} FROM {table} WHERE key = ?", (key,)).fetchone()  # noqa: S608
        return self.tenant_of(parent, row[0]) if row else None

    def close(self) -> None:
        with self._lock:
            self._db.close()
