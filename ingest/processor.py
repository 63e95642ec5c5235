"""Follows the uplink log: everything appended is processed once the store takes it, however long that lasts."""

from __future__ import annotations

import gc
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple, Protocol

import structlog

from core.errors import DecodeError, StoreUnavailable
from core.model import Uplink
from core.network import Message, NetworkEvent
from ingest.cursor import Cursor, Span
from ingest.dead_letters import DeadLetter
from ingest.pipeline import Pipeline, tell
from ingest.timings import Timing
from ingest.uplink_log import BLOCK, ERASED, LoggedMessage, UplinkLog

log = structlog.get_logger("mjosa.ingest")
HOUSEKEEPING_S = 3600.0
NOT_AN_EVENT = "not an event"
CHUNK = 1000
"""Uplinks written to the store at once when behind."""
IN_MEMORY = 1000
"""Newest messages held in memory, so that a processor that keeps up never reads the log."""
SMALL = 100
LINGER_S = 0.08
"""After a small piece the next one is left to grow for so long: at 200 uplinks a second it saves half of the store's work."""
LONG_BACKLOG = 2000
"""Beyond this the newest messages go first, so that alarms see the present while the past is drained."""


class Parse(Protocol):
    def __call__(self, topic: str, payload: bytes, received_at: float, seq: int = 0) -> NetworkEvent: ...


class Work(NamedTuple):
    """Messages numbered first … last without a gap."""

    first: int
    messages: Sequence[Message | LoggedMessage]

    @property
    def last(self) -> int:
        return self.first + len(self.messages) - 1


class Processor:
    """One thread between log and store. `keep` is what the subscriber calls; `events` is told what else the network said."""

    def __init__(
        self,
        uplink_log: UplinkLog,
        cursor: Cursor,
        parse: Parse,
        pipeline: Pipeline,
        dead_letters: Callable[[Sequence[DeadLetter]], None],
        events: Sequence[Callable[[Sequence[NetworkEvent]], None]] = (),
        *,
        retry_s: tuple[float, float] = (0.2, 5.0),
        clock: Callable[[], float] = time.time,
        housekeeping: Callable[[], None] | None = None,
    ) -> None:
        self._log, self._cursor, self._parse, self._pipeline = uplink_log, cursor, parse, pipeline
        self._dead_letters, self._events, self._retry_s, self._clock = dead_letters, list(events), retry_s, clock
        self._housekeeping, self._kept_house_at = housekeeping, clock()
        self._inbox: deque[Work] = deque()
        self._held = 0
        self._wake = threading.Condition()
        self._stop = False
        self._thread: threading.Thread | None = None
        self.fault: str | None = None
        """Why nothing is stored at present, as a sentence; None when all is well."""
        self.processed = 0
        """Messages since start."""
        self.batch_s, self.append_s = Timing(), Timing()
        self._oldest = (0, 0.0)

    def keep(self, batch: Sequence[Message]) -> range:
        """Append durably and hand over. Raises StoreUnavailable when the log cannot take it; then nothing was kept."""
        with self.append_s.measured():
            numbers = self._log.append(batch)
        with self._wake:
            self._inbox.append(Work(numbers.start, batch))
            self._held += len(batch)
            while self._held > IN_MEMORY and len(self._inbox) > 1:
                self._held -= len(self._inbox.popleft().messages)
            self._wake.notify()
        return numbers

    @property
    def backlog(self) -> int:
        """Messages in the log that are not processed."""
        return self._cursor.missing(self._log.last_seq)

    def lag_s(self) -> float:
        """Age of the oldest message that is not processed; 0 when there is none."""
        if self.backlog <= 0:
            return 0.0
        first = self._cursor.done + 1
        if self._oldest[0] != first:
            waiting = self._log.read(first - 1, 1)
            self._oldest = (first, waiting[0].received_at if waiting else self._clock())
        return max(0.0, self._clock() - self._oldest[1])

    def start(self) -> Processor:
        ease_collector()
        self._thread = threading.Thread(target=self.run, name="processor", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Finish the chunk in hand; the rest stays in the log."""
        with self._wake:
            self._stop = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(timeout=60)

    def run(self) -> None:
        """Process until stopped; wait while the store is away (doubling, capped), then drain at full speed."""
        wait_s = self._retry_s[0]
        newest_first = True
        while not self._stop:
            work = None
            try:
                work = self._next(newest_first)
                if work is None:
                    self._keep_house()
                    self._sleep(1.0, until_work=True)
                    continue
                with self.batch_s.measured():
                    self.process(work)
            except Exception as error:  # whatever it is, nothing is lost by trying again, and everything by stopping
                if not isinstance(error, StoreUnavailable):
                    with suppress(OSError):
                        log.exception("processing failed; trying again", first=work.first if work else None)
                self._say(str(error) or type(error).__name__)
                self._sleep(wait_s)
                wait_s = min(2 * wait_s, self._retry_s[1])
                newest_first = True
            else:
                self._say(None)
                wait_s = self._retry_s[0]
                newest_first = not newest_first
                if len(work.messages) < SMALL and self.backlog < SMALL:
                    self._sleep(LINGER_S)

    def drain(self) -> int:
        """Process all there is, in this thread; how many messages. Raises StoreUnavailable."""
        before = self.processed
        while (work := self._next(False)) is not None:
            self.process(work)
        return self.processed - before

    def process(self, work: Work) -> None:
        """One piece of the log, from bytes to the store, and then the cursor."""
        events, dead = self._parsed(work)
        self._dead_letters(dead)
        self._pipeline.process([e for e in events if type(e) is Uplink])
        tell(self._events, events)
        self._cursor.add(work.first, work.last)
        self.processed += len(work.messages)

    def _parsed(self, work: Work) -> tuple[list[NetworkEvent], list[DeadLetter]]:
        events, dead, parse = [], [], self._parse
        for seq, message in enumerate(work.messages, work.first):
            if message.topic == ERASED:
                continue
            try:
                events.append(parse(message.topic, message.payload, message.received_at, seq))
            except DecodeError as error:
                dead.append(DeadLetter(seq, device_in(message.topic), NOT_AN_EVENT, str(error), message.received_at))
        return events, dead

    def _next(self, newest_first: bool) -> Work | None:
        """What to process now: as a rule the oldest, from memory if it is there; on a long backlog the newest, every other time."""
        backlog = self.backlog
        if backlog <= 0:
            return None
        if newest_first and backlog > LONG_BACKLOG:
            newest = self._from_memory(None) or self._read(self._cursor.newest_gap(self._log.last_seq, BLOCK))
            if newest is not None:
                return newest
        oldest = self._cursor.next_gap(CHUNK)
        return self._from_memory(oldest[0]) or self._read(oldest)

    def _read(self, span: Span) -> Work | None:
        """A span of the log that is not processed."""
        first, last = span
        messages = self._log.read(first - 1, last - first + 1) if first <= last else []
        if messages and first == self._cursor.done + 1 < messages[0].seq:  # retention took what was before
            self._cursor.add(1, messages[0].seq - 1)
        return Work(messages[0].seq, messages) if messages else None

    def _from_memory(self, first: int | None) -> Work | None:
        """Neighbouring batches from memory, beginning with message `first` (None: whichever is there)."""
        with self._wake:
            while self._inbox and self._inbox[0].last <= self._cursor.done:
                self._held -= len(self._inbox.popleft().messages)
            if not self._inbox or (first is not None and self._inbox[0].first != first):
                return None
            head = self._inbox.popleft()
            messages = list(head.messages)
            while self._inbox and self._inbox[0].first == head.first + len(messages) and len(messages) < CHUNK:
                messages += self._inbox.popleft().messages
            self._held -= len(messages)
            return Work(head.first, messages)

    def _keep_house(self) -> None:
        """Once an hour, when there is nothing else to do."""
        if self._housekeeping is not None and self._clock() - self._kept_house_at > HOUSEKEEPING_S:
            self._kept_house_at = self._clock()
            self._housekeeping()

    def _sleep(self, seconds: float, *, until_work: bool = False) -> None:
        deadline = time.monotonic() + seconds
        with self._wake:
            while not self._stop and (left := deadline - time.monotonic()) > 0 and not (until_work and self._inbox):
                self._wake.wait(left)

    def _say(self, fault: str | None) -> None:
        """One line when a fault begins, changes or ends. A log that cannot be written (the disk is full) stops nothing."""
        before, self.fault = self.fault, fault
        with suppress(OSError):
            if fault and fault != before:
                log.warning("ingest does not store; the uplink log keeps everything", why=fault, backlog=self.backlog)
            elif fault is None and before:
                log.info("ingest stores again", backlog=self.backlog)


def ease_collector() -> None:
    """Let Python look for reference cycles rarely. Parsed events hold none, yet searching them took half of all time (measured)."""
    gc.set_threshold(50_000, 20, 20)


def device_in(topic: str) -> str:
    """The dev_eui that a topic names; empty when it is not an event's."""
    parts = topic.split("/")
    return parts[3] if len(parts) == 6 else ""
