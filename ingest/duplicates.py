"""The same frame twice: redelivered by the broker, or published again by a network server told to skip frame counters.

The network server's own id changes when it publishes again, so a frame is known by device, session address, counter and
bytes. Counters start again after a rejoin (new address) or a restart (much later), hence the time limit. Beyond it, the
store's identity (sensor, quantity, measured_at) still keeps true copies from counting twice.
"""

from __future__ import annotations

from collections.abc import Iterable

from core.model import Uplink

SAME_FRAME_S = 600.0
"""Copies further apart than this are different frames of a counter that started again."""
REMEMBERED = 10_000

Seen = dict[tuple[str, str, int, int, bytes], float]


class Duplicates:
    """Remembers the last frames in memory. `fresh` proposes, `remember` confirms once they are stored."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._half = remembered // 2
        self._new: Seen = {}
        self._old: Seen = {}

    def fresh(self, uplinks: Iterable[Uplink]) -> tuple[list[Uplink], Seen]:
        """Those not seen before, in order, each once; and what to `remember` when they are stored."""
        new, old = self._new, self._old
        seen: Seen = {}
        fresh = []
        for uplink in uplinks:
            key = (uplink.dev_eui, uplink.dev_addr, uplink.f_cnt, uplink.f_port, uplink.payload)
            t = uplink.server_time or uplink.time or uplink.received_at
            before = seen.get(key) or new.get(key) or (old.get(key) if old else None)
            if before is None or abs(t - before) > SAME_FRAME_S:
                seen[key] = t
                fresh.append(uplink)
        return fresh, seen

    def remember(self, seen: Seen) -> None:
        self._new.update(seen)
        if len(self._new) > self._half:
            self._old, self._new = self._new, {}
