"""The ingest stage as a process of its own: broker → uplink log → DuckDB, until SIGTERM. JSON lines of figures on stdout.

python -m tests.ingest.worker FOLDER MQTT_URL [--group G] [--client ID] [--protocol 5]
The file FOLDER/store_down, while it exists, makes the store unavailable; FOLDER/store_slow adds 0.1 s to each write;
FOLDER/disk_full leaves 1 MB on the disk.
"""

from __future__ import annotations

import argparse
import resource
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import orjson
import structlog

from core.errors import StoreUnavailable
from core.model import Readings
from core.store import Written
from core.stores.duckdb import DuckDBStore
from gateway.subscriber import Connection, Subscriber
from tests.ingest.support import Ingest, town


class Switched(DuckDBStore):
    """A store that goes away while a file exists."""

    switch: Path

    def write(self, readings: Readings) -> Written:
        if self.switch.exists():
            raise StoreUnavailable("the store is away (switched off by a file)")
        if self.switch.with_name("store_slow").exists():
            time.sleep(0.1)
        return super().write(readings)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("folder", type=Path)
    options.add_argument("url")
    options.add_argument("--group")
    options.add_argument("--client", default="mjosa-ingest")
    options.add_argument("--protocol", default="3.1.1")
    options.add_argument("--devices", type=int, default=1000)
    options.add_argument("--report-s", type=float, default=0.05)
    given = options.parse_args()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    given.folder.mkdir(parents=True, exist_ok=True)
    store = Switched(given.folder / "readings.duckdb")
    store.switch = given.folder / "store_down"
    full = given.folder / "disk_full"
    free = lambda: 1_000_000 if full.exists() else 10_000_000_000  # noqa: E731
    stage = Ingest(given.folder, store, town(given.devices), reserve_bytes=500_000_000, free_bytes=free)
    delays: list[np.ndarray] = []
    stage.pipeline.listen(lambda written, readings: delays.append(time.time() - readings.t[::4]))
    stage.processor.start()
    connection = Connection(given.url, given.client, protocol=given.protocol, group=given.group)
    subscriber = Subscriber(connection, stage.processor.keep, retry_s=(0.1, 0.5)).start()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    while not stop.wait(given.report_s):
        late, delays[:] = np.concatenate(delays) if delays else np.empty(0), []
        report(stage, subscriber, late)
    subscriber.stop()
    stage.close()
    store.close()


def report(stage: Ingest, subscriber: Subscriber, late: np.ndarray) -> None:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    figures = {
        "t": time.time(), "subscribed": subscriber.subscribed.is_set(), "received": subscriber.received,
        "acknowledged": subscriber.acknowledged, "processed": stage.processor.processed, "backlog": stage.processor.backlog,
        "dead": stage.dead.count(), "fault": subscriber.fault or stage.processor.fault,
        "cpu_s": usage.ru_utime + usage.ru_stime, "peak_mb": peak_mb(), "late_s": late.round(4).tolist(),
    }  # fmt: skip
    sys.stdout.buffer.write(orjson.dumps(figures) + b"\n")
    sys.stdout.flush()


def peak_mb() -> float:
    """Highest resident memory of this process; getrusage would count its parent's, too."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
