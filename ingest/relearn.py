"""After a restart the fleet knows again what it knew: frames from the uplink log, batteries from the store."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np

from core.errors import DecodeError
from core.network import NetworkEvent
from core.store import SeriesStore
from ingest.battery import CUTOFF, DAY_S, DAYS
from ingest.fleet import Fleet
from ingest.processor import Parse
from ingest.uplink_log import UplinkLog

BATCH = 2000
SENSORS_AT_ONCE = 500


def relearn_frames(fleet: Fleet, log: UplinkLog, parse: Parse, since: float, until_seq: int) -> int:
    """Show the fleet what was received since a time [Unix s], up to a number (what is processed later it sees then); how many events."""
    messages = (m for m in log.since(0, since) if m.seq <= until_seq)
    count = 0
    while batch := list(islice(messages, BATCH)):
        events: list[NetworkEvent] = []
        for message in batch:
            try:
                events.append(parse(message.topic, message.payload, message.received_at, message.seq))
            except DecodeError:
                continue  # it is a dead letter already
        fleet.see(events)
        count += len(events)
    return count


def relearn_batteries(fleet: Fleet, store: SeriesStore, dev_euis: Sequence[str], now: float) -> None:
    """Daily means of the last 90 days."""
    edges = now - DAY_S * np.arange(DAYS, -1, -1, dtype=np.float64)
    for first in range(0, len(dev_euis), SENSORS_AT_ONCE):
        some = dev_euis[first : first + SENSORS_AT_ONCE]
        for quantity in CUTOFF:
            for dev_eui, days in store.aggregate(some, quantity, edges).items():
                there = days.count > 0
                for t, mean in zip((days.start[there] + DAY_S / 2).tolist(), days.mean[there].tolist(), strict=True):
                    fleet.note_battery(dev_eui, quantity, t, mean)
