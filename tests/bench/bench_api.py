"""How fast the API answers at 50 requests a second beside ingest: 500 sensors, 13,000 household meters, DuckDB, real sockets."""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx
import numpy as np

from core.model import Readings, concatenate
from core.records import ApiKey
from core.registry import Registry
from core.settings import Settings
from core.stores.duckdb import DuckDBStore
from core.town import Sensor
from tests.api.town import DAY, populate, series, town

RATE, SECONDS = 50, 12
EXTRA, METERS = 480, 13_000
MIX = (("latest", "/api/v1/latest"), ("alarms", "/api/v1/alarms?open_only=true"), ("latest", "/api/v1/latest?zone=sentrum"),
       ("sensor-month", "/api/v1/sensors/{sensor}/readings?form=columns&start={start}"), ("overview", "/api/v1/overview"))  # fmt: skip
SHARES = (18, 14, 8, 8, 2)
"""Of 50 requests: what a few open pages and a Grafana board ask for."""


def big_town():
    """The small town's five zones with 500 sensors and 13,000 household meters."""
    small = town(METERS)
    extra = [Sensor(id=f"PX-{i:03d}", dev_eui=f"{0xE000 + i:016x}", asset="A-PT-sentrum-1", quantities=("pressure_bar", "battery_v"),
                    interval_s=600, latitude=60.79 + i * 1e-5, longitude=10.68) for i in range(EXTRA)]  # fmt: skip
    return small.model_copy(update={"sensors": (*small.sensors, *extra)})


def serve(folder, port, key_hash, prefix):
    """The server's half: its own process, with ingest's share of writes going on."""
    import uvicorn

    from api.app import create_app
    from api.services import Limits, Services

    now = time.time()
    store, place = DuckDBStore(Path(folder) / "readings.duckdb"), big_town()
    registry = Registry.open(f"sqlite:///{folder}/registry.db")
    populate(registry, place, now)
    registry.keys.put(ApiKey("bench", prefix, key_hash, frozenset({"operator"}), "bench", None, "bench"))
    t = np.arange(now - 31 * DAY, now, 600.0)
    sensors = [s for s in place.sensors if not s.id.startswith("VM")]
    for s in sensors:
        store.write(concatenate([Readings.of_series(s.dev_eui, q, t, series(q, t, 1), np.ones(len(t), np.uint8)) for q in s.quantities]))
    services = Services(Settings(data_dir=Path(folder)), store, registry, time.time, limits=Limits(requests_per_s=1e5, burst=10**6))
    services.hub.pushed = True
    stop = threading.Event()

    def ingest():
        """Five times a town's rate, in the pipeline's batches: 15 readings every second."""
        rng = np.random.default_rng(0)
        while not stop.wait(1.0):
            at = np.array([time.time()])
            chosen = rng.choice(np.array(sensors, object), 15, replace=False)
            store.write(concatenate([Readings.of_series(s.dev_eui, s.quantities[0], at, np.array([5.0])) for s in chosen]))

    threading.Thread(target=ingest, daemon=True).start()
    uvicorn.run(create_app(services), host="127.0.0.1", port=port, log_level="error")
    stop.set()


async def load(address, key):
    """Seconds per answer by kind, asked on a fixed schedule whatever the answers take."""
    rng, took = np.random.default_rng(1), {}
    kinds = rng.permutation(np.repeat(np.arange(len(MIX)), SHARES))
    async with httpx.AsyncClient(base_url=address, headers={"authorization": f"Bearer {key}"}, timeout=30) as client:

        async def ask(kind, path):
            begun = time.perf_counter()
            answer = await client.get(path)
            assert answer.status_code == 200, answer.text
            took.setdefault(kind, []).append(time.perf_counter() - begun)

        for _, path in MIX:
            await client.get(
                path.format(sensor="PX-000", start=time.time() - 30 * DAY)
            )  # connections and caches are warm in a town at work
        begun, asked = time.perf_counter(), []
        for i in range(RATE * SECONDS):
            await asyncio.sleep(max(0.0, begun + i / RATE - time.perf_counter()))
            kind, path = MIX[kinds[i % len(kinds)]]
            filled = path.format(sensor=f"PX-{rng.integers(EXTRA):03d}", start=time.time() - 30 * DAY)
            asked.append(asyncio.create_task(ask(kind, filled)))
        await asyncio.gather(*asked)
    return took


def run():
    from api.security.sessions import new_key

    key, prefix, digest = new_key()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen([sys.executable, "-m", "tests.bench.bench_api", folder, str(port), digest, prefix])
        try:
            address = f"http://127.0.0.1:{port}"
            _wait(address, server)
            used = _cpu_s(server.pid)
            took = asyncio.run(load(address, key))
            used = _cpu_s(server.pid) - used
        finally:
            server.terminate()
            server.wait(20)
    bars = {"latest": "≤ 50 ms", "alarms": "≤ 50 ms", "sensor-month": "≤ 300 ms", "overview": "(page)"}
    rows = []
    for kind, bar in bars.items():
        p50, p99 = np.percentile(took[kind], [50, 99]) * 1000
        rows.append((f"{kind}, p99 at {RATE} requests/s ({len(took[kind])} asked)", f"{p99:.0f} ms (median {p50:.0f})", bar))
    asked = sum(len(t) for t in took.values())
    rows.append(
        ("processor time of the server for one request (ingest included)", f"{1000 * used / asked:.1f} ms", "≤ 20 ms: 1 of 2 cores")
    )
    return rows


def _cpu_s(pid):
    """Processor seconds a process has used: what it costs, however busy the machine is otherwise."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _wait(address, server):
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if httpx.get(f"{address}/health").is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.3)
    raise RuntimeError("the server of the benchmark did not start")


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])
