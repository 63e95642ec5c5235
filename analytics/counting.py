"""Counting overflow: the 12/24-hour block rule of England's event duration monitoring, and merging by gap."""

from __future__ import annotations

import math
from collections.abc import Iterable

HOUR_S = 3600.0
Interval = tuple[float, float]


def merged(intervals: Iterable[Interval], gap_s: float = 0.0) -> list[Interval]:
    """Intervals [Unix s] in order, joined where they overlap or pause for at most gap_s."""
    out: list[Interval] = []
    for start, end in sorted(intervals):
        if out and start - out[-1][1] <= gap_s:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out


def block_count(intervals: Iterable[Interval]) -> int:
    """Number of 12/24-hour blocks with a discharge; intervals are (start, end) in seconds, half-open.

    The first discharge opens a 12-hour block; then each following 24-hour block with any discharge counts one more; a dry
    24-hour block ends the sequence, and the next discharge opens a new 12-hour block. Source: Environment Agency, event duration
    monitoring, 12/24 spill counting method.
    """
    count, block_end = 0, -math.inf
    for start, end in merged(intervals):
        position = start
        while True:
            if position >= block_end + 24 * HOUR_S:
                count, block_end = count + 1, position + 12 * HOUR_S
            elif position >= block_end:
                count, block_end = count + 1, block_end + 24 * HOUR_S
            if end <= block_end:
                break
            position = block_end
    return count
