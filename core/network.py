"""What the network server tells besides data frames, and a message as the broker handed it over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from core.model import Uplink


class Message(NamedTuple):
    """One MQTT message, untouched. received_at [Unix s UTC]."""

    received_at: float
    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class JoinEvent:
    """A device joined: its frame counter starts again under a new address."""

    dev_eui: str
    time: float | None
    received_at: float
    dev_addr: str = ""
    application_id: str = ""


@dataclass(frozen=True, slots=True)
class AckEvent:
    """A confirmed downlink was answered, or timed out (`acknowledged` False, told only at the next downlink opportunity)."""

    dev_eui: str
    time: float | None
    received_at: float
    queue_item_id: str = ""
    acknowledged: bool = False
    f_cnt_down: int = 0


@dataclass(frozen=True, slots=True)
class TxAckEvent:
    """A base station accepted a downlink for sending; the device may still not have heard it."""

    dev_eui: str
    time: float | None
    received_at: float
    queue_item_id: str = ""
    base_station: str = ""
    f_cnt_down: int = 0


@dataclass(frozen=True, slots=True)
class LogEvent:
    """The network server's own complaint about a device: level INFO, WARNING or ERROR, and a code such as UPLINK_CODEC."""

    dev_eui: str
    time: float | None
    received_at: float
    level: str = "INFO"
    code: str = "UNKNOWN"
    description: str = ""
    context: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StatusEvent:
    """Answer to DevStatusReq. battery_pct [%] is None when unknown or mains powered; margin_db [dB] of the last downlink."""

    dev_eui: str
    time: float | None
    received_at: float
    margin_db: int = 0
    battery_pct: float | None = None
    external_power: bool = False


@dataclass(frozen=True, slots=True)
class LocationEvent:
    """A position the network worked out. Degrees WGS 84; altitude in m."""

    dev_eui: str
    time: float | None
    received_at: float
    latitude: float | None = None
    longitude: float | None = None
    altitude_m: float | None = None


NetworkEvent = Uplink | JoinEvent | AckEvent | TxAckEvent | LogEvent | StatusEvent | LocationEvent
