"""What Grafana shows beside readings: events, alarms, figures, sensors, inflow and Mjøsa's own health, as line protocol.

Grafana speaks InfluxQL only, so what the registry keeps is written to InfluxDB too. Household meters never appear: inflow is
of zone inlets, sensors are those of the networks. Measurements: event, alarm, figure, sensor, inflow, platform.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from core.model import Event, Floats, IndicatorValue, Reading
from core.records import Alarm, AlarmState
from core.registry import Registry
from core.store import Buckets, Coverage
from core.town import Sensor, Town

Fields = Mapping[str, float | int | str | bool | None]
SILENT_AFTER = 3
"""Expected intervals without a word."""
LASTING_MS = 253_402_300_800_000
"""End of an event that lasts, for Grafana's annotations: the year 10,000."""


class Lines(Protocol):
    """The store's side: InfluxDB, which keeps the readings too."""

    def write_lines(self, lines: Sequence[str]) -> None: ...
    def remove(self, measurement: str, tag: str, values: Sequence[str]) -> None: ...
    def latest(self, sensors: Sequence[str] | None = None, quantity: str | None = None) -> list[Reading]: ...
    def aggregate(self, sensors: Sequence[str], quantity: str, edges: Floats) -> dict[str, Buckets]: ...
    def coverage(self, sensors: Sequence[str] | None = None) -> list[Coverage]: ...


class Analysed(Protocol):
    """What one round of analysis changed."""

    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float: ...
    @property
    def events(self) -> Sequence[Event]: ...
    @property
    def withdrawn(self) -> Sequence[str]: ...
    @property
    def alarms(self) -> Sequence[Alarm]: ...
    @property
    def figures(self) -> Sequence[IndicatorValue]: ...


@dataclass(frozen=True)
class Mirror:
    """Writes what is new or changed; an event or alarm that moved in time leaves no copy behind."""

    store: Lines
    registry: Registry
    clock: Callable[[], float]
    base_url: str = ""
    """Where Mjøsa's pages are, for the link from each alarm in Grafana."""

    def analysed(self, work: Analysed) -> None:
        """After every round of analysis."""
        town, now, write = self.registry.town(), self.clock(), self.store.write_lines
        top = next((z.id for z in town.zones if z.kind == "town"), town.utility.id)
        self.store.remove("event", "id", [*work.withdrawn, *(e.id for e in work.events)])
        write([event_line(e, town) for e in work.events])
        self.store.remove("alarm", "id", [a.id for a in work.alarms])
        write([alarm_line(a, town, self.base_url) for a in work.alarms])
        write([figure_line(v, top) for v in work.figures])
        open_alarms = self.registry.alarms.find(open_only=True)
        states = sensor_states(town, self.store.latest(), open_alarms, now)
        write(list(sensor_lines(town, states, now)))
        write([line("platform", {"worker": "analysis"}, analysis_fields(town, states, open_alarms), now)])
        write(list(self._inflow(town, work.start, work.end)))

    def refill(self) -> None:
        """All that the registry keeps, once: after history has come from elsewhere."""
        town, write = self.registry.town(), self.store.write_lines
        top = next((z.id for z in town.zones if z.kind == "town"), town.utility.id)
        write([event_line(e, town) for e in self.registry.events.find()])
        write([alarm_line(a, town, self.base_url) for a in self.registry.alarms.find()])
        write([figure_line(v, top) for v in self.registry.figures.find()])
        covered = [c for c in self.store.coverage() if c.quantity == "volume_m3"]
        if covered:
            write(list(self._inflow(town, min(c.first for c in covered), max(c.last for c in covered))))

    def ingested(self, worker: str, fields: Fields) -> None:
        """Every minute, from each process that ingests."""
        self.store.write_lines([line("platform", {"worker": worker}, fields, self.clock())])

    def _inflow(self, town: Town, start: float, end: float) -> Iterator[str]:
        edges = np.arange(start // 3600 * 3600 - 3600, end + 3600, 3600.0)
        inlets = [s for s in town.sensors_with("volume_m3") if (a := town.asset_of(s)) is not None and a.kind in ("zone_inlet", "source")]
        for sensor, hours in self.store.aggregate([s.dev_eui for s in inlets], "volume_m3", edges).items():
            place = town.sensor_at(sensor, end) or town.by_device[sensor][-1]
            yield from inflow_lines(town.zone_of(place) or "", sensor, hours)


def sensor_states(town: Town, latest: Sequence[Reading], open_alarms: Sequence[Alarm], now: float) -> dict[str, dict[str, float | str]]:
    """Sensor id → its state (ok, silent, or its worst open alarm's severity), when it was last heard [ms], battery and signal."""
    found: dict[str, dict[str, float | str]] = {}
    alarmed = {sensor: a.severity for a in sorted(open_alarms, key=lambda a: a.score) for sensor in a.sensors}
    newest: dict[str, dict[str, Reading]] = {}
    for reading in latest:
        newest.setdefault(reading.sensor, {})[reading.quantity] = reading
    for point, sensor in town.current.items():
        heard = newest.get(sensor.dev_eui, {})
        last = max((r.measured_at for r in heard.values()), default=0.0)
        silent = now - last > SILENT_AFTER * (sensor.interval_s or 3600.0)
        found[point] = {"state": "silent" if silent else alarmed.get(point, "ok"), "last_seen_ms": last * 1000}
        found[point] |= {q: heard[q].value for q in ("battery_pct", "battery_v", "rssi_dbm", "snr_db") if q in heard}
    return found


def analysis_fields(town: Town, states: Mapping[str, Fields], open_alarms: Sequence[Alarm]) -> Fields:
    """Open alarms, and how many of the sensors (and of the household meters) are heard."""
    meters = {s.id for s in town.current.values() if town.is_personal(s)}
    heard = {point for point, state in states.items() if state["state"] != "silent"}
    network = set(states) - meters
    return {
        "open": len(open_alarms), "critical": sum(a.severity in ("major", "critical") for a in open_alarms),
        "alive_pct": 100.0 * len(heard & network) / len(network) if network else None, "meters_heard": len(heard & meters),
    }  # fmt: skip


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


def alarm_line(alarm: Alarm, town: Town, base_url: str = "") -> str:
    return line(
        "alarm",
        {"id": alarm.id, "kind": alarm.kind, "zone": alarm.zone, "severity": alarm.severity},
        {
            "title": f"{alarm.kind}: {_place(alarm.asset, alarm.zone, town)}", "state": alarm.state, "asset": alarm.asset, "score": alarm.score,
            "open": alarm.state != AlarmState.CLOSED, "assignee": alarm.assignee, "events": len(alarm.events),
            "url": f"{base_url}/?alarm={alarm.id}" if base_url else None,
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
        place: Fields = {
            "latitude": position[0], "longitude": position[1], "name": _name(sensor, town), "asset": sensor.asset, "model": sensor.model,
        }  # fmt: skip
        tags = {"dev_eui": sensor.dev_eui, "zone": town.zone_of(sensor)}
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
