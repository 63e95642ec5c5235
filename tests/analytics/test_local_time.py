"""Array clock against zoneinfo, Norwegian holidays against the calendar."""

from datetime import date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.local_time import day_number, holidays, local_seconds, week_number, weekday
from core.timekeeping import OSLO


@given(st.floats(0.0, 2.5e9))
def test_offset_is_zoneinfos(t):
    moment = datetime.fromtimestamp(t, OSLO)
    assert local_seconds(np.array([t]))[0] - t == pytest.approx(moment.utcoffset().total_seconds(), abs=1e-3)


@pytest.mark.parametrize(
    "when", ["2026-03-29T00:59:59+00:00", "2026-03-29T01:00:00+00:00", "2026-10-25T00:59:59+00:00", "2026-10-25T01:00:00+00:00"]
)
def test_clock_changes_to_the_second(when):
    moment = datetime.fromisoformat(when)
    t = moment.timestamp()
    assert local_seconds(np.array([t]))[0] - t == moment.astimezone(OSLO).utcoffset().total_seconds()


def test_weekdays_and_holidays():
    days = np.array([(date(2026, 5, d) - date(1970, 1, 1)).days for d in (14, 15, 16, 17, 18, 25)])
    assert weekday(days).tolist() == [6, 4, 5, 6, 0, 6]  # Ascension Day, Friday, Saturday, Constitution Day, Monday, Whit Monday
    free = {date.fromordinal(date(1970, 1, 1).toordinal() + d) for d in holidays(2026)}
    assert {date(2026, 4, 2), date(2026, 4, 3), date(2026, 4, 5), date(2026, 4, 6), date(2026, 12, 25)} <= free
    assert len(free) == 12


def test_weeks_begin_on_monday():
    t = np.array([datetime(2026, 1, 4, 23, tzinfo=OSLO).timestamp(), datetime(2026, 1, 5, 0, tzinfo=OSLO).timestamp()])
    assert np.diff(week_number(local_seconds(t))).tolist() == [1]
    assert np.diff(day_number(local_seconds(t))).tolist() == [1]
