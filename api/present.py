"""Values as JSON data: ISO times, null for missing, names in both languages where there are any."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from api.now import alarms_by_sensor, finite, heard_at, main_quantity, state_of
from core.model import Event, IndicatorValue, Reading
from core.quantities import QUANTITIES
from core.records import Alarm, Maintenance
from core.timekeeping import iso
from core.town import Sensor, Town, Zone

FAR = 32_503_680_000.0
"""Year 3000: open ends are null outside."""


def when(t: float | None) -> str | None:
    """ISO 8601, null for none and for an open end."""
    return iso(t) if t is not None and -FAR < t < FAR else None


def zone(part: Zone) -> dict[str, Any]:
    return {
        "id": part.id, "name": part.name or part.id, "kind": part.kind, "parent": part.parent, "population": part.population,
        "households": part.households, "connections": part.connections, "mains_km": part.mains_km, "polygon": part.polygon,
    }  # fmt: skip


def sensor(town: Town, part: Sensor) -> dict[str, Any]:
    asset, place = town.asset_of(part), town.position_of(part)
    return {
        "id": part.id, "name": part.name or (asset.name if asset else "") or part.id, "dev_eui": part.dev_eui, "model": part.model,
        "zone": town.zone_of(part), "asset": part.asset, "kind": asset.kind if asset else "other", "position": place,
        "quantities": part.quantities, "main": main_quantity(part), "interval_s": part.interval_s, "crest_m": town.crest_of(part),
        "valid_from": when(part.valid_from), "valid_to": when(part.valid_to), "household": town.is_personal(part),
    }  # fmt: skip


def reading(row: Reading) -> dict[str, Any]:
    quantity = QUANTITIES.get(row.quantity)
    return {
        "quantity": row.quantity, "value": finite(row.value), "unit": quantity.unit if quantity else "", "flag": int(row.flag),
        "measured_at": when(row.measured_at), "uplink": row.uplink or None,
    }  # fmt: skip


def state(part: Sensor, rows: dict[str, Reading], alarms: dict[str, list[Alarm]], now: float) -> dict[str, Any]:
    """State now, main value and when it was last heard."""
    main = main_quantity(part)
    row = rows.get(main or "")
    return {
        "state": state_of(part, rows, alarms.get(part.id, []), now), "quantity": main, "value": finite(row.value) if row else None,
        "unit": QUANTITIES[main].unit if main in QUANTITIES else "", "flag": int(row.flag) if row else 9,
        "measured_at": when(row.measured_at) if row else None, "heard_at": when(heard_at(rows)),
    }  # fmt: skip


def event(found: Event, town: Town | None = None, *, personal: bool = False) -> dict[str, Any]:
    """With the town: what was found at a household is told as a flag, without its numbers, unless `personal`."""
    if town is not None and not personal and any((s := town.current.get(i)) is not None and town.is_personal(s) for i in found.sensors):
        found = replace(found, details={}, volume_m3=None, volume_u_m3=None, score=float("nan"), threshold=float("nan"))
    return {
        "id": found.id, "kind": found.kind, "detector": found.detector, "sensors": found.sensors, "zone": found.zone,
        "asset": found.asset, "start": when(found.start), "end": when(found.end), "onset": when(found.onset),
        "onset_uncertainty_s": finite(found.onset_uncertainty_s), "score": finite(found.score), "threshold": finite(found.threshold),
        "completeness": finite(found.completeness), "severity": found.severity, "volume_m3": finite(found.volume_m3),
        "volume_u_m3": finite(found.volume_u_m3), "location": [{"pipe": p, "probability": q} for p, q in found.location],
        "details": dict(found.details), "revision": found.revision, "method_version": found.method_version,
    }  # fmt: skip


def alarm(found: Alarm, now: float) -> dict[str, Any]:
    return {
        "id": found.id, "cause": found.cause, "kind": found.kind, "severity": found.severity, "state": found.state, "zone": found.zone,
        "asset": found.asset, "sensors": found.sensors, "events": found.events, "started_at": when(found.started_at),
        "raised_at": when(found.raised_at), "updated_at": when(found.updated_at), "ended_at": when(found.ended_at),
        "score": finite(found.score), "assignee": found.assignee, "acknowledged_at": when(found.acknowledged_at),
        "shelved_until": when(found.shelved_until) if (found.shelved_until or 0) > now else None, "feedback": found.feedback,
        "comments": [{"at": when(c.at), "author": c.author, "text": c.text} for c in found.comments], "revision": found.revision,
    }  # fmt: skip


def figure(value: IndicatorValue) -> dict[str, Any]:
    return {
        "indicator": value.indicator, "zone": value.zone, "start": when(value.start), "end": when(value.end), "value": finite(value.value),
        "numerator": finite(value.numerator), "denominator": finite(value.denominator), "unit": value.unit, "lower": finite(value.lower),
        "upper": finite(value.upper), "quality_class": value.quality_class, "completeness": finite(value.completeness),
        "failed_principles": value.failed_principles,
        "shares": dict(zip(("direct", "extrapolated", "estimated"), value.shares, strict=True)), "reason": value.reason,
        "status": value.status, "method_version": value.method_version, "revision": value.revision,
    }  # fmt: skip


def maintenance(work: Maintenance) -> dict[str, Any]:
    return {
        "id": work.id, "kind": work.kind, "start": when(work.start), "end": when(work.end), "zones": work.zones, "sensors": work.sensors,
        "note": work.note, "author": work.author,
    }  # fmt: skip


__all__ = ["alarm", "alarms_by_sensor", "event", "figure", "maintenance", "reading", "sensor", "state", "when", "zone"]
