"""Discharge over overflow crests from the head above them. SI units; g = 9.81 m/s²."""

from __future__ import annotations

import math

import numpy as np

from core.model import Floats
from core.town import Weir

G = 9.81
ROOT_2G = math.sqrt(2 * G)
MU = {"thin_plate": 0.62, "broad": 0.50, "side": 0.50 * 0.95, "rounded": 0.70, "roof": 0.79}
"""Poleni coefficient by crest shape (side weirs: a broad sharp edge × 0.95)."""
MU_U = {"thin_plate": 0.05, "broad": 0.10, "side": 0.25, "rounded": 0.10, "roof": 0.10, "v_notch": 0.05}
"""Relative standard uncertainty of the coefficient as installed, not as in a laboratory."""


def poleni(head_m: Floats, width_m: float, mu: float) -> Floats:
    """Q [m³/s] = ⅔·μ·b·√(2g)·h^1.5; 0 at and below the crest."""
    q: Floats = 2 / 3 * mu * width_m * ROOT_2G * np.maximum(head_m, 0.0) ** 1.5
    return q


def v_notch(head_m: Floats, angle_deg: float, ce: float = 0.578, kh_m: float = 0.00085) -> Floats:
    """Q [m³/s] of a triangular notch = 8/15·C_e·tan(θ/2)·√(2g)·(h + k_h)^2.5 (constants for 90°)."""
    he = np.where(head_m > 0, head_m + kh_m, 0.0)
    q: Floats = 8 / 15 * ce * math.tan(math.radians(angle_deg) / 2) * ROOT_2G * he**2.5
    return q


def rehbock(head_m: Floats, width_m: float, crest_height_m: float) -> Floats:
    """Q [m³/s] of a full-width thin plate: μ = 0.602 + 0.083·h/P on h + 1.2 mm (Rehbock 1929; 0.03 ≤ h ≤ 0.75, P ≥ 0.1, h/P ≤ 1)."""
    he = np.where(head_m > 0, head_m + 0.0012, 0.0)
    mu = 0.602 + 0.083 * np.maximum(head_m, 0.0) / crest_height_m
    q: Floats = 2 / 3 * mu * width_m * ROOT_2G * he**1.5
    return q


_KC_RATIO = np.array([0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 1.0])
_KC_ALPHA = np.array([0.589, 0.591, 0.593, 0.595, 0.597, 0.599, 0.602])
_KC_BETA = np.array([-0.0018, 0.0058, 0.018, 0.030, 0.045, 0.064, 0.075])
_KB_RATIO = np.array([0.2, 0.4, 0.6, 0.8, 1.0])
_KB_M = np.array([0.0024, 0.0027, 0.0036, 0.0042, -0.0009])


def kindsvater_carter(head_m: Floats, width_m: float, crest_height_m: float, channel_m: float) -> Floats:
    """Q [m³/s] of a contracted thin plate: ⅔·C_e·√(2g)·(b + k_b)·(h + 1 mm)^1.5, C_e = α + β·h/P by b/B (Kindsvater and Carter 1957).

    Valid for h ≥ 0.03, P ≥ 0.1, b ≥ 0.15 m, h/P ≤ 2; α, β, k_b are read from the table along straight lines.
    """
    ratio = min(1.0, width_m / channel_m)
    alpha, beta = np.interp(ratio, _KC_RATIO, _KC_ALPHA), np.interp(ratio, _KC_RATIO, _KC_BETA)
    head = np.maximum(head_m, 0.0)
    ce = alpha + beta * head / crest_height_m
    he = np.where(head > 0, head + 0.001, 0.0)
    q: Floats = 2 / 3 * ce * ROOT_2G * (width_m + float(np.interp(ratio, _KB_RATIO, _KB_M))) * he**1.5
    return q


def villemonte(head_m: Floats, tail_m: Floats, exponent: float = 1.5) -> Floats:
    """Share of the free discharge that remains under tail-water [1 − (h2/h1)^n]^0.385 (Villemonte 1947); both heads above the crest.

    n = 1.5 rectangular, 2.5 triangular. 1 where the tail-water is below the crest, 0 where it stands as high as the head.
    """
    ratio = np.clip(np.where(head_m > 0, np.maximum(tail_m, 0.0) / np.maximum(head_m, 1e-9), 0.0), 0.0, 1.0)
    share: Floats = (1 - ratio**exponent) ** 0.385
    return share


def orifice(head_m: Floats, area_m2: float, coefficient: float = 0.6) -> Floats:
    """Q [m³/s] = C_d·A·√(2g·h), for an opening that is wholly under water."""
    q: Floats = coefficient * area_m2 * ROOT_2G * np.sqrt(np.maximum(head_m, 0.0))
    return q


def flow_u(q: float, head_m: float, mu_u: float, width_u: float, head_u_m: float) -> float:
    """Standard uncertainty of Q: √[(u_μ/μ)² + (u_b/b)² + (1.5·u_h/h)²]·Q; mu_u, width_u relative."""
    return q * math.sqrt(mu_u**2 + width_u**2 + (1.5 * head_u_m / head_m) ** 2)


def discharge(head_m: Floats, weir: Weir) -> Floats:
    """Q [m³/s] of a weir as described in the town, in free flow.

    A thin plate whose crest height is known follows Rehbock, one in a known wider channel Kindsvater and Carter; a calibrated
    coefficient always wins; all others Poleni.
    """
    if weir.kind == "v_notch":
        return v_notch(head_m, weir.notch_angle_deg or 90.0)
    width = weir.width_m or math.nan
    if weir.kind == "thin_plate" and weir.coefficient is None and weir.crest_height_m is not None:
        if weir.channel_width_m is not None:
            return kindsvater_carter(head_m, width, weir.crest_height_m, weir.channel_width_m)
        return rehbock(head_m, width, weir.crest_height_m)
    return poleni(head_m, width, weir.coefficient or MU[weir.kind])


def event_volume(
    parts: list[tuple[Floats, Floats]], weir: Weir, noise_m: float, tails: list[Floats] | None = None
) -> tuple[float, float, float]:
    """(volume [m³], its standard uncertainty [m³], peak flow [m³/s]) of an overflow in parts of (times [s], heads [m] ≥ 0).

    `tails` are the tail-water's heads above the crest at the same times, where they are measured. Trapezoids over time. Noise raises
    h^1.5 by about ⅜·(σ/h)² of itself, which is taken off where h > 2σ. Coefficient and crest
    level are the same error in every sample, so they do not average out:
    u(V)/V = √[(u_μ/μ)² + (1.5·u_z·∫√h dt / ∫h^1.5 dt)²] (law of propagation, fully correlated inputs).
    """
    volume = root = power = peak = 0.0
    for i, (t, h) in enumerate(parts):
        unbiased = np.where(h > 2 * noise_m, 1 - 0.375 * (noise_m / np.maximum(h, 1e-9)) ** 2, 1.0)
        q = discharge(h, weir) * unbiased
        if tails is not None:
            q = q * villemonte(h, tails[i], 2.5 if weir.kind == "v_notch" else 1.5)
        volume += float(np.trapezoid(q, t))
        root += float(np.trapezoid(np.sqrt(h), t))
        power += float(np.trapezoid(h**1.5, t))
        peak = max(peak, float(q.max()))
    mu_u = 0.03 if weir.coefficient else MU_U[weir.kind]
    relative = math.hypot(mu_u, 1.5 * weir.crest_u_m * root / power) if power > 0 else 1.0
    return volume, volume * relative, peak
