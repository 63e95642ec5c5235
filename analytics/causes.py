"""From events to alarms: one alarm per cause, however many sensors feel it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from core.model import Event
from core.records import Alarm, AlarmState, Maintenance
from core.town import Town


class Rule(NamedTuple):
    """How events of a kind become alarms: the system it happens in, and its rank as the explanation of others (higher leads)."""

    system: str
    rank: int


RULES: dict[str, Rule] = {
    "overflow": Rule("sewer", 50),
    "pressure_anomaly": Rule("water", 20),
}
_OTHER = Rule("other", 10)
_SEVERITY = {"info": 0, "warning": 1, "major": 2, "critical": 3}
JOIN_S = {"water": 6 * 3600.0, "sewer": 3600.0, "other": 3600.0}
"""Onsets (water) or pauses (sewer) this close, in the same zone, are one cause [s]."""


def causes(events: Sequence[Event], planned: Sequence[Maintenance], town: Town) -> list[Alarm]:
    """One open alarm per cause, the leading event first. An event wholly inside planned work on its place raises none.

    Give it all events of the last days together with all that last: a cause is named after its earliest event.
    """
    groups: dict[tuple[str, str], list[list[Event]]] = {}
    for event in sorted(events, key=lambda e: (e.onset, e.id)):
        if any(_covers(work, event) for work in planned):
            continue
        system = RULES.get(event.kind, _OTHER).system
        place = event.asset if system == "sewer" and event.asset else event.zone or event.asset or (event.sensors or ("",))[0]
        chain = groups.setdefault((system, place or ""), [])
        if chain and _joins(chain[-1], event, system):
            chain[-1].append(event)
        else:
            chain.append([event])
    return [_alarm(system, group) for (system, _), chain in groups.items() for group in chain]


def _covers(work: Maintenance, event: Event) -> bool:
    here = (not work.zones and not work.sensors) or event.zone in work.zones or bool(set(event.sensors) & set(work.sensors))
    return here and work.start <= event.onset < work.end


def _joins(group: Sequence[Event], event: Event, system: str) -> bool:
    if system == "water":
        return event.onset - group[-1].onset <= JOIN_S[system]
    last = max(math.inf if e.end is None else e.end for e in group)
    return event.start - last <= JOIN_S[system]


def _alarm(system: str, group: Sequence[Event]) -> Alarm:
    lead = max(group, key=lambda e: (RULES.get(e.kind, _OTHER).rank, _SEVERITY.get(e.severity, 1), e.score / max(e.threshold, 1e-9)))
    ends = [e.end for e in group]
    severity = max((e.severity for e in group), key=lambda s: _SEVERITY.get(s, 1))
    ordered = [lead, *(e for e in group if e is not lead)]
    known = max(e.end if e.end is not None else e.start for e in group)
    return Alarm(
        id=f"a{group[0].id}",
        cause=f"{system}:{group[0].id}",
        kind=lead.kind,
        severity=severity,
        state=AlarmState.OPEN,
        zone=lead.zone,
        asset=lead.asset,
        sensors=tuple(dict.fromkeys(s for e in ordered for s in e.sensors)),
        events=tuple(e.id for e in ordered),
        started_at=min(e.start for e in group),
        raised_at=min(e.onset for e in group),
        updated_at=known,
        ended_at=None if None in ends else known,
        score=lead.score,
    )
