"""What Grafana shows beside readings: events, alarms, figures, sensors, inflow and Mjøsa's own health, as line protocol.

Grafana speaks InfluxQL only, so what the registry keeps is written to InfluxDB too. Household meters never appear: inflow is
of zone inlets, sensors are those of the networks. Measurements: event, alarm, figure, sensor, inflow, platform.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.model import Event, IndicatorValue
from core.records import Alarm, AlarmState
from core.store import Buckets
from core.town import Sensor, Town

Fields = Mapping[str, float | int | str | bool | None]
LASTING_MS = 253_402_300_800_000
"""End of an event that lasts, for Grafana's annotations: the year 10,000."""


class Lines(Protocol):
    """The store's side: InfluxDB."""

    def write_lines(self, lines: Sequence[str]) -> None: ...
    def remove(self, measurement: str, tag: str, values: Sequence[str]) -> None: ...


@dataclass(frozen=True)
class Mirror:
    """Writes what is new or changed; an event or alarm that moved in time leaves no copy behind."""

    store: Lines

    def events(self, events: Sequence[Event], withdrawn: Sequence[str], town: Town) -> None:
        self.store.remove("event", "id", [*withdrawn, *(e.id for e in events)])
        self.store.write_lines([event_line(e, town) for e in events])

    def alarms(self, alarms: Sequence[Alarm], town: Town) -> None:
        self.store.remove("alarm", "id", [a.id for a in alarms])
        self.store.write_lines([alarm_line(a, town) for a in alarms])

    def figures(self, values: Sequence[IndicatorValue], town_zone: str) -> None:
        self.store.write_lines([figure_line(v, town_zone) for v in values])

    def sensors(self, lines: Iterable[str]) -> None:
        self.store.write_lines(list(lines))

    def platform(self, fields: Fields, at: float) -> None:
        self.store.write_lines([line("platform", {}, fields, at)])


def event_line(event: Event, town: Town) -> str:
    place = _place(event.asset, event.zone, town)
    return line(
        "event",
        {"id": event.id, "kind": event.kind, "zone": event.zone, "severity": event.severity},
        {
            "title": f"{event.kind}: {place}", "text": f"{event.detector} {event.score:.1f} > {event.threshold:.1f}", "asset": event.asset,
            "score": event.score, "threshold": event.threshold, "volume_m3": event.volume_m3, "completeness": event.completeness,
            "duration_s": None if event.end is None else event.end - event.start, "revision": event.revision,
            "end_ms": LASTING_MS if event.end is None else round(event.end * 1000),
        },
        event.start,
    )  # fmt: skip


def alarm_line(alarm: Alarm, town: Town) -> str:
    return line(
        "alarm",
        {"id": alarm.id, "kind": alarm.kind, "zone": alarm.zone, "severity": alarm.severity},
        {
            "title": f"{alarm.kind}: {_place(alarm.asset, alarm.zone, town)}", "state": alarm.state, "asset": alarm.asset, "score": alarm.score,
            "open": alarm.state != AlarmState.CLOSED, "assignee": alarm.assignee, "events": len(alarm.events),
            "duration_s": None if alarm.ended_at is None else alarm.ended_at - alarm.started_at,
        },
        alarm.started_at,
    )  # fmt: skip


def figure_line(value: IndicatorValue, town_zone: str) -> str:
    """A figure at the start of its period; the whole town's zone is called town."""
    days = (value.end - value.start) / 86_400
    return line(
        "figure",
        {
            "indicator": value.indicator, "zone": "town" if value.zone == town_zone else value.zone,
            "span": "year" if days > 300 else "month" if days > 27 else "day",
        },
        {
            "value": value.value, "lower": value.lower, "upper": value.upper, "unit": value.unit, "quality_class": value.quality_class,
            "completeness": value.completeness, "status": value.status, "reason": value.reason, "revision": value.revision,
        },
        value.start,
    )  # fmt: skip


def sensor_lines(town: Town, states: Mapping[str, Fields], at: float) -> Iterator[str]:
    """Every network sensor with its place and state (`states` by sensor id); household meters are left out."""
    for sensor in town.current.values():
        position = town.position_of(sensor)
        if position is None or town.is_personal(sensor):
            continue
        tags = {"dev_eui": sensor.dev_eui, "zone": town.zone_of(sensor)}
        place = {
            "latitude": position[0],
            "longitude": position[1],
            "name": _name(sensor, town),
            "asset": sensor.asset,
            "model": sensor.model,
        }
        yield line("sensor", tags, {**place, **states.get(sensor.id, {})}, at)


def inflow_lines(zone: str, sensor: str, hours: Buckets) -> Iterator[str]:
    """Hourly inflow [m³/h] of one zone inlet, from its volume index; hours with no index on both sides are left out."""
    for i in range(1, len(hours.start)):
        before, after = hours.last[i - 1], hours.last[i]
        elapsed_s = hours.last_t[i] - hours.last_t[i - 1]
        if after >= before and elapsed_s > 0:
            yield line("inflow", {"zone": zone, "dev_eui": sensor}, {"flow_m3h": (after - before) / elapsed_s * 3600}, hours.start[i])


def line(measurement: str, tags: Mapping[str, str | None], fields: Fields, at: float) -> str:
    """One point. A tag or field that is None (or NaN) is left out; at least one field must be there."""
    head = ",".join([measurement, *(f"{k}={_escaped(v)}" for k, v in sorted(tags.items()) if v)])
    body = ",".join(f"{k}={_value(v)}" for k, v in fields.items() if v is not None and not (isinstance(v, float) and math.isnan(v)))
    return f"{head} {body} {round(at * 1000)}000000"


def _value(value: float | int | str | bool | None) -> str:
    """Numbers are floats for ever, so that a field never changes its type."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return repr(float(value or 0.0))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(",", "\\,").replace("=", "\\=").replace(" ", "\\ ")


def _place(asset: str | None, zone: str | None, town: Town) -> str:
    known, area = town.asset_by_id.get(asset or ""), town.zone_by_id.get(zone or "")
    return (known.name if known else None) or asset or (area.name if area else None) or zone or town.utility.name


def _name(sensor: Sensor, town: Town) -> str:
    asset = town.asset_of(sensor)
    return sensor.name or (asset.name if asset else "") or sensor.id
