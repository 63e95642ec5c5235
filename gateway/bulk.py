"""Many sensors at once: import with a verdict per row, export that can be imported, adoption of devices ChirpStack has already.

Every row stands alone and is idempotent, so a run that was cut off is run again: what is done says `same` and costs little.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Literal

import structlog
from chirpstack_api import api
from pydantic import ValidationError

from core.errors import ConfigError, Conflict, MjosaError
from core.timekeeping import iso
from core.town import Asset, Sensor, Town
from gateway.chirpstack import NetworkDevice
from gateway.entry import Entry, Keys, check, check_codes, wanted_of
from gateway.fleet import SENSOR_TAG, Fleet
from gateway.registration import Registration
from gateway.table import Row

log = structlog.get_logger("mjosa.registration")
MODEL_TAG = "mjosa_model"
_BATCH = 100
_ASSET_FIELDS = {"asset": "id", "asset_name": "name", "asset_kind": "kind", "zone": "zone", "latitude": "latitude",
                 "longitude": "longitude"}  # fmt: skip
_SENSOR_FIELDS = ("dev_eui", "name", "model", "asset", "zone", "latitude", "longitude", "join_eui", "interval_s", "reference_m",
                  "crest_m", "valid_from")  # fmt: skip
_COVERS = {"ingen": "none", "støpejern": "cast_iron", "jern": "cast_iron", "iron": "cast_iron", "cast iron": "cast_iron",
           "betong": "concrete", "plast": "plastic", "kompositt": "plastic", "composite": "plastic"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a row is, or became. `new` and `changed` are written unless it is a dry run; `wrong` and `conflict` never are."""

    line: int
    sensor: str
    dev_eui: str
    verdict: Literal["new", "changed", "same", "conflict", "wrong"]
    text: str = ""


def run(
    registration: Registration, rows: Iterable[Row], actor: str, *, dry_run: bool = False, default_model: str = ""
) -> Iterator[Verdict]:
    """A verdict per row, in order, each batch written before the next is looked at.

    ChirpStack is listed once, first: when it does not answer, NetworkServerUnavailable is raised and nothing was written.
    """
    fleet = registration.fleet
    devices = {d.dev_eui: d for d in fleet.all()} if fleet else {}
    seen: dict[str, int] = {}
    remaining = iter(rows)
    while batch := list(islice(remaining, _BATCH)):
        judged = [_judge(registration, row, devices, seen, default_model) for row in batch]
        yield from [v for v, _ in judged] if dry_run else _written(registration, judged, devices, actor)


Judged = tuple[Verdict, Entry | None]


def _judge(registration: Registration, row: Row, devices: Mapping[str, NetworkDevice], seen: dict[str, int], default_model: str) -> Judged:
    """What a row would be. `seen` remembers the devices and sensors of earlier lines."""
    dev_eui = _eui(row.values.get("dev_eui", ""))
    name = row.values.get("sensor") or dev_eui
    try:
        for what, key in (("device", dev_eui), ("sensor", name)):
            if key in seen:
                raise Conflict(f"The same {what} stands in line {seen[key]}.")
        town = registration.registry.town()
        entry = entry_of(row, town, default_model)
        kind = _kind(entry, town, devices)
        _check_model(registration.fleet, entry.sensor.model)
        if kind == "new":
            check(entry, town)
        else:
            check_codes(entry.sensor, entry.keys)
    except MjosaError as error:
        return Verdict(row.line, name, dev_eui, "conflict" if isinstance(error, Conflict) else "wrong", str(error)), None
    seen.update({dev_eui: row.line, name: row.line})
    return Verdict(row.line, entry.sensor.id, dev_eui, kind), entry


def _kind(entry: Entry, town: Town, devices: Mapping[str, NetworkDevice]) -> Literal["new", "changed", "same"]:
    current = town.current.get(entry.sensor.id)
    if current is None or current.dev_eui != entry.sensor.dev_eui:
        return "new"
    known_asset = entry.asset is None or entry.asset == town.asset_by_id.get(entry.asset.id)
    there = devices.get(entry.sensor.dev_eui)
    return "same" if current == entry.sensor and known_asset and there and there.tags.get(SENSOR_TAG) == current.id else "changed"


def _written(registration: Registration, judged: list[Judged], devices: Mapping[str, NetworkDevice], actor: str) -> Iterator[Verdict]:
    """The batch's verdicts after writing it; a `same` row with a key sets that key again."""
    due = [entry for verdict, entry in judged if entry and (verdict.verdict != "same" or entry.keys)]
    refused = {e.sensor.id: why for e, why in zip(due, registration.register_all(due, actor, devices), strict=True) if why}
    for verdict, _ in judged:
        why = refused.get(verdict.sensor)
        yield replace(verdict, verdict="conflict", text=why) if why else verdict


def entry_of(row: Row, town: Town, default_model: str = "") -> Entry:
    """A row over what is registered already: empty cells keep what is there. Raises ConfigError."""
    values = dict(row.values)
    values["dev_eui"] = _eui(values.get("dev_eui", ""))
    sensor_id = values.get("sensor") or next((s.id for s in town.by_device.get(values["dev_eui"], ())), values["dev_eui"])
    current = town.current.get(sensor_id)
    same_device = current is not None and current.dev_eui == values["dev_eui"]
    fields: dict[str, Any] = {k: _number(v) for k, v in values.items() if k in _SENSOR_FIELDS}
    fields |= {"quantities": tuple(re.split(r"[\s|;,]+", values["quantities"]))} if "quantities" in values else {}
    fields |= {"options": _options(values["options"])} if "options" in values else {}
    mounting = {k: _number(v) for k, v in (("depth_m", values.get("depth_m")), ("cover", values.get("cover"))) if v is not None}
    if "cover" in mounting:
        mounting["cover"] = _COVERS.get(str(mounting["cover"]).lower(), str(mounting["cover"]).lower())
    if mounting:
        before = current.mounting.model_dump(exclude_defaults=True) if current and same_device else {}
        fields["mounting"] = {**before, **mounting}
    asset = _asset(values, town)
    if asset is not None:  # the place is the asset's; the sensor's own position is only kept where it has no asset
        for name in ("latitude", "longitude", "zone"):
            fields.pop(name, None)
    base = current.model_dump(exclude_defaults=True) if current and same_device else {"model": default_model}
    try:
        sensor = Sensor.model_validate({**base, **fields, "id": sensor_id})
    except ValidationError as error:
        raise ConfigError([_said(error)]) from error
    keys = Keys(values["app_key"], values.get("nwk_key")) if "app_key" in values else None
    return Entry(f"import:{sensor_id}:{sensor.dev_eui}", sensor, keys, asset)


def _asset(values: Mapping[str, str], town: Town) -> Asset | None:
    """The row's asset, new or with what the row says of it; None where it names none."""
    if "asset" not in values:
        return None
    known = town.asset_by_id.get(values["asset"])
    base = known.model_dump(exclude_defaults=True) if known else {}
    try:
        return Asset.model_validate({**base, **{ours: _number(values[name]) for name, ours in _ASSET_FIELDS.items() if name in values},
                                     "id": values["asset"]})  # fmt: skip
    except ValidationError as error:
        raise ConfigError([_said(error)]) from error


def _check_model(fleet: Fleet | None, model: str) -> None:
    if fleet and model not in fleet.products:
        what = f"there is no sensor product '{model}'" if model else "the model is missing"
        raise ConfigError([f"{what}; 'mjosa devices' lists them, and --model gives one for all rows"])


def export(town: Town, fleet: Fleet | None = None, *, with_keys: bool = False) -> Iterator[dict[str, str]]:
    """A row per current sensor, as `run` reads it. Keys come from ChirpStack, and only when asked for."""
    for sensor in town.current.values():
        asset = town.asset_of(sensor)
        place = asset or sensor
        row = {
            "sensor": sensor.id, "dev_eui": sensor.dev_eui, "name": sensor.name, "model": sensor.model, "join_eui": sensor.join_eui,
            "asset": sensor.asset, "asset_kind": asset and asset.kind, "asset_name": asset and asset.name, "zone": place.zone,
            "latitude": place.latitude, "longitude": place.longitude, "depth_m": sensor.mounting.depth_m or None,
            "cover": sensor.mounting.cover, "interval_s": sensor.interval_s, "quantities": " ".join(sensor.quantities),
            "reference_m": sensor.reference_m, "crest_m": sensor.crest_m,
            "valid_from": iso(sensor.valid_from) if sensor.valid_from > 0 else None,
            "options": " ".join(f"{k}={v:g}" for k, v in sensor.options.items()),
        }  # fmt: skip
        if with_keys and fleet:
            row |= fleet.client.keys(sensor.dev_eui)
        yield {k: str(v) for k, v in row.items() if v not in (None, "")}


def announce(registration: Registration) -> int:
    """Makes every registered sensor's device known to ChirpStack where it is not, without a key; how many were not.

    For a town that came from a file or a simulation: ChirpStack can then name the devices, and take commands for them.
    """
    fleet = registration.fleet
    if fleet is None:
        return 0
    known = {d.dev_eui for d in fleet.all()}
    missing = [s for s in registration.registry.town().current.values()
               if s.dev_eui not in known and s.model in fleet.products and len(s.dev_eui) == 16 and math.isinf(s.valid_to)]  # fmt: skip
    for sensor in missing:
        fleet.apply(wanted_of(sensor))
    return len(missing)


def keep_in_step(registration: Registration, stop: threading.Event, *, whole_town: bool = False, every_s: float = 15.0) -> None:
    """Tells ChirpStack what waits for it, until stopped: for a thread of its own. `whole_town`: announces every sensor first."""
    while whole_town and not stop.is_set():
        try:
            announce(registration)
            break
        except MjosaError as error:
            log.warning("announce_failed", error=str(error))
            stop.wait(every_s)
    registration.keep_trying(stop, every_s)


def adoptable(fleet: Fleet, town: Town) -> Iterator[tuple[NetworkDevice, str]]:
    """Devices of every application of the tenant that are not registered here, each with its model as far as it can be told."""
    place = fleet.provision()
    client = fleet.client
    names = {
        p.id: p.name for p in client.list_all(client.profiles.List, api.ListDeviceProfilesRequest(tenant_id=place.tenant_id), "profiles")
    }
    for application in client.list_all(client.applications.List, api.ListApplicationsRequest(tenant_id=place.tenant_id), "applications"):
        for device in client.devices_of(application.id):
            if device.dev_eui not in town.by_device:
                yield device, guess_model(fleet, device, names.get(device.profile_id, ""))


def guess_model(fleet: Fleet, device: NetworkDevice, profile_name: str) -> str:
    """By tag, by the profile's name, else by the product all of whose words the profile's name holds; '' where none fits."""
    for named in (device.tags.get(MODEL_TAG, ""), profile_name.removeprefix("mjosa ")):
        if named in fleet.products:
            return named
    words = set(re.findall(r"[a-z0-9]+", f"{profile_name} {device.name}".lower()))
    fits = [key for key in fleet.products if set(key.split("_")) <= words or set(key.split("_")[1:]) <= words]
    return fits[0] if len(fits) == 1 else ""


def adopt(registration: Registration, device: NetworkDevice, model: str, actor: str) -> Verdict:
    """Registers a device that is in ChirpStack, with all its past; it stays in its application, with its keys and session."""
    taken = registration.registry.town().current
    sensor_id = device.tags.get(SENSOR_TAG) or (device.name if device.name and device.name not in taken else device.dev_eui)
    asset = device.tags.get("mjosa_asset") or None
    sensor = Sensor(id=sensor_id, dev_eui=device.dev_eui, name=device.name, model=model,
                    asset=asset if asset in registration.registry.town().asset_by_id else None)  # fmt: skip
    try:
        registration.register(Entry(f"adopt:{device.dev_eui}", sensor), actor)
    except MjosaError as error:
        return Verdict(0, sensor_id, device.dev_eui, "conflict", str(error))
    return Verdict(0, sensor_id, device.dev_eui, "new", model)


def _eui(text: str) -> str:
    return re.sub(r"[:\-\s]", "", text).lower()


def _number(text: str) -> str:
    """A decimal comma becomes a point; anything else stays."""
    return text.replace(",", ".") if re.fullmatch(r"-?\d+,\d+", text) else text


def _options(text: str) -> dict[str, float]:
    try:
        return {k: float(v) for k, v in (pair.split("=") for pair in text.split())}
    except ValueError as error:
        raise ConfigError([f"options '{text}' must be written as name=number, with spaces between"]) from error


def _said(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors())
