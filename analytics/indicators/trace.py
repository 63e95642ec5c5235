"""From a published value back to the raw uplinks: value → inputs → measuring points → days → readings with their uplink-log seq."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from analytics.indicators.compute import find
from analytics.indicators.inputs.network import main_quantity
from analytics.indicators.inputs.overflow import SENSED_BY, overflow_points
from analytics.indicators.inputs.pressure import points as pressure_points
from analytics.indicators.scope import Scope, scopes
from analytics.indicators.window import Window, customers_in
from core.errors import NotFound
from core.model import IndicatorValue
from core.points import read_points
from core.quantities import QUANTITIES
from core.timekeeping import iso, local_day
from core.town import Sensor

Points = list[tuple[Sensor, str]]
COMPOSED: Mapping[str, tuple[str, ...]] = {
    "supplied_m3": ("zone_inflow_m3", "zone_export_m3"),
    "authorised_use_m3": ("metered_use_m3",),
    "household_use_m3": ("metered_use_m3",),
    "real_losses_m3": ("zone_inflow_m3", "zone_export_m3", "metered_use_m3"),
    "real_losses_m3_d": ("zone_inflow_m3", "zone_export_m3", "metered_use_m3"),
    "sanitary_volume_m3": ("metered_use_m3",),
    "live_smart_meters": ("metered_use_m3",),
}


def _pressure(w: Window, scope: Scope) -> Points:
    return [(s, "pressure_bar") for s in pressure_points(w, scope)]


def _overflow(w: Window, scope: Scope) -> Points:
    sensors = [s for group in overflow_points(w, scope).values() for s in group]
    return [(s, next(q for q in s.quantities if q in SENSED_BY)) for s in sensors]


def _all(w: Window, scope: Scope) -> Points:
    return [(s, q) for s in w.within(scope) if (q := main_quantity(s)) is not None]


SOURCES: Mapping[str, Callable[[Window, Scope], Points]] = {
    "zone_inflow_m3": lambda w, s: [(i.sensor, i.quantity) for i in w.inlets if i.sign(s) == 1],
    "zone_export_m3": lambda w, s: [(i.sensor, i.quantity) for i in w.inlets if i.sign(s) == -1],
    "metered_use_m3": lambda w, s: [(m, "volume_m3") for m in customers_in(w, s)],
    "night_flow_lps": lambda w, s: [(i.sensor, i.quantity) for i in w.inlets if i.sign(s)],
    "raw_withdrawal_m3": lambda w, s: [p for p in w.metered(("source",)) if w.inside(s, p[0])],
    "sewer_flow_m3": lambda w, s: [p for p in w.metered(("pumping_station", "treatment_plant")) if w.inside(s, p[0])],
    "surcharge_hours": lambda w, s: [(x, "level_m") for x in w.town.sensors_with("level_m") if w.inside(s, x)],
    **dict.fromkeys(("mean_pressure_m", "interrupted_household_hours", "ok_person_days", "observed_person_days",
                     "low_pressure_connection_hours", "observed_connection_hours"), _pressure),
    **dict.fromkeys(("overflow_hours", "overflow_blocks", "overflow_points", "overflow_volume_m3", "dry_weather_overflows"), _overflow),
    **dict.fromkeys(("valid_samples", "expected_samples", "monitored_water_km", "monitored_sewer_km"), _all),
}  # fmt: skip


def sources(w: Window, name: str, scope: Scope) -> Points:
    """The measuring points behind an input, each once; none for master data."""
    names = COMPOSED.get(name, (name,))
    found = {(s.id, q): (s, q) for n in names if n in SOURCES for s, q in SOURCES[n](w, scope)}
    return list(found.values())


def trace(w: Window, value: IndicatorValue, *, points: int = 5, readings: int = 4) -> dict[str, Any]:
    """A value's way back as plain data: of each input the `points` largest contributors, of each day what it gave, and first and last
    `readings` with their uplink seq. Raises NotFound where the zone is no longer there.
    """
    indicator = find(value.indicator)
    scope = next((s for s in scopes(w.town, "all") if s.id == value.zone), None)
    if scope is None:
        raise NotFound(f"there is no zone '{value.zone}' any more")
    inputs = []
    for symbol, name in indicator.inputs.items():
        kept = dict(value.lineage.get("inputs", {}).get(symbol, {}))
        found = sources(w, name, scope)
        chosen = _largest(w, found)[:points]
        inputs.append({"symbol": symbol, **kept, "name": name, "measuring_points": len(found),
                       "points": [_point(w, s, q, readings) for s, q in chosen]})  # fmt: skip
    return {"indicator": indicator.id, "zone": value.zone, "start": iso(value.start), "end": iso(value.end), "value": value.value,
            "unit": value.unit, "revision": value.revision, "formula": indicator.formula, "inputs": inputs}  # fmt: skip


def _largest(w: Window, found: Points) -> Points:
    """Volume meters by volume; others in the order of the town."""
    size: dict[str, float] = {}
    for quantity in {q for _, q in found if QUANTITIES[q].counter or q == "flow_m3h"}:
        sensors = [s for s, q in found if q == quantity]
        size |= dict(zip([s.id for s in sensors], np.nan_to_num(w.sums(sensors, quantity).total).tolist(), strict=True))
    return sorted(found, key=lambda p: -size.get(p[0].id, 0.0))


def _point(w: Window, sensor: Sensor, quantity: str, readings: int) -> dict[str, Any]:
    days, interval = w.daily([sensor], quantity)
    has_volume = QUANTITIES[quantity].counter or quantity == "flow_m3h"
    volumes = w.volumes([sensor], quantity) if has_volume else None
    rows = []
    for i in np.flatnonzero(np.diff(days.edges) > 0):
        row = {"day": local_day(float(days.edges[i])).isoformat(), "readings": int(days.count[0, i]), "first": _plain(days.first[0, i]),
               "last": _plain(days.last[0, i]), "minimum": _plain(days.minimum[0, i]), "maximum": _plain(days.maximum[0, i])}  # fmt: skip
        if volumes is not None:
            row |= {"volume": _plain(volumes.total[0, i]), "extrapolated": _plain(volumes.extrapolated[0, i]),
                    "estimated": _plain(volumes.estimated[0, i])}  # fmt: skip
        rows.append(row)
    series = read_points(w.store, w.town, [sensor], quantity, w.start, w.until)[sensor.id]
    ends = [*range(min(readings, len(series))), *range(max(readings, len(series) - readings), len(series))]
    shown = [{"at": iso(float(series.t[i])), "value": float(series.x[i]), "flag": int(series.flag[i]), "uplink": int(series.uplink[i])}
             for i in ends]  # fmt: skip
    return {"sensor": sensor.id, "dev_eui": sensor.dev_eui, "quantity": quantity, "interval_s": float(interval[0]),
            "personal": w.town.is_personal(sensor), "days": rows, "readings": shown}  # fmt: skip


def _plain(x: float) -> float | None:
    return float(x) if np.isfinite(x) else None
