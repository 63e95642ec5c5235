"""What the phone sends, checked."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from core.town import Latitude, Longitude, Mounting

ClientId = Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Eui = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{16}$")]
Name = Annotated[str, Field(min_length=1, max_length=100)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewAsset(_Body):
    """An asset that was not in the list, where the phone stands."""

    id: Name
    kind: Literal["manhole", "overflow_chamber", "pumping_station", "pipe", "meter_point", "rain_station", "reservoir", "other"] = "manhole"
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    zone: str | None = None


class FieldEntry(_Body):
    """One piece of work done in the field. `at` and `sent_at` are by the phone's clock [Unix s]: their difference is trusted."""

    client_id: ClientId
    kind: Literal["register", "move", "swap", "calibrate", "retire", "rekey", "flush"]
    at: float
    sent_at: float
    sensor: Name
    dev_eui: Eui | None = None
    join_eui: Eui | None = None
    model: str | None = None
    asset: str | None = None
    new_asset: NewAsset | None = None
    mounting: Mounting | None = None
    interval_s: Annotated[float, Field(gt=0)] | None = None
    reference_m: float | None = None
    quantity: str | None = None
    offset: float = 0.0
    scale: float = 1.0
    app_key: SecretStr | None = None
    nwk_key: SecretStr | None = None

    def moment(self, now: float) -> float:
        """When it was done, by the server's clock."""
        return now - max(self.sent_at - self.at, 0.0)


class Tell(_Body):
    """A command to a sensor: `interval_s`, `threshold_m` …"""

    command: Name
    value: float


class SignOff(_Body):
    """The engineer's word that the sensor is as it should be; photo is a JPEG or PNG in base64."""

    client_id: ClientId
    sensor: Name
    typed: dict[str, float] = Field(default_factory=dict, max_length=20)
    cover_open: bool = False
    since: float | None = None
    note: Annotated[str, Field(max_length=2000)] = ""
    photo: Annotated[str, Field(max_length=1_900_000)] | None = None


Json = dict[str, Any]
