"""Every board: JSON in step with the code, one fixed datasource, both languages; every query answered by a real InfluxQL server."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
import yaml
from grafana_foundation_sdk.models.dashboard import Dashboard

from analytics.worker import Analyst
from core.registry import Registry
from core.stores.influx import InfluxStore
from core.stores.memory import MemoryStore
from dashboards.board import DATASOURCE, LANGUAGES, every_query, render, uid
from dashboards.files import FOLDER, boards, rendered
from dashboards.mirror import Mirror, line
from simulators.demo import mounted
from simulators.history import readings_of
from simulators.town import build_town
from tests.stores.influx_server import influxd

DAYS = 17
QUERIES = every_query(tuple(boards().values()))


def test_the_json_is_what_the_code_says():
    assert {p.relative_to(FOLDER): p.read_text(encoding="utf-8") for p in FOLDER.rglob("*.json")} == rendered(), "run make docs"


@pytest.mark.parametrize("key", boards())
def test_every_part_names_the_one_datasource(key):
    for language in LANGUAGES:
        data = render(boards()[key], language)
        Dashboard.from_json(data)
        text = json.dumps(data)
        assert "__inputs" not in text
        assert set(re.findall(r'"uid": "([^"]+)"', text)) == {DATASOURCE.uid, uid(boards()[key], language)}
        assert len({p["id"] for p in data["panels"]}) == len(data["panels"])


def test_both_languages_show_the_same_queries():
    for board in boards().values():
        nb, en = ([p["targets"] for p in render(board, language)["panels"]] for language in LANGUAGES)
        assert nb == en


def test_provisioning_points_at_the_same_datasource_and_folders():
    folder = Path("dashboards/provisioning")
    source = yaml.safe_load((folder / "datasources/mjosa.yaml").read_text())["datasources"][0]
    assert source["uid"] == DATASOURCE.uid
    assert source["jsonData"]["version"] == "InfluxQL"
    providers = yaml.safe_load((folder / "dashboards/mjosa.yaml").read_text())["providers"]
    assert {p["options"]["path"].rsplit("/", 1)[1] for p in providers} == set(LANGUAGES)
    rules = yaml.safe_load((folder / "alerting/mjosa.yaml").read_text())["groups"][0]["rules"]
    assert {q["datasourceUid"] for r in rules for q in r["data"]} == {DATASOURCE.uid, "__expr__"}


@pytest.fixture(scope="module")
def town_in_influx(tmp_path_factory):
    """(address, database, now) of an InfluxDB that holds seventeen days of a town, analysed."""
    now = time.time()
    town = mounted(build_town(3, 0.04), now - DAYS * 86_400)
    with influxd(tmp_path_factory.mktemp("influx")) as url:
        httpx.post(f"{url}/query", data={"q": "CREATE DATABASE mjosa"}).raise_for_status()

        def zone_of(dev_eui: str, t: float) -> str | None:
            sensor = town.sensor_at(dev_eui, t)
            return town.zone_of(sensor) if sensor else None

        store = InfluxStore(url, "token", "mjosa", "mjosa", zone_of=zone_of)
        registry = Registry.open(f"sqlite:///{tmp_path_factory.mktemp('registry')}/registry.db")
        registry.import_town(town, "test")
        local, readings = MemoryStore(), readings_of(town, "storm", 3, now - DAYS * 86_400, DAYS)
        local.write(readings)
        network = [s.dev_eui for s in town.sensors if not town.is_personal(s)]  # no board shows a household's readings
        store.write(readings.where(np.isin(readings.sensor, network)))
        mirror = Mirror(store, registry, lambda: now, "http://127.0.0.1:8080")
        store.write_lines([line("radio", {"dev_eui": s.dev_eui, "quantity": q, "zone": town.zone_of(s)}, {"value": -90.0}, now - 60)
                           for s in town.sensors[:5] for q in ("rssi_dbm", "snr_db")])  # fmt: skip
        Analyst(local, registry, lambda: now, after=[mirror.analysed]).work(now - DAYS * 86_400, now)
        status = ("uplinks_per_minute", "lag_s", "dead_letters", "duplicates", "log_bytes", "free_bytes")
        mirror.ingested("ingest-1", dict.fromkeys(status, 1.0))
        yield url, "mjosa", now
        store.close()


@pytest.mark.parametrize(("where", "influxql"), QUERIES, ids=[w for w, _ in QUERIES])
def test_every_query_answers_with_rows(town_in_influx, where, influxql):
    """Grafana's macros are filled in as Grafana does for 'the last 400 days, everything selected', 800 points wide."""
    url, database, now = town_in_influx
    text = influxql.replace("$timeFilter", f"time >= {int((now - 400 * 86400) * 1e9)} AND time <= {int((now + 60) * 1e9)}")
    text = text.replace("$__interval", "12h").replace("$zone", ".*").replace("$sensor", ".*")
    began = time.monotonic()
    answer = httpx.post(f"{url}/query", data={"db": database, "q": text}, timeout=30).json()
    elapsed = time.monotonic() - began
    result = answer["results"][0]
    assert "error" not in result, result
    values = [v for series in result.get("series", ()) for row in series["values"] for v in row[1:]]
    assert any(v is not None for v in values), f"{where} shows nothing ({elapsed:.2f} s): {text}"
