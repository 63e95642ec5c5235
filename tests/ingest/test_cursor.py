"""What is processed, and what is next, under any order of work."""

from contextlib import closing

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.cursor import Cursor

spans = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 6)).map(lambda s: (s[0], s[0] + s[1])), max_size=12)


@settings(deadline=None, max_examples=40)
@given(spans, st.integers(1, 10))
def test_it_says_what_a_set_of_numbers_says(tmp_path_factory, added, limit):
    path = tmp_path_factory.mktemp("cursor") / "cursor.db"
    done: set[int] = set()
    with closing(Cursor(path)) as cursor:
        for first, last in added:
            cursor.add(first, last)
            done |= set(range(first, last + 1))
    with closing(Cursor(path)) as cursor:
        missing = [n for n in range(1, 51) if n not in done]
        assert cursor.done == missing[0] - 1
        assert cursor.missing(50) == len(missing)
        first, last = cursor.next_gap(limit)
        assert first == missing[0]
        assert last - first < limit
        assert not done & set(range(first, last + 1))
        first, last = cursor.newest_gap(50, limit)
        assert last == 50
        assert not done & set(range(first, 51))


def test_a_gap_left_by_retention_is_passed(tmp_path):
    with closing(Cursor(tmp_path / "cursor.db")) as cursor:
        cursor.add(1, 99)
        cursor.add(100, 150)
        assert (cursor.done, cursor.ahead, cursor.missing(150)) == (150, [], 0)
