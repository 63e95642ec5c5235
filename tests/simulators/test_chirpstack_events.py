"""The event JSON of ChirpStack v4: which fields are always there, which never when default, and how times look."""

import json

import pytest
from chirpstack_api import integration
from google.protobuf import json_format

from simulators import chirpstack_events as ce

DEVICE = ce.Device("24e124136b324506", "Nivå Torget", "6d6a6f73-6100-4000-8000-000000000001", tags={"mjosa_sensor": "ro-07-niva"})
HEARD = ce.Heard("0016c001f1500101", -97, -3.25, 1_790_000_000.25, 1_790_000_000.5, 7, 0, (60.8, 10.69, 200.0))
UP = {"time": 1_790_000_000.25, "dev_addr": "26012345", "f_cnt": 0, "f_port": 85, "data": b"\x01\x75\x5c"}


def test_an_uplink_has_every_field_and_its_receptions_only_what_they_know():
    event = json.loads(ce.up(DEVICE, heard=[HEARD, ce.Heard("0016c001f1500102", 0, 0.0, None, 1_790_000_000.0)], **UP))
    assert set(event) == {"deduplicationId", "time", "deviceInfo", "devAddr", "adr", "dr", "fCnt", "fPort", "confirmed", "data", "rxInfo",
                          "txInfo", "regionConfigId"}  # fmt: skip
    assert event["fCnt"] == 0
    assert event["confirmed"] is False
    assert event["data"] == "AXVc"
    assert event["time"] == "2026-09-21T14:13:20.250+00:00"
    first, second = event["rxInfo"]
    assert first["gwTime"].endswith("+00:00")
    assert first["location"] == {"latitude": 60.8, "longitude": 10.69, "altitude": 200.0}
    assert second["location"] == {}
    assert not {"rssi", "snr", "gwTime", "channel", "uplinkId"} & set(second)
    assert event["txInfo"]["modulation"]["lora"] == {"bandwidth": 125000, "spreadingFactor": 7, "codeRate": "CR_4_5"}
    assert event["deviceInfo"]["deviceClassEnabled"] == "CLASS_A"


def test_numbers_of_the_object_are_doubles_and_its_texts_are_left_alone():
    raw = ce.up(DEVICE, heard=[HEARD], object_={"level": 22, "time": "2026-01-01T00:00:00Z", "list": [1]}, **UP)
    assert b'"level":22.0' in raw
    assert json.loads(raw)["object"]["time"] == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(("message", "raw"), [
    (integration.UplinkEvent, ce.up(DEVICE, heard=[HEARD], **UP)),
    (integration.JoinEvent, ce.join(DEVICE, time=1.0, dev_addr="26012345")),
    (integration.AckEvent, ce.ack(DEVICE, time=1.0, queue_item_id="a", acknowledged=False, f_cnt_down=0)),
    (integration.TxAckEvent, ce.txack(DEVICE, time=1.0, queue_item_id="a", f_cnt_down=3, base_station="0016c001f1500101")),
    (integration.LogEvent, ce.log(DEVICE, time=1.0, level="ERROR", code="UPLINK_F_CNT_RESET", description="x")),
    (integration.StatusEvent, ce.status(DEVICE, time=1.0, margin_db=7, battery_pct=93.5)),
])  # fmt: skip
def test_chirpstacks_own_messages_read_back(message, raw):
    parsed = json_format.Parse(raw, message())
    assert parsed.device_info.dev_eui == DEVICE.dev_eui
    assert ce.to_json(parsed) == raw


def test_topics_are_lower_case_and_end_in_the_event():
    assert ce.topic(DEVICE, "up") == "application/6d6a6f73-6100-4000-8000-000000000001/device/24e124136b324506/event/up"
