"""Inputs from pressure points: mean pressure, low pressure, interruption, availability.

Each pressure point stands for an equal share of its zone's connections, households and persons. Only days whose lowest
pressure was under the limit are read in full.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from analytics.indicators.amounts import Amount, missing, total
from analytics.indicators.master import lookup
from analytics.indicators.scope import Scope, roots
from analytics.indicators.window import GAP_INTERVALS, Window, remembered
from core.model import Floats
from core.points import read_points
from core.town import Sensor

BAR_TO_M = 10.19716
"""Metres of water per bar (at 1000 kg/m³, g = 9.80665)."""
P_MIN_M = 20.0
INTERRUPTION_BAR = 0.5
AVAILABLE_H = 12.0


@remembered
def points(w: Window, scope: Scope) -> list[Sensor]:
    """Pressure sensors of the water network in a scope."""
    return [s for s in w.town.sensors_with("pressure_bar") if w.inside(scope, s) and not _on_pump(w, s)]


def _on_pump(w: Window, sensor: Sensor) -> bool:
    asset = w.town.asset_of(sensor)
    return asset is not None and asset.kind in ("pumping_station", "treatment_plant", "source")


def seconds_beyond(w: Window, sensors: list[Sensor], quantity: str, limit: Floats, below: bool) -> tuple[Floats, Floats]:
    """(seconds beyond the limit, seconds observed) of each sensor and day: shape (n, d).

    A reading stands for the time until the next one, at most GAP_INTERVALS sampling intervals: silence is not counted at all.
    """
    days, interval = w.daily(sensors, quantity)
    lengths = np.diff(days.edges)[None, :]
    observed = np.minimum(days.count * interval[:, None], lengths)
    beyond = np.zeros_like(observed)
    with np.errstate(invalid="ignore"):
        suspects = (days.minimum < limit[:, None]) if below else (days.maximum > limit[:, None])
    for i in np.flatnonzero(suspects.any(axis=1)):
        for first, last in _runs(suspects[i]):
            edges = days.edges[first : last + 2]
            series = read_points(w.store, w.town, [sensors[i]], quantity, float(edges[0]), float(edges[-1]))[sensors[i].id]
            x = series.usable()
            good = np.isfinite(x)
            t, x = series.t[good], x[good]
            held = np.minimum(np.diff(t, append=edges[-1]), GAP_INTERVALS * interval[i])
            hit = (x < limit[i]) if below else (x > limit[i])
            beyond[i, first : last + 1] = _split(t[hit], held[hit], edges)
    return np.minimum(beyond, lengths), observed


def _runs(mask: np.typing.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last index of every run of True."""
    change = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(a), int(b) - 1) for a, b in zip(change[::2], change[1::2], strict=True)]


def _split(t: Floats, held: Floats, edges: Floats) -> Floats:
    """Seconds of the spans [t, t + held) in each day between edges."""
    low, high = edges[:-1], edges[1:]
    spans = np.minimum(high[:, None], (t + held)[None, :]) - np.maximum(low[:, None], t[None, :])
    return np.asarray(np.clip(spans, 0.0, None).sum(axis=1))


def _weighted(
    w: Window, scope: Scope, master: str, of_point: Callable[[Window, list[Sensor]], tuple[Floats, Floats]], net: str = "water"
) -> tuple[Amount, Amount]:
    """(hit, observed) in units of `master` times what `of_point` gives per sensor; zone by zone, so that zones add up to the town."""
    parts = roots(w.town, net) if scope.whole_town else [scope]
    hits, seen = [], []
    for part in parts:
        sensors, weight = points(w, part), lookup(w, master, part)
        if not sensors or weight.value is None:
            continue
        hit, observed = of_point(w, sensors)
        received, due = w.expected(sensors, "pressure_bar")
        complete = float(received.sum() / due.sum()) if due.sum() > 0 else 0.0
        each = weight.value / len(sensors)
        made = [Amount(float(x.sum()) * each, 0.0, complete, (1.0, 0.0, 0.0), weight.age_months,
                       source={"sensors": len(sensors), master: weight.value}) for x in (hit, observed)]  # fmt: skip
        hits.append(made[0])
        seen.append(made[1])
    if not seen or sum(s.value or 0.0 for s in seen) <= 0:
        return missing("pressure points"), missing("pressure points")
    covered = len(seen) / len(parts)
    return _cover(total(hits), covered), _cover(total(seen), covered)


def _cover(a: Amount, share: float) -> Amount:
    """Zones without a pressure point lower the completeness of the town's figure."""
    return (
        a
        if share == 1.0
        else replace(a, completeness=a.completeness * share, notes=(*a.notes, f"{share:.0%} of zones have pressure points"))
    )


def _low(limit_bar: float) -> Callable[[Window, list[Sensor]], tuple[Floats, Floats]]:
    def of_point(w: Window, sensors: list[Sensor]) -> tuple[Floats, Floats]:
        beyond, observed = seconds_beyond(w, sensors, "pressure_bar", np.full(len(sensors), limit_bar), below=True)
        return beyond / 3600.0, observed / 3600.0

    return of_point


def _available(w: Window, sensors: list[Sensor]) -> tuple[Floats, Floats]:
    """Days with enough hours above the minimum, and days observed; a day seen for too short to tell is not counted."""
    beyond, observed = seconds_beyond(w, sensors, "pressure_bar", np.full(len(sensors), P_MIN_M / BAR_TO_M), below=True)
    length = np.diff(w.edges)[None, :]
    share = np.where(length > 0, length / np.maximum(length, 1.0), 0.0)
    told = (observed >= AVAILABLE_H * 3600.0) | (beyond > length - AVAILABLE_H * 3600.0)
    good = told & (observed - beyond >= np.minimum(AVAILABLE_H * 3600.0, length))
    return np.asarray(good * share), np.asarray(told * share)


@remembered
def mean_pressure_m(w: Window, scope: Scope) -> Amount:
    """Mean pressure head [m] over the supplied time; the town's is weighted by each zone's unavoidable-loss factor."""
    if scope.whole_town:
        return _town_pressure(w)
    sensors = points(w, scope)
    if not sensors:
        return missing("pressure points")
    days, _ = w.daily(sensors, "pressure_bar")
    weights = days.count * (np.nan_to_num(days.mean) > INTERRUPTION_BAR)
    if weights.sum() == 0:
        return missing("pressure points")
    value = float(np.average(np.nan_to_num(days.mean), weights=weights)) * BAR_TO_M
    received, due = w.expected(sensors, "pressure_bar")
    return Amount(value, 0.01 * value, float(received.sum() / max(due.sum(), 1e-9)), (1.0, 0.0, 0.0), source={"sensors": len(sensors)})


def _town_pressure(w: Window) -> Amount:
    parts = []
    for zone in roots(w.town, "water"):
        sizes = [lookup(w, name, zone).value for name in ("mains_km", "service_connections", "private_pipe_km")]
        pressure = mean_pressure_m(w, zone)
        if pressure.value is None or any(v is None for v in sizes):
            return missing(f"mean pressure of {zone.id}")
        lm, nc, lp = (v or 0.0 for v in sizes)
        parts.append((pressure, 18 * lm + 0.8 * nc + 25 * lp))
    whole = sum(k for _, k in parts)
    if whole <= 0:
        return missing("mean pressure")
    value = sum((p.value or 0.0) * k for p, k in parts) / whole
    complete = min(p.completeness for p, _ in parts)
    return Amount(value, 0.01 * value, complete, (1.0, 0.0, 0.0), source={"zones": len(parts)})


INPUTS: dict[str, Callable[[Window, Scope], Amount]] = {
    "mean_pressure_m": mean_pressure_m,
    "interrupted_household_hours": lambda w, s: _weighted(w, s, "households", _low(INTERRUPTION_BAR))[0],
    "ok_person_days": lambda w, s: _weighted(w, s, "population_connected_water", _available)[0],
    "observed_person_days": lambda w, s: _weighted(w, s, "population_connected_water", _available)[1],
    "low_pressure_connection_hours": lambda w, s: _weighted(w, s, "service_connections", _low(P_MIN_M / BAR_TO_M))[0],
    "observed_connection_hours": lambda w, s: _weighted(w, s, "service_connections", _low(P_MIN_M / BAR_TO_M))[1],
}
