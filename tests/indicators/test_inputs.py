"""What fills the formulas, each against a number worked out by hand; zones add up to the town; ratios are never averaged."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.indicators import CATALOGUE, compute
from core.model import Readings
from core.records import Alarm
from core.timekeeping import period
from tests.indicators.town import END, HOUR, HOURS, START, filled, flat, index, measured, nothing, overflow, town

DAY = 86400.0


def figure(key, zone="town", *, parts=None, place=None, events=(), alarms=(), start=START, end=END, now=END + DAY):
    (value,) = compute(filled(parts), place or town(), start, end, events=events, master=nothing, alarms=alarms, now=now,
                       keys=[key], zones=[zone])  # fmt: skip
    return value


def but(device, *replacements):
    """The usual readings with one device's replaced."""
    return [p for p in measured() if p.sensor[0] != device] + list(replacements)


def extended(zones=None, assets=(), sensors=(), utility=None):
    data = town().model_dump()
    for zone in data["zones"]:
        zone.update((zones or {}).get(zone["id"], {}))
    more = [{"interval_s": HOUR} | s for s in sensors]
    return town(zones=data["zones"], assets=[*data["assets"], *assets], sensors=[*data["sensors"], *more],
                utility=data["utility"] | (utility or {}))  # fmt: skip


def with_master(zone, **master):
    """A zone's master data, or the town's own."""
    if zone == "town":
        return extended(utility={"master": master})
    old = next(z for z in town().zones if z.id == zone).master
    return extended({zone: {"master": dict(old) | master}})


def test_losses_per_connection_kilometre_and_ili():
    losses_m3_d = 3.5 * 24
    assert figure("W02", "A").value == pytest.approx(losses_m3_d * 1000 / 5)
    assert figure("W03", "A").value == pytest.approx(losses_m3_d / 2)
    head = 5.0 * 10.19716
    assert figure("W04", "A").value == pytest.approx(losses_m3_d * 1000 / ((18 * 2 + 0.8 * 5 + 25 * 0.1) * head))
    assert figure("W04", "town").value == pytest.approx(5 * 24 * 1000 / (2 * (18 * 2 + 0.8 * 5 + 25 * 0.1) * head))


def test_apparent_losses_are_taken_off_and_their_lack_caps_the_class():
    place = with_master("A", apparent_losses_m3=365.2425)
    assert figure("W02", "A", place=place).numerator == pytest.approx(3.5 * HOURS - 31)
    data = town().model_dump()
    for zone in data["zones"]:
        zone["master"] = {k: v for k, v in zone["master"].items() if k != "apparent_losses_m3"}
    value = figure("W02", "A", place=town(zones=data["zones"]))
    assert (value.quality_class, value.failed_principles) == (2, ("coherence",))


def test_night_flow_is_the_net_inflow_of_the_lowest_hour():
    assert figure("W05", "A").value == pytest.approx(6.0 / 3.6 * 3600 / 5)
    assert figure("W05", "town").value == pytest.approx(10.0 / 3.6 * 3600 / 10)


def test_use_per_person():
    assert figure("W06", "A").value == pytest.approx(2.5 * 24 * 1000 / 12)
    assert figure("W07").value == pytest.approx(5 * 24 * 1000 / 24)


def test_persons_without_a_meter_use_the_published_assumption():
    place = with_master("A", unmetered_persons=6.0)
    value = figure("W06", "A", place=place)
    assert value.value == pytest.approx((2.5 * 24 * 1000 + 6 * 140) / 12)
    assert value.shares[2] == pytest.approx(6 * 140 / (2.5 * 24 * 1000 + 6 * 140))
    assert "unmetered_l_per_person_day=140" in value.lineage["inputs"]["V_hh"]["notes"]


def test_a_town_that_never_counted_them_gets_an_estimate_from_households():
    data = town().model_dump()
    for zone in data["zones"]:
        zone["master"] = {k: v for k, v in zone["master"].items() if k != "unmetered_persons"}
        zone["households"] = 10 if zone["id"] in "AB" else None
    value = figure("W01", "A", place=town(zones=data["zones"]))
    assert value.lineage["inputs"]["V_unm"]["value"] == pytest.approx(12 * 0.5 * 140 * 31 / 1000)


PRESSURE_FALL = [Readings.of_series("d-pA", "pressure_bar", START + np.arange(HOURS) * HOUR,
                                    np.where((np.arange(HOURS) >= 30) & (np.arange(HOURS) < 45), 0.2, 5.0))]  # fmt: skip


def test_fifteen_hours_without_pressure_in_a():
    """Hours 30 to 45 lie in the second day: 6:00 to 21:00, so that day has 9 good hours of the 12 it needs."""
    parts = but("d-pA", *PRESSURE_FALL)
    assert figure("W08", "A", parts=parts).value == pytest.approx(15.0)
    assert figure("W08", "town", parts=parts).value == pytest.approx(7.5)
    assert figure("W10", "A", parts=parts).value == pytest.approx(100 * 15 / HOURS)
    assert figure("W09", "A", parts=parts).value == pytest.approx(100 * 30 / 31)
    assert figure("W09", "town", parts=parts).value == pytest.approx(100 * 61 / 62)


def test_silence_is_no_interruption():
    parts = but("d-pA", flat("d-pA", "pressure_bar", 5.0, end=START + 20 * DAY))
    value = figure("W08", "A", parts=parts)
    assert (value.value, value.completeness) == (0.0, pytest.approx(20 / 31))


def test_meters_heard_in_the_last_thirty_days():
    parts = but("d-mA0", index("d-mA0", 0.5, end=START + 12 * HOUR))
    value = figure("W11", "A", parts=parts)
    assert (value.numerator, value.denominator) == (4, 5)
    assert "1 installed meters are silent" in value.lineage["inputs"]["smart_live"]["notes"]


def test_kilometres_count_by_the_time_their_point_was_heard():
    data = town().model_dump()
    next(s for s in data["sensors"] if s["id"] == "s-pA")["monitored_km"] = 1.0
    place = town(sensors=data["sensors"])
    assert figure("W12", "A", place=place).value == pytest.approx(50.0)
    half = but("d-pA", flat("d-pA", "pressure_bar", 5.0, end=START + 16 * DAY))
    assert figure("W12", "A", place=place, parts=half).value == pytest.approx(100 * 16 / 31 / 2)
    assert figure("W12", "B", place=place).reason == "required_input_missing"


def test_energy_withdrawal_and_productivity():
    place = extended(
        assets=[{"id": "plant", "kind": "source"}],
        sensors=[{"id": "kwh", "dev_eui": "kwh", "asset": "plant", "quantities": ["energy_kwh"]},
                 {"id": "raw", "dev_eui": "raw", "asset": "plant", "quantities": ["volume_m3"]}],
        utility={"master": {"available_resource_m3": 365_242.5, "environmental_flow_m3": 165_242.5,
                            "gross_value_added_nok": 365_242_500.0}},
    )  # fmt: skip
    energy = index("kwh", 4.0)
    energy = Readings.of_series("kwh", "energy_kwh", energy.t, energy.x)
    parts = [*measured(), energy, index("raw", 11.0)]
    assert figure("W13", place=place, parts=parts).value == pytest.approx(0.4)
    stress = figure("W14", place=place, parts=parts)
    assert stress.value == pytest.approx(100 * 11 * HOURS / (200_000 * 31 / 365.2425))
    assert (stress.quality_class, "coherence" in stress.failed_principles) == (2, True)
    assert figure("W15", place=place, parts=parts).value == pytest.approx(1_000_000 * 31 / (5 * HOURS))
    assert figure("W01", place=place, parts=parts).denominator == pytest.approx(10 * HOURS)


BLOCKS = [overflow("cso1", a, b) for a, b in ((0, 1), (13, 13.5), (40, 41), (100, 101))]


def test_overflow_blocks_of_the_published_vector():
    assert figure("S01", "S", events=BLOCKS).numerator == 4
    assert figure("S01", "S", events=BLOCKS).value == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("name", "hours", "count"),
    [
        ("2026-05", [(0, 11), (11.5, 12.5)], 2),
        ("2026-05", [(0, 1)], 1),
        ("2026-05", [(0, 37)], 3),
        ("2025", [(0, 8760)], 366),
        ("2024", [(0, 8784)], 367),
    ],
)
def test_the_other_published_vectors_of_the_block_rule(name, hours, count):
    start, end = period(name)
    events = [replace(overflow("cso1", 0, 1), id=f"e{a}", start=start + a * HOUR, end=start + b * HOUR) for a, b in hours]
    parts = [flat(f"d-cso{i}", "level_m", 0.2, start, end) for i in (1, 2)]
    assert figure("S01", "S", events=events, start=start, end=end, now=end + DAY, parts=parts).numerator == count


def test_blocks_of_months_add_up_though_an_overflow_spans_their_border():
    events = [overflow("cso1", -30, 6), overflow("cso1", 20, 21), overflow("cso2", 5, 5.5)]
    parts = [flat(f"d-cso{i}", "level_m", 0.2, START - 30 * DAY) for i in (1, 2)]
    april = figure("S01", "S", events=events, start=START - 30 * DAY, end=START, parts=parts)
    may = figure("S01", "S", events=events)
    both = figure("S01", "S", events=events, start=START - 30 * DAY, end=END, parts=parts)
    assert april.numerator + may.numerator == both.numerator


def test_overflow_volume_is_split_by_time_and_counts_only_points_with_a_weir():
    events = [overflow("cso1", -1, 3, 100.0), overflow("cso2", 10, 12, 50.0)]
    value = figure("S03", "S", events=events)
    assert value.value == pytest.approx(75 + 50)
    assert value.upper - value.value == pytest.approx(2 * 0.25 * 125)
    data = town().model_dump()
    next(a for a in data["assets"] if a["id"] == "cso2")["weir"] = None
    assert figure("S03", "S", events=events, place=town(assets=data["assets"])).completeness == pytest.approx(0.5)


def test_overflow_share_prints_its_dilution_factor():
    value = figure("S04", "S", events=[overflow("cso1", 1, 2, 100.0)], place=with_master("S", dry_weather_flow_m3_d=480.0))
    assert value.value == pytest.approx(100 * 100 / (480 * 31))
    assert "dilution_factor=1" in value.lineage["inputs"]["f"]["notes"]


def test_dry_weather_overflow_needs_dry_rain_gauges_and_no_melt():
    rain = Readings.of_series("d-gauge", "rain_mm", START + np.arange(HOURS) * HOUR, np.where(np.arange(HOURS) == 90, 1.5, 0.0))
    events = [overflow("cso1", 50, 51), overflow("cso1", 100, 101), overflow("cso2", 200, 201, weather="melt")]
    assert figure("S05", "S", events=events, parts=but("d-gauge", rain)).value == 1
    data = town().model_dump()
    data["sensors"] = [s for s in data["sensors"] if s["id"] != "s-gauge"]
    value = figure("S05", "S", events=events, place=town(sensors=data["sensors"]))
    assert (value.value, value.reason, value.quality_class) == (None, "required_input_missing", 3)


def test_extraneous_water_of_the_town_and_of_its_catchment():
    assert figure("S06").value == pytest.approx(100 * (20 - 5) / 20)
    assert figure("S06", "S").value == pytest.approx(75.0)


def test_treated_share_counts_what_never_reached_the_plant():
    place = with_master("S", wwtp_compliant_m3=365_242.5, wwtp_total_m3=365_242.5, other_network_loss_m3=3652.425)
    value = figure("S07", "S", place=place, events=[overflow("cso1", 1, 2, 310.0)])
    assert value.value == pytest.approx(100 * 31_000 / (31_000 + 310 + 310))
    assert value.quality_class == 2


def test_surcharge_hours_and_affected_people():
    data = town().model_dump()
    next(a for a in data["assets"] if a["id"] == "cso1")["surcharge_m"] = 0.8
    place = town(assets=data["assets"])
    level = np.where((np.arange(HOURS) >= 20) & (np.arange(HOURS) < 26), 0.9, 0.2)
    parts = but("d-cso1", Readings.of_series("d-cso1", "level_m", START + np.arange(HOURS) * HOUR, level))
    assert figure("S09", "S", place=place, parts=parts).value == pytest.approx(6.0)
    assert figure("S10", place=with_master("town", affected_persons=365.2425 / 31 * 12)).value == pytest.approx(100_000 * 12 / 24)


def alarm(n, waited_min):
    raised = START + n * DAY
    return Alarm(f"a{n}", f"c{n}", "overflow", "major", "open", "S", "cso1", ("s-cso1",), (), raised, raised, raised,
                 acknowledged_at=None if waited_min is None else raised + 60 * waited_min)  # fmt: skip


def test_response_time_is_a_median_with_the_unanswered_in_it():
    value = figure("X02", "S", alarms=[alarm(1, 10), alarm(2, 30), alarm(3, None)])
    assert value.value == pytest.approx(30.0)
    assert value.lineage["inputs"]["median_min"]["notes"] == ["1 of 3 not acknowledged"]
    assert figure("X02", "S").value is None


def test_an_empty_zone_is_null_and_does_not_empty_the_town():
    place = extended()
    empty = {"population": 0, "households": 0, "connections": 0, "mains_km": 0.0, "master_as_of": "2026-01-01"}
    zones = [*place.model_dump()["zones"], {"id": "Z", **empty, "master": {"unmetered_persons": 0, "other_authorised_m3": 0}}]
    found = {(v.indicator, v.zone): v for v in compute(filled(), town(zones=zones), START, END, events=(), master=nothing, now=END + DAY)}
    assert {v.reason for (_, z), v in found.items() if z == "Z"} <= {"required_input_missing", "zero_denominator"}
    assert found["W01", "town"].value == pytest.approx(50.0)


ADDITIVE = ("W01", "W02", "W03", "W06", "S01", "S02", "S03", "X01")


@settings(max_examples=25, deadline=None)
@given(st.floats(5, 50), st.floats(0.5, 4), st.lists(st.floats(0, 0.2), min_size=10, max_size=10),
       st.lists(st.tuples(st.integers(0, 700), st.floats(0.1, 30)), max_size=6))  # fmt: skip
def test_zones_add_up_to_the_town_and_ratios_are_never_averaged(inflow, transfer, use, spills):
    parts = [index("d-inA", inflow), index("d-inB", transfer)]
    parts += [index(f"d-m{z}{i}", use[5 * "AB".index(z) + i]) for z in "AB" for i in range(5)]
    parts += [flat(d, q, v) for d, q, v in (("d-cso1", "level_m", 0.2), ("d-cso2", "level_m", 0.2))]
    events = [overflow(f"cso{1 + n % 2}", start, start + length, length) for n, (start, length) in enumerate(spills)]
    data = town().model_dump()
    data["sensors"] = [s for s in data["sensors"] if s["id"] != "s-gauge"]
    place = town(sensors=data["sensors"])
    values = compute(filled(parts), place, START, END, events=events, master=nothing, now=END + DAY, keys=ADDITIVE)
    for key in ADDITIVE:
        town_value = next(v for v in values if (v.indicator, v.zone) == (key, "town"))
        zones = [v for v in values if v.indicator == key and v.zone != "town" and v.denominator is not None]
        if town_value.denominator is None or town_value.numerator is None:
            continue
        assert sum(z.numerator for z in zones) == pytest.approx(town_value.numerator, rel=1e-9, abs=1e-6)
        if town_value.value is not None and key != "S03":
            scale = CATALOGUE[key].compute(CATALOGUE[key].examples[0].inputs).scale
            assert sum(z.denominator for z in zones) == pytest.approx(town_value.denominator)
            assert town_value.value == pytest.approx(scale * sum(z.numerator for z in zones) / sum(z.denominator for z in zones))


def test_a_point_that_came_late_in_the_period_leaves_the_figure_incomplete_but_did_its_own_work():
    """cso1 and cso2 were put up half-way: the month's overflow figure has 50 % cover, their completeness is 100 %."""
    half = START + 15.5 * DAY
    data = town().model_dump()
    for sensor in data["sensors"]:
        if sensor["id"].startswith("s-cso"):
            sensor["valid_from"] = half
    place = town(sensors=data["sensors"])
    parts = [p for p in measured() if not p.sensor[0].startswith("d-cso")] + [flat(f"d-cso{i}", "level_m", 0.2, half) for i in (1, 2)]
    hours = figure("S02", "S", place=place, parts=parts)
    assert (hours.completeness, hours.failed_principles) == (pytest.approx(0.5), ("accuracy",))
    samples = figure("X01", "S", place=place, parts=parts)
    assert samples.denominator == pytest.approx(HOURS + 2 * HOURS / 2)
    assert samples.value == pytest.approx(100.0)


def test_a_household_metered_half_the_month_counts_half_as_unmetered():
    data = town().model_dump()
    for zone in data["zones"]:
        zone["master"] = {k: v for k, v in zone["master"].items() if k != "unmetered_persons"}
    for sensor in data["sensors"]:
        if sensor["id"] == "s-mA0":
            sensor["valid_from"] = START + 15.5 * DAY
    value = figure("W01", "A", place=town(zones=data["zones"], sensors=data["sensors"]))
    assert value.lineage["inputs"]["V_unm"]["persons"] == pytest.approx(12 * 0.5 / 5)
