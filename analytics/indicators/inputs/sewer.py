"""Inputs from the sewer: flow, sanitary volume, surcharge."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from analytics.indicators.amounts import Amount, missing
from analytics.indicators.inputs.balance import authorised_use_m3, metered_total
from analytics.indicators.inputs.pressure import seconds_beyond
from analytics.indicators.master import lookup
from analytics.indicators.scope import NETWORKS, Scope, scopes, town_zone
from analytics.indicators.window import Window, remembered
from core.town import Sensor

RELATIVE_U = 0.025
"""Standard uncertainty of a sewer flow meter, one common cause. Status P."""


def sewer_flow_m3(w: Window, scope: Scope) -> Amount:
    """Sewage that leaves the scope, less what enters it from other zones.

    Meters are on pumping stations and treatment plants; water is followed through `downstream` to the next meter.
    """
    meters = {s.asset: (s, q) for s, q in w.metered(("pumping_station", "treatment_plant")) if _is_sewer(w, s)}
    signs = {a: int(w.inside(scope, s)) for a, (s, _) in meters.items()}
    for asset, (sensor, _) in meters.items():
        below = _next_meter(w, asset or "", set(meters))
        if below is not None and scope.has(w.town.zone_of(meters[below][0])):
            signs[asset] = int(w.inside(scope, sensor)) - 1
    chosen = [(point, signs[asset]) for asset, point in meters.items() if signs[asset]]
    return metered_total(w, [p for p, _ in chosen], RELATIVE_U, "sewer flow meters", signs=[s for _, s in chosen])


def _next_meter(w: Window, asset: str, meters: set[str | None]) -> str | None:
    seen = {asset}
    here = w.town.asset_by_id[asset].downstream if asset in w.town.asset_by_id else None
    while here is not None and here not in seen:
        if here in meters:
            return here
        seen.add(here)
        here = w.town.asset_by_id[here].downstream
    return None


def _is_sewer(w: Window, sensor: Sensor) -> bool:
    zone = w.town.zone_by_id.get(w.town.zone_of(sensor) or "")
    asset = w.town.asset_of(sensor)
    return NETWORKS[zone.kind] == "sewer" if zone is not None else asset is not None and asset.kind == "treatment_plant"


def sanitary_volume_m3(w: Window, scope: Scope) -> Amount:
    """Authorised water use of the town times the share that reaches the sewer; a zone has its share of the connected people."""
    town = scopes(w.town, "sewer", [town_zone(w.town)])[0]
    use, factor = authorised_use_m3(w, town), lookup(w, "sewer_return_factor", scope)
    if use.value is None or factor.value is None:
        return use
    share, notes = 1.0, (*use.notes, *factor.notes)
    if not scope.whole_town:
        own, all_of_them = (lookup(w, "population_municipality", s, "sewer") for s in (scope, town))
        zones = lookup(w, "population_connected_water", town, "sewer")
        whole = zones.value or all_of_them.value
        if own.value is None or not whole:
            return missing(f"population of {scope.id}")
        share = own.value / whole
    value = use.value * factor.value * share
    relative = math.hypot(use.u / use.value if use.value else 0.0, factor.u / factor.value if factor.value else 0.0)
    return replace(use, value=value, u=abs(value) * relative, notes=notes, shares=use.shares if share == 1.0 else (0.0, 0.0, 1.0))


@remembered
def _surcharge_points(w: Window, scope: Scope) -> list[Sensor]:
    """Level sensors on assets whose surcharge level is registered."""
    return [s for s in w.town.sensors_with("level_m") if w.inside(scope, s)
            and (asset := w.town.asset_of(s)) is not None and asset.surcharge_m is not None]  # fmt: skip


def surcharge_hours(w: Window, scope: Scope) -> Amount:
    sensors = _surcharge_points(w, scope)
    if not sensors:
        return missing("surcharge levels")
    limits = np.array([w.town.asset_by_id[s.asset or ""].surcharge_m for s in sensors], float)
    beyond, _ = seconds_beyond(w, sensors, "level_m", limits, below=False)
    received, due = w.expected(sensors, "level_m")
    return Amount(float(beyond.sum()) / 3600.0, math.nan, float(received.sum() / max(due.sum(), 1e-9)), (1.0, 0.0, 0.0),
                  source={"sensors": len(sensors)})  # fmt: skip


def _surcharge_count(w: Window, scope: Scope) -> Amount:
    n = len(_surcharge_points(w, scope))
    return Amount(float(n)) if n else missing("surcharge levels")


INPUTS: dict[str, Callable[[Window, Scope], Amount]] = {
    "sewer_flow_m3": sewer_flow_m3,
    "sanitary_volume_m3": sanitary_volume_m3,
    "surcharge_hours": surcharge_hours,
    "surcharge_points": _surcharge_count,
}
