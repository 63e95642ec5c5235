"""Event lists in and out."""

import pytest

from core.errors import ConfigError
from core.exchange.events import parse_roles, read_events, write_events
from core.timekeeping import unix
from core.town import Asset, Sensor, Town, Utility, Zone

TOWN = Town(
    utility=Utility(name="Gjøvik"), zones=(Zone(id="south"),), assets=(Asset(id="weir-1", zone="south"), Asset(id="weir-2", zone="south")),
    sensors=(Sensor(id="L1", dev_eui="00000000000000b1", asset="weir-1", quantities=("level_m",)),),
)  # fmt: skip
EDM = """Site;Start time;Stop time;Vol
weir-1;2026-05-17T12:00:00Z;2026-05-17T13:30:00Z;12,5
weir-2;2026-05-18T00:00:00Z;;
L1;2026-05-19T00:00:00Z;2026-05-18T00:00:00Z;
nowhere;2026-05-19T00:00:00Z;2026-05-20T00:00:00Z;
"""
ROLES = ["place=Site", "start=Start time", "end=Stop time", "volume_m3=Vol"]


def test_a_list_from_event_duration_monitoring(tmp_path):
    path = tmp_path / "edm.csv"
    path.write_text(EDM)
    read = read_events(path, TOWN, parse_roles(ROLES))
    first, lasting = read.events
    start = unix("2026-05-17T12:00:00Z")
    assert (first.kind, first.sensors, first.asset, first.zone, first.volume_m3) == ("overflow", ("L1",), "weir-1", "south", 12.5)
    assert (first.start, first.end) == (start, start + 5400)
    assert (lasting.end, lasting.sensors, lasting.asset) == (None, (), "weir-2")
    assert [(b.line, b.why) for b in read.bad] == [
        (4, "ends (2026-05-18T00:00:00Z) before it starts (2026-05-19T00:00:00Z)"),
        (5, "there is no sensor or asset 'nowhere'"),
    ]
    assert [e.id for e in read_events(path, TOWN, parse_roles(ROLES)).events] == [first.id, lasting.id]


def test_what_goes_out_comes_back(tmp_path):
    (tmp_path / "edm.csv").write_text(EDM)
    events = read_events(tmp_path / "edm.csv", TOWN, parse_roles(ROLES)).events[:1]
    write_events(events, tmp_path / "out.csv")
    (back,) = read_events(tmp_path / "out.csv", TOWN, parse_roles([])).events
    assert (back.start, back.end, back.volume_m3, back.sensors) == (events[0].start, events[0].end, 12.5, ("L1",))


def test_a_role_that_does_not_exist():
    with pytest.raises(ConfigError, match="--map site=Site"):
        parse_roles(["site=Site"])
