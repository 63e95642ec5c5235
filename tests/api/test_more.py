"""Zones, overflows, usual range, planned work, administration, exports, the store for commands."""

import base64
import json
import re

import httpx
import numpy as np
import pytest

from api.app import create_app
from api.routes.zones import publishable_sums
from api.usual import hour_of_week, usual_range
from core.model import Event, Reading, Readings
from core.network import Message
from core.quantities import QUANTITIES
from core.stores.memory import MemoryStore
from core.stores.remote import RemoteStore, handle
from ingest.models import ModelLibrary
from ingest.uplink_log import UplinkLog
from tests.api.conftest import served
from tests.api.town import DAY, NOW

MONDAY = 1_777_845_600.0
"""2026-05-04 00:00 in Oslo (UTC+2)."""


def test_hour_of_week_starts_on_monday_midnight_local():
    assert hour_of_week(np.array([MONDAY, MONDAY + 3600, MONDAY - 3600]), 7200.0).tolist() == [0, 1, 167]


def test_usual_range_is_the_percentiles_of_the_same_hour():
    slot, x = np.array([5] * 5 + [6] * 2), np.array([1.0, 2.0, 3.0, 4.0, 5.0, 9.0, 9.0])
    low, middle, high = usual_range(slot, x, np.array([5, 6]))
    assert (low[0], middle[0], high[0]) == (1.4, 3.0, 4.6)
    assert np.isnan(middle[1]), "two values are not a habit"


def test_no_sum_tells_of_few_households_or_of_one():
    day_sums, answered = publishable_sums(
        np.array([[1.0, 1.0, 9.0], [1.0, np.nan, 1.0], [1.0, np.nan, 1.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]])
    )
    assert day_sums[0] == 5.0
    assert np.isnan(day_sums[1]), "three meters are too few"
    assert np.isnan(day_sums[2]), "one household is 9 of 13"
    assert answered.tolist() == [5, 3, 5]


def test_zone_flow_is_rate_times_hours(operator, world):
    device = world.town.current["FL-sentrum"].dev_eui
    world.services.store.delete(sensors=[device], quantities=["flow_m3h"])
    t = np.arange(MONDAY, MONDAY + DAY, 600.0)
    world.services.store.write(Readings.of_series(device, "flow_m3h", t, np.full(len(t), 12.0)))
    got = operator.get("/api/v1/zones/sentrum/flow?days=4").json()
    i = got["t"].index(MONDAY)
    assert (got["inflow_m3"][i], got["night_m3h"][i]) == (288.0, 12.0)
    assert operator.get("/api/v1/zones/avlop-syd/flow").json()["inflow_m3"][-1] is None


def test_zone_consumption_holds_small_cells_back(operator):
    sentrum = operator.get("/api/v1/zones/sentrum/consumption?days=3").json()
    assert sentrum["meters"] == 6
    assert sum(v is not None for v in sentrum["used_m3"]) >= 1
    assert operator.get("/api/v1/zones/kallerud/consumption").json()["meters"] == 0


def test_overflow_hours_are_split_at_midnight_and_counted(operator, world):
    data = operator.get("/api/v1/overflows?year=2026").json()
    point = next(p for p in data["points"] if p["asset"] == "A-OV-4")
    assert (point["hours"], point["events"], point["count"]) == (4.5, 3, 3)
    assert sum(point["hours_by_day"].values()) == pytest.approx(4.5)
    assert {p["asset"] for p in data["points"]} == {f"A-OV-{k}" for k in (1, 2, 3, 4)}, "dry chambers are shown too"
    assert operator.get("/api/v1/overflows?year=2025").json()["points"][0]["hours"] == 0


def test_planned_work(world, client, operator):
    work = {"kind": "flushing", "start": "2026-06-01T08:00", "end": "2026-06-01T14:00", "zones": ["sentrum"]}
    made = operator.post("/api/v1/maintenance", json=work)
    assert made.status_code == 201
    assert made.json()["start"] == "2026-06-01T06:00:00Z"
    assert [w["id"] for w in operator.get("/api/v1/maintenance").json()["items"]] == [made.json()["id"]]
    assert operator.post("/api/v1/maintenance", json={**work, "end": "2026-05-01T14:00"}).status_code == 422
    assert operator.post("/api/v1/maintenance", json={**work, "zones": ["atlantis"]}).status_code == 422
    assert operator.request("DELETE", f"/api/v1/maintenance/{made.json()['id']}").status_code == 204
    assert operator.request("DELETE", "/api/v1/maintenance/none").status_code == 404


def test_users_and_keys(world, client):
    admin = world.user(client, "admin")
    put = admin.request("PUT", "/api/v1/admin/users/kari", json={"roles": ["operator"], "password": "riktig hest batteri"})
    assert put.json()["has_password"] is True
    assert "argon2" not in put.text
    assert admin.request("PUT", "/api/v1/admin/users/kari", json={"roles": ["operator"], "password": "kort"}).status_code == 422
    assert admin.request("PUT", "/api/v1/admin/users/admin", json={"roles": ["operator"]}).status_code == 409
    assert admin.request("DELETE", "/api/v1/admin/users/admin").status_code == 409
    made = admin.post("/api/v1/admin/keys", json={"name": "Grafana", "roles": ["reporter"], "days": 30}).json()
    bearer = {"authorization": f"Bearer {made['key']}"}
    assert client.get("/api/v1/zones", headers=bearer).status_code == 200
    assert made["key"] not in admin.get("/api/v1/admin/keys").text
    assert admin.request("DELETE", f"/api/v1/admin/keys/{made['id']}").status_code == 204
    assert client.get("/api/v1/zones", headers=bearer).status_code == 401
    assert admin.post("/api/v1/admin/keys", json={"name": "x", "roles": ["meter_reader"]}).status_code == 403
    audit = json.dumps(admin.get("/api/v1/admin/audit").json())
    assert all(action in audit for action in ("user.put", "key.make", "key.revoke"))
    assert "riktig hest" not in audit


def test_a_changed_role_ends_the_sessions_it_was_given_for(world, client):
    admin, kari = world.user(client, "admin"), world.user(client, "operator", name="kari")
    assert kari.get("/api/v1/zones").status_code == 200
    admin.request("PUT", "/api/v1/admin/users/kari", json={"roles": ["field"], "disabled": True})
    assert kari.get("/api/v1/zones").status_code == 401


def test_master_data_has_a_source(world, client):
    reporter = world.user(client, "reporter")
    entry = {"name": "mains_km", "zone": "sentrum", "value": 21.5, "valid_from": "2026-01-01", "source": "Ledningskartverket 2026"}
    assert reporter.post("/api/v1/admin/master", json=entry).status_code == 201
    assert reporter.post("/api/v1/admin/master", json={**entry, "source": ""}).status_code == 422
    assert reporter.get("/api/v1/admin/master").json()["items"][0]["author"] == "reporter"
    assert reporter.get("/api/v1/admin/users").status_code == 403


def test_catalogue_publication_and_every_export(world, client, operator):
    formats = operator.get("/api/v1/catalogue").json()["formats"]
    assert len(formats) >= 8
    for form in formats:
        answer = operator.get(f"/api/v1/exports/{form['key']}")
        assert answer.status_code == 200, form
        assert answer.content
    assert operator.get("/api/v1/exports/papyrus").status_code == 404
    assert "export" in {e.action for e in world.services.registry.audit.find()}


def test_a_figure_can_be_traced(operator):
    plain = operator.get("/api/v1/publication").json()["items"]
    traced = operator.get("/api/v1/publication?indicator=W01&lineage=true").json()["items"]
    assert not any("lineage" in f for f in plain)
    assert traced[0]["lineage"]["sensors"] == ["OV-1"]
    assert {f["indicator"] for f in traced} == {"W01"}


def test_the_catalogue_of_data_is_open_and_holds_no_household(client, operator):
    turtle, jsonld = client.get("/catalog"), client.get("/catalog", headers={"accept": "application/ld+json"})
    assert turtle.headers["content-type"].startswith("text/turtle")
    assert "@context" in jsonld.json()
    for text in (turtle.text, jsonld.text, operator.get("/ngsi-ld/v1/entities").text):
        assert "VM-0001" not in text


def test_dead_letters_say_when_they_are_elsewhere(operator, world):
    answer = operator.get("/api/v1/dead-letters")
    assert answer.status_code == 503
    assert "mjosa up" in answer.json()["detail"]


def test_the_store_of_a_running_server_is_open_to_its_own_commands_only(world, client, operator):
    token, store = "machine-token-of-this-installation", MemoryStore()
    world.services.store_token, world.services.store_handler = token, lambda request: handle(store, request)
    with served(create_app(world.services)) as address:
        remote = RemoteStore(address, token)
        remote.write(Readings.of_series("d1", "level_m", np.array([1.0, 2.0]), np.array([0.1, 0.2])))
        assert remote.read(["d1"], "level_m", 0, 10)["d1"].x.tolist() == [0.1, 0.2]
        remote.close()
    assert operator.post("/api/store", content=b"").status_code == 403


def test_the_description_names_every_route(operator, client):
    schema = client.get("/api/v1/openapi.json").json()
    assert "/api/v1/sensors/{key}/readings" in schema["paths"]
    assert schema["paths"]["/api/v1/alarms"]["get"]["security"]
    assert schema["paths"]["/api/v1/alarms"]["get"]["responses"]["200"]["content"]["application/json"]["example"]["items"]
    assert all("default" in o["responses"] and "422" not in o["responses"] for p in schema["paths"].values() for o in p.values())


@pytest.fixture
def logged(world, tmp_path):
    """OV-1's newest reading came in a logged uplink of a Milesight EM500-SWL; a second uplink is not readable."""
    library, log = ModelLibrary(), UplinkLog(tmp_path / "log")
    sensor = world.town.current["OV-1"].model_copy(update={"model": "milesight_em500_swl"})
    world.services.registry.put(sensor, "test")
    vector = library.get("milesight_em500_swl").vectors[0]
    event = {
        "deduplicationId": "d1", "time": "2026-05-07T10:33:00Z", "deviceInfo": {"devEui": sensor.dev_eui, "applicationId": "a1"},
        "devAddr": "00000001", "fCnt": 7, "fPort": vector.f_port, "data": base64.b64encode(bytes.fromhex(vector.payload)).decode(),
        "rxInfo": [{"gatewayId": "0000000000000001", "rssi": -97, "snr": 6.5}],
        "txInfo": {"frequency": 868100000, "modulation": {"lora": {"spreadingFactor": 9}}},
    }  # fmt: skip
    topic = f"application/a1/device/{sensor.dev_eui}/event/up"
    log.append([Message(NOW - 20, topic, json.dumps(event).encode()), Message(NOW - 10, topic, b"\xff not json")])
    rows = [Reading(sensor.dev_eui, "level_m", NOW - ago, 0.4, 1, uplink=seq) for seq, ago in ((1, 20), (2, 10))]
    world.services.store.write(Readings.from_rows(rows))
    world.services.log, world.services.models = log, library
    yield vector
    log.close()


def test_a_reading_leads_to_its_raw_uplink(world, logged):
    with served(create_app(world.services)) as address:
        bearer = {"authorization": f"Bearer {world.key('operator')}"}
        items = httpx.get(f"{address}/api/v1/sensors/OV-1/uplinks", headers=bearer).json()["items"]
        stations = {b["id"]: b["heard_at"] for b in httpx.get(f"{address}/api/v1/base-stations", headers=bearer).json()["items"]}
        assert httpx.get(f"{address}/api/v1/uplinks/1", headers=bearer).json()["sensor"] == "OV-1"
        assert httpx.get(f"{address}/api/v1/uplinks/99", headers=bearer).status_code == 404
    unreadable, decoded = items
    assert "not json" in unreadable["unreadable"]
    assert (decoded["payload"], decoded["f_cnt"], decoded["model"]) == (logged.payload, 7, "milesight_em500_swl")
    assert decoded["receptions"] == [{"base_station": "0000000000000001", "rssi_dbm": -97.0, "snr_db": 6.5}]
    assert {s["quantity"]: s["value"] for s in decoded["samples"]} == {s.quantity: s.value for s in logged.samples}
    assert stations["0000000000000001"] == "2026-05-07T10:33:00Z"


def test_what_was_found_at_a_household_is_a_flag_without_numbers(world, client, operator):
    found = Event("ev-home", "customer_leak", "customer_leak", ("VM-0001",), "sentrum", None, NOW - DAY, None, NOW - DAY, 3600.0, 3.0, 1.0,
                  1.0, volume_m3=0.7, details={"leak_m3h": 0.03})  # fmt: skip
    world.services.registry.events.save([found])
    told = operator.get("/api/v1/events/ev-home").json()
    assert (told["kind"], told["details"], told["volume_m3"], told["score"]) == ("customer_leak", {}, None, None)
    listed = operator.get("/api/v1/events?kind=customer_leak").json()["items"][0]
    assert listed["details"] == {}
    reader = world.user(client, "meter_reader")
    assert reader.get("/api/v1/events/ev-home").json()["details"] == {"leak_m3h": 0.03}
    assert any(e.action == "event.read" and e.personal for e in world.services.registry.audit.find())


def test_the_town_as_it_was(operator):
    then = operator.get("/api/v1/overview/at", params={"at": NOW - 3 * 3600}).json()
    states = {i["sensor"]: i["state"] for i in then["items"]}
    assert states["OV-4"] == "major", "its overflow was running then"
    assert states["PT-hunndalen-1"] == "ok", "its fall began later"
    assert not any(key.startswith("VM") for key in states)


def test_pages_and_mails_use_the_same_words():
    from api.notify.messages import KINDS
    from api.pages.shell import STATIC

    nb, en = (STATIC / "words.js").read_text("utf-8").split("}, en: {")
    for lang, text in (("nb", nb), ("en", en)):
        assert dict(re.findall(r'"kind\.([a-z_]+)": "([^"]+)"', text)) == KINDS[lang]
        words = re.findall(r'"([a-z_]+(?:\.[^"]+)?)": "', text)
        assert {f"q.{q}" for q in QUANTITIES} <= set(words)
    assert set(re.findall(r'"([\w.]+)": "', nb)) == set(re.findall(r'"([\w.]+)": "', en)), "a word is missing in one language"
