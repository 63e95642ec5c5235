"""Weir formulas against their own equations and limits."""

import math

import numpy as np
import pytest

from analytics.weirs import discharge, event_volume, flow_u, kindsvater_carter, orifice, poleni, rehbock, v_notch, villemonte
from core.town import Weir

H = np.array([0.1])


def test_poleni_is_swmm_with_the_same_coefficient():
    assert poleni(H, 2.0, 0.623)[0] == pytest.approx(1.84 * 2.0 * 0.1**1.5, rel=2e-3)
    assert poleni(np.array([-0.1, 0.0]), 2.0, 0.62).tolist() == [0.0, 0.0]


def test_rehbock_by_hand():
    mu = 0.602 + 0.083 * 0.1 / 0.5
    assert rehbock(H, 1.0, 0.5)[0] == pytest.approx(2 / 3 * mu * math.sqrt(2 * 9.81) * 0.1012**1.5)


def test_kindsvater_carter_by_hand_full_width_and_half():
    full = 2 / 3 * (0.602 + 0.075 * 0.2) * math.sqrt(2 * 9.81) * (1.0 - 0.0009) * 0.101**1.5
    assert kindsvater_carter(H, 1.0, 0.5, 1.0)[0] == pytest.approx(full)
    ce = 0.597 + 0.045 * 0.2
    assert kindsvater_carter(H, 0.8, 0.5, 1.0)[0] == pytest.approx(2 / 3 * ce * math.sqrt(2 * 9.81) * (0.8 + 0.0042) * 0.101**1.5)


def test_v_notch_by_hand():
    assert v_notch(H, 90.0)[0] == pytest.approx(8 / 15 * 0.578 * math.sqrt(2 * 9.81) * 0.10085**2.5)


def test_villemonte_limits_and_a_point():
    h1 = np.array([0.2, 0.2, 0.2, 0.2])
    h2 = np.array([-0.1, 0.0, 0.1, 0.2])
    share = villemonte(h1, h2)
    assert share[[0, 1, 3]].tolist() == [1.0, 1.0, 0.0]
    assert share[2] == pytest.approx((1 - 0.5**1.5) ** 0.385)


def test_orifice_and_uncertainty():
    assert orifice(H, 0.5)[0] == pytest.approx(0.6 * 0.5 * math.sqrt(2 * 9.81 * 0.1))
    assert flow_u(10.0, 0.05, 0.0, 0.0, 0.01) == pytest.approx(3.0)  # ± 1 cm at 5 cm of head is ± 30 %


@pytest.mark.parametrize("kind", ["thin_plate", "broad", "side", "rounded", "roof"])
def test_every_kind_of_weir_grows_with_its_head(kind):
    q = discharge(np.array([0.0, 0.05, 0.1]), Weir(kind=kind, width_m=1.5))
    assert q[0] == 0
    assert q[2] / q[1] == pytest.approx(2**1.5)


def test_a_calibrated_coefficient_wins():
    weir = Weir(width_m=1.0, crest_height_m=0.5, channel_width_m=2.0, coefficient=0.7)
    assert discharge(H, weir)[0] == pytest.approx(poleni(H, 1.0, 0.7)[0])


def test_tail_water_takes_its_share_of_the_volume():
    part = (np.array([0.0, 600.0]), np.array([0.2, 0.2]))
    weir = Weir(width_m=1.0)
    free, _, _ = event_volume([part], weir, 0.0)
    held, _, _ = event_volume([part], weir, 0.0, [np.array([0.1, 0.1])])
    assert held / free == pytest.approx((1 - 0.5**1.5) ** 0.385)


def test_noise_bias_is_taken_off():
    """Noise of 0.45 of the head raises h^1.5 by about ⅜·(σ/h)² = 8 %; the correction, made with noisy heads, takes off nearly half."""
    rng = np.random.default_rng(2)
    t = np.arange(0, 4e5, 10.0)
    weir = Weir(width_m=1.0)
    h = np.maximum(0.1 + rng.normal(0, 0.045, t.size), 0.0)
    true, _, _ = event_volume([(t, np.full(t.size, 0.1))], weir, 0.0)
    raw, _, _ = event_volume([(t, h)], weir, 0.0)
    fair, _, _ = event_volume([(t, h)], weir, 0.045)
    assert raw / true > 1.05
    assert abs(fair / true - 1) < 0.6 * abs(raw / true - 1)
