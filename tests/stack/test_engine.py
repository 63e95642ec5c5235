"""The whole stack in containers: simulated sensor → real ChirpStack → InfluxDB → Grafana's query → alarm. Wants an engine and some minutes.

Everything runs in a compose project of its own from a copy of the checkout, on 127.0.0.77, and is removed with its volumes at the end.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from pyarrow import parquet as pq

from tests.processes import ROOT, wait_for

HOST = "127.0.0.77"
SEED, SCALE = "1", "0.002"
FIRST_UPLINKS_S = 1_200.0


def _engine() -> str | None:
    """Why there is no container engine here; None where one answers."""
    if shutil.which("docker") is None:
        return "docker is not installed"
    for asked in (["docker", "info"], ["docker", "compose", "version"]):
        if subprocess.run(asked, capture_output=True, timeout=30).returncode:
            return f"'{' '.join(asked)}' finds no container engine here"
    return None


NO_ENGINE = _engine()
pytestmark = [pytest.mark.stack, pytest.mark.skipif(NO_ENGINE is not None, reason=str(NO_ENGINE))]


class Stack:
    """A started stack."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environment = {**os.environ, "COMPOSE_PROJECT_NAME": "mjosa-test", "MJOSA_BIND": HOST, "MJOSA_RADIO_BIND": HOST,
                            "MJOSA_CHIRPSTACK_BIND": HOST, "MJOSA_PUBLIC_URL": f"http://{HOST}:8080"}  # fmt: skip

    def run(self, *command: str, seconds: float = 1_800.0) -> str:
        done = subprocess.run(command, cwd=self.root, env=self.environment, capture_output=True, text=True, timeout=seconds)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout[-2_000:]}{done.stderr[-2_000:]}"
        return done.stdout

    def mjosa(self, service: str, *words: str) -> str:
        return self.run("docker", "compose", "exec", "-T", service, "python", "mjosa.py", *words)

    def query(self, influxql: str) -> list[list[object]]:
        """Through Grafana's own datasource, as its panels ask."""
        password = (self.root / "secrets" / "grafana_admin_password").read_text()
        answer = httpx.get(f"http://{HOST}:3000/api/datasources/proxy/uid/mjosa-influxdb/query", params={"db": "mjosa", "q": influxql},
                           auth=("admin", password), timeout=30).raise_for_status()  # fmt: skip
        return [row for series in answer.json()["results"][0].get("series", ()) for row in series["values"]]


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    root = tmp_path_factory.mktemp("stack") / "mjosa"
    shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(".venv", ".git", "data", "secrets", ".env", "__pycache__"))
    started = Stack(root)
    try:
        started.run(sys.executable, "gateway/stack.py")
        yield started
    finally:
        subprocess.run(
            ["docker", "compose", "--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "20"],
            cwd=root,
            env=started.environment,
        )


def test_every_part_is_well(stack):
    parts = [json.loads(line) for line in stack.run("docker", "compose", "ps", "--format", "json").splitlines()]
    assert {p["Service"]: p["Health"] for p in parts if p["Health"] != "healthy"} == {}
    assert len(parts) >= 12


def test_a_simulated_sensor_reaches_grafana_by_the_real_chirpstack(stack, tmp_path):
    """The town's devices are registered with their keys, join over the simulated air, and their readings show in Grafana."""
    keys = tmp_path / "keys.csv"
    town = [sys.executable, "mjosa.py", "simulate", "--seed", SEED, "--scale", SCALE]
    stack.run(*town, "--keys", str(keys))
    stack.run(*town, "--days", "0.25", "--out", str(tmp_path / "town"))
    assert list(csv.DictReader(keys.open()))
    mounted = ("docker", "compose", "run", "--rm", "-v", f"{tmp_path}:/given:ro")
    stack.run(*mounted, "init", "init", "--town", "/given/town/town.yaml")
    stack.run(*mounted, "serve", "sensors", "import", "/given/keys.csv")
    play = ("simulator", "simulate", "--via-chirpstack", "--seed", SEED, "--scale", SCALE)
    stack.run("docker", "compose", "run", "--detach", "--name", "mjosa-test-town", *play)
    found = wait_for("readings in Grafana", lambda: stack.query('SELECT count("value") FROM "pressure"'), FIRST_UPLINKS_S)
    assert found[0][1] > 0
    wait_for("the workers' own figures", lambda: stack.query('SELECT last("lag_s") FROM "platform"'), 180)


def test_what_is_found_becomes_an_alarm_that_grafana_shows(stack, tmp_path):
    """A burst in imported history is found by the worker, raised once, and mirrored."""
    town = [sys.executable, "mjosa.py", "simulate", "--scenario", "burst", "--seed", SEED, "--scale", SCALE]
    stack.run(*town, "--out", str(tmp_path / "burst"))
    stack.run("docker", "compose", "run", "--rm", "-v", f"{tmp_path}:/given:ro", "serve", "import", "/given/burst/readings.parquet")
    times = pq.read_table(tmp_path / "burst" / "readings.parquet", columns=["time"])["time"].cast("timestamp[s]").cast("int64").to_numpy()
    looked_at = {"start": float(times.min()), "end": float(times.max())}
    again = f"import analytics.worker as w, mjosa, core.settings as s; mjosa.Registry.open(mjosa.database_url(s.load_settings()))" \
            f".documents.put(w.LATE + 'test', {looked_at})"  # fmt: skip
    stack.run("docker", "compose", "exec", "-T", "analyse", "python", "-c", again)
    wait_for("an alarm in Grafana", lambda: stack.query('SELECT "title" FROM "alarm"'), 600)
