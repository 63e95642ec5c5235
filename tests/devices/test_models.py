"""One loop over every registered product: published frames both ways, and no bytes in the world that crash a decoder."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import DecodeError
from core.model import Flag, Sample
from core.quantities import QUANTITIES
from ingest.device_model import native_models
from ingest.quality import evaluate, limits_of

MODELS = native_models()
VECTORS = [(key, i) for key, model in MODELS.items() for i in range(len(model.vectors))]


def same(a: Sample, b: Sample) -> bool:
    close = math.isclose(a.value, b.value, rel_tol=1e-12, abs_tol=1e-12) or (math.isnan(a.value) and math.isnan(b.value))
    return a.quantity == b.quantity and close and a[2:] == b[2:]


def is_sound(model, sample: Sample) -> bool:
    """A declared quantity, a float, and either a number or a flag that says there is none."""
    return (
        sample.quantity in model.measures
        and type(sample.value) is float
        and (math.isfinite(sample.value) or (math.isnan(sample.value) and sample.flag == Flag.MISSING))
        and (sample.at is None or (type(sample.at) is float and math.isfinite(sample.at)))
    )


@pytest.mark.parametrize(("key", "i"), VECTORS)
def test_published_frame_gives_the_published_values(key, i):
    model, vector = MODELS[key], MODELS[key].vectors[i]
    samples = model.read(bytes.fromhex(vector.payload), vector.f_port, vector.options)
    assert len(samples) == len(vector.samples)
    assert all(map(same, samples, vector.samples)), samples
    assert all(is_sound(model, s) for s in samples)


@pytest.mark.parametrize(("key", "i"), VECTORS)
def test_encode_gives_the_frame_back(key, i):
    model, vector = MODELS[key], MODELS[key].vectors[i]
    options = {**model.options, **vector.options}
    if vector.round_trip:
        assert model.encode(vector.samples, options) == (vector.f_port, bytes.fromhex(vector.payload))


@pytest.mark.parametrize("key", MODELS)
def test_every_model_is_complete(key):
    model = MODELS[key]
    assert model.vectors
    assert all(v.source for v in model.vectors)
    assert any(v.round_trip for v in model.vectors), "at least one frame must survive decode and encode"
    assert set(model.measures) <= set(QUANTITIES)
    assert {s.quantity for v in model.vectors for s in v.samples} <= set(model.measures)
    for quantity, (low, high) in model.bounds.items():
        assert quantity in model.measures
        assert QUANTITIES[quantity].low <= low < high <= QUANTITIES[quantity].high


@pytest.mark.parametrize("key", MODELS)
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_any_bytes_give_samples_or_a_decode_error(key, data):
    model = MODELS[key]
    vector = data.draw(st.sampled_from(model.vectors))
    genuine = bytes.fromhex(vector.payload)
    payload = data.draw(
        st.one_of(
            st.binary(max_size=64),
            st.integers(0, len(genuine)).map(lambda n: genuine[:n]),
            st.binary(max_size=8).map(lambda tail: genuine + tail),
            st.tuples(st.integers(0, len(genuine) - 1), st.integers(0, 255)).map(
                lambda change: genuine[: change[0]] + bytes([change[1]]) + genuine[change[0] + 1 :]
            ),
        )
    )
    f_port = data.draw(st.one_of(st.just(vector.f_port), st.integers(0, 255)))
    try:
        samples = model.read(payload, f_port, vector.options)
    except DecodeError:
        return
    assert all(is_sound(model, s) for s in samples), samples


def test_mac_only_uplinks_carry_nothing():
    for model in MODELS.values():
        assert model.read(b"", 0) == []
        assert model.read(b"\x02\x03", 0) == []


@pytest.mark.parametrize("key", MODELS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_value_outside_the_products_bounds_is_flagged(key, data):
    """Whatever a frame says, ingest's flags let no value outside the declared span pass as good."""
    model = MODELS[key]
    vector = data.draw(st.sampled_from(model.vectors))
    payload = bytearray.fromhex(vector.payload)
    payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    try:
        samples = model.read(bytes(payload), vector.f_port, vector.options)
    except DecodeError:
        return
    for s in samples:
        limits = limits_of(s.quantity, model.bounds)
        flag = evaluate(np.array([s.value]), np.array([limits]), np.array([s.flag], np.uint8))[0]
        low, high = model.bounds.get(s.quantity, (QUANTITIES[s.quantity].low, QUANTITIES[s.quantity].high))
        assert low <= s.value <= high or flag >= Flag.FAIL


PUBLISHED = {
    "axioma_qalcosonic_w1": "volume_m3 temperature_c status_bits",
    "decentlab_mbx": "distance_m battery_v",
    "decentlab_pr26": "pressure_bar level_m temperature_c battery_v",
    "decentlab_pr36": "pressure_bar level_m temperature_c battery_v",
    "decentlab_pr36ctd": "pressure_bar level_m temperature_c conductivity_us_cm battery_v",
    "decentlab_tbrg": "rain_mm rain_total_mm battery_v",
    "dragino_ldds75": "distance_m battery_v temperature_c",
    "ellenex_pls2": "level_m battery_v",
    "ellenex_pts2": "pressure_bar battery_v",
    "elsys_elt2": "volume_m3 pulses flow_m3h contact distance_m temperature_c battery_v",
    "kamstrup_flowiq2200": "volume_m3 status_bits",
    "keller_adt1": "pressure_bar level_m temperature_c",
    "milesight_em300_di": "pulses volume_m3 contact",
    "milesight_em300_mcs": "contact",
    "milesight_em300_zld": "contact",
    "milesight_em310_udl": "distance_m",
    "milesight_em400_mud": "distance_m",
    "milesight_em500_pp": "pressure_bar",
    "milesight_em500_swl": "level_m",
    "niab_level": "distance_m",
    "vegapuls_air": "distance_m",
}


def test_published_keys_stay():
    """A key once published is never dropped or given another meaning; what it measures may only grow."""
    for key, quantities in PUBLISHED.items():
        assert set(quantities.split()) <= set(MODELS[key].measures)


def test_a_float_that_is_no_number_is_missing():
    for key, frame, f_port in (("keller_adt1", "010300017f810000", 1), ("milesight_em300_di", "05e10a000a000000807f", 85)):
        (sample,) = MODELS[key].read(bytes.fromhex(frame), f_port)
        assert math.isnan(sample.value)
        assert sample.flag == Flag.MISSING


def test_pulses_become_volume_and_flow():
    counter = MODELS["elsys_elt2"]
    options = {"litres_per_pulse": 100.0, "start_m3": 50.0, "interval_s": 900.0}
    found = {s.quantity: s.value for s in counter.read(bytes.fromhex("0a00050b000003e8"), 5, options)}
    assert found == {"flow_m3h": 2.0, "pulses": 1000.0, "volume_m3": 150.0}
    assert {s.quantity for s in counter.read(bytes.fromhex("0a00050b000003e8"), 5)} == {"pulses"}


def test_a_transmitter_on_the_analogue_input():
    options = {"pressure_bar_per_mv": 0.002, "pressure_bar_at_0_mv": -1.0}
    assert MODELS["elsys_elt2"].read(bytes.fromhex("080bb8"), 5, options) == [Sample("pressure_bar", 5.0)]


def test_head_of_water_over_a_submerged_probe():
    samples = MODELS["decentlab_pr36"].read(bytes.fromhex("02032b0001a0008000"), 1, {"submerged": 1.0})
    assert samples[0] == Sample("pressure_bar", 1.0)
    assert samples[1].value == pytest.approx(10.19716, abs=1e-5)
