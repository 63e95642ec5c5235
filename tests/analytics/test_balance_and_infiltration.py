"""Water balance, ILI, night flow, foreign water, RTK, ARX, budget: figures that can be checked by hand."""

import numpy as np
import pytest

from analytics.balance import (
    Term,
    favad_exponent,
    ili,
    legitimate_night_use_m3h,
    minimum_night_flow,
    net_of_tank,
    night_day_factor,
    uarl_l_d,
    water_balance,
)
from analytics.budget import precision_by_rule, shares, spent, trust
from analytics.forecast import fit_arx, predict, skill
from analytics.infiltration import (
    cold_water_share,
    dry_days,
    dry_weather_flow,
    fit_rtk,
    groundwater,
    nnls,
    rain_derived,
    response_ratio,
    unit_hydrograph,
)
from analytics.scan import detectors


def test_balance_adds_up_with_its_uncertainties():
    b = water_balance(Term(1000, 30), Term(600, 40), Term(50, 0), Term(20, 0), Term(30, 0))
    assert b.non_revenue.value == 350
    assert b.real.value == 300
    assert b.real.u == pytest.approx(50)
    assert b.real.interval == (pytest.approx(200), pytest.approx(400))


def test_uarl_and_the_limits_of_ili():
    assert uarl_l_d(10, 1000, 5, 50) == (180 + 800 + 125) * 50
    good = ili(2 * uarl_l_d(100, 6000, 30, 50), 100, 6000, 30, 50)
    assert (good.value, good.rated) == (pytest.approx(2.0), True)
    assert not ili(1e5, 10, 1000, 5, 50).rated
    assert "pressure" in ili(1e5, 100, 6000, 30, 10).reason
    assert ili(1e5, 0, 0, 0, 50).value is None


def test_night_use_factor_exponent_and_tank():
    assert legitimate_night_use_m3h(1000) == pytest.approx(0.6)
    assert night_day_factor(np.full(24, 40.0), 50.0, 1.0) == pytest.approx(19.2)
    assert favad_exponent(0.0) == 0.5
    assert favad_exponent(1e9) == pytest.approx(1.5)
    net = net_of_tank(np.full(5, 10.0), np.array([1.0, 1.1, 1.2, 1.3, 1.4]), 50.0, 3600.0)
    np.testing.assert_allclose(net, 5.0)


def test_minimum_night_flow_is_the_least_hour_of_a_nearly_whole_day():
    day = np.full(96, 10.0)
    day[12:16] = [4, 4, 2, 2]
    assert minimum_night_flow(day) == 3.0
    day[:10] = np.nan
    assert np.isnan(minimum_night_flow(day))


def test_dry_days_need_two_dry_days_before():
    assert dry_days(np.array([0, 5, 0, 0, 0, 0.5])).tolist() == [True, False, False, False, True, True]
    assert dry_days(np.zeros(3), np.array([0, 1, 0])).tolist() == [True, False, True]


def test_foreign_water_of_a_made_up_sewer():
    rng = np.random.default_rng(1)
    kind = np.arange(28) % 7
    foul = 40 * (1 + np.sin(2 * np.pi * (np.arange(24) - 8) / 24)) / 2
    foul = foul / foul.mean() * 20
    dry = np.ones(28, bool)
    dry[10:13] = False
    flow = 15 + foul + rng.normal(0, 0.1, (28, 24))
    flow[10] += 30
    profile = dry_weather_flow(flow, kind, dry)
    assert groundwater(profile) == pytest.approx(15 - 2, abs=3)
    assert rain_derived(flow, kind, profile)[10].mean() == pytest.approx(30, abs=0.5)
    assert response_ratio(600, 100_000, 12) == pytest.approx(0.5)


def test_unit_hydrograph_keeps_volume_and_peaks_at_t():
    share = unit_hydrograph(4.0, 2.0, 0.25)
    assert share.sum() == pytest.approx(1)
    assert abs((np.argmax(share) + 0.5) * 0.25 - 4.0) <= 0.25
    assert share.size == 48


def test_rtk_finds_the_triangles_it_was_made_of():
    rng = np.random.default_rng(4)
    rain = np.where(rng.uniform(size=2000) < 0.03, rng.gamma(1.0, 3.0, 2000), 0.0)
    area = 50_000.0
    flow = sum(
        r * np.convolve(rain / 1000 * area / 0.5, unit_hydrograph(t, k, 0.5))[:2000] for r, t, k in ((0.05, 1.0, 2.0), (0.1, 16.0, 2.0))
    )
    fit = fit_rtk(rain, flow, area, 0.5)
    assert fit.r.sum() == pytest.approx(0.15, rel=0.02)
    assert {1.0, 16.0} <= set(fit.t_h)


def test_nnls_clamps_what_would_be_negative():
    a = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    np.testing.assert_allclose(nnls(a, a @ np.array([2.0, 3.0])), [2.0, 3.0], atol=1e-9)
    assert nnls(a, a @ np.array([2.0, -1.0]))[1] == 0.0


def test_cold_water_share():
    np.testing.assert_allclose(cold_water_share(np.array([14.0, 10.0, 6.0, 5.0]), 14.0, 6.0), [0, 0.5, 1, 1])


def test_arx_beats_persistence_where_rain_drives_the_level():
    rng = np.random.default_rng(7)
    rain = np.where(rng.uniform(size=4000) < 0.02, rng.gamma(1.0, 2.0, 4000), 0.0)
    x = np.zeros(4000)
    for i in range(1, 4000):
        x[i] = 0.9 * x[i - 1] + 0.1 * rain[i - 3]
    model = fit_arx(x[:2000], rain[:2000], ahead=3, rain_lags=6)
    s = skill(predict(model, x[2000:], rain[2000:]), x[2000:], 0.3, 3, 0.02)
    assert s.hit_rate > 0.95
    assert s.false_alarm_ratio < 0.05
    assert s.brier < s.brier_persistence / 2
    with pytest.raises(ValueError, match="too few"):
        fit_arx(x[:10], rain[:10], 3)


def test_shares_keep_to_the_budget():
    parts = shares(detectors(), 2.0)
    assert 0 < sum(parts.values()) <= 2.0
    assert "overflow_level" not in parts


def test_spent_beside_stated():
    s = spent(4, 4 * 7 * 86_400.0, 1.0)
    assert (s.measured, s.ratio, s.weeks) == (1.0, 1.0, 4.0)
    assert s.low == pytest.approx(1.366 / 4, rel=0.02)  # Poisson 90 % interval of 4: 1.366 … 9.154
    assert s.high == pytest.approx(9.154 / 4, rel=0.02)
    assert spent(0, 86_400.0, 1.0).low == 0


def test_feedback_moves_the_trust_in_a_rule():
    assert trust([]).mean == pytest.approx(2 / 3)
    good, bad = trust(["true"] * 18 + ["unknown", None]), trust(["false"] * 9)
    assert good.mean == pytest.approx(20 / 21)
    assert good.judged == 18
    assert bad.mean == pytest.approx(2 / 12)
    assert good.low > bad.high
    assert set(precision_by_rule([("burst", "true"), ("leak", None)])) == {"burst", "leak"}
