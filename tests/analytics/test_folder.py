"""Data folders, evaluation, alarms by cause, the commands: from files to files."""

import json

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

import analytics.commands
from analytics.analyse_folder import analyse_folder, events_of
from analytics.catalogue_page import page
from analytics.causes import causes
from analytics.evaluate import evaluate, happenings
from analytics.folder import open_folder
from analytics.picture import timeline
from core.errors import ConfigError
from core.model import Event
from core.timekeeping import iso, unix
from core.town import as_data
from tests.analytics.makers import DAY, T0, small_town
from tests.analytics.test_scan import story
from tests.test_architecture import ROOT


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The story of test_scan as a utility would hand it in."""
    path = tmp_path_factory.mktemp("town")
    t, p1, p2, level = story()
    (path / "town.yaml").write_text(yaml.safe_dump(as_data(small_town())))
    with (path / "readings.csv").open("w") as out:
        out.write("sensor,quantity,time,value\n")
        for name, quantity, x in (("p1", "pressure_bar", p1), ("p2", "pressure_bar", p2), ("l1", "level_m", level)):
            out.writelines(f"{name},{quantity},{iso(a)},{b:.4f}\n" for a, b in zip(t[::3], x[::3], strict=True))
    truth = {
        "events": [
            {
                "kind": "overflow",
                "start": iso(T0 + d * DAY),
                "end": iso(T0 + d * DAY + h * 3600),
                "asset": "cso1",
                "zone": "sewer",
                "volume_m3": v,
            }
            for d, h, v in ((12, 3, 2316.0), (33, 1, 772.0))
        ],
        "leaks": [
            {
                "pipe": "p",
                "node": "n",
                "zone": "z1",
                "start": iso(T0 + 30 * DAY + 36_000),
                "end": iso(T0 + 31 * DAY + 36_000),
                "flow_m3h": 9,
                "kind": "burst",
            }
        ],
        "sensor_faults": [],
    }
    (path / "truth.json").write_text(json.dumps(truth))
    return path


def test_events_json_has_the_shape_others_read(folder):
    analyse_folder(folder)
    events = json.loads((folder / "events.json").read_text())
    needed = {
        "id",
        "kind",
        "detector",
        "sensors",
        "zone",
        "start",
        "end",
        "onset",
        "onset_uncertainty_s",
        "score",
        "threshold",
        "completeness",
        "revision",
        "method_version",
    }
    assert all(needed <= set(e) for e in events)
    overflow = [e for e in events if e["kind"] == "overflow"]
    assert [unix(e["start"]) for e in overflow] == pytest.approx([T0 + 12 * DAY, T0 + 33 * DAY], abs=900)
    assert all(e["volume_m3"] > 0 for e in overflow)
    assert len({e["id"] for e in events}) == len(events)


def test_evaluation_finds_what_is_true(folder):
    data = open_folder(folder)
    result = evaluate(data, events_of(data))
    scores = {s.kind: s for s in result.scores}
    assert (scores["overflow"].recall, scores["overflow"].precision) == (1.0, 1.0)
    assert abs(scores["overflow"].hours_bias) < 0.1
    assert abs(scores["overflow"].volume_bias) < 0.1
    assert scores["overflow"].blocks_true == scores["overflow"].blocks_found == 2
    assert (scores["burst"].true, scores["burst"].found) == (1, 1)
    assert scores["burst"].delay_median_h <= 2
    assert result.weeks == pytest.approx(40 / 7, abs=0.1)
    assert result.false_alarms <= 1


def test_evaluation_counts_what_is_not_there(folder):
    data = open_folder(folder)
    at = T0 + 20 * DAY
    made_up = [
        Event(
            f"e{i}",
            "overflow",
            "overflow_level",
            ("l1",),
            "sewer",
            "cso1",
            at + i * DAY,
            at + i * DAY + 60,
            at + i * DAY,
            0.0,
            1.0,
            0.1,
            1.0,
            severity="major",
        )
        for i in range(3)
    ]
    result = evaluate(data, made_up)
    (score,) = (s for s in result.scores if s.kind == "overflow")
    assert (score.found, score.right, score.precision) == (0, 0, 0.0)
    assert result.false_alarms == 3
    assert len(happenings(data.truth)) == 3


def test_a_picture_of_it(folder):
    data = open_folder(folder)
    svg = timeline(data, events_of(data))
    assert svg.startswith("<svg")
    assert svg.count("<rect") > 4


def test_the_commands(folder):
    run = CliRunner().invoke
    done = run(analytics.commands.app, ["analyse", str(folder), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["kinds"]["overflow"] == 2
    assert "overflow" in run(analytics.commands.app, ["analyse", str(folder)]).output
    done = run(analytics.commands.app, ["evaluate", str(folder), "--json", "--picture", str(folder / "p.svg")])
    assert json.loads(done.output)["scores"][0]["kind"] == "overflow"
    assert (folder / "p.svg").exists()
    assert "false" in run(analytics.commands.app, ["evaluate", str(folder)]).output


def test_what_is_wrong_with_a_folder_is_said(tmp_path):
    with pytest.raises(ConfigError, match="no such folder"):
        open_folder(tmp_path / "none")
    with pytest.raises(ConfigError, match=r"readings\.parquet nor readings\.csv"):
        open_folder(tmp_path)
    (tmp_path / "readings.csv").write_text("sensor,when\na,1\n")
    with pytest.raises(ConfigError, match="no column quantity, time, value"):
        open_folder(tmp_path)


def test_a_folder_of_bare_readings_in_any_order_with_doubles(tmp_path):
    rows = [("a", "level_m", T0 + 60 * i, 0.1 * i) for i in (3, 1, 2, 1)] + [("b", "secrets", T0, 1.0)]
    (tmp_path / "readings.csv").write_text("sensor,quantity,time,value\n" + "".join(f"{s},{q},{t},{x}\n" for s, q, t, x in rows))
    data = open_folder(tmp_path)
    (sensor,) = data.town.sensors
    assert sensor.quantities == ("level_m",)
    series = data.store.read(["a"], "level_m", -np.inf, np.inf)["a"]
    assert (series.t - T0).tolist() == [60, 120, 180]


def test_times_without_a_zone_are_local(tmp_path):
    (tmp_path / "readings.csv").write_text("sensor,quantity,time,value\na,level_m,2026-07-01 12:00:00,1\na,level_m,2026-07-01 12:05:00,\n")
    data = open_folder(tmp_path)
    assert iso(data.start) == "2026-07-01T10:00:00Z"
    assert np.isnan(data.store.read(["a"], "level_m", 0, 9e9)["a"].x).tolist() == [False, True]


def event(kind, onset_h, sensors, zone="z1", severity="warning", end_h=None, **details):
    at = T0 + onset_h * 3600
    end = None if end_h is None else T0 + end_h * 3600
    return Event(
        f"{kind}{onset_h}{sensors[0]}",
        kind,
        kind,
        tuple(sensors),
        zone,
        None,
        at,
        end,
        at,
        0.0,
        5.0,
        4.0,
        1.0,
        severity=severity,
        details=details,
    )


def test_one_alarm_for_everything_a_burst_does():
    burst = event("burst", 10, ["q1"], severity="major", end_h=30)
    felt = [
        event("pressure_anomaly", 11, ["p1"], end_h=29),
        event("low_pressure", 12, ["p2"], end_h=20),
        event("pressure_anomaly", 25, ["p2"], end_h=29),
    ]
    (alarm,) = causes([*felt, burst], [], small_town())
    assert (alarm.kind, alarm.severity, len(alarm.events), alarm.events[0]) == ("burst", "major", 4, burst.id)
    assert alarm.started_at == burst.onset


def test_what_a_sick_sensor_says_is_its_own_alarm():
    sick = event("sensor_fault", 10, ["p1"], end_h=60)
    (alarm,) = causes([sick, event("pressure_anomaly", 12, ["p1"], end_h=20)], [], small_town())
    assert alarm.kind == "sensor_fault"


def test_sensors_that_fall_silent_together_are_one_alarm():
    silent = [event("silence", 10, [f"s{i}"], zone=None) for i in range(8)]
    (alarm,) = causes(silent, [], small_town())
    assert len(alarm.sensors) == 8
    assert len(causes(silent[:2], [], small_town())) == 2


def test_a_storm_is_one_alarm_per_catchment_and_information_is_none():
    wet = [event("overflow", 10 + i, [f"l{i}"], zone="sewer", severity="major", end_h=11 + i, weather="wet") for i in range(4)]
    assert len(causes(wet, [], small_town())) == 1
    assert causes([event("early_warning", 3, ["l1"], severity="info", end_h=4)], [], small_town()) == []


def test_the_page_of_detectors_is_current():
    assert (ROOT / "docs" / "detectors.md").read_text(encoding="utf-8") == page(), "python -m analytics.catalogue_page > docs/detectors.md"
