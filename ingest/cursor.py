"""How far the log is processed: everything up to `done`, and pieces beyond it that were taken ahead of their turn."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

Span = tuple[int, int]


class Cursor:
    """Durable by SQLite. It may fall behind what is stored by a crash, never ahead: processing again changes nothing."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, timeout=10)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("CREATE TABLE IF NOT EXISTS cursor (first INTEGER PRIMARY KEY, last INTEGER NOT NULL)")
        self._db.commit()
        spans = self._db.execute("SELECT first, last FROM cursor ORDER BY first").fetchall()
        self._spans: list[Span] = [(int(a), int(b)) for a, b in spans]

    @property
    def done(self) -> int:
        """Every message up to this one is processed."""
        return self._spans[0][1] if self._spans and self._spans[0][0] == 1 else 0

    @property
    def ahead(self) -> list[Span]:
        """Spans (first, last) processed beyond `done`, in order."""
        return [span for span in self._spans if span[0] > self.done + 1]

    def add(self, first: int, last: int) -> None:
        """Messages first to last are processed. A gap that retention left before the oldest message is passed as (1, …)."""
        spans = _merged([*self._spans, (first, last)])
        with self._lock, self._db:
            self._db.execute("DELETE FROM cursor")
            self._db.executemany("INSERT INTO cursor VALUES (?, ?)", spans)
        self._spans = spans

    def next_gap(self, limit: int) -> Span:
        """The oldest messages not processed: (first, last), at most `limit` of them."""
        first = self.done + 1
        ahead = self.ahead
        return first, min(first + limit - 1, ahead[0][0] - 1 if ahead else first + limit - 1)

    def newest_gap(self, newest: int, limit: int) -> Span:
        """The newest messages not processed: (first, last), at most `limit` of them; empty when first > last."""
        before = self._spans[-1][1] if self._spans else 0
        return max(before + 1, newest - limit + 1), newest

    def missing(self, newest: int) -> int:
        """How many messages up to `newest` are not processed."""
        return newest - self.done - sum(min(b, newest) - a + 1 for a, b in self.ahead if a <= newest)

    def close(self) -> None:
        with self._lock:
            self._db.close()


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return merged
