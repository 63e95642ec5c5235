"""The uplink log: every message as it came, durable before it is acknowledged, in compressed blocks, one file a month.

A batch is one block: one row, one fsync. Sequence numbers count up for ever, over all files. A month too old is one file
deleted. Any number of readers may follow while one writer appends.
"""

from __future__ import annotations

import fcntl
import shutil
import sqlite3
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol

import zstandard

from core.errors import NotFound, StoreUnavailable

_HEAD = struct.Struct("<dHI")
_SCHEMA = """CREATE TABLE IF NOT EXISTS block (
    first INTEGER PRIMARY KEY, last INTEGER NOT NULL, oldest REAL NOT NULL, newest REAL NOT NULL, data BLOB NOT NULL)"""
BLOCK = 500
"""Messages in a block at most: what has to be unpacked to see one."""
ERASED = "erased"
"""Topic of a message taken out at its person's wish."""


class LoggedMessage(NamedTuple):
    """One MQTT message and its place in the log. received_at [Unix s UTC]."""

    seq: int
    received_at: float
    topic: str
    payload: bytes


class _Message(Protocol):
    @property
    def received_at(self) -> float: ...
    @property
    def topic(self) -> str: ...
    @property
    def payload(self) -> bytes: ...


class DiskLow(StoreUnavailable):
    """Nothing is appended, so nothing is acknowledged, until there is room again."""


class UplinkLog:
    """Append-only, in `folder`. `free_bytes` tells the room left on its disk; below `reserve_bytes` it appends no more."""

    def __init__(self, folder: Path, *, reserve_bytes: int = 0, free_bytes: Callable[[], int] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._reserve = reserve_bytes
        self._free = free_bytes or (lambda: shutil.disk_usage(folder).free)
        self._writing, self._reading = threading.RLock(), threading.RLock()
        self._out: dict[str, sqlite3.Connection] = {}
        self._in: dict[str, sqlite3.Connection] = {}
        self._claim: IO[str] | None = None
        self._month = ""
        self._pack = zstandard.ZstdCompressor(level=1)
        self._unpack = zstandard.ZstdDecompressor()
        self._last = self._newest()

    @property
    def last_seq(self) -> int:
        """The newest message's number; 0 when there is none."""
        if self._claim is None:  # another process may be the writer
            self._last = self._newest()
        return self._last

    def months(self) -> list[str]:
        """Months that have a file, oldest first, as 2026-05."""
        return sorted(path.stem.removeprefix("uplinks-") for path in self.folder.glob("uplinks-*.sqlite"))

    def append(self, batch: Sequence[_Message]) -> range:
        """Store a batch durably and give the numbers it got. Raises DiskLow or StoreUnavailable; then nothing was stored."""
        if self._free() < self._reserve:
            raise DiskLow(f"{self.folder}: less than {self._reserve // 1_000_000} MB free; the broker keeps what comes until there is room")
        with self._writing:
            self._be_the_writer()
            first = self._last + 1
            for start in range(0, len(batch), BLOCK):
                self._append_block(batch[start : start + BLOCK])
            return range(first, self._last + 1)

    def read(self, after_seq: int, limit: int) -> list[LoggedMessage]:
        """Up to `limit` messages with a greater number, in order."""
        found: list[LoggedMessage] = []
        for message in self.since(after_seq):
            found.append(message)
            if len(found) == limit:
                break
        return found

    def since(self, after_seq: int, received_from: float = float("-inf")) -> Iterator[LoggedMessage]:
        """All later messages received at or after a time, in order, block by block."""
        for month in self.months():
            position = after_seq
            while blocks := self._rows(month, "SELECT * FROM block WHERE last > ? AND newest >= ? ORDER BY first LIMIT 8",
                                       (position, received_from)):  # fmt: skip
                for first, last, _, _, data in blocks:
                    done, position = position, max(position, last)  # a block may have grown since by compaction
                    yield from (m for m in self._messages(first, data) if m.seq > done and m.received_at >= received_from)

    def get(self, seq: int) -> LoggedMessage:
        """One message. Raises NotFound when it was never there or is past retention."""
        for month in reversed(self.months()):
            for first, _, _, _, data in self._rows(month, "SELECT * FROM block WHERE first <= ? AND last >= ?", (seq, seq)):
                message: LoggedMessage = self._messages(first, data)[seq - first]
                return message
        raise NotFound(f"uplink {seq} is not in the log {self.folder}; it may be older than the retention")

    def prune(self, before: float, *, dry_run: bool = False) -> int:
        """Delete every month whose newest message was received before a time; how many messages went. The newest month stays."""
        gone = 0
        with self._writing, self._reading:
            for month in self.months()[:-1]:
                ((count, newest),) = self._rows(month, "SELECT COALESCE(SUM(last - first + 1), 0), MAX(newest) FROM block", ())
                if newest is None or newest < before:
                    gone += count
                    if dry_run:
                        continue
                    for connections in (self._out, self._in):
                        if month in connections:
                            connections.pop(month).close()
                    for path in self.folder.glob(f"uplinks-{month}.sqlite*"):
                        path.unlink()
        return gone

    def erase(self, wanted: Callable[[str], bool], *, dry_run: bool = False) -> int:
        """Take out every message whose topic is wanted; how many. Its number and time stay, with topic ERASED and no payload."""
        count = 0
        for month in self.months():
            before = count
            for first, _, _, _, data in self._rows(month, "SELECT * FROM block ORDER BY first", ()):
                messages = self._messages(first, data)
                kept = [m._replace(topic=ERASED, payload=b"") if wanted(m.topic) else m for m in messages]
                hits = sum(a is not b for a, b in zip(kept, messages, strict=True))
                if hits and not dry_run:
                    with self._writing, self._file(self._out, month) as connection:
                        connection.execute("UPDATE block SET data = ? WHERE first = ?", (self._pack.compress(_join(kept)), first))
                count += hits
            if count > before and not dry_run:
                with self._writing:  # what was overwritten leaves the file, too
                    self._file(self._out, month).execute("VACUUM")
                    self._file(self._out, month).execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return count

    def compact(self) -> int:
        """Join neighbouring small blocks: a message alone takes about five times the room. How many blocks went."""
        gone = 0
        for month in self.months()[-2:]:
            blocks = self._rows(month, "SELECT first, last FROM block ORDER BY first", ())
            for run in _runs(blocks):
                self._join_blocks(month, run[0][0], run[-1][1])
                gone += len(run) - 1
        return gone

    def _join_blocks(self, month: str, first: int, last: int) -> None:
        blocks = self._rows(month, "SELECT first, last, oldest, newest, data FROM block WHERE first >= ? AND last <= ?", (first, last))
        data = self._pack.compress(b"".join(self._unpack.decompress(b[4]) for b in sorted(blocks)))
        with self._writing, self._file(self._out, month) as connection:
            connection.execute("DELETE FROM block WHERE first >= ? AND last <= ?", (first, last))
            row = (first, last, min(b[2] for b in blocks), max(b[3] for b in blocks), data)
            connection.execute("INSERT INTO block VALUES (?, ?, ?, ?, ?)", row)

    def size(self) -> dict[str, float]:
        """messages, bytes on disk, bytes_per_message, oldest_seq, newest_seq."""
        extents = [self._extent(month) for month in self.months()]
        messages = sum(count for _, _, count in extents)
        on_disk = sum(path.stat().st_size for path in self.folder.glob("uplinks-*.sqlite*"))
        first = min((a for a, _, count in extents if count), default=0)
        return {"messages": messages, "bytes": on_disk, "bytes_per_message": on_disk / messages if messages else 0.0,
                "oldest_seq": first, "newest_seq": self._last}  # fmt: skip

    def close(self) -> None:
        with self._writing, self._reading:
            for connections in (self._out, self._in):
                for connection in connections.values():
                    connection.close()
                connections.clear()
            if self._claim is not None:
                self._claim.close()
                self._claim = None

    def _append_block(self, batch: Sequence[_Message]) -> None:
        first, last = self._last + 1, self._last + len(batch)
        times = [m.received_at for m in batch]
        row = (first, last, min(times), max(times), self._pack.compress(_join(batch)))
        month = self._month = max(_month(row[3]), self._month)
        try:
            with self._file(self._out, month) as connection:
                connection.execute("INSERT INTO block VALUES (?, ?, ?, ?, ?)", row)
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailable(f"{self.folder}: the uplink log cannot be written ({error}); nothing is acknowledged") from error
        self._last = last

    def _messages(self, first: int, data: bytes) -> list[LoggedMessage]:
        return list(_split(first, self._unpack.decompress(data)))

    def _rows(self, month: str, query: str, values: tuple[float, ...]) -> list[Any]:
        with self._reading:
            try:
                return self._file(self._in, month).execute(query, values).fetchall()
            except sqlite3.Error as error:
                raise StoreUnavailable(f"{self.folder}: the uplink log of {month} cannot be read ({error})") from error

    def _extent(self, month: str) -> tuple[int, int, int]:
        ((first, last, count),) = self._rows(
            month, "SELECT COALESCE(MIN(first), 0), COALESCE(MAX(last), 0), COALESCE(SUM(last - first + 1), 0) FROM block", ()
        )
        return first, last, count

    def _newest(self) -> int:
        months = self.months()
        return self._extent(months[-1])[1] if months else 0

    def _be_the_writer(self) -> None:
        """Only one process appends to a folder; the system lets go of the claim when that process ends, however it ends."""
        if self._claim is None:
            claim = (self.folder / "writer.lock").open("a")
            try:
                fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                claim.close()
                raise StoreUnavailable(
                    f"{self.folder}: another Mjøsa is writing this uplink log; stop it, or give each its own data_dir"
                ) from error
            self._claim, self._last = claim, self._newest()
            self._month = max(self.months(), default="")

    def _file(self, connections: dict[str, sqlite3.Connection], month: str) -> sqlite3.Connection:
        if month not in connections:
            connection = sqlite3.connect(self.folder / f"uplinks-{month}.sqlite", check_same_thread=False, timeout=10)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(_SCHEMA)
            connection.commit()
            connections[month] = connection
        return connections[month]


def _runs(blocks: Sequence[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Neighbours, two or more, that fit into one block together."""
    run: list[tuple[int, int]] = []
    for block in blocks:
        if run and block[1] - run[0][0] >= BLOCK:
            if len(run) > 1:
                yield run
            run = []
        run.append(block)
    if len(run) > 1:
        yield run


def _month(t: float) -> str:
    return datetime.fromtimestamp(t, UTC).strftime("%Y-%m")


def _join(batch: Iterable[_Message]) -> bytes:
    parts: list[bytes] = []
    for message in batch:
        topic = message.topic.encode()
        parts += (_HEAD.pack(message.received_at, len(topic), len(message.payload)), topic, message.payload)
    return b"".join(parts)


def _split(first: int, data: bytes) -> Iterator[LoggedMessage]:
    seq, at = first, 0
    while at < len(data):
        received_at, topic_length, payload_length = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        topic = data[at : at + topic_length].decode()
        at += topic_length
        yield LoggedMessage(seq, received_at, topic, data[at : at + payload_length])
        at += payload_length
        seq += 1
