"""What the counts of the fleet mean: who is silent, whose fault it is, how much battery is left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from core.town import Town
from ingest.battery import CUTOFF
from ingest.fleet_state import WINDOW, DeviceState, Heard

JOIN_WINDOW_S = 3600.0
MISSED = 3
"""Expected frames that must be missing before a device counts as silent."""
SILENT_AT_LEAST_S = 900.0
STATION_SHARE = 0.5
"""When this share of the devices that a base station hears best is silent, the station is the cause."""
STATION_DEVICES = 3


@dataclass(frozen=True, slots=True)
class BatteryHealth:
    """Newest value, its slope per 30 days, and months until `cutoff` at that slope (None: not falling, or too early to say).

    Value, slope and cutoff are in the unit of the quantity; the months are an estimate.
    """

    quantity: str
    value: float
    slope_30d: float | None
    months_left: float | None
    cutoff: float


@dataclass(frozen=True, slots=True)
class LinkHealth:
    """How one base station hears one device: running means, None where the network server told no figures."""

    base_station: str
    uplinks: int
    last_seen: float
    rssi_dbm: float | None
    snr_db: float | None
    spreading_factor: int | None


@dataclass(frozen=True, slots=True)
class DeviceHealth:
    """One device. Times in Unix s; loss 0 to 1 over the last frames, None before the second.

    link_margin_db is what its best base station hears over the demodulation floor of its spreading factor.
    """

    dev_eui: str
    sensor: str | None
    last_seen: float
    interval_s: float | None
    loss: float | None
    uplinks: int
    spreading_factor: int | None
    rssi_dbm: float | None
    snr_db: float | None
    link_margin_db: float | None
    stations: tuple[str, ...]
    links: tuple[LinkHealth, ...]
    batteries: tuple[BatteryHealth, ...]
    joins_1h: int
    clock_offset_s: float | None
    silent: bool
    complaint: str | None


@dataclass(frozen=True, slots=True)
class StationHealth:
    """One base station; rssi_dbm and snr_db are running means over all it hears.

    spreading_factors: (factor, uplinks). primary_of: how many devices it hears best.
    """

    id: str
    name: str
    last_seen: float
    uplinks: int
    rssi_dbm: float | None
    snr_db: float | None
    spreading_factors: tuple[tuple[int, int], ...]
    devices: int
    primary_of: int
    silent: bool


@dataclass(frozen=True, slots=True)
class FleetSnapshot:
    """The fleet at `at` [Unix s]; `heard_until` is the newest frame's time: silence is judged against it, not against the wall clock."""

    at: float
    heard_until: float
    devices: tuple[DeviceHealth, ...]
    stations: tuple[StationHealth, ...]


def demodulation_floor_db(spreading_factor: int) -> float:
    """Lowest SNR [dB] at which LoRa at 125 kHz is still heard: −7.5 dB at SF7, 2.5 dB lower per step (Semtech SX1276 data sheet)."""
    return -7.5 - 2.5 * (spreading_factor - 7)


def interval_s(device: DeviceState) -> float | None:
    """Learned seconds between frames: the median of gaps, each divided by the frame numbers it spans."""
    return median(device.gaps_s) if len(device.gaps_s) >= MISSED else None


def loss(device: DeviceState) -> float | None:
    """Share of the last frame numbers that never came."""
    expected = min(WINDOW, device.top - device.first + 1)
    return 1.0 - device.seen.bit_count() / expected if expected > 1 else None


def is_silent(device: DeviceState, expected_s: float | None, heard_until: float) -> bool:
    return expected_s is not None and heard_until - device.last_seen > max(MISSED * expected_s, SILENT_AT_LEAST_S)


def clock_offset_s(device: DeviceState) -> float | None:
    """Frame time minus the device's newest time stamp [s], at its smallest of late: negative when the clock is ahead."""
    return min(device.clock_s) if device.clock_s else None


def primary(device: DeviceState) -> str | None:
    """The base station that hears a device best."""
    return max(device.stations, key=lambda s: (device.stations[s].snr_db, device.stations[s].uplinks), default=None)


def snapshot(
    town: Town, devices: Mapping[str, DeviceState], stations: Mapping[str, Heard], heard_until: float, now: float
) -> FleetSnapshot:
    healths = tuple(_device_health(town, eui, devices[eui], heard_until, now) for eui in sorted(devices))
    by_station = by_primary(devices)
    names = {b.id: b.name for b in town.base_stations}
    known = tuple(
        _station_health(key, names.get(key, ""), stations[key], devices, list(by_station.get(key, {}).values()), heard_until)
        for key in sorted(stations)
    )
    return FleetSnapshot(now, heard_until, healths, known)


def _device_health(town: Town, dev_eui: str, device: DeviceState, heard_until: float, now: float) -> DeviceHealth:
    sensor = town.sensor_at(dev_eui, device.last_seen or now)
    expected_s = interval_s(device) or (sensor.interval_s if sensor else None)
    best = device.stations.get(primary(device) or "")
    factor = _usual_factor(best) if best is not None else None
    snr = _known(best.snr_db) if best is not None else None
    batteries = []
    for quantity, trend in sorted(device.batteries.items()):
        slope = trend.slope_per_day()
        cutoff = CUTOFF[quantity]
        batteries.append(BatteryHealth(quantity, trend.value, None if slope is None else 30 * slope, trend.months_left(cutoff), cutoff))
    return DeviceHealth(
        dev_eui=dev_eui,
        sensor=sensor.id if sensor else None,
        last_seen=device.last_seen,
        interval_s=expected_s,
        loss=loss(device),
        uplinks=device.uplinks,
        spreading_factor=factor,
        rssi_dbm=_known(best.rssi_dbm) if best is not None else None,
        snr_db=snr,
        link_margin_db=snr - demodulation_floor_db(factor) if snr is not None and factor else None,
        stations=tuple(sorted(device.stations)),
        links=tuple(_link(key, device.stations[key]) for key in sorted(device.stations)),
        batteries=tuple(batteries),
        joins_1h=sum(1 for t in device.joins if t > now - JOIN_WINDOW_S),
        clock_offset_s=clock_offset_s(device),
        silent=is_silent(device, expected_s, heard_until),
        complaint=f"{device.complaint.code}: {device.complaint.description}" if device.complaint else None,
    )


def _link(key: str, heard: Heard) -> LinkHealth:
    return LinkHealth(key, heard.uplinks, heard.last_seen, _known(heard.rssi_dbm), _known(heard.snr_db), _usual_factor(heard))


def _usual_factor(heard: Heard) -> int | None:
    """The spreading factor most often heard; None for modulations that have none."""
    return max(heard.factors, key=lambda factor: heard.factors[factor], default=None) or None


def _known(x: float) -> float | None:
    return x if x == x else None


def _station_health(
    key: str, name: str, heard: Heard, devices: Mapping[str, DeviceState], primary_of: list[DeviceState], heard_until: float
) -> StationHealth:
    return StationHealth(
        key, name, heard.last_seen, heard.uplinks,
        _known(heard.rssi_dbm), _known(heard.snr_db), tuple(sorted((f, n) for f, n in heard.factors.items() if f)),
        sum(1 for d in devices.values() if key in d.stations), len(primary_of), station_silent(heard, primary_of, heard_until),
    )  # fmt: skip


def by_primary(devices: Mapping[str, DeviceState]) -> dict[str, dict[str, DeviceState]]:
    """Base station → the devices that it hears best, by dev_eui."""
    found: dict[str, dict[str, DeviceState]] = {}
    for dev_eui, device in devices.items():
        if (key := primary(device)) is not None:
            found.setdefault(key, {})[dev_eui] = device
    return found


def station_silent(heard: Heard, primary_of: list[DeviceState], heard_until: float) -> bool:
    """A base station is silent when most devices it hears best are, and it has itself heard nothing since."""
    if len(primary_of) < STATION_DEVICES or heard_until - heard.last_seen < SILENT_AT_LEAST_S:
        return False
    return sum(is_silent(d, interval_s(d), heard_until) for d in primary_of) >= STATION_SHARE * len(primary_of)
