"""The published vectors of the 12/24 block count, and merging by gap."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.counting import block_count, merged

H = 3600.0


@pytest.mark.parametrize(
    ("hours", "blocks"),
    [
        ([(0, 1), (13, 13.5), (40, 41), (100, 101)], 4),
        ([(0, 11), (11.5, 12.5)], 2),
        ([(0, 365 * 24)], 366),
        ([(0, 0.25)], 1),
        ([(0, 37)], 3),
        ([], 0),
        ([(0, 12)], 1),
        ([(0, 1), (36, 37)], 2),
    ],
)
def test_published_vectors(hours, blocks):
    assert block_count([(a * H, b * H) for a, b in hours]) == blocks


intervals = st.lists(st.tuples(st.floats(0, 1e6), st.floats(1, 1e5)).map(lambda p: (p[0], p[0] + p[1])), max_size=12)


@given(intervals)
def test_order_and_doubles_do_not_matter(parts):
    assert block_count(parts) == block_count(list(reversed(parts)) + parts)


@given(intervals)
def test_at_most_one_block_per_discharge_and_day(parts):
    joined = merged(parts)
    count = block_count(parts)
    assert (count == 0) == (not parts)
    assert count <= sum(1 + (b - a) // (24 * H) + 1 for a, b in joined)


def test_merging_by_gap():
    assert merged([(10, 20), (0, 5), (22, 30)], 2) == [(0, 5), (10, 30)]
    assert merged([(0, 10), (2, 3)]) == [(0, 10)]
