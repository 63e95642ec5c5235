"""Counters unwrapped by hand-checked rules; roll-ups that are exact whatever arrives late."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.rollup import CounterRules, Exchange, Rollups, Step, bucket_volumes, series_volumes, unwrap
from core.model import Flag, Reading, Readings
from core.stores.memory import MemoryStore
from core.timekeeping import day_starts, unix

H = 3600.0
T0 = unix("2026-03-27T00:00")


def steps(values, rules=CounterRules(), hours=None, flag=None):  # noqa: B008
    t = T0 + H * (np.arange(float(len(values))) if hours is None else np.array(hours, float))
    flags = np.full(len(values), Flag.GOOD, np.uint8) if flag is None else np.array(flag, np.uint8)
    return unwrap(t, np.array(values, float), flags, rules)


@pytest.mark.parametrize(
    ("values", "rules", "used", "kinds"),
    [
        ([1, 1.5, 1.5, 3], {}, [0.5, 0, 1.5], [Step.NORMAL] * 3),
        ([5, 4.95, 5.2], {}, [-0.05, 0.25], [Step.REVERSE, Step.NORMAL]),
        ([9999.0, 9999.9, 0.4], {"digits": 4, "q4_m3h": 3.0}, [0.9, 0.5], [Step.NORMAL, Step.ROLLOVER]),
        ([9999.0, 9999.9, 0.4], {"digits": 5}, [0.9, np.nan], [Step.NORMAL, Step.RESET]),
        ([9500.0, 9500.5, 400.0], {"digits": 4, "q4_m3h": 3.0}, [0.5, np.nan], [Step.NORMAL, Step.RESET]),
        ([100, 100.5, 0.0, 0.5], {}, [0.5, np.nan, 0.5], [Step.NORMAL, Step.RESET, Step.NORMAL]),
        ([1, 2, 9, 10], {"q4_m3h": 3.125}, [1, np.nan, 1], [Step.NORMAL, Step.IMPLAUSIBLE, Step.NORMAL]),
    ],
)
def test_what_happens_between_two_readings(values, rules, used, kinds):
    found = steps(values, CounterRules(**rules))
    np.testing.assert_allclose(found.used_m3, used, atol=1e-9)
    assert found.kind.tolist() == kinds


def test_one_odd_reading_is_left_out():
    found = steps([10, 11, 0.2, 13, 99, 15])
    assert found.t.tolist() == [T0, T0 + H, T0 + 3 * H, T0 + 5 * H]
    assert found.used_m3.tolist() == [1, 2, 2]


def test_failed_and_missing_readings_take_no_part():
    found = steps([10, 500, np.nan, 13], flag=[1, 4, 9, 1])
    assert found.used_m3.tolist() == [3]


def test_an_exchange_with_both_indices_loses_nothing():
    rules = CounterRules(exchanges=(Exchange(T0 + 1.5 * H, closing_m3=502.5, opening_m3=0.5),))
    found = steps([500, 502, 1.0, 2.0], rules)
    assert found.used_m3.tolist() == [2, 0.5 + 0.5, 1]
    assert found.kind.tolist() == [Step.NORMAL, Step.EXCHANGE, Step.NORMAL]


def test_an_exchange_that_nobody_read_is_not_known_even_where_the_index_rises():
    found = steps([0.1, 0.2, 7.0, 7.5], CounterRules(exchanges=(Exchange(T0 + 1.5 * H),)))
    np.testing.assert_array_equal(found.used_m3, [7.0 - 7.0 + 0.1, np.nan, 0.5])
    assert found.kind[1] == Step.EXCHANGE


def test_volumes_by_hand():
    rules = CounterRules()
    found = steps([100, 101, 103, 106], rules, hours=[0, 1, 3, 4])
    v = bucket_volumes(found, T0 + H * np.arange(6.0), rules)
    assert v.volume_m3[:4].tolist() == [1, 1, 1, 3]
    assert np.isnan(v.volume_m3[4])
    assert v.coverage.tolist() == [1, 1, 1, 1, 0]
    assert v.estimated_m3.tolist() == [0, 1, 1, 0, 0]
    assert v.count.tolist() == [1, 1, 0, 1, 1]


def test_a_long_gap_covers_nothing():
    rules = CounterRules(max_gap_s=2 * H)
    v = bucket_volumes(steps([0, 1, 9, 10], rules, hours=[0, 1, 4, 5]), T0 + H * np.arange(6.0), rules)
    np.testing.assert_array_equal(v.volume_m3, [1, np.nan, np.nan, np.nan, 1])
    assert v.coverage.tolist() == [1, 0, 0, 0, 1]


def test_one_reading_or_none_is_no_volume():
    for values in ([], [5.0]):
        v = bucket_volumes(steps(values), T0 + H * np.arange(3.0), CounterRules())
        assert np.isnan(v.volume_m3).all()
        assert v.coverage.tolist() == [0, 0]


def test_local_days_follow_the_change_of_clocks():
    store = MemoryStore()
    store.write(Readings.of_series("m", "volume_m3", T0 + H * np.arange(120.0), np.arange(120.0)))
    v = Rollups(store).volumes("m", "volume_m3", "day", T0, T0 + 71 * H, CounterRules())
    assert v.volume_m3.tolist() == [24, 24, 23]
    b = Rollups(store).buckets(["m"], "volume_m3", "day", T0, T0 + 71 * H)["m"]
    assert b.count.tolist() == [24, 24, 23]


BOUNDARY = int((unix("2026-04-01T00:00") - T0) / 900)
SLOTS = st.one_of(st.integers(-40 * 96, 40 * 96), st.integers(BOUNDARY - 50, BOUNDARY + 50))
LATE = st.lists(st.lists(st.tuples(SLOTS, st.integers(0, 1000), st.sampled_from([1, 1, 1, 3, 4])), max_size=8), max_size=6)


@settings(max_examples=150, deadline=None)
@given(LATE, st.sampled_from(["15min", "hour", "day"]))
def test_rollups_are_exact_whatever_arrives_late(batches, level):
    """After any order of writes, what is kept equals what a fresh calculation over everything gives."""
    store, rules = MemoryStore(), CounterRules(q4_m3h=500.0, max_gap_s=24 * H)
    kept = Rollups(store)
    start, end = T0 - 20 * 24 * H, T0 + 20 * 24 * H
    for batch in batches:
        for asked in (kept.buckets, lambda s, q, lv, a, b: kept.volumes(s[0], q, lv, a, b, rules)):
            asked(["m"], "volume_m3", level, start, end)
        rows = [Reading("m", "volume_m3", T0 + 900.0 * slot, float(x), flag) for slot, x, flag in batch]
        kept.note(store.write(Readings.from_rows(rows)).touched)
    edges = np.array(day_starts(start, end)) if level == "day" else np.arange(start, end + 1, {"15min": 900, "hour": H}[level])
    fresh, mine = store.aggregate(["m"], "volume_m3", edges)["m"], kept.buckets(["m"], "volume_m3", level, edges[0], edges[-1])["m"]
    for name in ("start", "count", "minimum", "mean", "maximum", "first", "last"):
        np.testing.assert_array_equal(getattr(mine, name), getattr(fresh, name))
    everything = store.read(["m"], "volume_m3", 0, 1e12)["m"]
    exact, now = series_volumes(everything, edges, rules), kept.volumes("m", "volume_m3", level, edges[0], edges[-1], rules)
    for name in ("start", "volume_m3", "estimated_m3", "coverage", "count"):
        np.testing.assert_allclose(getattr(now, name), getattr(exact, name), rtol=1e-7, atol=1e-6)


def test_an_untouched_month_is_not_read_again():
    store = MemoryStore()
    store.write(Readings.of_series("m", "volume_m3", T0 + H * np.arange(2000.0), np.arange(2000.0)))
    kept = Rollups(store)
    before = kept.buckets(["m"], "volume_m3", "day", T0, T0 + 2000 * H)["m"]
    reads = []
    aggregate = store.aggregate
    store.aggregate = lambda s, q, e: reads.append((s, e[0])) or aggregate(s, q, e)
    kept.note(store.write(Readings.from_rows([Reading("m", "volume_m3", T0 + 1999.5 * H, 5000.0)])).touched)
    after = kept.buckets(["m"], "volume_m3", "day", T0, T0 + 2000 * H)["m"]
    assert [e for _, e in reads] == [unix("2026-06-01T00:00")]
    assert after.count.sum() == before.count.sum() + 1


def test_what_was_not_asked_for_longest_goes_first():
    store = MemoryStore()
    kept = Rollups(store, capacity=3)
    for sensor in "abcd":
        kept.buckets([sensor], "level_m", "day", T0, T0 + 1)
    assert len(kept._buckets) == 3
    assert all(key[0] != "a" for key in kept._buckets)
