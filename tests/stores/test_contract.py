"""What every time-series store must do, whichever it is."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import StoreRejected
from core.model import Flag, Reading, Readings, TimeOrigin, concatenate
from core.store import Touched
from core.stores.memory import MemoryStore
from core.timekeeping import day_starts, unix

T0 = 1_780_000_000.0


def batch(*rows):
    return Readings.from_rows(Reading(*row) for row in rows)


def after(t):
    return float(np.nextafter(t, np.inf))


def test_what_is_written_is_read_back_ordered_with_flag_and_uplink(store):
    written = store.write(batch(("a", "level_m", T0 + 600, 2.5, Flag.GOOD, 7), ("a", "level_m", T0, 1.5, Flag.SUSPECT, 6)))
    assert (written.new, written.changed, written.same) == (2, 0, 0)
    series = store.read(["a"], "level_m", T0, T0 + 601)["a"]
    assert (series.sensor, series.quantity) == ("a", "level_m")
    assert series.t.tolist() == [T0, T0 + 600]
    assert series.x.tolist() == [1.5, 2.5]
    assert series.flag.tolist() == [Flag.SUSPECT, Flag.GOOD]
    assert series.uplink.tolist() == [6, 7]
    assert (series.t.dtype, series.x.dtype, series.flag.dtype) == (np.float64, np.float64, np.uint8)


def test_ranges_are_half_open(store):
    store.write(batch(*(("a", "level_m", T0 + i, float(i)) for i in range(5))))
    assert store.read(["a"], "level_m", T0 + 1, T0 + 3)["a"].x.tolist() == [1.0, 2.0]


def test_every_asked_sensor_is_in_the_answer(store):
    store.write(batch(("a", "level_m", T0, 1.0)))
    found = store.read(["b", "a"], "level_m", T0, T0 + 1)
    assert set(found) == {"a", "b"}
    assert len(found["b"]) == 0
    assert store.read([], "level_m", T0, T0 + 1) == {}
    assert len(store.read(["a"], "flow_m3h", T0, T0 + 1)["a"]) == 0


def test_writing_again_changes_nothing(store):
    rows = batch(("a", "level_m", T0, 1.0), ("a", "level_m", T0 + 60, np.nan, Flag.MISSING), ("b", "flow_m3h", T0, 3.0))
    first = store.write(rows)
    again = store.write(rows)
    assert (first.new, first.changed, first.same) == (3, 0, 0)
    assert (again.new, again.changed, again.same, again.touched) == (0, 0, 3, ())
    assert sum(c.rows for c in store.coverage()) == 3


def test_the_last_written_value_stays(store):
    store.write(batch(("a", "level_m", T0, 1.0), ("a", "level_m", T0 + 60, 2.0), ("a", "level_m", T0 + 120, 3.0)))
    written = store.write(batch(("a", "level_m", T0 + 60, 9.0), ("a", "level_m", T0 + 120, 3.0, Flag.FAIL), ("a", "level_m", T0, 1.0)))
    assert (written.new, written.changed, written.same) == (0, 2, 1)
    assert written.touched == (Touched("a", "level_m", T0 + 60, after(T0 + 120)),)
    series = store.read(["a"], "level_m", T0, T0 + 999)["a"]
    assert series.x.tolist() == [1.0, 9.0, 3.0]
    assert series.flag.tolist() == [2, 2, 4]


def test_of_two_values_in_one_batch_the_last_stays(store):
    written = store.write(batch(("a", "level_m", T0, 1.0), ("b", "level_m", T0, 5.0), ("a", "level_m", T0, 2.0)))
    assert (written.new, written.same) == (2, 1)
    assert store.read(["a"], "level_m", T0, T0 + 1)["a"].x.tolist() == [2.0]


def test_touched_windows_hold_new_and_changed_rows_only(store):
    store.write(batch(("a", "level_m", T0, 1.0), ("b", "level_m", T0, 1.0)))
    written = store.write(
        batch(("a", "level_m", T0, 1.0), ("a", "level_m", T0 + 60, 2.0), ("b", "level_m", T0, 1.0), ("b", "flow_m3h", T0, 1.0))
    )
    assert set(written.touched) == {Touched("a", "level_m", T0 + 60, after(T0 + 60)), Touched("b", "flow_m3h", T0, after(T0))}


def test_a_late_row_does_not_touch_the_time_between(store):
    year = 365 * 86_400.0
    written = store.write(batch(("a", "level_m", T0, 1.0), ("a", "level_m", T0 + year, 2.0)))
    assert [(w.start, w.end) for w in written.touched] == [(T0, after(T0)), (T0 + year, after(T0 + year))]


def test_latest_is_the_newest_by_time_not_by_arrival(store):
    store.write(
        batch(("a", "level_m", T0 + 60, 2.0, Flag.GOOD, 5, TimeOrigin.PAYLOAD), ("a", "battery_v", T0, 3.6), ("b", "level_m", T0, 1.0))
    )
    store.write(batch(("a", "level_m", T0, 1.0)))
    newest = {(r.sensor, r.quantity): r for r in store.latest()}
    assert newest["a", "level_m"] == Reading("a", "level_m", T0 + 60, 2.0, Flag.GOOD, 5, TimeOrigin.PAYLOAD)
    assert set(newest) == {("a", "level_m"), ("a", "battery_v"), ("b", "level_m")}
    assert {(r.sensor, r.quantity) for r in store.latest(["a"])} == {("a", "level_m"), ("a", "battery_v")}
    assert {(r.sensor, r.quantity) for r in store.latest(None, "level_m")} == {("a", "level_m"), ("b", "level_m")}
    store.write(batch(("a", "level_m", T0 + 60, 2.75)))
    assert store.latest(["a"], "level_m")[0].value == 2.75
    assert store.latest(["nobody"]) == []


def test_aggregates_by_hand(store):
    rows = [(0, 1.0, 2), (10, 3.0, 1), (19.5, 8.0, 3), (20, 100.0, 4), (25, np.nan, 9), (41, 7.0, 2), (60, 5.0, 2)]
    store.write(batch(*(("a", "flow_m3h", T0 + t, x, flag) for t, x, flag in rows)))
    found = store.aggregate(["a", "b"], "flow_m3h", T0 + np.array([0.0, 20.0, 40.0, 60.0]))
    a = found["a"]
    assert a.start.tolist() == [T0, T0 + 20, T0 + 40]
    assert a.count.tolist() == [3, 0, 1]
    np.testing.assert_array_equal(a.minimum, [1, np.nan, 7])
    np.testing.assert_array_equal(a.mean, [4, np.nan, 7])
    np.testing.assert_array_equal(a.maximum, [8, np.nan, 7])
    np.testing.assert_array_equal(a.first, [1, np.nan, 7])
    np.testing.assert_array_equal(a.last, [8, np.nan, 7])
    np.testing.assert_array_equal(a.first_t, [T0, np.nan, T0 + 41])
    np.testing.assert_array_equal(a.last_t, [T0 + 19.5, np.nan, T0 + 41])
    assert found["b"].count.tolist() == [0, 0, 0]
    assert np.isnan(found["b"].mean).all()


def test_irregular_edges(store):
    store.write(batch(*(("a", "flow_m3h", T0 + 3600.0 * h, float(h)) for h in range(49))))
    edges = T0 + 3600.0 * np.array([0, 23, 48])
    a = store.aggregate(["a"], "flow_m3h", edges)["a"]
    assert a.count.tolist() == [23, 25]
    assert a.last.tolist() == [22.0, 47.0]


def test_coverage(store):
    store.write(batch(("a", "level_m", T0, 1.0), ("a", "level_m", T0 + 60, 2.0), ("b", "rain_mm", T0 + 5, 0.2)))
    store.write(batch(("a", "level_m", T0 - 60, 2.0)))
    found = {(c.sensor, c.quantity): (c.first, c.last, c.rows) for c in store.coverage()}
    assert found == {("a", "level_m"): (T0 - 60, T0 + 60, 3), ("b", "rain_mm"): (T0 + 5, T0 + 5, 1)}
    assert [c.sensor for c in store.coverage(["b"])] == ["b"]


def fill(store):
    store.write(batch(*((s, q, T0 + 60 * i, float(i)) for s in "ab" for q in ("level_m", "battery_v") for i in range(10))))


@pytest.mark.parametrize(
    ("conditions", "count"),
    [
        ({"sensors": ["a"]}, 20),
        ({"quantities": ["battery_v"]}, 20),
        ({"before": T0 + 60 * 4}, 16),
        ({"sensors": ["b"], "quantities": ["level_m"], "before": T0 + 60}, 1),
        ({"sensors": ["nobody"]}, 0),
        ({"sensors": []}, 0),
    ],
)
def test_delete_counts_first_and_then_removes(store, conditions, count):
    fill(store)
    assert store.delete(**conditions, dry_run=True) == count
    assert sum(c.rows for c in store.coverage()) == 40
    assert store.delete(**conditions) == count
    assert sum(c.rows for c in store.coverage()) == 40 - count
    assert store.delete(**conditions, dry_run=True) == 0


def test_after_a_delete_older_rows_are_the_latest_and_rows_can_come_back(store):
    fill(store)
    store.delete(sensors=["a"], quantities=["level_m"])
    assert {r.quantity for r in store.latest(["a"])} == {"battery_v"}
    assert len(store.read(["a"], "level_m", T0, T0 + 999)["a"]) == 0
    assert store.write(batch(("a", "level_m", T0, 4.0))).new == 1
    assert store.latest(["a"], "level_m")[0].value == 4.0


def test_delete_without_a_condition_is_refused(store):
    with pytest.raises(StoreRejected, match="at least one condition"):
        store.delete()


def test_rows_no_store_takes_are_named_and_the_others_stored(store):
    rows = batch(
        ("a", "level_m", T0, 1.0), ("a", "level_m", np.nan, 1.0), ("a", "level_m", T0 + 1, np.inf),
        ("a", "no_such_thing", T0, 1.0), ("", "level_m", T0, 1.0), ("a", "level_m", T0 + 2, 2.0),
    )  # fmt: skip
    with pytest.raises(StoreRejected) as refusal:
        store.write(rows)
    assert refusal.value.rows == (1, 2, 3, 4)
    assert refusal.value.written.new == 2
    assert store.read(["a"], "level_m", T0, T0 + 9)["a"].x.tolist() == [1.0, 2.0]


def test_an_empty_batch_is_nothing(store):
    assert store.write(batch()).new == 0
    assert store.latest() == []
    assert store.coverage() == []
    assert store.size()["rows"] == 0


def test_times_keep_their_fraction(store):
    times = [T0 + 0.125, T0 + 0.123456, T0 + 1 / 3, 0.0, -86_400.5]
    store.write(batch(*(("a", "level_m", t, 1.0) for t in times)))
    assert store.read(["a"], "level_m", -1e9, T0 + 1)["a"].t.tolist() == sorted(times)
    assert store.write(batch(*(("a", "level_m", t, 1.0) for t in times))).same == 5


def test_names_with_unusual_characters(store):
    names = ["a b", "a,b=c", 'quo"te', "o'neill", "brønn/42", "back\\slash", "line\nbreak"]
    store.write(batch(*((n, "level_m", T0, float(i)) for i, n in enumerate(names))))
    found = store.read(names, "level_m", T0, T0 + 1)
    assert [found[n].x.tolist() for n in names] == [[float(i)] for i in range(len(names))]


def test_size_counts_rows(store):
    fill(store)
    assert store.size()["rows"] == 40
    assert not store.size()["bytes"] < 0  # NaN where the store cannot tell


ROWS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["level_m", "rain_mm"]), st.integers(0, 6).map(lambda i: T0 + 60.0 * i),
              st.sampled_from([0.0, 1.0, 2.0, np.nan]), st.sampled_from([1, 2, 4])), max_size=12)  # fmt: skip


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROWS, max_size=4))
def test_any_sequence_of_writes_leaves_what_the_last_words_say(store, batches):
    store.delete(before=np.inf)
    truth = {}
    for rows in batches:
        before = dict(truth)
        written = store.write(batch(*rows))
        for s, q, t, x, f in rows:
            truth[s, q, t] = (x, f)
        assert written.new == len(truth) - len(before)
        assert written.new + written.changed + written.same == len(rows)
        differs = [key for key in truth if key not in before or repr(before[key]) != repr(truth[key])]
        assert all(any((w.sensor, w.quantity) == key[:2] and w.start <= key[2] < w.end for w in written.touched) for key in differs)
        assert {(w.sensor, w.quantity) for w in written.touched} == {key[:2] for key in differs}
    for q in ("level_m", "rain_mm"):
        for s, series in store.read(list("abc"), q, T0, T0 + 999).items():
            expected = sorted((t, repr(v[0]), v[1]) for (a, b, t), v in truth.items() if (a, b) == (s, q))
            assert [(t, repr(x), f) for t, x, f in zip(series.t.tolist(), series.x.tolist(), series.flag.tolist(), strict=True)] == expected


def test_adapters_aggregate_alike(store):
    rng = np.random.default_rng(5)
    parts = []
    for s in ("a", "b", "c"):
        t = T0 + np.sort(rng.choice(86_400, 3000, replace=False)).astype(float)
        parts.append(Readings.of_series(s, "flow_m3h", t, np.where(rng.random(3000) < 0.05, np.nan, rng.normal(20, 3, 3000))))
    reference = MemoryStore()
    for one in (store, reference):
        one.write(concatenate(parts))
    edges = T0 + np.sort(rng.uniform(0, 86_400, 30))
    mine, theirs = store.aggregate(["a", "b", "c"], "flow_m3h", edges), reference.aggregate(["a", "b", "c"], "flow_m3h", edges)
    for s in mine:
        np.testing.assert_array_equal(mine[s].count, theirs[s].count)
        for column in ("minimum", "mean", "maximum", "first", "last", "first_t", "last_t"):
            np.testing.assert_allclose(getattr(mine[s], column), getattr(theirs[s], column), rtol=1e-12)


def test_local_days_across_the_change_of_clocks(store):
    midnights = np.array(day_starts(unix("2026-03-27T12:00"), unix("2026-03-31T00:00")))
    assert set(np.diff(midnights)) == {86_400, 82_800}
    store.write(batch(*(("a", "flow_m3h", midnights[0] + 3600.0 * h, float(h)) for h in range(95))))
    a = store.aggregate(["a"], "flow_m3h", midnights)["a"]
    assert a.count.tolist() == [24, 24, 23, 24]
    assert a.first.tolist() == [0, 24, 48, 71]
    assert a.last_t.tolist() == (midnights[1:] - 3600).tolist()


def test_compacting_changes_nothing(store):
    for shift in (600, 0, 300):
        store.write(batch(*((s, "level_m", T0 + shift + 86_400.0 * i, float(i + shift)) for s in "ba" for i in range(80))))
    before = store.read(["a", "b"], "level_m", 0, 1e12)
    latest, coverage = sorted(store.latest()), sorted(map(str, store.coverage()))
    store.compact()
    after = store.read(["a", "b"], "level_m", 0, 1e12)
    for s in "ab":
        assert (after[s].t.tolist(), after[s].x.tolist()) == (before[s].t.tolist(), before[s].x.tolist())
    assert (sorted(store.latest()), sorted(map(str, store.coverage()))) == (latest, coverage)
    assert store.write(batch(("a", "level_m", T0, 0.0))).same == 1


def test_whole_rows_come_out_and_go_in_again(store):
    rows = batch(
        ("a", "level_m", T0, 1.5, Flag.GOOD, 7, TimeOrigin.PAYLOAD), ("b", "level_m", T0 + 1, np.nan, Flag.MISSING, 8, TimeOrigin.SERVER)
    )
    store.write(rows)
    out = store.rows(["b", "a", "c"], "level_m", T0, T0 + 9)
    assert sorted(zip(out.sensor, out.t, out.uplink, out.flag, out.origin, strict=True)) == [("a", T0, 7, 1, 1), ("b", T0 + 1, 8, 9, 3)]
    assert store.write(out).same == 2
    again = MemoryStore()
    again.write(out)
    assert again.rows(["a"], "level_m", T0, T0 + 9).origin.tolist() == [1]
    assert len(store.rows([], "level_m", 0, 1e12)) == len(store.rows(["c"], "level_m", 0, 1e12)) == 0


def test_a_few_among_many_sensors(store):
    store.write(batch(*((f"s{i}", q, T0 + i, float(i)) for i in range(60) for q in ("level_m", "battery_v"))))
    assert sorted((r.sensor, r.quantity, r.value) for r in store.latest(["s7", "s7", "nobody"])) == [
        ("s7", "battery_v", 7.0),
        ("s7", "level_m", 7.0),
    ]
    assert [r.value for r in store.latest(["s9"], "level_m")] == [9.0]
    assert {(c.sensor, c.quantity) for c in store.coverage(["s3"])} == {("s3", "level_m"), ("s3", "battery_v")}
    assert store.delete(sensors=["s3", "s4"], quantities=["level_m"]) == 2
