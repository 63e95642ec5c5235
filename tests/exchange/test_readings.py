"""Importing and exporting readings: every layout, every kind of bad row, and back again."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from core.errors import ConfigError
from core.exchange.layout import Layout, parse_layout
from core.exchange.readings import export_readings, import_readings
from core.model import Flag, Reading, Readings
from core.stores.memory import MemoryStore
from core.timekeeping import unix
from core.town import Sensor, Town, Utility

T0 = unix("2026-05-17T12:00:00Z")
OLD, NEW, LEVEL = "00000000000000a1", "00000000000000a2", "00000000000000b1"
TOWN = Town(
    utility=Utility(name="Gjøvik"),
    sensors=(
        Sensor(id="M1", dev_eui=OLD, quantities=("volume_m3",), valid_to=T0 + 3600),
        Sensor(id="M1", dev_eui=NEW, quantities=("volume_m3",), valid_from=T0 + 3600),
        Sensor(id="L1", dev_eui=LEVEL, quantities=("level_m",)),
    ),
)


def file(tmp_path, text, name="a.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def load(path, *options, store=None, **more):
    store = store or MemoryStore()
    report = import_readings(path, store, TOWN, parse_layout(options), **more)
    return store, report


def test_the_plain_form(tmp_path):
    text = "sensor,quantity,time,value\nL1,level_m,2026-05-17T12:00:00Z,1.5\nL1,level_m,2026-05-17T14:05:00+02:00,1.75\n"
    store, report = load(file(tmp_path, text))
    series = store.read([LEVEL], "level_m", 0, 1e12)[LEVEL]
    assert (series.t.tolist(), series.x.tolist()) == ([T0, T0 + 300], [1.5, 1.75])
    assert (report.rows, report.new, report.bad_count) == (2, 2, 0)
    assert (report.first, report.last) == (T0, T0 + 300)


def test_a_file_from_excel(tmp_path):
    text = "Tid;Måler;Verdi\r\n2026-05-17 14:00;L1;1,5\r\n\r\n17.05.2026;L1;2\r\n"
    path = file(tmp_path, text, encoding="cp1252")
    store, report = load(path, "time=Tid", "sensor=Måler", "value=Verdi", "quantity:level_m")
    series = store.read([LEVEL], "level_m", 0, 1e12)[LEVEL]
    assert (series.t.tolist(), series.x.tolist()) == ([T0], [1.5])
    assert [(b.line, b.why) for b in report.bad] == [(4, "'17.05.2026' is not an ISO 8601 time such as 2026-05-17T12:00:00Z")]


def test_a_wide_file(tmp_path):
    path = file(tmp_path, f"when,Level,Meter\n{T0},1.5,100\n{T0 + 60},,101\n")
    store, report = load(path, "time=when", "L1/level_m=Level", "M1/volume_m3=Meter")
    assert report.new == report.rows == 3
    assert store.read([OLD], "volume_m3", 0, 1e12)[OLD].x.tolist() == [100, 101]


def test_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    times = pa.array([int(T0 * 1e6), int((T0 + 60) * 1e6)], pa.timestamp("us", "UTC"))
    parquet.write_table(pa.table({"id": ["L1", "L1"], "time": times, "value": [1.5, float("nan")], "q": ["level_m"] * 2}), path)
    store, report = load(path, "sensor=id", "quantity=q")
    series = store.read([LEVEL], "level_m", 0, 1e12)[LEVEL]
    assert series.t.tolist() == [T0, T0 + 60]
    assert series.flag.tolist() == [Flag.NOT_EVALUATED, Flag.MISSING]
    assert report.new == 2


def test_history_lands_on_the_device_that_was_there(tmp_path):
    text = f"sensor,quantity,time,value\nM1,volume_m3,{T0},500\nM1,volume_m3,{T0 + 3600},3\n{NEW.upper()},volume_m3,{T0 + 7200},4\n"
    store, _ = load(file(tmp_path, text))
    assert store.read([OLD], "volume_m3", 0, 1e12)[OLD].x.tolist() == [500]
    assert store.read([NEW], "volume_m3", 0, 1e12)[NEW].x.tolist() == [3, 4]


def test_every_bad_row_is_named_by_line_and_the_others_are_taken(tmp_path):
    rows = [
        ("L1,level_m,yesterday,1", "'yesterday' is not an ISO 8601 time such as 2026-05-17T12:00:00Z"),
        (f"L1,level_m,{T0},high", "'high' is not a number"),
        (f"L1,level_m,{T0},inf", "'inf' is not a finite number"),
        (f"L9,level_m,{T0},1", "there is no sensor 'L9'"),
        (f"L1,depth,{T0},1", "there is no quantity 'depth'"),
        (f"L1,level_m,{T0},1,7", "'7' is not a quality flag: 1, 2, 3, 4 or 9"),
        ("L1,level_m", None),
        (f"L1,level_m,{T0},2.5,1", None),
    ]
    text = "sensor,quantity,time,value,flag\n" + "\n".join(row for row, _ in rows)
    store, report = load(file(tmp_path, text))
    assert [(b.line, b.why) for b in report.bad] == [(i + 2, why) for i, (_, why) in enumerate(rows) if why]
    assert report.bad_count == 6
    assert store.read([LEVEL], "level_m", 0, 1e12)[LEVEL].x.tolist() == [2.5]


def test_duplicates_are_named_and_the_last_stays(tmp_path):
    text = f"sensor,quantity,time,value\nL1,level_m,{T0},1\nL1,level_m,{T0},1\nL1,level_m,{T0},2\n"
    store, report = load(file(tmp_path, text))
    assert [(d.line, d.why) for d in report.duplicates] == [
        (3, "repeats line 2 (the same value)"),
        (4, "repeats line 3 (1 there, 2 here: the later stays)"),
    ]
    assert store.read([LEVEL], "level_m", 0, 1e12)[LEVEL].x.tolist() == [2.0]


def test_importing_again_changes_nothing(tmp_path):
    path = file(tmp_path, f"sensor,quantity,time,value\nL1,level_m,{T0},1\n")
    store, _ = load(path)
    _, again = load(path, store=store)
    assert (again.new, again.same) == (0, 1)


def test_out_of_bounds_is_kept_and_flagged(tmp_path):
    store, report = load(file(tmp_path, f"sensor,quantity,time,value\nL1,level_m,{T0},9999\n"))
    assert store.read([LEVEL], "level_m", 0, 1e12)[LEVEL].flag.tolist() == [Flag.FAIL]
    assert report.out_of_bounds == 1


def test_unknown_sensors_can_be_kept(tmp_path):
    store, report = load(file(tmp_path, f"sensor,quantity,time,value\nnew-one,level_m,{T0},1\n"), keep_unknown=True)
    assert (report.new, [c.sensor for c in store.coverage()]) == (1, ["new-one"])


def test_a_check_writes_nothing_and_progress_ends_at_one(tmp_path):
    path, seen = file(tmp_path, f"sensor,quantity,time,value\nL1,level_m,{T0},1\n"), []
    report = import_readings(path, None, TOWN, Layout(), progress=seen.append)
    assert (report.rows, report.new, seen[-1]) == (1, 0, 1.0)


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        ("a,b\n1,2\n", [], "no column 'sensor'; it has a, b"),
        ("a,b\n1,2\n", ["level=a"], "--map level=a: write"),
        ("a,b\n1,2\n", ["quantity:depth"], "no quantity 'depth'"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_as_a_whole(tmp_path, text, options, says):
    with pytest.raises(ConfigError, match=says):
        load(file(tmp_path, text), *options)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "nothing.csv")
    with pytest.raises(ConfigError, match=r"b\.parquet"):
        load(file(tmp_path, "no parquet", "b.parquet"))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(st.integers(0, 10**7), st.floats(-4, 190, allow_nan=False), min_size=1, max_size=30),
    st.sampled_from(["csv", "parquet"]),
)
def test_what_goes_out_comes_back(tmp_path, values, kind):
    store = MemoryStore()
    store.write(Readings.from_rows(Reading(LEVEL, "level_m", T0 + t, x, Flag.GOOD) for t, x in values.items()))
    store.write(Readings.from_rows([Reading(OLD, "volume_m3", T0, 5.0), Reading(NEW, "volume_m3", T0 + 3600, 6.0)]))
    path = tmp_path / f"out.{kind}"
    assert export_readings(store, TOWN, path, list(TOWN.current.values()), -np.inf, np.inf) == len(values) + 2
    back, report = load(path)
    assert report.bad_count == 0
    for sensor, quantity in ((LEVEL, "level_m"), (OLD, "volume_m3"), (NEW, "volume_m3")):
        before, after = (s.read([sensor], quantity, 0, 1e12)[sensor] for s in (store, back))
        assert (before.t.tolist(), before.x.tolist(), before.flag.tolist()) == (after.t.tolist(), after.x.tolist(), after.flag.tolist())
