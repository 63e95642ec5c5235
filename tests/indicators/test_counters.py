"""Volumes from indices and flows: gaps, edges, rollover, exchange, spikes; and the two days that are not 24 hours long."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.indicators import compute
from analytics.indicators.counters import Neighbour, by_day, counter_volumes, irregular, rate_volumes, unwrap
from core.model import Readings
from core.timekeeping import day_starts, period
from tests.indicators.town import END, HOUR, START, filled, index, measured, nothing, town

DAY = 86400.0
NONE = Neighbour(np.array([np.nan]), np.array([np.nan]))


def volumes(t, x, days=3, before=None, after=None, tolerance_h=3.0):
    edges = np.arange(days + 1) * DAY
    row = by_day(np.array(t, float) * HOUR, np.array(x, float), edges)
    sides = [Neighbour(np.array([s[0] * HOUR]), np.array([float(s[1])])) if s else NONE for s in (before, after)]
    return counter_volumes(row, *sides, np.array([tolerance_h * HOUR]))


def test_hourly_readings_give_each_day_its_own():
    t = np.arange(-1, 74)
    inside = (t >= 0) & (t < 72)
    found = volumes(t[inside], 2.0 * t[inside], before=(-1, -2), after=(72, 144))
    assert found.total[0] == pytest.approx([48, 48, 48])
    assert found.extrapolated[0] == pytest.approx([0, 0, 0])


def test_a_long_gap_is_shared_out_by_time_and_tagged():
    """36 m³ over the 36 hours from 12:00 on day 1 to 24:00 on day 2; day 3 is measured."""
    t = [0, 6, 12, *range(48, 72)]
    x = [0, 6, 12, *range(48, 72)]
    found = volumes(t, x, after=(72, 72), before=(-1, -1), tolerance_h=7)
    assert found.total[0] == pytest.approx([24, 24, 24])
    assert found.extrapolated[0] == pytest.approx([12, 24, 0])
    assert found.estimated[0] == pytest.approx([0, 0, 0])


def test_what_no_reading_follows_is_the_meters_own_rate_and_said_so():
    t = list(range(25))
    found = volumes(t, t, before=(-1, -1))
    assert found.total[0] == pytest.approx([24, 24, 24])
    assert found.estimated[0] == pytest.approx([0, 24, 24])


def test_a_silent_meter_has_no_volume_at_all():
    assert np.isnan(volumes([], []).total).all()


def test_a_flow_is_integrated_over_the_day_and_its_gaps_tagged():
    edges = np.arange(4) * DAY
    t = np.concatenate([np.arange(24), 24 + np.arange(12)]) * HOUR
    found = rate_volumes(by_day(t, np.full(len(t), 2.0), edges), np.array([HOUR]))
    assert found.total[0] == pytest.approx([48, 48, 48])
    assert found.extrapolated[0] == pytest.approx([0, 24, 0])
    assert found.estimated[0] == pytest.approx([0, 0, 48])


def test_unwrap_knows_rollover_exchange_backflow_and_spike():
    t = np.arange(5) * HOUR
    assert unwrap(t, np.array([99_996.0, 99_998.0, 1.0, 3.0, 5.0]))[0] - 99_996 == pytest.approx([0, 2, 5, 7, 9])
    rising, estimated = unwrap(t, np.array([500.0, 502.0, 7.0, 9.0, 11.0]))
    assert rising - 500 == pytest.approx([0, 2, 4, 6, 8])
    assert estimated == pytest.approx([0, 0, 2, 0, 0])
    assert unwrap(t, np.array([500.0, 500.2, 500.15, 500.3, 500.4]))[0][-1] == pytest.approx(500.4)
    assert unwrap(t, np.array([500.0, 502.0, 0.0, 506.0, 508.0]))[0][-1] == pytest.approx(508.0)
    assert unwrap(t[:1], np.array([3.0]))[0] == pytest.approx([3.0])


@given(st.lists(st.floats(0, 50), min_size=60, max_size=100), st.data())
def test_volumes_add_up_to_the_index_whatever_is_lost(steps, data):
    """Days sum to last − first over the window, however many readings between its edges are missing."""
    x = np.cumsum([0.0, *steps])
    t = np.arange(len(x)) * HOUR
    keep = np.array([True, *data.draw(st.lists(st.booleans(), min_size=len(x) - 2, max_size=len(x) - 2)), True])
    edges = np.array([t[0], *np.sort(t[[len(t) // 3, 2 * len(t) // 3]]) + 100.0, t[-1]])
    inside = keep & (t < edges[-1])
    row = by_day(t[inside], x[inside], edges)
    after = Neighbour(t[-1:], x[-1:])
    assert not irregular(row, NONE, after)[0]
    found = counter_volumes(row, NONE, after, np.array([3 * HOUR]))
    assert np.nansum(found.total) == pytest.approx(x[-1] - x[0], abs=1e-6)
    assert (found.extrapolated <= found.total + 1e-6).all()


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-05-17", 24)])
def test_days_of_23_and_25_hours(day, hours):
    start, end = period(day)
    assert (end - start) / HOUR == hours
    parts = [index("d-inA", 10.0, start, end), index("d-inB", 4.0, start, end)]
    parts += [index(f"d-m{z}{i}", 0.5, start, end) for z in "AB" for i in range(5)]
    found = compute(filled(parts), town(), start, end, events=(), master=nothing, now=end + DAY, keys=["W01", "W02", "X01"], zones=["A"])
    leak, per_connection, complete = found
    assert leak.denominator == pytest.approx(6 * hours)
    assert per_connection.value == pytest.approx(3.5 * hours * 1000 / 5)
    assert (complete.denominator, complete.numerator) == (7 * hours, 6 * hours)


def test_the_night_without_two_oclock_still_has_a_lowest_hour():
    start, end = period("2026-03-29")
    parts = [index("d-inA", 10.0, start, end), index("d-inB", 4.0, start, end)]
    (value,) = compute(filled(parts), town(), start, end, events=(), master=nothing, now=end + DAY, keys=["W05"], zones=["B"])
    assert value.numerator == pytest.approx(4.0 / 3.6)


def test_months_add_up_to_the_year_over_its_boundaries():
    start, end = period("2025")
    parts = [index("d-inA", 10.0, start - 40 * DAY, end + 40 * DAY), index("d-inB", 4.0, start - 40 * DAY, end + 40 * DAY)]
    parts += [index(f"d-m{z}{i}", 0.5, start - 40 * DAY, end + 40 * DAY) for z in "AB" for i in range(5)]
    store = filled(parts)

    def balance(name):
        return compute(store, town(), *period(name), events=(), master=nothing, now=end + 50 * DAY, keys=["W01"], zones=["town"])[0]

    months = [balance(f"2025-{m:02}") for m in range(1, 13)]
    year = balance("2025")
    assert sum(m.numerator for m in months) == pytest.approx(year.numerator)
    assert sum(m.denominator for m in months) == pytest.approx(year.denominator) == pytest.approx(10 * 8760)
    assert len(day_starts(start, end)) == 366


def test_a_device_swapped_in_the_middle_is_one_point():
    """The new meter starts at 3 m³; neither the jump nor the old index is counted."""
    swap = START + 300 * HOUR
    data = town().model_dump()
    old = next(s for s in data["sensors"] if s["id"] == "s-mA0")
    data["sensors"] = [s for s in data["sensors"] if s is not old] + [
        old | {"valid_to": swap},
        old | {"dev_eui": "new", "valid_from": swap},
    ]
    parts = [p for p in measured() if p.sensor[0] != "d-mA0"]
    parts += [index("d-mA0", 0.5, end=swap), index("new", 0.5, start=swap, at=3.0)]
    (value,) = compute(filled(parts), town(sensors=data["sensors"]), START, END, events=(), master=nothing, now=END + DAY,
                       keys=["W01"], zones=["A"])  # fmt: skip
    assert value.value == pytest.approx(100 * 3.5 / 6, rel=1e-6)


def test_a_rolled_over_index_counts_on():
    hours = np.arange(START - HOUR, END + 2 * HOUR, HOUR)
    x = (99_800.0 + 0.5 * np.arange(len(hours))) % 100_000.0
    parts = [p for p in measured() if p.sensor[0] != "d-mA0"] + [Readings.of_series("d-mA0", "volume_m3", hours, x)]
    (value,) = compute(filled(parts), town(), START, END, events=(), master=nothing, now=END + DAY, keys=["W01"], zones=["A"])
    assert value.value == pytest.approx(100 * 3.5 / 6, rel=1e-6)
