"""One loop over every registered product: published frames both ways, and no bytes in the world that crash a decoder."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import DecodeError
from core.model import Flag, Sample
from core.quantities import QUANTITIES
from ingest.device_model import native_models

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
        and (not math.isnan(sample.value) or sample.flag in (Flag.MISSING, Flag.FAIL))
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
@settings(max_examples=150, deadline=None)
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
