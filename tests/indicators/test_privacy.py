"""No figure tells of fewer than five households: alone, in company, by subtraction, or against what is already out."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from analytics.indicators import compute
from analytics.indicators.privacy import K, publishable
from analytics.indicators.publication import publish, read_ledger
from analytics.indicators.release import release
from core.town import Town
from tests.indicators.town import END, START, filled, index, measured, nothing, town


def cell(*numbers):
    return frozenset(f"m{n}" for n in numbers)


def test_a_cell_needs_five_households():
    assert publishable({"A": cell(*range(4))}) == set()
    assert publishable({"A": cell(*range(5))}) == {"A"}
    assert publishable({"sewer": cell()}) == {"sewer"}


def test_a_small_zone_takes_the_next_smallest_with_it():
    """Town less A and B would give C's three households, so B is held back too."""
    cells = {"town": cell(*range(20)), "A": cell(*range(10)), "B": cell(*range(10, 17)), "C": cell(*range(17, 20))}
    assert publishable(cells) == {"town", "A"}


def test_two_small_zones_hide_one_another():
    cells = {"town": cell(*range(18)), "A": cell(*range(10)), "B": cell(*range(10, 14)), "C": cell(*range(14, 18))}
    assert publishable(cells) == {"town", "A"}


def test_a_later_export_with_one_household_more_is_held_back():
    assert publishable({"A": cell(*range(21))}, earlier=[cell(*range(20))]) == set()
    assert publishable({"A": cell(*range(25))}, earlier=[cell(*range(20))]) == {"A"}
    assert publishable({"A": cell(*range(20))}, earlier=[cell(*range(20))]) == {"A"}


def test_parts_that_are_out_already_hold_the_whole_back():
    """A (10) and B (7) were published; the town of 20 now would give the other three."""
    assert publishable({"town": cell(*range(20))}, earlier=[cell(*range(10)), cell(*range(10, 17))]) == set()


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40), st.sets(st.sampled_from("0123")))
def test_whatever_is_published_no_sum_or_difference_isolates_a_few(zones, held_back):
    cells = {str(z): frozenset(str(i) for i, at in enumerate(zones) if at == z) for z in range(4)}
    cells["town"] = frozenset(map(str, range(len(zones))))
    out = publishable(cells, held_back)
    parts = [cells[z] for z in out - {"town"} if cells[z]]
    assert all(len(p) >= K for p in parts)
    if "town" in out:
        for n in range(len(parts) + 1):
            for some in itertools.combinations(parts, n):
                rest = cells["town"].difference(*some)
                assert not 0 < len(rest) < K


def figures(place, parts=None):
    return compute(filled(parts), place, START, END, events=(), master=nothing, now=END + 86400, keys=["W01", "W06", "S02"])


def without(place, *assets):
    gone = {f"s-{a}" for a in assets}
    return Town.model_validate(place.model_dump() | {"sensors": [s.model_dump() for s in place.sensors if s.id not in gone]})


def test_a_release_holds_back_the_zone_its_inputs_and_the_zone_beside_it():
    place = without(town(), "mA0")
    made = release(place, figures(place), END)
    by_key = {(v.indicator, v.zone): v for v in made.values}
    for zone in ("A", "B"):
        value = by_key["W06", zone]
        assert (value.value, value.numerator, value.reason) == (None, None, "suppressed_for_privacy")
        assert "inputs" not in value.lineage
    assert by_key["W06", "town"].value is not None
    assert by_key["S02", "S"].reason != "suppressed_for_privacy"


def test_a_null_of_a_small_zone_tells_nothing_either():
    """Zone A's balance is negative: out_of_validity, with numerator and inputs kept inside the house, not in the release."""
    place = without(town(), "mA0")
    parts = [p for p in measured() if p.sensor[0] != "d-inA"] + [index("d-inA", 5.0)]
    inside = {(v.indicator, v.zone): v for v in figures(place, parts)}["W01", "A"]
    assert (inside.reason, inside.numerator is None) == ("out_of_validity", False)
    outside = {(v.indicator, v.zone): v for v in release(place, figures(place, parts), END).values}["W01", "A"]
    assert (outside.reason, outside.numerator, "inputs" in outside.lineage) == ("out_of_validity", None, False)


def test_a_zone_dominated_by_one_household_is_held_back():
    parts = [p for p in measured() if p.sensor[0] != "d-mA0"] + [index("d-mA0", 3.0)]
    by_key = {(v.indicator, v.zone): v for v in release(town(), figures(town(), parts), END).values}
    assert by_key["W06", "A"].reason == "suppressed_for_privacy"


class Documents(dict):
    """The registry's documents in a dictionary."""

    def put(self, key, body):
        self[key] = dict(body)


def test_the_ledger_guards_a_later_publication():
    documents, place = Documents(), without(town(), "mA0", "mB0")
    wider = without(town(), "mB0")
    first = publish(documents, place, figures(place), END + 86400)
    assert [v.zone for v in first.values if v.indicator == "W06" and v.value is not None] == ["town"]
    assert len(read_ledger(documents)[START, END]) == 1
    second = publish(documents, wider, figures(wider), END + 86400)
    assert [v.zone for v in second.values if v.indicator == "W06" and v.value is not None] == ["A"]
    again = publish(documents, place, figures(place), END + 86400)
    assert again.values == first.values
