"""ISO 8601 at the edges, and local days of 23, 24 and 25 hours."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.timekeeping import day_starts, iso, period, unix


def hours(name):
    start, end = period(name)
    return (end - start) / 3600


def test_days_around_the_change_of_the_clock():
    assert hours("2026-03-29") == 23
    assert hours("2026-10-25") == 25
    assert hours("2026-05-17") == 24


def test_months_and_years_are_local():
    start, end = period("2026-12")
    assert iso(start) == "2026-11-30T23:00:00Z"
    assert iso(end) == "2026-12-31T23:00:00Z"
    assert hours("2024") == 8784


@pytest.mark.parametrize("name", ["", "2026-13", "2026-02-30", "2026-05-17T00", "may"])
def test_what_is_no_period_is_refused(name):
    with pytest.raises(ValueError, match="is not a period"):
        period(name)


def test_local_days_cover_an_interval():
    start, end = unix("2026-10-24T10:00:00Z"), unix("2026-10-26T10:00:00Z")
    assert [iso(t) for t in day_starts(start, end)] == [
        "2026-10-23T22:00:00Z",
        "2026-10-24T22:00:00Z",
        "2026-10-25T23:00:00Z",
        "2026-10-26T23:00:00Z",
    ]


def test_a_time_without_a_zone_is_local_to_oslo():
    assert unix("2026-07-01T12:00:00") == unix("2026-07-01T10:00:00Z")
    assert unix(datetime(2026, 7, 1, 10, tzinfo=UTC)) == unix("2026-07-01T10:00:00Z")
    with pytest.raises(ValueError, match="not an ISO 8601 time"):
        unix("yesterday")


@given(st.integers(0, 4_000_000_000_000))
def test_iso_and_unix_are_inverse_to_the_millisecond(ms):
    assert unix(iso(ms / 1000)) == pytest.approx(ms / 1000, abs=1e-6)
