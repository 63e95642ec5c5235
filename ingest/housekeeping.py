"""What is done to the uplink log when there is nothing else to do: small blocks joined, months past retention deleted."""

from __future__ import annotations

from collections.abc import Callable, Collection

import structlog

from core.errors import StoreError
from ingest.dead_letters import DeadLetters
from ingest.processor import device_in
from ingest.uplink_log import UplinkLog

log = structlog.get_logger("mjosa.ingest")


def keep_house(uplink_log: UplinkLog, dead_letters: DeadLetters, retention_days: float, now: float) -> tuple[int, int]:
    """Join small blocks and forget what is older than the retention; (blocks joined, messages deleted).

    A month is deleted when its newest message is too old, so messages stay up to a month longer than asked.
    """
    joined = uplink_log.compact()
    gone = uplink_log.prune(now - retention_days * 86_400.0)
    if gone:
        oldest = uplink_log.read(0, 1)
        dead_letters.prune(oldest[0].received_at if oldest else now)
        log.info("uplinks past retention deleted", messages=gone, retention_days=retention_days)
    return joined, gone


def housekeeping(uplink_log: UplinkLog, dead_letters: DeadLetters, retention_days: float, clock: Callable[[], float]) -> Callable[[], None]:
    """`keep_house` as the processor calls it; a fault is one line in the log and tried again an hour later."""

    def once() -> None:
        try:
            keep_house(uplink_log, dead_letters, retention_days, clock())
        except StoreError as error:
            log.warning("housekeeping of the uplink log failed", why=str(error))

    return once


def erase_devices(uplink_log: UplinkLog, dead_letters: DeadLetters, dev_euis: Collection[str], *, dry_run: bool = False) -> int:
    """Take everything that some devices sent out of the log and the dead letters; how many messages."""
    wanted = {eui.lower() for eui in dev_euis}
    if not dry_run:
        dead_letters.settle([letter.seq for eui in wanted for letter in dead_letters.find(dev_eui=eui)], [])
    return uplink_log.erase(lambda topic: device_in(topic).lower() in wanted, dry_run=dry_run)
