"""How long `mjosa up` takes from nothing to a page with sixty days of history."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from tests.processes import mjosa


def run() -> list[tuple[str, str, str]]:
    with tempfile.TemporaryDirectory() as folder, mjosa(["up"], Path(folder)) as running:
        began = time.monotonic()
        client = running.client()
        client.get("/api/v1/overview").raise_for_status()
        first_s = time.monotonic() - began
        running.stop()
    return [("mjosa up, empty data folder → overview with history", f"{first_s:.0f} s", "≤ 60 s")]
