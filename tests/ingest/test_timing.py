"""Which clock is believed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.model import Flag, Sample, TimeOrigin, Uplink
from gateway.events import parse_event
from gateway.topics import event_topic
from ingest.quality import evaluate, limits_of
from ingest.timing import sample_times, uplink_time
from tests.ingest.support import APP, START, eui, frame, up

GATEWAY, SERVER, PAYLOAD = TimeOrigin.GATEWAY, TimeOrigin.SERVER, TimeOrigin.PAYLOAD
PLAIN = replace(up(1, 1, frame(1), START), time=START, gateway_time=START, server_time=START + 0.05, received_at=START + 0.1)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (START, GATEWAY)),
        ({"gateway_time": None}, (START + 0.05, SERVER)),
        ({"gateway_time": START + 119}, (START + 119, GATEWAY)),
        ({"gateway_time": START + 1800, "time": START + 1800}, (START + 0.05, SERVER)),
        ({"gateway_time": 315_964_812.0, "time": 315_964_812.0}, (START + 0.05, SERVER)),
        ({"gateway_time": -62_135_596_800.0}, (START + 0.05, SERVER)),
        ({"received_at": START + 86_400 * 3}, (START, GATEWAY)),
        ({"server_time": START + 900, "gateway_time": START + 900, "time": None}, (START + 0.1, SERVER)),
        ({"server_time": None}, (START, GATEWAY)),
        ({"server_time": None, "gateway_time": None}, (START, GATEWAY)),
        ({"server_time": None, "gateway_time": None, "time": 315_964_812.0}, (START + 0.1, SERVER)),
        ({"server_time": None, "gateway_time": None, "time": None}, (START + 0.1, SERVER)),
    ],
)
def test_the_best_clock_that_can_be_true(changes, expected):
    t, origin = uplink_time(replace(PLAIN, **changes))
    assert (t, origin) == (pytest.approx(expected[0], abs=1e-3), expected[1])


def test_chirpstacks_gps_epoch_does_not_get_through():
    path = Path(__file__).parent.parent / "data" / "chirpstack_v4" / "up_gps_epoch.json"
    uplink = parse_event(event_topic(APP, eui(1), "up"), path.read_bytes(), 1_779_010_321.0)
    assert isinstance(uplink, Uplink)
    assert uplink_time(uplink) == (pytest.approx(uplink.server_time, abs=1e-3), SERVER)


def placed(*samples: Sample):
    return sample_times(samples, (START, GATEWAY))


def test_without_a_clock_of_its_own_a_sample_lies_its_age_before_the_frame():
    assert placed(Sample("level_m", 1.0), Sample("level_m", 1.0, age_s=600.0)) == [(START, GATEWAY, 1), (START - 600, GATEWAY, 1)]


@pytest.mark.parametrize(
    ("ahead_s", "expected"),
    [
        (-10 * 86_400.0, (START - 10 * 86_400.0, PAYLOAD, Flag.GOOD)),
        (60.0, (START + 60, PAYLOAD, Flag.GOOD)),
        (61.0, (START + 61, PAYLOAD, Flag.SUSPECT)),
        (3600.0, (START + 3600, PAYLOAD, Flag.SUSPECT)),
        (3601.0, (START, GATEWAY, Flag.SUSPECT)),
        (-401 * 86_400.0, (START, GATEWAY, Flag.SUSPECT)),
    ],
)
def test_a_devices_clock_is_believed_within_reason(ahead_s, expected):
    assert placed(Sample("volume_m3", 1.0, at=START + ahead_s)) == [expected]


def test_an_impossible_clock_keeps_the_distance_of_its_samples():
    assert placed(Sample("volume_m3", 3.0, at=7200.0), Sample("volume_m3", 2.0, at=3600.0)) == [
        (START, GATEWAY, Flag.SUSPECT), (START - 3600, GATEWAY, Flag.FAIL),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("quantity", "bounds", "value", "given", "flag"),
    [
        ("pressure_bar", {}, 5.0, 0, Flag.GOOD),
        ("pressure_bar", {}, 0.5, 0, Flag.SUSPECT),
        ("pressure_bar", {}, 10.5, 0, Flag.SUSPECT),
        ("pressure_bar", {}, 25.1, 0, Flag.FAIL),
        ("pressure_bar", {"pressure_bar": (0.0, 6.0)}, 6.1, 0, Flag.FAIL),
        ("pressure_bar", {}, float("nan"), 0, Flag.MISSING),
        ("pressure_bar", {}, float("nan"), Flag.FAIL, Flag.MISSING),
        ("level_m", {}, 1.0, Flag.SUSPECT, Flag.SUSPECT),
        ("level_m", {}, 1.0, Flag.FAIL, Flag.FAIL),
        ("level_m", {}, 1.0, Flag.GOOD, Flag.GOOD),
        ("level_m", {}, -6.0, Flag.SUSPECT, Flag.FAIL),
        ("volume_m3", {}, -0.001, 0, Flag.FAIL),
    ],
)
def test_flags_are_the_worst_that_is_said(quantity, bounds, value, given, flag):
    limits = np.array([limits_of(quantity, bounds)])
    assert evaluate(np.array([value]), limits, np.array([given], np.uint8)).tolist() == [flag]
