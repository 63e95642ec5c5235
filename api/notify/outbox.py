"""The worker between alarms and channels: what is due is written down first, then sent until the other side has taken it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import structlog

from api.notify.channels import Channel
from api.notify.messages import text
from api.notify.rules import Schedule, due
from core.errors import MjosaError
from core.records import OutboxMessage
from core.registry import Registry

log = structlog.get_logger(__name__)
DOCUMENT = "notification_schedule"
FIRST_WAIT_S, LONGEST_WAIT_S = 30.0, 3600.0
LOOK_BACK = 500


class Notifier:
    """`turn` once: put what is due into the outbox, try what waits. `start`/`stop` run turns in a thread.

    At least once: a message counts as sent only after the channel took it, so a crash in between sends it again with the same id.
    """

    def __init__(
        self, registry: Registry, channels: Mapping[str, Channel], clock: Callable[[], float], base_url: str, every_s: float = 5.0
    ):
        self._registry, self.channels, self._clock = registry, channels, clock
        self._base_url, self._every_s = base_url, every_s
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def schedule(self) -> Schedule:
        return Schedule.model_validate(self._registry.documents.get(DOCUMENT) or {})

    def turn(self) -> int:
        """Messages sent in this turn."""
        self._write_down()
        return sum(self._deliver(m) for m in self._registry.outbox.due(self._clock(), 50))

    def _write_down(self) -> None:
        schedule, now, town = self.schedule(), self._clock(), self._registry.town()
        if not schedule.recipients:
            return
        told = {m.id for m in self._registry.outbox.find(limit=20 * LOOK_BACK)}
        for d in due(self._registry.alarms.find(limit=LOOK_BACK), schedule, now, told):
            said = text(d.alarm, town, d.occasion, d.recipient.language, self._base_url)
            self._registry.outbox.put(
                OutboxMessage(d.id, d.recipient.channel, d.recipient.target, said.subject, said.body, now, d.not_before)
            )

    def _deliver(self, message: OutboxMessage) -> bool:
        channel = self.channels.get(message.channel)
        try:
            if channel is None:
                raise MjosaError(f"no channel '{message.channel}' is set up; there are {', '.join(self.channels) or 'none'}")
            channel.send(message)
        except Exception as error:  # whatever a channel's library raises, the message stays in the outbox with it
            wait = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(message.attempts, 10))
            self._registry.outbox.failed(message.id, f"{type(error).__name__}: {error}"[:500], self._clock() + wait)
            log.warning("notification_failed", channel=message.channel, id=message.id, error=str(error)[:200])
            return False
        self._registry.outbox.sent(message.id, self._clock())
        return True

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=30)

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            try:
                self.turn()
            except MjosaError as error:
                log.warning("notifier_waits", error=str(error))
