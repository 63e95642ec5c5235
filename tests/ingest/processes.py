"""An ingest process under test, watched through the figures it prints."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from core.stores.duckdb import DuckDBStore
from tests.brokers import Mosquitto
from tests.ingest.support import eui, frame, up_message
from tests.publisher import Publisher

ROOT = Path(__file__).parent.parent.parent
DEVICES = 20
Row = tuple[int, float, float]


class Worker:
    """`python -m tests.ingest.worker` on a folder; `figures` are its newest."""

    def __init__(self, folder: Path, broker: Mosquitto, *more: str) -> None:
        self.folder, self._words = folder, [sys.executable, "-m", "tests.ingest.worker", str(folder), broker.url, *more]
        self.figures: dict[str, Any] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Worker:
        self.figures = {}
        folder = self.folder
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "worker.log").open("ab") as log:
            self._process = subprocess.Popen(self._words, stdout=subprocess.PIPE, stderr=log, cwd=ROOT)
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        return self

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def until(self, true: Callable[[dict[str, Any]], bool], timeout_s: float = 40.0) -> dict[str, Any]:
        deadline = time.monotonic() + timeout_s
        while not (self.figures and true(self.figures)):
            assert time.monotonic() < deadline, f"it did not happen in time; last: {self.figures}"
            assert self._process is not None
            assert self._process.poll() is None, (self.folder / "worker.log").read_text()
            time.sleep(0.01)
        return self.figures

    def end(self, number: int = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(timeout=30)
            self._reader.join(timeout=5)
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def stored(self) -> list[Row]:
        """Every level in its store: (device, t, level). The process must have ended."""
        store = DuckDBStore(self.folder / "readings.duckdb")
        try:
            series = store.read([eui(n) for n in range(DEVICES)], "level_m", 0.0, 4e9)
        finally:
            store.close()
        return [(n, t, x) for n in range(DEVICES) for t, x in zip(series[eui(n)].t.tolist(), series[eui(n)].x.tolist(), strict=True)]

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.figures = orjson.loads(line)


def rows(first: int, count: int, start: float) -> list[Row]:
    """`count` readings of 20 devices, one a second for each, all different."""
    return [(n % DEVICES, round(start + n // DEVICES + 0.001 * (n % DEVICES), 3), n / 1000) for n in range(first, first + count)]


def message(row: Row) -> tuple[str, bytes]:
    device, t, level = row
    made = up_message(device, round(1000 * level), frame(round(1000 * level) % 20_000), t)
    return made.topic, made.payload


def publish(broker: Mosquitto, messages: list[tuple[str, bytes]], per_s: float | None = None) -> None:
    """Publish, and return when the broker has accepted all."""
    publisher = Publisher(broker.port)
    publisher.send(messages, per_s=per_s)
    publisher.wait()
    publisher.close()
