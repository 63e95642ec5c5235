"""Events against the truth: recall, precision, delay, bias, false alarms, distance: every number with the count behind it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from analytics.causes import causes
from analytics.counting import block_count, merged
from analytics.folder import DataFolder
from core.model import Event
from core.records import Alarm
from core.timekeeping import unix
from core.town import Town

WEEK_S = 7 * 86_400.0
FACTS = frozenset({"silence", "low_pressure", "frost_risk", "rollover", "reverse_flow", "meter_exchange", "stopped_meter"})
"""Alarms that report what was measured; they cannot be false by chance and are not counted against the budget."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One true thing. `by` names the place it must be found at: asset, zone or sensor; all empty means anywhere."""

    kind: str
    start: float
    end: float
    zone: str | None = None
    asset: str | None = None
    sensors: tuple[str, ...] = ()
    volume_m3: float | None = None
    pipe: str | None = None
    flow_m3h: float = math.nan


@dataclass(frozen=True, slots=True)
class Match:
    """Which event kinds count as having found a true kind, at which place, and how long after its end at the latest [s]."""

    kinds: frozenset[str]
    place: str
    tolerance_s: float = 3600.0


_LEAK = frozenset({"burst", "slow_leak", "leak"})
MATCHES: Mapping[str, Match] = {
    "overflow": Match(frozenset({"overflow"}), "asset", 900.0),
    "burst": Match(_LEAK | {"pressure_anomaly"}, "zone"),
    "slow_leak": Match(_LEAK, "zone"),
    "leak": Match(_LEAK, "zone"),
    "blockage": Match(frozenset({"blockage", "overflow", "fouling"}), "sewer"),
    "pump_failure": Match(frozenset({"pump_failure", "blockage"}), "asset"),
    "sensor_fault": Match(frozenset({"sensor_fault", "fouling", "silence", "stopped_meter"}), "sensors"),
    "flushing": Match(_LEAK | {"pressure_anomaly"}, "zone"),
    "valve_closed": Match(frozenset({"pressure_anomaly", "low_pressure", "burst"}), "zone"),
}
"""A true kind that is not here is context (storm, thaw): it explains alarms and is not itself to be found."""


@dataclass(frozen=True, slots=True)
class Score:
    """How one true kind was found. None where nothing can be said."""

    kind: str
    true: int
    found: int
    recall: float | None
    events: int
    right: int
    precision: float | None
    delay_median_h: float | None = None
    delay_p90_h: float | None = None
    hours_bias: float | None = None
    volume_bias: float | None = None
    volume_found: float | None = None
    blocks_true: int | None = None
    blocks_found: int | None = None
    distance_median_m: float | None = None
    within_300_m: float | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All scores, and false alarms of the whole town beside what was stated."""

    scores: tuple[Score, ...]
    alarms: int
    false_alarms: int
    false_per_week: float
    stated_per_week: float
    false_per_sensor_year: float
    weeks: float
    false_kinds: Mapping[str, int] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        return asdict(self)


def happenings(truth: Mapping[str, Any]) -> list[Happening]:
    """truth.json as happenings: events, leaks (which stand in for the ordered bursts of the same kind and zone) and sensor faults."""
    leaks = [_happening(x, x.get("kind") or "leak") for x in truth.get("leaks", ())]
    told = {(x.kind, x.zone) for x in leaks}
    events = [h for e in truth.get("events", ()) if ((h := _happening(e, e["kind"])).kind, h.zone) not in told]
    faults = [_happening({**f, "sensors": [f["sensor"]]}, "sensor_fault") for f in truth.get("sensor_faults", ())]
    return sorted([*events, *leaks, *faults], key=lambda h: h.start)


def evaluate(folder: DataFolder, events: Sequence[Event], distances: Mapping[str, Mapping[str, float]] | None = None) -> Evaluation:
    """Score events of a folder against its truth. `distances` [m] by true pipe, then by pipe, where a model can tell them.

    Raises ValueError where the folder has no truth.
    """
    if folder.truth is None:
        raise ValueError(f"{folder.path} has no truth.json to judge by")
    true = [h for h in happenings(folder.truth) if h.end > folder.start and h.start < folder.end]
    kinds = [k for k in MATCHES if any(h.kind == k for h in true)]
    scores = tuple(_score(k, true, events, folder, distances or {}) for k in kinds)
    alarms = [a for a in causes(events, (), folder.town) if a.kind not in FACTS]
    by_id = {e.id: e for e in events}
    wrong = [a for a in alarms if not any(_explained(by_id[i], true, folder) for i in a.events)]
    weeks = (folder.end - folder.start) / WEEK_S
    sensors = max(1, len(folder.town.current))
    tally: dict[str, int] = {}
    for a in wrong:
        tally[a.kind] = tally.get(a.kind, 0) + 1
    return Evaluation(
        scores,
        len(alarms),
        len(wrong),
        len(wrong) / weeks,
        folder.town.utility.false_alarms_per_week,
        len(wrong) / (sensors * weeks / 52.18),
        weeks,
        tally,
    )


def false_alarms(folder: DataFolder, events: Sequence[Event]) -> list[Alarm]:
    """The alarms that no true happening explains."""
    true = happenings(folder.truth or {})
    by_id = {e.id: e for e in events}
    alarms = [a for a in causes(events, (), folder.town) if a.kind not in FACTS]
    return [a for a in alarms if not any(_explained(by_id[i], true, folder) for i in a.events)]


def _happening(data: Mapping[str, Any], kind: str) -> Happening:
    end = data.get("end")
    return Happening(
        kind=kind,
        start=unix(data["start"]),
        end=math.inf if end is None else unix(end),
        zone=data.get("zone"),
        asset=data.get("asset"),
        sensors=tuple(data.get("sensors") or ()),
        volume_m3=data.get("volume_m3"),
        pipe=data.get("pipe"),
        flow_m3h=float(data.get("peak_m3h") or data.get("flow_m3h") or math.nan),
    )


def _score(
    kind: str, true: Sequence[Happening], events: Sequence[Event], folder: DataFolder, distances: Mapping[str, Mapping[str, float]]
) -> Score:
    rule = MATCHES[kind]
    wanted = [h for h in true if h.kind == kind]
    candidates = [e for e in events if e.kind in rule.kinds]
    hits = [[e for e in candidates if _meets(e, h, rule, folder.town)] for h in wanted]
    found = sum(bool(h) for h in hits)
    explaining = [h for h in true if MATCHES.get(h.kind, rule).kinds & rule.kinds]
    right = sum(any(_meets(e, h, MATCHES.get(h.kind, rule), folder.town) for h in explaining) for e in candidates)
    delays = [_delay_h(h, hit) for h, hit in zip(wanted, hits, strict=True) if hit]
    metres = [d for h, hit in zip(wanted, hits, strict=True) if hit and (d := _distance(h, hit, distances)) is not None]
    more: dict[str, Any] = {}
    if kind == "overflow":
        more = _overflow_bias(wanted, candidates, folder.end)
        total = sum(h.volume_m3 or 0.0 for h in wanted)
        more["volume_found"] = sum(h.volume_m3 or 0.0 for h, hit in zip(wanted, hits, strict=True) if hit) / total if total else None
    return Score(
        kind,
        len(wanted),
        found,
        found / len(wanted) if wanted else None,
        len(candidates),
        right,
        right / len(candidates) if candidates else None,
        _quantile(delays, 0.5),
        _quantile(delays, 0.9),
        distance_median_m=_quantile(metres, 0.5),
        within_300_m=float(np.mean([m <= 300 for m in metres])) if metres else None,
        **more,
    )


def _delay_h(h: Happening, hit: Sequence[Event]) -> float:
    """Hours from the true start until the first event that was not there before it; 0 where one was lasting already."""
    fresh = [e.start for e in hit if e.start >= h.start - 1800.0]
    return max(0.0, min(fresh) - h.start) / 3600 if fresh else 0.0


def _meets(e: Event, h: Happening, rule: Match, town: Town) -> bool:
    end = math.inf if e.end is None else e.end
    return e.start <= h.end + rule.tolerance_s and end >= h.start - rule.tolerance_s and _same_place(e, h, rule.place, town)


def _same_place(e: Event, h: Happening, place: str, town: Town) -> bool:
    if place == "sensors" and h.sensors:
        return bool(set(h.sensors) & set(e.sensors))
    if place == "sewer" and h.asset and e.asset:
        below = town.asset_by_id.get(h.asset)
        near = {h.asset, below.downstream if below else None} | {a.id for a in town.assets if a.downstream == h.asset}
        return e.asset in near
    if place == "asset" and h.asset:
        return e.asset == h.asset or bool(set(h.sensors) & set(e.sensors))
    zones = {town.zone_of(s) for s in town.current.values() if s.id in e.sensors} | {e.zone}
    return h.zone is None or h.zone in zones or zones <= {None}


def _explained(e: Event, true: Sequence[Happening], folder: DataFolder) -> bool:
    """Did anything true happen then at that place, of whatever kind?"""
    for h in true:
        rule = MATCHES.get(h.kind, Match(frozenset(), "zone", 6 * 3600.0))
        if (not rule.kinds or e.kind in rule.kinds or h.zone is not None) and _meets(
            e, h, Match(rule.kinds, "zone", 6 * 3600.0), folder.town
        ):
            same_sensor = h.kind != "sensor_fault" or bool(set(h.sensors) & set(e.sensors))
            context = h.kind in MATCHES or e.kind in ("overflow", "blockage", "early_warning", "pump_failure", "high_level")
            if same_sensor and context:
                return True
    return False


def _overflow_bias(true: Sequence[Happening], events: Sequence[Event], end: float) -> dict[str, Any]:
    def parts(items: Iterable[Happening | Event]) -> dict[str | None, list[tuple[float, float]]]:
        by: dict[str | None, list[tuple[float, float]]] = {}
        for item in items:
            stop = end if item.end is None else min(item.end, end)
            by.setdefault(item.asset, []).append((item.start, stop))
        return by

    real, seen = parts(true), parts(events)
    hours = [sum(b - a for places in side.values() for a, b in merged(places)) for side in (real, seen)]
    volumes = [sum(i.volume_m3 or 0.0 for i in side) for side in (true, events)]
    return {
        "hours_bias": hours[1] / hours[0] - 1 if hours[0] else None,
        "volume_bias": volumes[1] / volumes[0] - 1 if volumes[0] and volumes[1] else None,
        "blocks_true": sum(block_count(p) for p in real.values()),
        "blocks_found": sum(block_count(p) for p in seen.values()),
    }


def _distance(h: Happening, hit: Sequence[Event], distances: Mapping[str, Mapping[str, float]]) -> float | None:
    """Metres from the true pipe to the most probable one of the event that begins nearest to it."""
    place = next((e.location[0][0] for e in sorted(hit, key=lambda e: abs(e.onset - h.start)) if e.location), None)
    return None if place is None or h.pipe is None else distances.get(h.pipe, {}).get(place)


def _quantile(values: Sequence[float], q: float) -> float | None:
    return float(np.quantile(values, q)) if values else None
