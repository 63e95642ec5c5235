"""Registration: a thousand devices in bulk against the stand-in network server, and what a second run costs."""

import tempfile
import time
from pathlib import Path

from core.registry import Registry
from core.town import Asset, Town, Utility, Zone
from gateway.bulk import run as import_rows
from gateway.chirpstack import ChirpStack
from gateway.fleet import Fleet
from gateway.keysafe import KeySafe
from gateway.registration import Registration
from gateway.table import Row
from ingest.device_model import native_models
from simulators.network_server import StandIn

DEVICES = 1000


def rows(n: int = DEVICES) -> list[Row]:
    """Lines of a meter list, each with its key and a new asset."""
    return [
        Row(i + 2, {"sensor": f"meter-{i:05d}", "dev_eui": f"{0xA81758FFFE000000 + i:016x}", "model": "elsys_elt2", "asset": f"mp-{i:05d}",
                    "asset_kind": "meter_point", "zone": "sone-1", "latitude": f"{60.8 + i * 1e-5:.5f}", "longitude": "10.69",
                    "app_key": f"{i:032x}"})
        for i in range(n)
    ]  # fmt: skip


def run() -> list[tuple[str, str, str]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        registry = Registry.open(f"sqlite:///{folder}/registry.db")
        registry.import_town(Town(utility=Utility(name="Gjøvik"), zones=(Zone(id="sone-1"),), assets=(Asset(id="OV-1"),)), "bench")
        with StandIn(folder / "server") as server, ChirpStack(server.address, server.token) as client:
            registration = Registration(registry, Fleet(client, native_models()), KeySafe(folder / "keys.secret"))
            first_s, first = _timed(registration)
            again_s, again = _timed(registration)
        registry.close()
    assert first == {"new": DEVICES}, first
    assert again == {"same": DEVICES}, again
    return [
        (f"{DEVICES} devices with keys and assets, imported", f"{first_s:.1f} s", "≤ 60 s"),
        ("the same file again", f"{again_s:.1f} s", "less than the first time"),
    ]


def _timed(registration: Registration) -> tuple[float, dict[str, int]]:
    started, counts = time.perf_counter(), {}
    for verdict in import_rows(registration, rows(), "bench"):
        counts[verdict.verdict] = counts.get(verdict.verdict, 0) + 1
    return time.perf_counter() - started, counts
