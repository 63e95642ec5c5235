"""Ingest end to end: MQTT at QoS 1 through a real mosquitto into DuckDB, the ingest stage in a process of its own.

Sustained: the publisher never waits for more than 5,000 acknowledgements, ingest runs beside it; counted until every
reading can be read. CPU and memory are the ingest process's alone. The Node-RED figures are not measured here: a flow of
version 4.1.15 that batches 500 points into InfluxDB 1.6, on two cores, messages of 1.37 kB.
"""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from tests.brokers import Mosquitto
from tests.ingest.processes import Worker
from tests.ingest.support import frame, up_message
from tests.publisher import Publisher

DEVICES = 1000
SUSTAINED = 40_000
IDLE_RATE, IDLE_S = 200.0, 8.0
LATENCY_RATE, LATENCY_S = 100.0, 8.0
Row = tuple[str, str, str]


def run() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder, Mosquitto(Path(folder) / "mosquitto") as broker:
        return [*_sustained(Path(folder), broker), *_calm(Path(folder), broker)]


def _sustained(folder: Path, broker: Mosquitto) -> list[Row]:
    start = time.time() - 0.01 * SUSTAINED
    messages = [_message(i, start + 0.01 * i) for i in range(SUSTAINED)]
    size = sum(len(payload) for _, payload in messages) / SUSTAINED
    worker = Worker(folder / "sustained", broker)
    before = worker.start().until(lambda f: f["subscribed"])
    publisher = Publisher(broker.port)
    begun = time.time()
    sending = threading.Thread(target=publisher.send, args=(messages,))
    sending.start()
    after = worker.until(lambda f: f["processed"] >= SUSTAINED, timeout_s=120)
    sending.join()
    publisher.close()
    worker.end()
    seconds, cpu_s = after["t"] - begun, after["cpu_s"] - before["cpu_s"]
    return [
        (f"sustained, {size / 1000:.2f} kB JSON, 4 readings each", f"{SUSTAINED / seconds:,.0f} uplinks/s", "≥ 10,000 (Node-RED 9,934)"),
        ("per ingest-CPU-second", f"{SUSTAINED / cpu_s:,.0f} uplinks", "≥ 15,000 (Node-RED 10,363)"),
        ("peak resident memory", f"{after['peak_mb']:.0f} MB", "≤ 150 (Node-RED 184)"),
    ]


def _calm(folder: Path, broker: Mosquitto) -> list[Row]:
    worker = Worker(folder / "calm", broker, "--report-s", "0.5")
    worker.start().until(lambda f: f["subscribed"])
    late: list[float] = []
    _live(worker, broker, LATENCY_RATE, LATENCY_S, late)
    before = worker.until(lambda f: f["backlog"] == 0)
    wall = time.time()
    _live(worker, broker, IDLE_RATE, IDLE_S, [])
    after = worker.until(lambda f: f["backlog"] == 0)
    share = (after["cpu_s"] - before["cpu_s"]) / (time.time() - wall)
    worker.end()
    p50, p99 = (1000 * np.quantile(late, q) for q in (0.5, 0.99))
    return [
        (f"publish → stored at {LATENCY_RATE:.0f}/s, p50 / p99", f"{p50:.0f} / {p99:.0f} ms", "p99 ≤ 200 (Node-RED 200)"),
        (f"CPU at {IDLE_RATE:.0f} uplinks/s", f"{100 * share:.1f} % of a core", "≤ 5 (Node-RED 10.8)"),
    ]


def _live(worker: Worker, broker: Mosquitto, per_s: float, seconds: float, late: list[float]) -> None:
    """Publish with true times, one by one; gathers how late each was stored."""
    publisher, begun, seen = Publisher(broker.port, f"live-{per_s}"), time.monotonic(), -1.0
    for i in range(int(per_s * seconds)):
        time.sleep(max(0.0, begun + i / per_s - time.monotonic()))
        publisher.send([_message(i + round(1000 * begun) * 1000, time.time())])
        figures = worker.figures
        if figures["t"] != seen:
            seen = figures["t"]
            late += figures["late_s"]
    publisher.wait()
    time.sleep(0.3)
    publisher.close()


def _message(i: int, t: float) -> tuple[str, bytes]:
    made = up_message(i % DEVICES, i // DEVICES, frame(1000 + i % 3000), t)
    return made.topic, made.payload
