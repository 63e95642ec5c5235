"""Inputs of the water balance: inflow, export, metered and unmetered use, losses, energy."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from analytics.indicators.amounts import Amount, missing, total
from analytics.indicators.master import lookup
from analytics.indicators.privacy import DOMINANT
from analytics.indicators.scope import NETWORKS, Inlet, Scope
from analytics.indicators.window import Window, customers_in, remembered
from core.timekeeping import unix
from core.town import Sensor

Points = Sequence[tuple[Sensor, str]]
RELATIVE_U = {"inflow": 0.01, "meters": 0.01, "energy": 0.01, "withdrawal": 0.01}
"""Standard uncertainty (half of 2 % at k = 2) of each group of meters, taken as one common cause. Status P."""
DERIVED_PERSONS_U = 0.05
"""Relative standard uncertainty of unmetered persons worked out from households and meters. Status P."""


def metered_total(
    w: Window, points: Points, relative_u: float, what: str, *, signs: Sequence[int] | None = None, whole: bool = True
) -> Amount:
    """Volumes of some metering points, summed over the period with their signs.

    Completeness is weighted by volume, of the `whole` period or of each point's time in service. When all points are silent the
    volume is missing, not zero.
    """
    if not points:
        return missing(what)
    totals, extra, estimated, complete = np.zeros((4, len(points)))
    for quantity in dict.fromkeys(q for _, q in points):
        rows = [i for i, (_, q) in enumerate(points) if q == quantity]
        sums = w.sums([points[i][0] for i in rows], quantity)
        totals[rows], complete[rows] = sums.total, sums.completeness(whole)
        extra[rows], estimated[rows] = np.nan_to_num(sums.extrapolated), np.nan_to_num(sums.estimated)
    silent = int(np.isnan(totals).sum())
    if silent == len(points):
        return missing(what)
    weights = np.where(np.isnan(totals), np.nanmean(np.abs(totals)), np.abs(totals))
    weights = weights if weights.sum() > 0 else np.ones(len(points))
    direction = np.ones(len(points)) if signs is None else np.array(signs, float)
    value = float(np.nansum(totals * direction))
    gross = float(np.nansum(np.abs(totals)))
    shares = _shares(gross, float(np.abs(extra).sum()), float(np.abs(estimated).sum()))
    return Amount(
        value, abs(value) * relative_u, float(np.average(complete, weights=weights)), shares,
        calibration_valid=all(_calibrated(w, s) for s, _ in points),
        notes=(f"{silent} silent of {len(points)} ({what})",) if silent else (),
        source={"sensors": len(points), "silent": silent},
    )  # fmt: skip


def _shares(gross: float, extrapolated: float, estimated: float) -> tuple[float, float, float]:
    if gross <= 0:
        return 1.0, 0.0, 0.0
    e, s = min(extrapolated / gross, 1.0), min(estimated / gross, 1.0)
    return max(0.0, 1.0 - e - s), e, s


def _calibrated(w: Window, sensor: Sensor) -> bool:
    """False only where the register says when the calibration or meter test ran out, and that was before the period ended."""
    extra = sensor.model_extra or {}
    limit = extra.get("calibration_valid_until") or extra.get("meter_test_valid_until")
    return limit is None or unix(limit) >= w.until


def _customers(w: Window, scope: Scope, household: bool | None) -> Amount:
    w.sum_customers()
    chosen = [s for s in customers_in(w, scope) if household is None or (s.id in w.homes) == household]
    if not chosen:
        return missing("customer meters")
    found = metered_total(w, [(s, "volume_m3") for s in chosen], RELATIVE_U["meters"], "customer meters", whole=False)
    return replace(found, source={**found.source, **_concentration(w, chosen)})


def _concentration(w: Window, points: Sequence[Sensor]) -> dict[str, Any]:
    """How many households are behind a volume, and whether one of them dominates it: what privacy must know, and no more."""
    homes = [s for s in points if s.id in w.homes]
    used = np.nan_to_num(np.abs(w.sums(homes, "volume_m3").total))
    whole = float(used.sum())
    return {"households": len(homes), "dominated": bool(whole > 0 and used.max() > DOMINANT * whole)}


def _inlets(w: Window, scope: Scope, sign: int) -> list[Inlet]:
    return [i for i in w.inlets if i.sign(scope) == sign]


@remembered
def zone_inflow_m3(w: Window, scope: Scope) -> Amount:
    """Water into the scope from outside it."""
    return metered_total(w, [(i.sensor, i.quantity) for i in _inlets(w, scope, 1)], RELATIVE_U["inflow"], "zone inlets")


@remembered
def zone_export_m3(w: Window, scope: Scope) -> Amount:
    """Water out of the scope through metered transfers; 0 where none is registered."""
    out = _inlets(w, scope, -1)
    if not out:
        return Amount(0.0, 0.0, source={"sensors": 0})
    return metered_total(w, [(i.sensor, i.quantity) for i in out], RELATIVE_U["inflow"], "transfers")


@remembered
def supplied_m3(w: Window, scope: Scope) -> Amount:
    """Inflow less export."""
    return difference(zone_inflow_m3(w, scope), zone_export_m3(w, scope))


def difference(a: Amount, b: Amount) -> Amount:
    """a − b, with the uncertainties of two separate causes."""
    joined = total([a, b])
    if a.value is None or b.value is None:
        return joined
    return replace(joined, value=a.value - b.value, u=math.hypot(a.u, b.u))


@remembered
def metered_use_m3(w: Window, scope: Scope) -> Amount:
    return _customers(w, scope, None)


def unmetered_persons(w: Window, scope: Scope) -> Amount:
    """As entered; else the persons of households beyond those with a meter, each for its time in service: an estimate."""
    entered = lookup(w, "unmetered_persons", scope)
    if entered.value is not None:
        return entered
    persons, homes = lookup(w, "population_connected_water", scope), lookup(w, "households", scope)
    if not persons.value or not homes.value:
        return entered
    meters = {s.asset: s for s in customers_in(w, scope) if s.id in w.homes}
    served = w.service_s(list(meters.values())).sum() / max(w.until - w.start, 1.0) if meters else 0.0
    with_meter = float(min(served, len(meters)))
    value = persons.value * max(0.0, 1 - with_meter / homes.value)
    return Amount(value, value * DERIVED_PERSONS_U, age_months=persons.age_months,
                  notes=("unmetered_persons derived from households and meters",),
                  source={"derived": "population · (1 − household meters / households)", "household_meters": with_meter})  # fmt: skip


def _assumed_use(w: Window, scope: Scope, days: float) -> Amount:
    """Persons without a meter times the assumed use of a person, over some days."""
    persons, litres = unmetered_persons(w, scope), lookup(w, "unmetered_l_per_person_day", scope)
    if persons.value is None or litres.value is None:
        return persons if persons.value is None else litres
    value = persons.value * litres.value * days / 1000.0
    relative = math.hypot(persons.u / persons.value if persons.value else 0.0, litres.u / litres.value)
    return Amount(value, value * relative, shares=(0.0, 0.0, 1.0), age_months=persons.age_months,
                  notes=(*persons.notes, *litres.notes) if value else (),
                  source={"persons": persons.value, "l_per_person_day": litres.value, "source": litres.source})  # fmt: skip


def unmetered_use_m3(w: Window, scope: Scope) -> Amount:
    """Assumed use of the whole period."""
    return _assumed_use(w, scope, w.days)


def unmetered_in_balance_m3(w: Window, scope: Scope) -> Amount:
    """Assumed use of the days in which the inflow is measured: a balance compares the same days on both sides."""
    entering = [i.sensor for i in _inlets(w, scope, 1)]
    measured = float(w.service_s(entering).sum(axis=1).max()) / 86_400.0 if entering else w.days
    return _assumed_use(w, scope, min(w.days, measured))


def other_authorised_m3(w: Window, scope: Scope) -> Amount:
    """As entered; 0 with a note where nobody entered it (it then counts as loss, which is on the safe side)."""
    entered = lookup(w, "other_authorised_m3", scope)
    if entered.value is None:
        return Amount(0.0, 0.0, notes=("other_authorised_m3 not entered: taken as 0",), cap=2, source={"default": True})
    return replace(entered, shares=(0.0, 0.0, 1.0))


@remembered
def authorised_use_m3(w: Window, scope: Scope) -> Amount:
    return total([metered_use_m3(w, scope), unmetered_use_m3(w, scope), other_authorised_m3(w, scope)])


@remembered
def household_use_m3(w: Window, scope: Scope) -> Amount:
    """Household meters and the assumed use of households without one; class 2 at best where under half is metered."""
    measured, assumed = _customers(w, scope, True), unmetered_use_m3(w, scope)
    joined = total([measured, assumed])
    if measured.value is None or assumed.value is None or measured.value >= assumed.value:
        return joined
    return replace(joined, cap=2, notes=(*joined.notes, "under half of household use is metered"))


@remembered
def real_losses_m3(w: Window, scope: Scope) -> Amount:
    """Water losses less apparent losses; all water losses, in class 2 at best, where apparent ones are not known."""
    used = total([metered_use_m3(w, scope), unmetered_in_balance_m3(w, scope), other_authorised_m3(w, scope)])
    losses = difference(supplied_m3(w, scope), used)
    apparent = lookup(w, "apparent_losses_m3", scope)
    if apparent.value is not None:
        return difference(losses, apparent)
    return replace(losses, cap=2, notes=(*losses.notes, "apparent losses not known: all water losses"))


def real_losses_m3_d(w: Window, scope: Scope) -> Amount:
    losses = real_losses_m3(w, scope)
    return losses if losses.value is None else replace(losses, value=losses.value / w.days, u=losses.u / w.days)


def _energy(w: Window, scope: Scope) -> Amount:
    kinds = ("pumping_station", "treatment_plant", "source", "reservoir", "zone_inlet")
    points = [(s, q) for s, q in w.metered(kinds, ("energy_kwh",)) if w.inside(scope, s) and _is_water(w, s)]
    return metered_total(w, points, RELATIVE_U["energy"], "energy meters")


def _is_water(w: Window, sensor: Sensor) -> bool:
    zone = w.town.zone_by_id.get(w.town.zone_of(sensor) or "")
    return zone is None or NETWORKS[zone.kind] in ("water", "all")


def raw_withdrawal_m3(w: Window, scope: Scope) -> Amount:
    """Raw-water meters: assets of kind source."""
    points = [(s, q) for s, q in w.metered(("source",)) if w.inside(scope, s)]
    return metered_total(w, points, RELATIVE_U["withdrawal"], "raw-water meters")


INPUTS: dict[str, Callable[[Window, Scope], Amount]] = {
    "zone_inflow_m3": zone_inflow_m3,
    "zone_export_m3": zone_export_m3,
    "supplied_m3": supplied_m3,
    "metered_use_m3": metered_use_m3,
    "unmetered_in_balance_m3": unmetered_in_balance_m3,
    "other_authorised_m3": other_authorised_m3,
    "authorised_use_m3": authorised_use_m3,
    "household_use_m3": household_use_m3,
    "real_losses_m3": real_losses_m3,
    "real_losses_m3_d": real_losses_m3_d,
    "water_energy_kwh": _energy,
    "raw_withdrawal_m3": raw_withdrawal_m3,
}
