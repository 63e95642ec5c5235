"""Map files: paths, units, times, conditions; each number worked out by hand."""

import pytest

from core.errors import ConfigError, DecodeError
from core.model import Flag
from core.quantities import QUANTITIES
from core.timekeeping import unix
from ingest.codecs.map_file import parse_map
from ingest.codecs.mapping import Mapper
from ingest.codecs.units import conversion, units_of


def samples(fields: str, data: dict, f_port: int = 1, **options: float):
    return Mapper(parse_map(f"fields:\n{fields}\noptions: {{k: 2}}", "map.yaml")).samples(data, f_port, options)


def values(fields: str, data: dict, f_port: int = 1, **options: float):
    return [s.value for s in samples(fields, data, f_port, **options)]


@pytest.mark.parametrize(
    ("quantity", "unit", "given", "expected"),
    [
        ("pressure_bar", "kPa", 520, 5.2), ("pressure_bar", "psi", 14.503773773, 1.0), ("pressure_bar", "mH2O", 10, 0.980665),
        ("level_m", "cm", 123, 1.23), ("level_m", "ft", 1, 0.3048), ("flow_m3h", "l/s", 1, 3.6), ("flow_m3h", "m3/d", 24, 1),
        ("flow_m3h", "gpm", 1, 0.22712470704), ("volume_m3", "l", 1500, 1.5), ("volume_m3", "ft3", 1, 0.028316846592),
        ("rain_mm", "in", 1, 25.4), ("temperature_c", "K", 273.15, 0), ("temperature_c", "°F", 212, 100), ("temperature_c", "F", 32, 0),
        ("conductivity_us_cm", "mS/cm", 1.5, 1500), ("battery_v", "mV", 3600, 3.6), ("battery_pct", "/255", 204, 80),
        ("battery_pct", "fraction", 0.5, 50), ("energy_kwh", "MJ", 3.6, 1), ("pressure_bar", "KPA", 100, 1),
    ],
)  # fmt: skip
def test_units(quantity, unit, given, expected):
    scale, offset = conversion(unit, quantity)
    assert given * scale + offset == pytest.approx(expected, abs=1e-9)


def test_every_quantity_has_its_own_unit_with_scale_one():
    for name in QUANTITIES:
        assert (1.0, 0.0) in units_of(name).values()
        assert conversion(None, name) == (1.0, 0.0)


def test_unit_then_scale_then_offset_and_options():
    assert values("  - {quantity: level_m, path: x, unit: cm, scale: 2, offset: -0.5}", {"x": 100}) == [1.5]
    assert values("  - {quantity: volume_m3, path: x, unit: l, scale: k}", {"x": 1000}) == [2.0]
    assert values("  - {quantity: volume_m3, path: x, unit: l, scale: k}", {"x": 1000}, k=10) == [10.0]


def test_integers_text_and_booleans_are_floats():
    found = values("  - {quantity: level_m, path: '[*]'}", {"a": 1, "b": "1.5", "c": True, "d": 2.0})
    assert found == [1.0, 1.5, 1.0, 2.0]
    assert {type(x) for x in found} == {float}


def test_null_and_absent_are_missing_and_words_are_refused():
    rule = "  - {quantity: level_m, path: x}"
    assert values(rule, {}) == values(rule, {"x": None}) == []
    assert values("  - {quantity: level_m, path: x, missing: [65535, N/A]}", {"x": 65535.0}) == []
    assert values("  - {quantity: level_m, path: x, missing: N/A}", {"x": "N/A"}) == []
    for bad in ("dry", "", "nan", [1], {"y": 1}, float("nan")):
        with pytest.raises(DecodeError, match="is not a number"):
            values(rule, {"x": bad})


def test_values_translate_words_numbers_and_truth():
    assert values("  - {quantity: contact, path: x, values: {open: 1, closed: 0}}", {"x": "open"}) == [1.0]
    assert values("  - {quantity: contact, path: x, values: {on: 1, off: 0}}", {"x": "off"}) == [0.0]
    assert values("  - {quantity: contact, path: x, values: {2: 1, 3: 0}}", {"x": 2.0}) == [1.0]
    assert values("  - {quantity: contact, path: x, values: {true: 0, false: 1}}", {"x": True}) == [0.0]
    assert values("  - {quantity: contact, path: x}", {"x": "ON"}) == [1.0]


def test_times_in_seconds_milliseconds_and_text():
    rule = "  - {quantity: volume_m3, path: 'h[*].v', time: 'h[*].t'}"
    history = [{"v": 1, "t": 1_700_000_000}, {"v": 2, "t": 1_700_000_000_500}, {"v": 3, "t": "2024-01-01T00:00:00Z"},
               {"v": 4, "t": "2024-01-01 01:00:00"}, {"v": 5}]  # fmt: skip
    assert [s.at for s in samples(rule, {"h": history})] == [1_700_000_000, 1_700_000_000.5, 1704067200, 1704070800, None]
    local = "  - {quantity: volume_m3, path: v, time: t, time_zone: Europe/Oslo}"
    assert samples(local, {"v": 1, "t": "2024-07-01T02:00:00"})[0].at == unix("2024-07-01T00:00:00Z")
    with pytest.raises(DecodeError, match="not an ISO 8601 time"):
        samples(rule, {"h": [{"v": 1, "t": "yesterday"}]})


def test_ages_and_steps():
    assert samples("  - {quantity: level_m, path: x, age: 2, age_unit: min}", {"x": 1})[0].age_s == 120
    assert samples("  - {quantity: level_m, path: x, age: late_s}", {"x": 1, "late_s": 7})[0].age_s == 7
    first = "  - {quantity: level_m, path: 'x[*]', step_s: 600}"
    assert [s.age_s for s in samples(first, {"x": [5, 6, None, 8]})] == [0, 600, 1800]
    last = "  - {quantity: level_m, path: 'x[*]', step_s: 600, newest: last}"
    assert [s.age_s for s in samples(last, {"x": [5, 6, None, 8]})] == [1800, 1200, 0]


def test_a_list_with_one_time_for_its_first_element():
    rule = "  - {quantity: flow_m3h, path: 'x[*]', time: at, step_s: 900, newest: last}"
    assert [(s.value, s.at) for s in samples(rule, {"x": [1, None, 3], "at": 1000})] == [(1.0, 1000.0), (3.0, 2800.0)]
    assert [s.at for s in samples(rule.replace("last", "first"), {"x": [1, 2, 3], "at": 9000})] == [9000.0, 8100.0, 7200.0]
    assert [s.age_s for s in samples(rule, {"x": [1, 2, 3]})] == [1800.0, 900.0, 0.0], "no time given: the newest is the frame's"


def test_differences_from_an_index():
    """Axioma's log as TTN's codec gives it: 10.727 m³ at the log's time, then litres for each hour."""
    rule = ("  - {quantity: volume_m3, path: 'deltas[*].litres', unit: l, base: log_volume, base_unit: m3, time: log_at, step_s: 3600,"
            " newest: last}")  # fmt: skip
    data = {"log_volume": 10.727, "log_at": 1563735600, "deltas": [{"litres": 184}, {"litres": 185}, {"litres": 184}]}
    found = samples(rule, data)
    assert [s.value for s in found] == pytest.approx([10.911, 11.096, 11.28])
    assert [s.at for s in found] == [1563739200.0, 1563742800.0, 1563746400.0]
    assert samples(rule, {**data, "log_volume": None}) == []


def test_differences_back_in_time_end_at_the_first_missing_one():
    rule = "  - {quantity: volume_m3, path: 'd[*]', unit: l, base: now, time: at, step_s: 3600}"
    found = samples(rule, {"now": 7842497, "at": 1693310400, "d": [295, 290, None, 294]})
    assert [(s.value, s.at) for s in found] == [(pytest.approx(7842.202), 1693306800.0), (pytest.approx(7841.912), 1693303200.0)]


def test_text_with_a_unit():
    assert values("  - {quantity: battery_v, path: x}", {"x": "3.6V"}) == [3.6]
    assert values("  - {quantity: battery_v, path: x}", {"x": " 3600 mV "}) == [3.6]
    assert values("  - {quantity: battery_pct, path: x}", {"x": "92%"}) == [92.0]
    assert values("  - {quantity: pressure_bar, path: x, unit: kPa}", {"x": "5.2 bar"}) == [pytest.approx(5.2)]
    with pytest.raises(DecodeError, match=r"'5\.2 furlong', which is not a number"):
        values("  - {quantity: pressure_bar, path: x}", {"x": "5.2 furlong"})


def test_nested_lists_keep_their_places_apart():
    data = {"probes": [{"n": 1, "log": [{"t": 10, "v": 1}, {"t": 20, "v": 2}]}, {"n": 2, "log": [{"t": 30, "v": 3}]}]}
    rule = "  - {quantity: level_m, path: 'probes[*].log[*].v', time: 'probes[*].log[*].t', when: {path: 'probes[*].n', equals: 1}}"
    assert [(s.value, s.at) for s in samples(rule, data)] == [(1.0, 10.0), (2.0, 20.0)]


def test_conditions():
    base = "  - {{quantity: level_m, path: x, when: {{{}}}}}"
    cases = {
        "path: s, equals: ok": ({"s": "ok"}, {"s": "no"}), "path: s, differs: 0": ({"s": 1}, {"s": 0}),
        "path: s, in: [1, 2]": ({"s": 2}, {"s": 3}), "path: s, above: 3": ({"s": 4}, {"s": 3}),
        "path: s, below: 3": ({"s": 2}, {"s": "2"}), "path: s, exists: true": ({"s": 0}, {}), "path: s, exists: false": ({}, {"s": 0}),
    }  # fmt: skip
    for condition, (met, unmet) in cases.items():
        assert values(base.format(condition), {"x": 1, **met}) == [1.0], condition
        assert values(base.format(condition), {"x": 1, **unmet}) == [], condition
    assert values("  - {quantity: level_m, path: x, f_port: [2, 3]}", {"x": 1}, 2) == [1.0]
    assert values("  - {quantity: level_m, path: x, f_port: 3}", {"x": 1}, 2) == []
    assert values("  - {quantity: level_m, path: x, when: {path: fPort, equals: 2}}", {"x": 1}, 2) == [1.0]


def test_a_doubtful_value_is_flagged():
    rule = "  - {quantity: level_m, path: x, suspect: {path: quality, below: 50}}"
    assert samples(rule, {"x": 1, "quality": 20})[0].flag == Flag.SUSPECT
    assert samples(rule, {"x": 1, "quality": 80})[0].flag == Flag.NOT_EVALUATED


def test_required_and_at_least_one():
    with pytest.raises(DecodeError, match="no 'x', which is required for level_m"):
        values("  - {quantity: level_m, path: x, required: true}", {"y": 1})
    only = Mapper(parse_map("at_least_one: true\nfields: {level_m: x}", "m"))
    with pytest.raises(DecodeError, match="no mapped field among y, z"):
        only.samples({"y": 1, "z": 2}, 1, {})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "m:1: must be a mapping with 'fields'"),
        ("fields: [\n", "m:2: not valid YAML"),
        ("vendor: x", "m:1: fields: Field required"),
        ("fields: []", "m:1: fields: Tuple should have at least 1 item"),
        ("key: Bad-Key\nfields: {level_m: x}", "m:1: key: String should match pattern"),
        ("fields:\n  - quantity: level_m\n    path: a..b", "m:3: fields[0].path: 'a..b' is no path"),
        ("fields:\n  - {quantity: level_m, path: x, constant: 1}", "m:2: fields[0]: give either path or constant"),
        ("fields:\n  - {quantity: level_m, path: x, age: 1, time: t}", "m:2: fields[0]: age stands alone"),
        ("fields:\n  - {quantity: level_m, path: 'x[*].v', time: 'x[*].t', step_s: 5}", "m:2: fields[0]: step_s is for lists whose"),
        ("fields:\n  - {quantity: volume_m3, path: x, base: y}", "m:2: fields[0]: base needs a path with [*]"),
        ("fields:\n  - {quantity: level_m, path: x, step_s: 5}", "m:2: fields[0]: step_s needs a path with [*]"),
        ("fields:\n  - {quantity: level_m, path: x, scale: q}", "m:1: map: 'q' is used in fields and needs a default under options"),
        ("fields: {level_m: x}\nexamples:\n  - {bytes: 0123}", "m:3: examples[0].bytes: write the bytes in quotes"),
        ("fields: {level_m: x}\nbounds: {level: [0, 1]}", "m:2: bounds: 'level: [0.0, 1.0]' must be a quantity"),
    ],
)
def test_mistakes_are_told_with_their_lines(text, problem):
    with pytest.raises(ConfigError) as caught:
        parse_map(text, "m")
    assert any(p.startswith(problem) for p in caught.value.problems), caught.value.problems
