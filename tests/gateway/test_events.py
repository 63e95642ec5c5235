"""ChirpStack's events, exactly as it writes them, become our values."""

import math
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from chirpstack_api import integration
from google.protobuf.json_format import ParseDict
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import DecodeError
from core.model import Reception, Uplink
from core.network import AckEvent, JoinEvent, LocationEvent, LogEvent, StatusEvent, TxAckEvent
from gateway.events import parse_event
from gateway.topics import EVENTS, command_topic, event_topic, parse_topic, shared

FOLDER = Path(__file__).parent.parent / "data" / "chirpstack_v4"
APP, EUI = "17c82e96-be03-4f38-aef3-f83d48582d97", "24e124713d200001"


def event(name: str, kind: str | None = None):
    return parse_event(event_topic(APP, EUI, kind or name.split("_")[0]), (FOLDER / f"{name}.json").read_bytes(), 1e9)


def at(*parts: int, micro: int = 0) -> float:
    return datetime(*parts, microsecond=micro, tzinfo=UTC).timestamp()


def test_an_uplink_keeps_everything_that_matters():
    up = event("up")
    assert isinstance(up, Uplink)
    assert (up.dev_eui, up.dev_addr, up.f_cnt, up.f_port) == (EUI, "01a2b3c4", 1042, 85)
    assert up.payload == bytes.fromhex("01755c03770200")
    assert up.time == up.gateway_time == at(2026, 5, 17, 9, 30, 0, micro=123456)
    assert up.server_time == at(2026, 5, 17, 9, 30, 0, micro=187654)
    assert up.receptions == (Reception("0016c001f1e5a001", -97.0, 6.25), Reception("0016c001f1e5a002", -113.0, -4.5))
    assert (up.spreading_factor, up.frequency_hz, up.received_at) == (9, 868_300_000, 1e9)
    assert up.object == {"battery": 92.0, "depth": 2.0}
    assert (up.device_name, up.profile_name, up.tags["asset"]) == ("Nivå kum 118", "Milesight EM500-SWL", "kum-118")
    assert (up.application_id, up.deduplication_id) == (APP, "3ac7e3c4-4401-4b8d-9386-a5c902f9202d")


def test_fields_left_out_take_their_protobuf_default():
    up = event("up_defaults_left_out")
    assert up.f_cnt == 0
    assert up.receptions == (Reception("0016c001f1e5a001", -101.0, 0.0),)
    assert up.gateway_time is None
    assert up.object is None


def test_a_reception_without_radio_figures_is_unknown_not_zero():
    topic = event_topic(APP, EUI, "up")
    up = parse_event(topic, orjson.dumps({"data": "", "rxInfo": [{"gatewayId": "a"}]}), 0.0)
    assert math.isnan(up.receptions[0].rssi_dbm)
    assert math.isnan(up.receptions[0].snr_db)


def test_mac_only_frame():
    up = event("up_mac_only")
    assert (up.f_port, up.payload) == (0, b"")


def test_every_other_event_is_typed():
    assert event("join") == JoinEvent(EUI, at(2026, 5, 17, 8, 0, 0, micro=500_000), 1e9, "01a2b3c4", APP)
    assert event("ack") == AckEvent(EUI, at(2026, 5, 17, 8, 10), 1e9, "6e4b2d1e-0000-4000-8000-000000000001", True, 12)
    assert event("txack") == TxAckEvent(EUI, at(2026, 5, 17, 8, 9, 59), 1e9, "6e4b2d1e-0000-4000-8000-000000000001", "0016c001f1e5a001", 12)
    assert event("log") == LogEvent(
        EUI, at(2026, 5, 17, 8, 11), 1e9, "ERROR", "UPLINK_CODEC", "JS error: interrupted",
        {"deduplication_id": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d"},
    )  # fmt: skip
    assert event("status") == StatusEvent(EUI, at(2026, 5, 17, 8, 12), 1e9, 14, 92.12598, False)
    assert event("location") == LocationEvent(EUI, at(2026, 5, 17, 8, 13), 1e9, 60.7957, 10.6915, 0.0)


def test_status_without_battery_is_unknown():
    for part in ({"batteryLevelUnavailable": True}, {"externalPowerSource": True}):
        status = parse_event(event_topic(APP, EUI, "status"), orjson.dumps({"margin": 3, "batteryLevel": 0.0, **part}), 0.0)
        assert status.battery_pct is None


_MESSAGES = {
    "up": integration.UplinkEvent, "join": integration.JoinEvent, "ack": integration.AckEvent, "txack": integration.TxAckEvent,
    "log": integration.LogEvent, "status": integration.StatusEvent, "location": integration.LocationEvent,
}  # fmt: skip


@pytest.mark.parametrize("name", ["up", "up_defaults_left_out", "up_mac_only", "up_gps_epoch", *_MESSAGES])
def test_protobuf_says_the_same_as_json(name):
    kind = name.split("_")[0]
    wire = ParseDict(orjson.loads((FOLDER / f"{name}.json").read_bytes()), _MESSAGES[kind]()).SerializeToString()
    assert parse_event(event_topic(APP, EUI, kind), wire, 1e9) == event(name)


def test_a_newer_chirpstack_may_add_fields():
    document = orjson.loads((FOLDER / "up.json").read_bytes())
    document["newField"] = {"x": 1}
    document["rxInfo"][0]["newer"] = [1]
    assert parse_event(event_topic(APP, EUI, "up"), orjson.dumps(document), 1e9) == event("up")


@pytest.mark.parametrize(
    ("topic", "payload", "says"),
    [
        ("application/a/device/b/event/up", b"{broken", "not a ChirpStack v4 event"),
        ("application/a/device/b/event/up", b'{"data": "***"}', "not a ChirpStack v4 event"),
        ("application/a/device/b/event/up", b'{"rxInfo": 7}', "not a ChirpStack v4 event"),
        ("application/a/device/b/event/up", b"", "names no device"),
        ("application/a/device/b/event/up", b"\xff\xff", "neither JSON nor a protobuf"),
        ("application/a/device/b/event/integration", b"{}", "unknown event 'integration'"),
        ("eu868/gateway/x/event/up", b"{}", "is not application/"),
    ],
)
def test_what_is_no_event_is_refused_with_a_sentence(topic, payload, says):
    with pytest.raises(DecodeError, match=says):
        parse_event(topic, payload, 0.0)


@settings(deadline=None)
@given(st.sampled_from(EVENTS), st.binary(max_size=200))
def test_any_bytes_give_an_event_or_a_decode_error(kind, payload):
    try:
        parsed = parse_event(event_topic(APP, EUI, kind), payload, 0.0)
    except DecodeError:
        return
    assert parsed.dev_eui == EUI


NAMES = ["rxInfo", "data", "time", "fCnt", "deviceInfo", "txInfo", "modulation", "lora", "rssi", "gwTime", "object", "location"]
scalars = st.none() | st.booleans() | st.floats() | st.text(max_size=5)


@settings(deadline=None)
@given(st.recursive(scalars, lambda x: st.lists(x, max_size=3) | st.dictionaries(st.sampled_from(NAMES), x, max_size=5), max_leaves=12))
def test_any_json_gives_an_event_or_a_decode_error(value):
    for kind in EVENTS:
        try:
            parse_event(event_topic(APP, EUI, kind), orjson.dumps({"x": value} if not isinstance(value, dict) else value), 0.0)
        except DecodeError:
            continue


def test_topics():
    assert parse_topic(f"application/{APP}/device/{EUI.upper()}/event/up") == (APP, EUI, "up")
    assert command_topic(APP, EUI.upper()) == f"application/{APP}/device/{EUI}/command/down"
    assert shared("a/+", "mjosa") == "$share/mjosa/a/+"
    assert shared("a/+", None) == "a/+"
