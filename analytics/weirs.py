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


def discharge(head_m: Floats, weir: Weir) -> Floats:
    """Q [m³/s] of a weir as described in the town."""
    if weir.kind == "v_notch":
        return v_notch(head_m, weir.notch_angle_deg or 90.0)
    return poleni(head_m, weir.width_m or math.nan, weir.coefficient or MU[weir.kind])


def event_volume(parts: list[tuple[Floats, Floats]], weir: Weir, noise_m: float) -> tuple[float, float, float]:
    """(volume [m³], its standard uncertainty [m³], peak flow [m³/s]) of an overflow in parts of (times [s], heads [m] ≥ 0).

    Trapezoids over time. Noise raises h^1.5 by about ⅜·(σ/h)² of itself, which is taken off where h > 2σ. Coefficient and crest
    level are the same error in every sample, so they do not average out:
    u(V)/V = √[(u_μ/μ)² + (1.5·u_z·∫√h dt / ∫h^1.5 dt)²] (law of propagation, fully correlated inputs).
    """
    volume = root = power = peak = 0.0
    for t, h in parts:
        unbiased = np.where(h > 2 * noise_m, 1 - 0.375 * (noise_m / np.maximum(h, 1e-9)) ** 2, 1.0)
        q = discharge(h, weir) * unbiased
        volume += float(np.trapezoid(q, t))
        root += float(np.trapezoid(np.sqrt(h), t))
        power += float(np.trapezoid(h**1.5, t))
        peak = max(peak, float(q.max()))
    mu_u = 0.03 if weir.coefficient else MU_U[weir.kind]
    relative = math.hypot(mu_u, 1.5 * weir.crest_u_m * root / power) if power > 0 else 1.0
    return volume, volume * relative, peak
