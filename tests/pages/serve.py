"""Serve the small town on a free port with values that move: `python -m tests.pages.serve [port]`, for looking at pages by hand."""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import uvicorn

from api.app import create_app
from api.security.sessions import one_time_link
from core.model import Reading, Readings
from tests.api.town import build


async def move(services, town, every_s=2.0):
    """A new value of a few sensors every other second, through the store and the hub as the pipeline does it."""
    rng = np.random.default_rng(1)
    while True:
        await asyncio.sleep(every_s)
        now = time.time()
        rows = []
        for sensor in rng.choice(town.sensors[:21], 4, replace=False):
            last = {r.quantity: r for r in services.store.latest([sensor.dev_eui])}.get(sensor.quantities[0])
            if last is not None and sensor.id != "PT-kopperud-3":
                rows.append(Reading(sensor.dev_eui, last.quantity, now, last.value + float(rng.normal(0, 0.01)), 1))
        services.store.write(Readings.from_rows(rows))
        services.hub.readings(rows)


async def main(port):
    with tempfile.TemporaryDirectory() as folder:
        services, town = build(Path(folder), now=time.time(), clock=time.time)
        server = uvicorn.Server(uvicorn.Config(create_app(services), port=port, log_level="warning", timeout_graceful_shutdown=1))
        print(one_time_link(services.registry, time.time, f"http://127.0.0.1:{port}"), flush=True)
        moving = asyncio.create_task(move(services, town))
        await server.serve()
        moving.cancel()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 8099))
