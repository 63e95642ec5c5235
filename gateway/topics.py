"""ChirpStack's application topics: application/{application}/device/{dev_eui}/event/{event} and …/command/down."""

from functools import lru_cache
from typing import NamedTuple

from core.errors import DecodeError

EVENTS = ("up", "join", "ack", "txack", "log", "status", "location")
ALL_EVENTS = "application/+/device/+/event/+"
"""Every event of every device of every application."""


class EventTopic(NamedTuple):
    """Where an event came from. dev_eui is lower-case hex, as ChirpStack writes it."""

    application_id: str
    dev_eui: str
    event: str


@lru_cache(16_384)
def parse_topic(topic: str) -> EventTopic:
    """Take an event topic apart. Raises DecodeError for every other topic."""
    parts = topic.split("/")
    if len(parts) != 6 or parts[0] != "application" or parts[2] != "device" or parts[4] != "event":
        raise DecodeError(f"topic '{topic}' is not application/…/device/…/event/…; check the subscription and ChirpStack's event_topic")
    return EventTopic(parts[1], parts[3].lower(), parts[5])


def event_topic(application_id: str, dev_eui: str, event: str) -> str:
    return f"application/{application_id}/device/{dev_eui.lower()}/event/{event}"


def command_topic(application_id: str, dev_eui: str) -> str:
    """Where a downlink is asked for; `devEui` in its JSON must be the same text as here."""
    return f"application/{application_id}/device/{dev_eui.lower()}/command/down"


def shared(topic_filter: str, group: str | None) -> str:
    """The filter as one member of a group that splits the load (`$share/group/…`); unchanged without a group."""
    return f"$share/{group}/{topic_filter}" if group else topic_filter
