"""What holds for every registered detector, known or yet to be written."""

from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest

from analytics.detector import Arrays, Budget, Track
from analytics.scan import detectors
from core.quantities import QUANTITIES
from core.town import Weir
from tests.analytics.makers import DAY, T0, arrays, diurnal, times, track

ALL = sorted(detectors())
SITE = {"crest_m": 1.0, "weir": Weir(width_m=1.0), "diameter_m": 0.6, "zone": "z1", "asset": "a1", "asset_kind": "overflow_chamber"}
SHIFT = 28 * DAY  # whole weeks, no holiday and no clock change between


def rough(quantity, seed, days=45, start=T0):
    """A lively series of any quantity: days, noise, steps, holes, an irregular clock."""
    rng = np.random.default_rng(seed)
    t = times(days, 1800.0, start) + np.round(rng.uniform(0, 60, days * 48))
    q = QUANTITIES[quantity]
    if q.counter:
        x = 1000 + np.cumsum(rng.gamma(1.0, 0.05, t.size))
    elif quantity == "contact":
        x = (rng.uniform(size=t.size) < 0.02).astype(float)
    elif quantity == "rain_mm":
        x = np.where(rng.uniform(size=t.size) < 0.03, rng.gamma(1, 1.0, t.size), 0.0)
    else:
        x = diurnal(t - start + T0, mean=1.2 if quantity == "level_m" else 4.0, noise=0.05, seed=seed)
        x[rng.integers(0, t.size, 20)] += 1.0
        x[(t > start + 30 * DAY) & (t < start + 31 * DAY)] -= 1.0
    x[rng.uniform(size=t.size) < 0.1] = np.nan
    return t, x


def place(detector, start=T0, blank=False):
    tracks = []
    quantities = [q for group in detector.inputs for q in group.split("|")] + list(detector.optional)
    for i, quantity in enumerate(quantities):
        for j in range(3 if detector.scope in ("zone", "town", "asset") else 1):
            t, x = rough(quantity, 10 * i + j, start=start)
            tracks.append(track(quantity, t, np.full_like(x, np.nan) if blank else x, **{**SITE, "sensor": f"s{i}{j}"}))
    context = [track(q, *rough(q, 90 + i, start=start), sensor=f"c{i}") for i, q in enumerate(detector.context)]
    zone = {"population": 2000.0, "households": 800.0, "connections": 700.0, "mains_km": 12.0}
    return arrays(*tracks, context=tuple(context), zone=zone, start=start, end=start + 45 * DAY, budget=Budget(1.0, 10))


@pytest.mark.parametrize("key", ALL)
def test_contract(key):
    d = detectors()[key]
    assert d.title
    assert d.source
    assert d.kinds
    assert is_dataclass(d.params)
    assert d.params.__dataclass_params__.frozen
    assert all(f.default is not None for f in fields(d.params))
    d.params()
    assert all(q in QUANTITIES for group in d.inputs for q in group.split("|"))
    assert all(q in QUANTITIES for q in (*d.optional, *d.context))


@pytest.mark.parametrize("key", ALL)
def test_nothing_gives_nothing(key):
    d = detectors()[key]
    a = place(d, blank=True)
    assert d.detect(a, d.params()) == []
    empty = tuple(Track(k.quantity, np.empty(0), np.empty(0), k.site) for k in a.tracks)
    assert d.detect(replace(a, tracks=empty, context=()), d.params()) == []
    one = tuple(Track(k.quantity, k.t[:1], np.ones(1), k.site) for k in a.tracks)
    d.detect(replace(a, tracks=one), d.params())


@pytest.mark.parametrize("key", ALL)
def test_findings_are_sound_ordered_and_repeatable(key):
    d = detectors()[key]
    a = place(d)
    copies = [(k.t.copy(), k.x.copy()) for k in (*a.tracks, *a.context)]
    first = d.detect(a, d.params())
    for k, (t, x) in zip((*a.tracks, *a.context), copies, strict=True):
        np.testing.assert_array_equal(k.t, t)
        np.testing.assert_array_equal(k.x, x)
    assert first == d.detect(a, d.params())
    assert [f.start for f in first] == sorted(f.start for f in first)
    for f in first:
        assert f.kind in d.kinds
        assert f.end is None or f.end >= f.start
        assert np.isfinite(f.score)
        assert 0 <= f.completeness <= 1
        assert f.severity in ("info", "warning", "major", "critical")
        assert all(isinstance(v, float | str) for v in f.details.values()), f.details


@pytest.mark.parametrize("key", ALL)
def test_a_shift_in_time_shifts_the_findings(key):
    d = detectors()[key]
    plain = lambda found, by: [(f.kind, round(f.start - by, 3), f.end and round(f.end - by, 3)) for f in found]  # noqa: E731
    here, there = place(d), place(d, start=T0 + 0.0)
    later: Arrays = replace(
        there, start=there.start + SHIFT, end=there.end + SHIFT,
        tracks=tuple(replace(k, t=k.t + SHIFT) for k in there.tracks), context=tuple(replace(k, t=k.t + SHIFT) for k in there.context),
    )  # fmt: skip
    assert plain(d.detect(here, d.params()), 0.0) == plain(d.detect(later, d.params()), SHIFT)
