"""What the API tells: town, readings in every format, pages, ETag, buckets, events, alarms."""

import io
import math

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from core.model import Readings
from tests.api.town import DAY, NOW

WEEK = {"start": NOW - 2 * DAY, "end": NOW}


def test_sensors_come_in_pages_and_leave_out_households(operator, world):
    first = operator.get("/api/v1/sensors?limit=5").json()
    rest = operator.get(f"/api/v1/sensors?limit=500&after={first['next']}").json()
    ids = [s["id"] for s in first["items"] + rest["items"]]
    assert ids == sorted(s.id for s in world.town.sensors if not s.id.startswith("VM"))
    assert rest["next"] is None


def test_zones_and_assets(operator):
    assert {z["id"] for z in operator.get("/api/v1/zones").json()["items"]} >= {"sentrum", "avlop-syd"}
    assert all(not a["household"] for a in operator.get("/api/v1/assets").json()["items"])
    missing = operator.get("/api/v1/zones/atlantis")
    assert missing.status_code == 404
    assert "/api/v1/zones" in missing.json()["detail"]


def test_latest_is_the_newest_value_and_what_it_means(operator, world):
    items = {i["sensor"]: i for i in operator.get("/api/v1/latest").json()["items"]}
    assert items["PT-kopperud-3"]["state"] == "silent"
    assert items["PT-hunndalen-1"]["state"] == "critical"
    assert items["RG-1"]["state"] == "ok"
    kept = world.services.store.latest([world.town.current["OV-1"].dev_eui], "level_m")[0]
    assert items["OV-1"]["value"] == kept.value
    assert not any(key.startswith("VM") for key in items)


def test_readings_page_by_page_are_all_readings_once(operator, world):
    stored = world.services.store.read([world.town.current["OV-1"].dev_eui], "level_m", NOW - 2 * DAY, NOW)
    series = next(iter(stored.values()))
    got, cursor = [], None
    for _ in range(20):
        params = {**WEEK, "limit": 50, **({"cursor": cursor} if cursor else {})}
        page = operator.get("/api/v1/sensors/OV-1/readings", params=params).json()
        got += [item["value"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert got == series.x.tolist()


def test_every_format_carries_the_same_values(operator):
    def fetch(accept):
        return operator.get("/api/v1/sensors/OV-1/readings", params=WEEK, headers={"accept": accept})

    plain = [i["value"] for i in fetch("application/json").json()["items"]]
    csv = pa_csv.read_csv(io.BytesIO(fetch("text/csv").content))
    arrow = pa.ipc.open_stream(fetch("application/vnd.apache.arrow.stream").content).read_all()
    parquet = pq.read_table(io.BytesIO(fetch("application/vnd.apache.parquet").content))
    for table in (csv, arrow, parquet):
        assert table.column("value").to_pylist() == plain
    assert csv.column_names == ["time", "value", "flag", "uplink"]
    assert fetch("text/html").status_code == 406


def test_a_known_page_is_not_sent_again(operator):
    first = operator.get("/api/v1/sensors/OV-1/readings", params=WEEK)
    again = operator.get("/api/v1/sensors/OV-1/readings", params=WEEK, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_buckets_are_the_hand_computed_ones(operator, world):
    device = world.town.current["RG-1"].dev_eui
    start = math.floor(NOW / 3600) * 3600 - 30 * DAY
    world.services.store.write(Readings.of_series(device, "rain_mm", start + np.array([0.0, 600.0, 3600.0]), np.array([1.0, 3.0, 5.0])))
    got = operator.get("/api/v1/sensors/RG-1/readings", params={"start": start, "end": start + 3 * 3600, "bucket": "1h"}).json()
    assert got["count"][:3] == [2, 1, 0]
    assert got["mean"][:3] == [2.0, 5.0, None]
    assert (got["min"][0], got["max"][0], got["last"][0]) == (1.0, 3.0, 3.0)


def test_missing_is_null_never_zero(operator, world):
    device = world.town.current["RG-1"].dev_eui
    world.services.store.write(
        Readings.of_series(device, "rain_mm", np.array([NOW - 60 * DAY]), np.array([np.nan]), np.array([9], np.uint8))
    )
    got = operator.get("/api/v1/sensors/RG-1/readings", params={"start": NOW - 61 * DAY, "end": NOW - 59 * DAY}).json()
    assert [i["value"] for i in got["items"]] == [None]


def test_questions_that_make_no_sense_are_answered_with_what_to_do(operator):
    ask = {"quantity=fish": "quantity", "start=yesterday": "start", "start=2026-05-02&end=2026-05-01": "start", "cursor=!!!": "cursor",
           "limit=0": "limit", "start=2016-01-01&bucket=10m": "bucket"}  # fmt: skip
    for query, named in ask.items():
        answer = operator.get(f"/api/v1/sensors/OV-1/readings?{query}")
        assert answer.status_code == 422, query
        assert answer.headers["content-type"] == "application/problem+json"
        assert named in answer.json()["detail"]


def test_events_overlapping_a_period(operator):
    found = operator.get("/api/v1/events", params={"start": NOW - DAY, "end": NOW}).json()["items"]
    assert [e["id"] for e in found] == ["ev-pt", "ev-ov-0"]
    one = operator.get("/api/v1/events/ev-pt").json()
    assert (one["end"], one["details"]) == (None, {"drop_bar": 1.1})
    assert operator.get("/api/v1/events/none").status_code == 404


def test_indicators_have_their_quality(operator):
    figures = operator.get("/api/v1/indicators?indicator=W01").json()["items"]
    assert len(figures) == 13
    assert all(f["quality_class"] == 2 and f["lower"] is not None and sum(f["shares"].values()) == 1.0 for f in figures)


def test_overview_has_the_whole_town_and_no_household(operator):
    data = operator.get("/api/v1/overview").json()
    assert len(data["sensors"]) == 21
    assert {z["id"]: z["meters"] for z in data["zones"]}["sentrum"] == 6
    assert [f["indicator"] for f in data["figures"]] == ["S02", "W01", "X01"]
    assert {a["id"] for a in data["alarms"]} == {"al-1", "al-2"}


def test_work_on_an_alarm(operator, world):
    done = operator.post("/api/v1/alarms/al-1/acknowledge", json={"text": "on my way"}).json()
    assert (done["state"], done["comments"][0]["text"], done["comments"][0]["author"]) == ("acknowledged", "on my way", "operator")
    assert operator.post("/api/v1/alarms/al-1/acknowledge").status_code == 409
    assert operator.post("/api/v1/alarms/al-1/assign", json={"assignee": "kari"}).json()["assignee"] == "kari"
    assert operator.post("/api/v1/alarms/al-1/state", json={"state": "resolved"}).json()["state"] == "resolved"
    assert operator.post("/api/v1/alarms/al-1/feedback", json={"verdict": "true"}).json()["feedback"] == "true"
    assert operator.post("/api/v1/alarms/al-2/shelve", json={"for_s": 3600}).json()["shelved_until"] is not None
    assert operator.post("/api/v1/alarms/none/acknowledge").status_code == 404
    assert {e.action for e in world.services.registry.audit.find()} >= {"alarm.change", "alarm.assign", "alarm.feedback", "alarm.shelve"}


def test_health_and_metrics(operator, client, world):
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/ready").json()["status"] == "ready"
    assert client.get("/metrics").status_code == 401
    assert b"python_info" in operator.get("/metrics").content
    assert operator.get("/api/v1/status").json()["rows"] == world.services.store.size()["rows"]
