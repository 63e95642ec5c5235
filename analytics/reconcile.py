"""Found again or new: an event keeps its id for as long as a scan finds it at the same detector and place."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import replace

from core.model import Event


def new_id(detector: str, place: str, kind: str, start: float) -> str:
    """Made of what the event is, so that two workers who find it give it one id."""
    return hashlib.blake2s(f"{detector}|{place}|{kind}|{start:.0f}".encode(), digest_size=8).hexdigest()


def reconcile(found: Sequence[Event], known: Sequence[Event]) -> tuple[list[Event], list[str]]:
    """(found events under their lasting ids, ids of known events that are gone).

    Both are of one detector and place and of the same window. A found event takes the id of the earliest known event of its kind that
    overlaps it; what is left of the known ones was overtaken by late data.
    """
    left = sorted(known, key=lambda e: e.start)
    out = []
    for event in sorted(found, key=lambda e: e.start):
        same = next((k for k in left if k.kind == event.kind and overlap(k, event)), None)
        if same is not None:
            left.remove(same)
            event = replace(event, id=same.id, revision=same.revision)
        out.append(event)
    return out, [k.id for k in left]


def overlap(a: Event, b: Event) -> bool:
    """Do two events share a moment? One that lasts has no end."""
    a_end, b_end = (math.inf if e.end is None else e.end for e in (a, b))
    return a.start <= b_end and b.start <= a_end
