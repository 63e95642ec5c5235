"""What a person should know of the fleet: silence, join storms, wrong clocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from core.model import Event
from core.town import Town
from ingest.fleet_health import JOIN_WINDOW_S, STATION_DEVICES, by_primary, clock_offset_s, interval_s, is_silent, primary, station_silent
from ingest.fleet_state import DeviceState, Heard

NETWORK_SILENT_S = 600.0
NETWORK_MISSED = 20
"""Frames of any device that must be missing before the whole network counts as silent."""
JOIN_STORM = 5
"""Joins of one device within an hour."""
TOWN_STORM_SHARE = 0.2
CLOCK_SUSPECT_S = 60.0
CLOCK_BEHIND_S = 86_400.0
ID_S = 3600
"""An event is the same as long as its start stays within the hour."""
DETECTOR = "fleet_health"


def events(
    town: Town, devices: Mapping[str, DeviceState], stations: Mapping[str, Heard], heard_until: float, now: float, known: Iterable[Event]
) -> list[Event]:
    """Silence, join storms and wrong clocks as of now, and with their end those of `known` that are over.

    An event keeps its id as long as it lasts; others' events in `known` are left alone.
    """
    current = [*_silences(town, devices, stations, heard_until, now), *_join_storms(town, devices, now), *_clocks(town, devices)]
    lasting = {e.id for e in current}
    over = [replace(e, end=now) for e in known if e.detector == DETECTOR and e.end is None and e.id not in lasting]
    return [*current, *over]


def _silences(
    town: Town, devices: Mapping[str, DeviceState], stations: Mapping[str, Heard], heard_until: float, now: float
) -> Iterator[Event]:
    """One event for the whole network, else one per silent base station, else one per silent device."""
    if devices and now - heard_until > NETWORK_SILENT_S and heard_until:
        frames_per_s = sum(1.0 / s for d in devices.values() if (s := interval_s(d)))
        if frames_per_s and now - heard_until > max(NETWORK_SILENT_S, NETWORK_MISSED / frames_per_s):
            sensors = _sensors(town, devices, heard_until)
            yield _event("network_silence", "network", sensors, heard_until, "major", silent_s=now - heard_until)
        return
    by_station = by_primary(devices)
    suppressed: set[str] = set()
    for key, heard in stations.items():
        around = by_station.get(key, {})
        if station_silent(heard, list(around.values()), heard_until):
            silent = {eui: d for eui, d in around.items() if is_silent(d, interval_s(d), heard_until)}
            suppressed |= silent.keys()
            yield _event(
                "base_station_silence", key, _sensors(town, silent, heard.last_seen), heard.last_seen, "major",
                base_station=key, silent_devices=float(len(silent)), silent_s=heard_until - heard.last_seen,
            )  # fmt: skip
    for eui, device in devices.items():
        expected_s = interval_s(device)
        sensor = town.sensor_at(eui, device.last_seen)
        if eui not in suppressed and sensor is not None and expected_s is not None and is_silent(device, expected_s, heard_until):
            yield _event(
                "silence", eui, (sensor.id,), device.last_seen, "warning", town.zone_of(sensor), sensor.asset,
                missed=(heard_until - device.last_seen) / expected_s, interval_s=expected_s, base_station=primary(device) or "",
            )  # fmt: skip


def _join_storms(town: Town, devices: Mapping[str, DeviceState], now: float) -> Iterator[Event]:
    """A device that cannot stay joined, or a town that joins all at once after an outage."""
    recent = {eui: [t for t in d.joins if now - JOIN_WINDOW_S < t <= now] for eui, d in devices.items()}
    joined = {eui: devices[eui] for eui, times in recent.items() if times}
    if len(joined) >= max(STATION_DEVICES, TOWN_STORM_SHARE * len(devices)):
        start = min(recent[eui][0] for eui in joined)
        yield _event("join_storm", "network", _sensors(town, joined, now), start, "warning", joined_devices=float(len(joined)))
        return
    for eui in joined:
        if len(recent[eui]) >= JOIN_STORM:
            start = recent[eui][0]
            yield _event("join_storm", eui, _sensors(town, {eui: devices[eui]}, now), start, "warning", joins_1h=float(len(recent[eui])))


def _clocks(town: Town, devices: Mapping[str, DeviceState]) -> Iterator[Event]:
    for eui, device in devices.items():
        offset = clock_offset_s(device)
        if offset is not None and not -CLOCK_SUSPECT_S <= offset <= CLOCK_BEHIND_S:
            start = device.clock_since
            yield _event("clock_offset", eui, _sensors(town, {eui: device}, device.last_seen), start, "info", clock_offset_s=offset)


def _sensors(town: Town, devices: Mapping[str, DeviceState], t: float) -> tuple[str, ...]:
    return tuple(sorted(s.id for eui in devices if (s := town.sensor_at(eui, t)) is not None))


def _event(
    kind: str, key: str, sensors: tuple[str, ...], start: float, severity: str, zone: str | None = None, asset: str | None = None,
    **details: float | str,
) -> Event:  # fmt: skip
    return Event(
        id=f"{kind}:{key}:{int(start) // ID_S}",
        kind=kind,
        detector=DETECTOR,
        sensors=sensors,
        zone=zone,
        asset=asset,
        start=start,
        end=None,
        onset=start,
        onset_uncertainty_s=0.0,
        score=1.0,
        threshold=1.0,
        completeness=1.0,
        severity=severity,
        details=details,
    )
