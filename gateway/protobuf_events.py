"""ChirpStack's protobuf events turned into the same documents as its JSON."""

from __future__ import annotations

from typing import Any

from chirpstack_api import integration
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError as WireError

from core.errors import DecodeError

_MESSAGES = {
    "up": integration.UplinkEvent,
    "join": integration.JoinEvent,
    "ack": integration.AckEvent,
    "txack": integration.TxAckEvent,
    "log": integration.LogEvent,
    "status": integration.StatusEvent,
    "location": integration.LocationEvent,
}


def as_json(event: str, payload: bytes) -> dict[str, Any]:
    """The event's document. Raises DecodeError when the bytes are no such message."""
    try:
        message = _MESSAGES[event].FromString(payload)
    except WireError as error:
        raise DecodeError(f"neither JSON nor a protobuf {event} event ({len(payload)} bytes, starting {payload[:8].hex()})") from error
    if not message.HasField("device_info"):
        raise DecodeError(f"neither JSON nor a protobuf {event} event: it names no device ({len(payload)} bytes)")
    document: dict[str, Any] = MessageToDict(message)
    return document
