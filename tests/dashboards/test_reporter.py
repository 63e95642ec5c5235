"""A worker's heartbeat and figures."""

from __future__ import annotations

import threading

import httpx
import pytest

from core.heartbeat import Heartbeat
from core.stores.influx import InfluxStore
from dashboards.mirror import Mirror
from dashboards.reporter import Reporter
from tests.processes import free_port
from tests.stores.influx_server import bucket, influxd

FIGURES = {"uplinks_per_minute": 61.0, "lag_s": 0.5, "dead_letters": 2, "duplicates": 3, "log_bytes": 4096, "free_bytes": 5e9}
T0 = 1_780_000_000.0


@pytest.fixture
def clock():
    times = {"now": T0}
    return times, lambda: times["now"]


def test_figures_go_out_once_a_minute_and_the_heart_beats_each_time(tmp_path, clock):
    times, now = clock
    with influxd(tmp_path) as url, bucket(url, "t", "mjosa") as name:
        store = InfluxStore(url, "t", "mjosa", name)
        heart = Heartbeat(tmp_path, "ingest", now)
        reporter = Reporter(heart, lambda: FIGURES, "mjosa-ingest-1", Mirror(store, None, now))
        for _ in range(8):
            reporter.once()
            assert heart.age_s() == 0
            times["now"] += 10
        answer = httpx.post(f"{url}/query", data={"db": name, "q": "SELECT * FROM platform"}).json()["results"][0]["series"][0]
        rows = [dict(zip(answer["columns"], row, strict=True)) for row in answer["values"]]
        assert len(rows) == 2
        assert {k: rows[0][k] for k in FIGURES} == FIGURES
        assert rows[0]["worker"] == "mjosa-ingest-1"
        store.close()


def test_a_store_that_is_away_does_not_stop_the_heart(tmp_path, clock, capsys):
    times, now = clock
    store = InfluxStore(f"http://127.0.0.1:{free_port()}", "t", "mjosa", "mjosa", sleep=lambda s: None)
    heart = Heartbeat(tmp_path, "ingest", now)
    reporter = Reporter(heart, lambda: FIGURES, "w", Mirror(store, None, now))
    for _ in range(3):
        reporter.once()
        times["now"] += 61
    assert heart.age_s() == 61
    assert capsys.readouterr().out.count("figures wait for the store") == 1
    store.close()


def test_embedded_it_only_beats_and_stops_when_told(tmp_path, clock):
    _, now = clock
    heart, stop = Heartbeat(tmp_path, "ingest", now), threading.Event()
    reporter = Reporter(heart, lambda: pytest.fail("nobody asked"), "w", beat_s=0.01)
    thread = threading.Thread(target=reporter.run, args=(stop,))
    thread.start()
    while heart.age_s() is None:
        assert thread.is_alive()
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
