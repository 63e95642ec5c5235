"""From events to alarms: one alarm per cause, however many sensors feel it; what is explained or only information raises none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from core.model import Event
from core.records import Alarm, AlarmState, Maintenance
from core.town import Town

HOUR_S = 3600.0


class Rule(NamedTuple):
    """How events of a kind become alarms: the system it happens in, and its rank as the explanation of others (higher leads)."""

    system: str
    rank: int


RULES: dict[str, Rule] = {
    "burst": Rule("water", 60),
    "leak": Rule("water", 55),
    "slow_leak": Rule("water", 50),
    "low_pressure": Rule("water", 40),
    "pressure_anomaly": Rule("water", 20),
    "pump_failure": Rule("sewer", 70),
    "blockage": Rule("sewer", 60),
    "overflow": Rule("sewer", 50),
    "fouling": Rule("sewer", 20),
    "early_warning": Rule("sewer", 10),
    "sensor_fault": Rule("sensor", 50),
    "silence": Rule("radio", 50),
    "customer_leak": Rule("meter", 50),
    "reverse_flow": Rule("meter", 40),
    "meter_fault": Rule("meter", 40),
    "stopped_meter": Rule("meter", 30),
    "meter_exchange": Rule("meter", 10),
    "rollover": Rule("meter", 10),
    "frost_risk": Rule("meter", 45),
}
_OTHER = Rule("other", 10)
_SEVERITY = {"info": 0, "warning": 1, "major": 2, "critical": 3}
JOIN_S = {
    "water": 12 * HOUR_S,
    "sewer": HOUR_S,
    "storm": 6 * HOUR_S,
    "sensor": 48 * HOUR_S,
    "radio": HOUR_S,
    "meter": 24 * HOUR_S,
    "other": HOUR_S,
}
"""Onsets (water) or pauses (elsewhere) this close are one cause [s]."""
TOWN_WIDE_S = 3 * HOUR_S
TOWN_WIDE_ZONES = 3
STATION_SENSORS = 5
"""So many sensors that fall silent together share a base station, not a fault each."""
PLAIN = 2.0
"""A score this many times its threshold needs no second witness of another kind."""
LEAKS = ("burst", "leak", "slow_leak")


@dataclass
class _Group:
    system: str
    place: str
    events: list[Event]

    @property
    def onset(self) -> float:
        return self.events[0].onset


def causes(events: Sequence[Event], planned: Sequence[Maintenance], town: Town) -> list[Alarm]:
    """One open alarm per cause, the leading event first.

    No alarm for: what planned work covers; groups of mere information; a pressure that a zone's own flow meter does not confirm; what
    all zones do together (demand, not a leak). Sensors that fall silent together are one alarm, wet-weather overflows of a catchment
    are one per storm, and what a faulty sensor says is one with its fault. Give it all events of the last days together with all that
    last: a cause is named after its earliest event.
    """
    seen = sorted((e for e in events if not any(covers(work, e) for work in planned)), key=lambda e: (e.onset, e.id))
    faulty = [e for e in seen if e.kind == "sensor_fault"]
    groups: list[_Group] = []
    newest: dict[tuple[str, str], _Group] = {}
    for event in seen:
        system, place = _home(event, faulty, town)
        group = newest.get((system, place))
        if group is not None and _joins(group, event):
            group.events.append(event)
        else:
            newest[system, place] = group = _Group(system, place, [event])
            groups.append(group)
    groups = _stations(groups)
    return [_alarm(g) for g in groups if _worth(g, groups, town)]


def covers(work: Maintenance, event: Event) -> bool:
    """Is an event's onset within planned work on its place?"""
    here = (not work.zones and not work.sensors) or event.zone in work.zones or bool(set(event.sensors) & set(work.sensors))
    return here and work.start - HOUR_S <= event.onset < work.end


def _home(event: Event, faulty: Sequence[Event], town: Town) -> tuple[str, str]:
    """(system, place) whose groups an event may join."""
    system = RULES.get(event.kind, _OTHER).system
    if system == "sensor" or (len(event.sensors) == 1 and system in ("water", "sewer") and any(_blames(f, event) for f in faulty)):
        return "sensor", (event.sensors or ("",))[0]
    if event.kind == "overflow" and event.details.get("weather") in ("wet", "melt") and event.zone:
        return "storm", event.zone
    if system == "sewer":
        return system, event.asset or str(event.details.get("asset") or "") or _asset_of(event, town) or event.zone or ""
    if system in ("meter", "radio"):
        return system, (event.sensors or ("",))[0]
    return system, event.zone or event.asset or (event.sensors or ("",))[0]


def _asset_of(event: Event, town: Town) -> str | None:
    sensor = town.current.get(event.sensors[0]) if event.sensors else None
    return sensor.asset if sensor else None


def _blames(fault: Event, event: Event) -> bool:
    """Does a sensor's fault explain what it alone says? The fault shows later than the nonsense begins."""
    end = math.inf if fault.end is None else fault.end
    return fault.sensors == event.sensors and fault.onset - 2 * HOUR_S <= event.onset <= end and event.kind != "overflow"


def _joins(group: _Group, event: Event) -> bool:
    gap = JOIN_S[group.system]
    if group.system == "water":
        last = group.events[-1]
        lasting = any(e.kind in LEAKS and (e.end is None or e.end >= event.onset) for e in group.events)
        near = event.onset - last.onset <= gap + last.onset_uncertainty_s + event.onset_uncertainty_s
        return near or (lasting and event.kind in ("pressure_anomaly", "low_pressure"))
    return event.start - max(math.inf if e.end is None else e.end for e in group.events) <= gap


def _stations(groups: Sequence[_Group]) -> list[_Group]:
    """Silences that begin together become one group."""
    silent = [g for g in groups if g.system == "radio"]
    out = [g for g in groups if g.system != "radio"]
    while silent:
        first = silent[0]
        together = [g for g in silent if g.onset - first.onset <= JOIN_S["radio"]]
        if len(together) >= STATION_SENSORS:
            first.events = [e for g in together for e in g.events]
            first.place = ""
            together = [g for g in together if g is not first]
            out.append(first)
            silent = [g for g in silent if g is not first and g not in together]
        else:
            out.append(first)
            silent = silent[1:]
    return sorted(out, key=lambda g: (g.onset, g.events[0].id))


def _worth(group: _Group, groups: Sequence[_Group], town: Town) -> bool:
    """Does anybody have to do something about it?"""
    if all(e.severity == "info" for e in group.events):
        return False
    if group.system != "water":
        return True
    kinds = {e.kind for e in group.events}
    if kinds <= {"pressure_anomaly"} and not _confirmed(group, town):
        return False
    if "low_pressure" in kinds:
        return True
    near = {
        g.place for g in groups if g.system == "water" and abs(g.onset - group.onset) <= TOWN_WIDE_S and {e.kind for e in g.events} & kinds
    }
    zones = {town.zone_of(s) for s in town.sensors_with("pressure_bar")} | {town.zone_of(s) for s in town.sensors_with("flow_m3h")}
    return not (len(near) >= TOWN_WIDE_ZONES and len(near) >= len(zones - {None}) / 2)


def _confirmed(group: _Group, town: Town) -> bool:
    """Pressure alone: believed where the zone has no flow meter to ask, and half of its pressures say so, or where it is plain."""
    metered = any(town.sensors_with(q, group.place, "zone_inlet") for q in ("flow_m3h", "volume_m3")) or bool(
        town.sensors_with("flow_m3h", group.place)
    )
    plain = max(e.score / max(e.threshold, 1e-9) for e in group.events) >= PLAIN
    points = len(town.sensors_with("pressure_bar", group.place)) or 1
    said = len({s for e in group.events for s in e.sensors})
    return said >= max(1, points / 2) and (plain or not metered)


def _alarm(group: _Group) -> Alarm:
    events = group.events
    lead = max(events, key=lambda e: (RULES.get(e.kind, _OTHER).rank, _SEVERITY.get(e.severity, 1), e.score / max(e.threshold, 1e-9)))
    ends = [e.end for e in events]
    ordered = [lead, *(e for e in events if e is not lead)]
    known = max(e.end if e.end is not None else e.start for e in events)
    return Alarm(
        id=f"a{events[0].id}",
        cause=f"{group.system}:{events[0].id}",
        kind=lead.kind,
        severity=max((e.severity for e in events), key=lambda s: _SEVERITY.get(s, 1)),
        state=AlarmState.OPEN,
        zone=lead.zone,
        asset=lead.asset or _text(lead.details.get("asset")),
        sensors=tuple(dict.fromkeys(s for e in ordered for s in e.sensors)),
        events=tuple(e.id for e in ordered),
        started_at=min(e.onset for e in events),
        raised_at=min(e.start for e in events),
        updated_at=known,
        ended_at=None if None in ends else known,
        score=lead.score,
    )


def _text(value: float | str | None) -> str | None:
    return str(value) if value else None
