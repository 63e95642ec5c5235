"""Dead letters: what could not be processed, why, and since when. The message itself stays in the uplink log."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

_SCHEMA = """CREATE TABLE IF NOT EXISTS dead_letter (
    seq INTEGER PRIMARY KEY, dev_eui TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL, received_at REAL NOT NULL)"""


class DeadLetter(NamedTuple):
    """One message that was not processed. `reason` groups alike ones; `detail` is the sentence. received_at [Unix s UTC]."""

    seq: int
    dev_eui: str
    reason: str
    detail: str
    received_at: float


class DeadGroup(NamedTuple):
    """Dead letters of one device for one reason."""

    dev_eui: str
    reason: str
    letters: int
    first_seen: float
    last_seen: float
    first_seq: int
    last_seq: int
    detail: str


class DeadLetters:
    """Kept by place in the log, so that processing a message again does not count it twice."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, timeout=10)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute(_SCHEMA)
        self._db.commit()

    def add(self, letters: Sequence[DeadLetter]) -> None:
        """Durable when it returns."""
        if letters:
            with self._lock, self._db:
                self._db.executemany("INSERT OR REPLACE INTO dead_letter VALUES (?, ?, ?, ?, ?)", letters)

    def settle(self, tried: Iterable[int], failed: Sequence[DeadLetter]) -> int:
        """These were tried again and those failed; how many dead letters are dead no longer."""
        right = [(seq,) for seq in set(tried) - {letter.seq for letter in failed}]
        with self._lock, self._db:
            gone = self._db.executemany("DELETE FROM dead_letter WHERE seq = ?", right).rowcount
            self._db.executemany("INSERT OR REPLACE INTO dead_letter VALUES (?, ?, ?, ?, ?)", failed)
        return max(gone, 0)

    def groups(self) -> list[DeadGroup]:
        """One row per device and reason, the most recent first."""
        with self._lock:
            rows = self._db.execute(
                "SELECT dev_eui, reason, COUNT(*), MIN(received_at), MAX(received_at), MIN(seq), MAX(seq), detail"
                " FROM dead_letter GROUP BY dev_eui, reason ORDER BY MAX(seq) DESC"
            )
            return [DeadGroup(*row) for row in rows]

    def find(self, *, since: float | None = None, dev_eui: str | None = None, reason: str | None = None) -> list[DeadLetter]:
        """Single letters, oldest first; conditions not given are not applied."""
        with self._lock:
            rows = self._db.execute(
                "SELECT * FROM dead_letter WHERE received_at >= COALESCE(?, received_at) AND dev_eui = COALESCE(?, dev_eui)"
                " AND reason = COALESCE(?, reason) ORDER BY seq",
                (since, dev_eui, reason),
            )
            return [DeadLetter(*row) for row in rows]

    def count(self) -> int:
        with self._lock:
            return int(self._db.execute("SELECT COUNT(*) FROM dead_letter").fetchone()[0])

    def prune(self, before: float) -> int:
        """Forget letters whose message has left the log."""
        with self._lock, self._db:
            return self._db.execute("DELETE FROM dead_letter WHERE received_at < ?", (before,)).rowcount

    def close(self) -> None:
        with self._lock:
            self._db.close()
