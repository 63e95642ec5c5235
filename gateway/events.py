"""ChirpStack v4 application events, JSON or protobuf, as the frozen values of `core`.

Rules of the JSON (ChirpStack's protobuf mapping): top-level fields are always written; fields of rxInfo and txInfo that
equal their default are left out, so a missing `snr` beside an `rssi` is 0 dB. Unknown fields are ignored, a missing
one takes its default. Bytes are base64, times RFC 3339.
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Callable, Mapping
from datetime import datetime
from math import nan
from typing import Any

import orjson

from core.errors import DecodeError
from core.model import Reception, Uplink
from core.network import AckEvent, JoinEvent, LocationEvent, LogEvent, NetworkEvent, StatusEvent, TxAckEvent
from gateway.topics import EventTopic, parse_topic

__all__ = ["AckEvent", "JoinEvent", "LocationEvent", "LogEvent", "NetworkEvent", "StatusEvent", "TxAckEvent", "parse_event"]

Json = Mapping[str, Any]


def parse_event(topic: str, payload: bytes, received_at: float, seq: int = 0) -> NetworkEvent:
    """The event a message carries; `seq` is its place in the uplink log. Raises DecodeError, naming the topic, when it is none."""
    place = parse_topic(topic)
    read = _READERS.get(place.event)
    if read is None:
        raise DecodeError(f"{topic}: unknown event '{place.event}'; known are {', '.join(_READERS)}")
    try:
        return read(place, _document(place.event, payload), received_at, seq)
    except DecodeError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise DecodeError(f"{topic}: not a ChirpStack v4 event: {error}") from error


def _document(event: str, payload: bytes) -> Json:
    """JSON starts with a brace; anything else is taken for protobuf, whose first byte is a field tag."""
    if payload[:1] == b"{":
        document: Json = orjson.loads(payload)
        return document
    from gateway.protobuf_events import as_json  # rare, and the generated classes are slow to import

    return as_json(event, payload)


def _up(place: EventTopic, e: Json, received_at: float, seq: int) -> Uplink:
    info, receptions, gateway_time, server_time = e.get("deviceInfo") or {}, [], None, None
    for rx in e.get("rxInfo") or ():
        rssi = rx.get("rssi")
        missing = nan if rssi is None else 0.0
        receptions.append(Reception(rx.get("gatewayId", ""), nan if rssi is None else float(rssi), float(rx.get("snr", missing))))
        gateway_time = gateway_time or _time(rx.get("gwTime"))
        server_time = server_time or _time(rx.get("nsTime"))
    tx = e.get("txInfo") or {}
    return Uplink(
        dev_eui=place.dev_eui,
        dev_addr=e.get("devAddr", ""),
        f_cnt=int(e.get("fCnt", 0)),
        f_port=int(e.get("fPort", 0)),
        payload=a2b_base64(e.get("data") or "", strict_mode=True),
        time=_time(e.get("time")),
        gateway_time=gateway_time,
        server_time=server_time,
        received_at=received_at,
        receptions=tuple(receptions),
        spreading_factor=_spreading_factor(tx),
        frequency_hz=int(tx.get("frequency", 0)),
        object=e.get("object"),
        confirmed=bool(e.get("confirmed", False)),
        deduplication_id=e.get("deduplicationId", ""),
        application_id=place.application_id,
        device_name=info.get("deviceName", ""),
        profile_name=info.get("deviceProfileName", ""),
        tags=info.get("tags") or {},
        seq=seq,
    )


def _spreading_factor(tx: Json) -> int:
    modulation = tx.get("modulation") or {}
    return int((modulation.get("lora") or {}).get("spreadingFactor", 0))


def _join(place: EventTopic, e: Json, received_at: float, _seq: int) -> JoinEvent:
    return JoinEvent(place.dev_eui, _time(e.get("time")), received_at, e.get("devAddr", ""), place.application_id)


def _ack(place: EventTopic, e: Json, received_at: float, _seq: int) -> AckEvent:
    return AckEvent(
        place.dev_eui, _time(e.get("time")), received_at, e.get("queueItemId", ""), bool(e.get("acknowledged")), int(e.get("fCntDown", 0))
    )


def _txack(place: EventTopic, e: Json, received_at: float, _seq: int) -> TxAckEvent:
    return TxAckEvent(
        place.dev_eui, _time(e.get("time")), received_at, e.get("queueItemId", ""), e.get("gatewayId", ""), int(e.get("fCntDown", 0))
    )


def _log(place: EventTopic, e: Json, received_at: float, _seq: int) -> LogEvent:
    return LogEvent(
        place.dev_eui, _time(e.get("time")), received_at,
        e.get("level", "INFO"), e.get("code", "UNKNOWN"), e.get("description", ""), e.get("context") or {},
    )  # fmt: skip


def _status(place: EventTopic, e: Json, received_at: float, _seq: int) -> StatusEvent:
    mains, unknown = bool(e.get("externalPowerSource")), bool(e.get("batteryLevelUnavailable"))
    battery = None if mains or unknown else float(e.get("batteryLevel", 0.0))
    return StatusEvent(place.dev_eui, _time(e.get("time")), received_at, int(e.get("margin", 0)), battery, mains)


def _location(place: EventTopic, e: Json, received_at: float, _seq: int) -> LocationEvent:
    where = e.get("location") or {}
    known = bool(where)
    return LocationEvent(
        place.dev_eui, _time(e.get("time")), received_at,
        *(float(where.get(name, 0.0)) if known else None for name in ("latitude", "longitude", "altitude")),
    )  # fmt: skip


def _time(text: str | None) -> float | None:
    return datetime.fromisoformat(text).timestamp() if text else None


_READERS: dict[str, Callable[[EventTopic, Json, float, int], NetworkEvent]] = {
    "up": _up,
    "join": _join,
    "ack": _ack,
    "txack": _txack,
    "log": _log,
    "status": _status,
    "location": _location,
}
