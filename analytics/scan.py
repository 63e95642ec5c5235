"""Run every detector over a window of the town and give back events that keep their ids."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import analytics.detectors
from analytics.detector import Arrays, Budget, Detector, Finding
from analytics.gather import Gatherer
from analytics.reconcile import new_id, reconcile
from core.discovery import collect
from core.model import Event
from core.records import Maintenance
from core.store import SeriesStore
from core.town import Town

Progress = Callable[[str, int, int], None]
"""Told (detector, places done, places in all)."""


@dataclass(frozen=True, slots=True)
class ScanResult:
    """Events of the window under their lasting ids, and the ids of known events that late data has overtaken."""

    events: tuple[Event, ...]
    withdrawn: tuple[str, ...]


@cache
def detectors() -> Mapping[str, Detector]:
    """Every registered detector by key."""
    return collect(analytics.detectors, "DETECTOR")


def scan(
    store: SeriesStore,
    town: Town,
    start: float,
    end: float,
    *,
    known: Sequence[Event] = (),
    planned: Sequence[Maintenance] = (),
    progress: Progress | None = None,
    only: Sequence[str] | None = None,
    params: Mapping[str, Any] | None = None,
    sensors: Collection[str] | None = None,
) -> ScanResult:
    """Everything found in [start, end) (Unix s), judged with what was measured before `end`.

    `known` are the events already registered that overlap the window; the scan goes back to the earliest of them, so that an event
    that lasts is found whole. `planned` work is looked at by `analytics.causes`, not here: what happens during it is still recorded.
    `only` limits the scan to some detectors, `sensors` to the places of some sensors (those that reported); `params` replaces defaults.
    Silence shows only in a scan of all.
    """
    gatherer = Gatherer(store, town)
    events: list[Event] = []
    withdrawn: list[str] = []
    for key, detector in detectors().items():
        if only is not None and key not in only:
            continue
        places = gatherer.places(detector)
        budget = Budget(town.utility.false_alarms_per_week * detector.budget_share or math.inf, max(1, len(places)))
        for i, (place, here) in enumerate(places):
            if sensors is not None and not any(s.id in sensors for s in here):
                continue
            mine = [e for e in known if e.detector == key and _place_of(e, detector, town) == place]
            since = min([start, *(e.start for e in mine)])
            arrays = gatherer.arrays(detector, place, here, since, end, budget)
            if arrays.tracks:
                found = [_event(f, arrays, detector, town) for f in detector.detect(arrays, (params or {}).get(key) or detector.params())]
                kept, gone = reconcile([e for e in found if e.start < end and (e.end is None or e.end >= since)], mine)
                events += kept
                withdrawn += gone
            if detector.scope == "series":
                gatherer.forget()
            if progress is not None:
                progress(key, i + 1, len(places))
    return ScanResult(tuple(sorted(events, key=lambda e: (e.start, e.id))), tuple(withdrawn))


def _zone(place: str, town: Town) -> str | None:
    return place if place in town.zone_by_id else None


def _event(f: Finding, arrays: Arrays, detector: Detector, town: Town) -> Event:
    site = arrays.site
    one_place = detector.scope in ("series", "asset")
    return Event(
        id=new_id(detector.key, arrays.place, f.kind, f.start),
        kind=f.kind,
        detector=detector.key,
        sensors=f.sensors or tuple(dict.fromkeys(k.site.sensor for k in arrays.tracks)),
        zone=site.zone if one_place else _zone(arrays.place, town) if detector.scope == "zone" else None,
        asset=site.asset if one_place else None,
        start=f.start,
        end=f.end,
        onset=f.start if math.isnan(f.onset) else f.onset,
        onset_uncertainty_s=f.onset_u_s,
        score=f.score,
        threshold=f.threshold,
        completeness=f.completeness,
        severity=f.severity,
        volume_m3=f.volume_m3,
        volume_u_m3=f.volume_u_m3,
        details=dict(f.details),
        method_version=detector.version,
    )


def _place_of(event: Event, detector: Detector, town: Town) -> str | None:
    match detector.scope:
        case "series":
            return event.sensors[0] if event.sensors else None
        case "asset":
            return event.asset or (event.sensors[0] if event.sensors else None)
        case "zone":
            return event.zone or town.utility.id
        case _:
            return town.utility.id
