"""What is registered: an entry with its keys, the checks on it before anybody is asked, and the answer it gets."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Literal

from core.errors import ConfigError, Conflict, NotFound
from core.town import Asset, Sensor, Town
from gateway.fleet import Wanted

_EUI, _KEY = re.compile(r"[0-9a-f]{16}"), re.compile(r"[0-9a-fA-F]{32}")


@dataclass(frozen=True, slots=True)
class Keys:
    """The root keys on the maker's list: `app_key` alone for LoRaWAN 1.0.x, `nwk_key` too for 1.1. Never printed."""

    app_key: str = field(repr=False)
    nwk_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """One sensor to register. `client_id` is made where the entry is typed, once; `asset` is a new one to register with it."""

    client_id: str
    sensor: Sensor
    keys: Keys | None = None
    asset: Asset | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """`queued`: registered here, and ChirpStack will hear of it when it answers again."""

    status: Literal["done", "queued"]
    sensor: str
    dev_eui: str
    message: str = ""
    repeated: bool = False


def wanted_of(sensor: Sensor, keys: Keys | None = None) -> Wanted:
    """A sensor's device as it shall be in ChirpStack."""
    app_key, nwk_key = (keys.app_key, keys.nwk_key) if keys else (None, None)
    return Wanted(sensor.dev_eui, sensor.id, sensor.name or sensor.id, sensor.model, sensor.join_eui or "", app_key, nwk_key,
                  tags={"mjosa_asset": sensor.asset or ""})  # fmt: skip


def check(entry: Entry, town: Town) -> None:
    """Everything that can be known to be wrong before anybody is asked. Raises ConfigError, Conflict or NotFound."""
    sensor = entry.sensor
    check_codes(sensor, entry.keys)
    asset = entry.asset.id if entry.asset else None
    if sensor.asset is not None and sensor.asset not in town.asset_by_id and sensor.asset != asset:
        raise NotFound(f"There is no asset '{sensor.asset}'; register it together with the sensor.")
    for zone in (sensor.zone, entry.asset.zone if entry.asset else None):
        if zone is not None and zone not in town.zone_by_id:
            raise NotFound(f"There is no zone '{zone}'.")
    if sensor in town.placements.get(sensor.id, ()):
        return
    check_free(town, sensor, sensor.valid_from)
    current = town.current.get(sensor.id)
    if current is not None and current.valid_to > sensor.valid_from:
        raise Conflict(f"Sensor '{sensor.id}' is there already, with device {current.dev_eui}; swap its device, or choose another name.")


def check_free(town: Town, sensor: Sensor, at: float) -> None:
    """Raises Conflict where the device is in use after a time."""
    for other in town.by_device.get(sensor.dev_eui, ()):
        if other.valid_to > at:
            where = f" on {other.asset}" if other.asset else ""
            raise Conflict(
                f"Device {sensor.dev_eui} is registered already, as sensor '{other.id}'{where}; move that one, or retire it first."
            )


def check_codes(sensor: Sensor, keys: Keys | None) -> None:
    """Raises ConfigError for an EUI or key that cannot be one."""
    for what, value, pattern in (("DevEUI", sensor.dev_eui, _EUI), ("JoinEUI", (sensor.join_eui or "0" * 16).lower(), _EUI)):
        if not pattern.fullmatch(value):
            raise ConfigError([f"{what} '{value}' is not 16 hexadecimal digits (0–9, A–F); look for O instead of 0."])
    for key in (keys.app_key, keys.nwk_key) if keys else ():
        if key is not None and not _KEY.fullmatch(key):
            raise ConfigError([f"The key of {sensor.dev_eui} has {len(key)} characters or a wrong one; it must be 32 hexadecimal digits."])


def fingerprint_of(entry: Entry) -> str:
    """What an entry says, without its keys and without its moment, which a phone with a wrong clock corrects when it sends."""
    return hash_of(
        (entry.sensor.model_dump(mode="json", exclude={"valid_from"}), entry.asset.model_dump(mode="json") if entry.asset else None)
    )


def hash_of(value: object) -> str:
    """A fingerprint of plain data."""
    return hashlib.sha256(repr(value).encode()).hexdigest()
