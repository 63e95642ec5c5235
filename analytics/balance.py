"""Water balance of a zone with its intervals: IWA terms, UARL and ILI, night flow, pressure-dependent loss. Pure functions, SI and m³."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from core.model import Floats


class Term(NamedTuple):
    """A volume [m³] with its standard uncertainty [m³]."""

    value: float
    u: float = 0.0

    def __add__(self, other: object) -> Term:
        if not isinstance(other, Term):
            return NotImplemented
        return Term(self.value + other.value, math.hypot(self.u, other.u))

    def minus(self, other: Term) -> Term:
        return Term(self.value - other.value, math.hypot(self.u, other.u))

    @property
    def interval(self) -> tuple[float, float]:
        """95 % (k = 2)."""
        return self.value - 2 * self.u, self.value + 2 * self.u


@dataclass(frozen=True, slots=True)
class Balance:
    """IWA water balance: losses = input − authorised; real = losses − apparent; non-revenue = input − billed."""

    input: Term
    billed: Term
    authorised: Term
    losses: Term
    apparent: Term
    real: Term
    non_revenue: Term


_NOTHING = Term(0.0)


def water_balance(
    system_input: Term, billed_metered: Term, billed_unmetered: Term = _NOTHING, unbilled: Term = _NOTHING, apparent: Term = _NOTHING
) -> Balance:
    """System input volume split by the IWA standard balance (Alegre et al.); uncertainties of independent terms add in squares."""
    billed = billed_metered + billed_unmetered
    authorised = billed + unbilled
    losses = system_input.minus(authorised)
    return Balance(system_input, billed, authorised, losses, apparent, losses.minus(apparent), system_input.minus(billed))


def uarl_l_d(mains_km: float, connections: float, private_km: float, pressure_m: float) -> float:
    """Unavoidable annual real losses [L/day] = (18·Lm + 0.8·Nc + 25·Lp)·P (Lambert et al. 1999)."""
    return (18 * mains_km + 0.8 * connections + 25 * private_km) * pressure_m


@dataclass(frozen=True, slots=True)
class Ili:
    """Infrastructure leakage index; `reason` says why it may not be rated."""

    value: float | None
    rated: bool
    reason: str | None = None


def ili(real_losses_l_d: float, mains_km: float, connections: float, private_km: float, pressure_m: float) -> Ili:
    """CARL/UARL within its limits of validity: at least 5 000 connections and 25–100 m of pressure, else computed but not rated."""
    unavoidable = uarl_l_d(mains_km, connections, private_km, pressure_m)
    if unavoidable <= 0:
        return Ili(None, False, "no mains, connections or pressure known")
    value = real_losses_l_d / unavoidable
    if connections < 5000:
        return Ili(value, False, "fewer than 5 000 connections")
    if not 25 <= pressure_m <= 100:
        return Ili(value, False, "pressure outside 25–100 m")
    return Ili(value, True)


def legitimate_night_use_m3h(population: float, active_share: float = 0.06, litres: float = 10.0) -> float:
    """Use at night where it is not measured: 6 % of people flush 10 L an hour."""
    return population * active_share * litres / 1000


def night_day_factor(pressure_m: Floats, night_pressure_m: float, n1: float = 1.0) -> float:
    """Σ over the day's hours of (P_h/P_night)^N1 [h/day]: daily loss = night rate × this (FAVAD). pressure_m: (24,)."""
    return float(np.sum((np.asarray(pressure_m) / night_pressure_m) ** n1))


def favad_exponent(area_ratio: float) -> float:
    """N1 = (0.5 + 1.5·LN)/(1 + LN), LN the leakage number m·h/A0 (van Zyl and Cassa 2014)."""
    return (0.5 + 1.5 * area_ratio) / (1 + area_ratio)


def net_of_tank(inflow_m3h: Floats, level_m: Floats, area_m2: float, step_s: float) -> Floats:
    """Use behind a tank [m³/h] = inflow − A·dH/dt; shapes (n,), regular steps."""
    out: Floats = np.asarray(inflow_m3h - area_m2 * np.gradient(level_m, step_s / 3600.0))
    return out


def minimum_night_flow(flow_m3h: Floats, steps_per_hour: int = 4, least: float = 0.96) -> float:
    """Least mean of any hour of one local day [m³/h]; NaN unless `least` of its values are there. flow_m3h: (steps of a day,)."""
    there = np.isfinite(flow_m3h)
    if there.mean() < least:
        return math.nan
    filled = np.where(there, flow_m3h, 0.0)
    kernel = np.ones(steps_per_hour)
    total, n = np.convolve(filled, kernel, "valid"), np.convolve(there.astype(float), kernel, "valid")
    return float(np.min(total[n > 0] / n[n > 0]))
