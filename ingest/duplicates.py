"""The same frame twice: redelivered by the broker, or published again by a network server told to skip frame counters.

The network server's own id changes when it publishes again, so a frame is known by device, session address, counter and
bytes. Counters start again after a rejoin (new address) or a restart (much later), hence the time limit. Beyond it, the
store's identity (sensor, quantity, measured_at) still keeps true copies from counting twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.model import Uplink

SAME_FRAME_S = 600.0
"""Copies further apart than this are different frames of a counter that started again."""
REMEMBERED = 20_000

Key = tuple[str, str, int, int, bytes]


class Duplicates:
    """Remembers the last frames in memory. `fresh` proposes, `remember` confirms once they are stored."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._half = remembered // 2
        self._new: dict[Key, float] = {}
        self._old: dict[Key, float] = {}

    def fresh(self, uplinks: Iterable[Uplink]) -> list[Uplink]:
        """Those not seen before, in order, each once."""
        seen: dict[Key, float] = {}
        fresh = []
        for uplink in uplinks:
            key, t = _key(uplink), _sent(uplink)
            before = seen.get(key, self._new.get(key, self._old.get(key)))
            if before is None or abs(t - before) > SAME_FRAME_S:
                seen[key] = t
                fresh.append(uplink)
        return fresh

    def remember(self, uplinks: Sequence[Uplink]) -> None:
        for uplink in uplinks:
            self._new[_key(uplink)] = _sent(uplink)
        if len(self._new) > self._half:
            self._old, self._new = self._new, {}


def _key(uplink: Uplink) -> Key:
    return uplink.dev_eui, uplink.dev_addr, uplink.f_cnt, uplink.f_port, uplink.payload


def _sent(uplink: Uplink) -> float:
    return uplink.server_time or uplink.time or uplink.received_at
