"""The live stream: what the pipeline and the analysis publish, fanned out to every open page. Thread-safe to publish to."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.model import Reading
from core.records import Alarm

Message = tuple[str, Any]


@dataclass(eq=False)
class Subscriber:
    """One open page. When it cannot keep up, its oldest messages are dropped and `lost` counts them."""

    loop: asyncio.AbstractEventLoop
    limit: int = 500
    waiting: deque[Message] = field(default_factory=deque)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    lost: int = 0

    def push(self, message: Message) -> None:
        if len(self.waiting) >= self.limit:
            self.waiting.popleft()
            self.lost += 1
        self.waiting.append(message)
        self.wake.set()

    async def take(self, timeout_s: float) -> list[Message]:
        """Everything waiting, or [] when nothing came in time."""
        try:
            await asyncio.wait_for(self.wake.wait(), timeout_s)
        except TimeoutError:
            return []
        self.wake.clear()
        taken = list(self.waiting)
        self.waiting.clear()
        return taken


class Hub:
    """Publish readings and alarms from any thread; subscribe from the event loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscribers: set[Subscriber] = set()
        self._listeners: list[Any] = []
        self.pushed = False
        """True once a pipeline in this process has published readings: the store need not be polled for them."""

    def readings(self, batch: Sequence[Reading]) -> None:
        """Newly stored readings."""
        self.pushed = True
        for listener in self._listeners:
            listener(batch)
        self._send(("readings", batch))

    def polled(self, batch: Sequence[Reading]) -> None:
        """Readings that another process stored; `pushed` stays as it is and listeners know them already."""
        self._send(("readings", batch))

    def alarm(self, alarm: Alarm) -> None:
        """An alarm that is new or changed."""
        self._send(("alarm", alarm))

    def note(self, kind: str, data: Mapping[str, Any]) -> None:
        """Anything else a page may show: {"kind": …} such as an analysis that finished."""
        self._send((kind, data))

    def listen(self, listener: Any) -> None:
        """Call `listener(batch)` with each batch of readings, in the publishing thread."""
        self._listeners.append(listener)

    def subscribe(self) -> Subscriber:
        """Must be called inside the event loop that will take from it."""
        subscriber = Subscriber(asyncio.get_running_loop())
        with self._lock:
            self._subscribers.add(subscriber)
        return subscriber

    def unsubscribe(self, subscriber: Subscriber) -> None:
        with self._lock:
            self._subscribers.discard(subscriber)

    @property
    def clients(self) -> int:
        return len(self._subscribers)

    def _send(self, message: Message) -> None:
        with self._lock:
            subscribers = list(self._subscribers)
        for subscriber in subscribers:
            try:
                subscriber.loop.call_soon_threadsafe(subscriber.push, message)
            except RuntimeError:  # its loop has ended
                self.unsubscribe(subscriber)
