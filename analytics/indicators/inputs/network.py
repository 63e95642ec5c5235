"""Inputs about the measuring itself: samples received, meters alive, kilometres watched."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from analytics.indicators.amounts import Amount, missing
from analytics.indicators.scope import NETWORKS, Scope
from analytics.indicators.window import GAP_INTERVALS, Window, customers_in, remembered
from core.quantities import QUANTITIES
from core.town import Sensor

SIDE_TABLES = ("battery", "radio", "status")
LIVE_DAYS = 30


def main_quantity(sensor: Sensor) -> str | None:
    """The quantity that a sensor is there for: its first that is not about the device itself."""
    return next((q for q in sensor.quantities if QUANTITIES[q].table not in SIDE_TABLES), None)


@remembered
def _samples(w: Window, scope: Scope) -> dict[str, tuple[float, float, int]]:
    """Quantity → (received, expected, sensors) of a scope, each sensor under what it is there for."""
    groups: dict[str, list[Sensor]] = {}
    for sensor in w.within(scope):
        quantity = main_quantity(sensor)
        if quantity is not None:
            groups.setdefault(quantity, []).append(sensor)
    found = {}
    for quantity, sensors in groups.items():
        if quantity == "volume_m3":
            sums = w.sums(sensors, quantity)
            got, expected = sums.received, sums.in_service
        else:
            got, expected = w.expected(sensors, quantity, whole=False)
        found[quantity] = float(got.sum()), float(expected.sum()), len(sensors)
    return found


def valid_samples(w: Window, scope: Scope) -> Amount:
    """Samples received; the source tells the share by quantity too."""
    groups = _samples(w, scope)
    if sum(due for _, due, _ in groups.values()) <= 0:
        return missing("sensors")
    shares = {q: round(got / due, 6) for q, (got, due, _) in groups.items() if due > 0}
    return Amount(sum(got for got, _, _ in groups.values()), 0.0, 1.0, (1.0, 0.0, 0.0),
                  source={"sensors": sum(n for _, _, n in groups.values()), "by_quantity": shares})  # fmt: skip


def expected_samples(w: Window, scope: Scope) -> Amount:
    due = sum(due for _, due, _ in _samples(w, scope).values())
    return Amount(due) if due > 0 else missing("sensors")


@remembered
def live_smart_meters(w: Window, scope: Scope) -> Amount:
    """Customer meters heard in the last 30 days of the period."""
    sensors = customers_in(w, scope)
    if not sensors:
        return missing("customer meters")
    since = max(w.start, w.until - LIVE_DAYS * 86_400.0)
    days = w.rollups.days([s.dev_eui for s in sensors], "volume_m3", since, w.until, w.now)
    live = int((days.count.sum(axis=1) > 0).sum())
    return Amount(float(live), 0.0, 1.0, (1.0, 0.0, 0.0), source={"meters": len(sensors), "silent": len(sensors) - live},
                  notes=(f"{len(sensors) - live} installed meters are silent",) if live < len(sensors) else ())  # fmt: skip


def _monitored(network: str) -> Callable[[Window, Scope], Amount]:
    def km(w: Window, scope: Scope) -> Amount:
        """Registered kilometres of every point (`monitored_km` of the sensor or its asset), each by the share of time it was heard."""
        length = heard_length = 0.0
        n = 0
        for sensor in w.within(scope):
            covered, quantity = _registered_km(w, sensor), main_quantity(sensor)
            if not covered or quantity is None or not _belongs(w, sensor, network):
                continue
            days, interval = w.daily([sensor], quantity)
            seconds = np.diff(days.edges)
            heard = np.minimum(days.count[0] * GAP_INTERVALS * interval[0], seconds).sum() / max(seconds.sum(), 1e-9)
            length, heard_length, n = length + covered, heard_length + covered * float(heard), n + 1
        if n == 0:
            return missing("monitored_km")
        return Amount(heard_length, 0.0, heard_length / length, (1.0, 0.0, 0.0), source={"points": n, "registered_km": length})

    return km


def _registered_km(w: Window, sensor: Sensor) -> float:
    for part in (sensor, w.town.asset_of(sensor)):
        value = (part.model_extra or {}).get("monitored_km") if part is not None else None
        if value is not None:
            return float(value)
    return 0.0


def _belongs(w: Window, sensor: Sensor, network: str) -> bool:
    zone = w.town.zone_by_id.get(w.town.zone_of(sensor) or "")
    return zone is None or NETWORKS[zone.kind] in (network, "all")


INPUTS: dict[str, Callable[[Window, Scope], Amount]] = {
    "valid_samples": valid_samples,
    "expected_samples": expected_samples,
    "live_smart_meters": live_smart_meters,
    "monitored_water_km": _monitored("water"),
    "monitored_sewer_km": _monitored("sewer"),
}
