"""The town as data: utility, base stations, zones, assets, sensors. A `Town` is an immutable snapshot; stages receive one and ask it.

Read from `town.yaml` by `core.town_file`, kept and changed in the registry.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from core.timekeeping import unix

Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
Moment = Annotated[float, BeforeValidator(unix)]
"""Unix seconds UTC; written as ISO 8601 in files."""

ZoneKind = Literal["dma", "pressure", "sewer", "town"]
AssetKind = Literal[
    "pipe", "junction", "manhole", "overflow_chamber", "pumping_station", "reservoir", "meter_point",
    "zone_inlet", "rain_station", "treatment_plant", "source", "other",
]  # fmt: skip


class _Part(BaseModel):
    """Unknown fields are kept (town_file warns of them), so that a newer file opens in an older Mjøsa."""

    model_config = ConfigDict(frozen=True, extra="allow")

    @model_validator(mode="before")
    @classmethod
    def _position(cls, data: Any) -> Any:
        """`position: [60.8, 10.7]`, `position: {lat: …, lon: …}` and `lat`/`lon` are all latitude and longitude."""
        if not isinstance(data, dict):
            return data
        data, place = dict(data), data.get("position")
        if isinstance(place, list | tuple) and len(place) == 2:
            data["latitude"], data["longitude"] = data.pop("position")
        elif isinstance(place, dict):
            data.update(data.pop("position"))
        for short, name in (("lat", "latitude"), ("lon", "longitude"), ("lng", "longitude")):
            if short in data:
                data[name] = data.pop(short)
        return data


class Utility(_Part):
    """The municipality: whose water it is, and what it tolerates."""

    id: str = "utility"
    name: str
    population: int | None = Field(None, ge=0)
    timezone: Literal["Europe/Oslo"] = "Europe/Oslo"
    false_alarms_per_week: float = Field(1.0, gt=0)


class BaseStation(_Part):
    """A radio mast (ChirpStack: gateway). id: 16 hex digits."""

    id: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{16}$")]
    name: str = ""
    latitude: Latitude
    longitude: Longitude
    altitude_m: float = 0.0

    @field_validator("id")
    @classmethod
    def _lower(cls, value: str) -> str:
        return value.lower()


class Zone(_Part):
    """A DMA, pressure zone or sewer catchment, with the master data that indicators need (all optional).

    `master` holds further master data by the names of the indicator catalogue, each a number.
    """

    id: str
    name: str = ""
    kind: ZoneKind = "dma"
    parent: str | None = None
    population: int | None = Field(None, ge=0)
    households: int | None = Field(None, ge=0)
    connections: int | None = Field(None, ge=0)
    mains_km: float | None = Field(None, ge=0)
    private_pipe_km: float | None = Field(None, ge=0)
    polygon: tuple[tuple[float, float], ...] = ()
    """Outline as (latitude, longitude) pairs."""
    master: Mapping[str, float] = Field(default_factory=dict)


class Weir(_Part):
    """An overflow crest. Heights in m on the level sensor's own datum; width along the crest in m."""

    kind: Literal["thin_plate", "broad", "side", "v_notch", "rounded", "roof"] = "thin_plate"
    width_m: float | None = Field(None, gt=0)
    crest_height_m: float | None = Field(None, gt=0)
    """Crest above the channel bed, P."""
    channel_width_m: float | None = Field(None, gt=0)
    notch_angle_deg: float | None = Field(None, gt=0, lt=180)
    coefficient: float | None = Field(None, gt=0)
    """Poleni μ, where it was calibrated; else the kind's own."""
    crest_u_m: float = Field(0.01, ge=0)
    """Standard uncertainty of the crest level."""


class Asset(_Part):
    """The pipe, manhole, overflow chamber or meter point a sensor sits on."""

    id: str
    name: str = ""
    kind: AssetKind = "other"
    zone: str | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    depth_m: float | None = None
    """Cover to invert [m]."""
    diameter_m: float | None = Field(None, gt=0)
    crest_m: float | None = None
    """Overflow crest on the level sensor's datum [m]."""
    weir: Weir | None = None
    surcharge_m: float | None = None
    model_element: str | None = None
    """Node or link in the hydraulic model."""
    downstream: str | None = None
    """The asset that receives this one's water."""
    household: bool = False
    """A private meter point: its readings are personal data."""


class Calibration(_Part):
    """value = raw · scale + offset, for one quantity, from `valid_from` until the next."""

    quantity: str
    offset: float = 0.0
    scale: float = 1.0
    valid_from: Moment = -math.inf


class Mounting(_Part):
    """How the radio sits: depth below ground [m], cover over it."""

    depth_m: float = 0.0
    cover: Literal["none", "plastic", "cast_iron", "concrete"] = "none"


class Sensor(_Part):
    """A registered device on an asset, for a period.

    `id` names the measuring point and stays when the device is swapped; `dev_eui` is the device, and the key of its
    readings in the store (a wired point without radio has its id there).
    """

    id: str
    dev_eui: str
    name: str = ""
    model: str = ""
    asset: str | None = None
    zone: str | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    quantities: tuple[str, ...] = ()
    interval_s: float | None = Field(None, gt=0)
    reference_m: float | None = None
    """Level at which distance_m would read 0, i.e. level_m = reference_m − distance_m."""
    crest_m: float | None = None
    weir: Weir | None = None
    join_eui: str | None = None
    valid_from: Moment = -math.inf
    valid_to: Moment = math.inf
    calibration: tuple[Calibration, ...] = ()
    mounting: Mounting = Mounting()
    options: Mapping[str, float] = Field(default_factory=dict)
    """What the product's decoder must know of this unit: pressure range, litres per pulse …"""

    @field_validator("dev_eui")
    @classmethod
    def _lower(cls, value: str) -> str:
        return value.lower() if len(value) == 16 else value


class Town(_Part):
    """Everything registered, at one moment."""

    utility: Utility
    base_stations: tuple[BaseStation, ...] = ()
    zones: tuple[Zone, ...] = ()
    assets: tuple[Asset, ...] = ()
    sensors: tuple[Sensor, ...] = ()
    hydraulic_model: str | None = None

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Town:
        """A changed copy makes its own look-ups instead of inheriting this one's."""
        copy = super().model_copy(update=update, deep=deep)
        for name in ("zone_by_id", "asset_by_id", "placements", "by_device", "current"):
            copy.__dict__.pop(name, None)
        return copy

    @cached_property
    def zone_by_id(self) -> dict[str, Zone]:
        return {z.id: z for z in self.zones}

    @cached_property
    def asset_by_id(self) -> dict[str, Asset]:
        return {a.id: a for a in self.assets}

    @cached_property
    def placements(self) -> dict[str, tuple[Sensor, ...]]:
        """Sensor id → its placements (device and period), oldest first."""
        return _grouped(self.sensors, "id")

    @cached_property
    def by_device(self) -> dict[str, tuple[Sensor, ...]]:
        """dev_eui → where that device has been, oldest first."""
        return _grouped(self.sensors, "dev_eui")

    @cached_property
    def current(self) -> dict[str, Sensor]:
        """Sensor id → its newest placement."""
        return {key: places[-1] for key, places in self.placements.items()}

    def sensor_at(self, dev_eui: str, t: float) -> Sensor | None:
        """Where a device was at a time; None when it was not registered then."""
        return next((s for s in self.by_device.get(dev_eui, ()) if s.valid_from <= t < s.valid_to), None)

    def asset_of(self, sensor: Sensor) -> Asset | None:
        return self.asset_by_id.get(sensor.asset or "")

    def zone_of(self, sensor: Sensor) -> str | None:
        asset = self.asset_of(sensor)
        return sensor.zone or (asset.zone if asset else None)

    def crest_of(self, sensor: Sensor) -> float | None:
        asset = self.asset_of(sensor)
        return sensor.crest_m if sensor.crest_m is not None else (asset.crest_m if asset else None)

    def weir_of(self, sensor: Sensor) -> Weir | None:
        asset = self.asset_of(sensor)
        return sensor.weir or (asset.weir if asset else None)

    def position_of(self, sensor: Sensor) -> tuple[float, float] | None:
        """(latitude, longitude) of the sensor, else of its asset."""
        for part in (sensor, self.asset_of(sensor)):
            if part is not None and part.latitude is not None and part.longitude is not None:
                return part.latitude, part.longitude
        return None

    def is_personal(self, sensor: Sensor) -> bool:
        """True for a household's meter."""
        asset = self.asset_of(sensor)
        return bool(asset and asset.household)

    def sensors_with(self, quantity: str, zone: str | None = None, kind: str | None = None) -> list[Sensor]:
        """Newest placements that measure a quantity, optionally in one zone or on one kind of asset, in the order of the town."""
        return [
            s for s in self.current.values()
            if quantity in s.quantities
            and (zone is None or self.zone_of(s) == zone)
            and (kind is None or ((asset := self.asset_of(s)) is not None and asset.kind == kind))
        ]  # fmt: skip


def _grouped(sensors: tuple[Sensor, ...], key: str) -> dict[str, tuple[Sensor, ...]]:
    groups: dict[str, list[Sensor]] = {}
    for sensor in sensors:
        groups.setdefault(getattr(sensor, key), []).append(sensor)
    return {k: tuple(sorted(v, key=lambda s: s.valid_from)) for k, v in groups.items()}


def as_data(town: Town) -> dict[str, Any]:
    """The town as plain data for YAML or JSON, without defaults."""
    return town.model_dump(mode="json", exclude_defaults=True)
