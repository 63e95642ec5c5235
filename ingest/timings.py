"""A histogram of durations, small enough for the main path."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager

BUCKETS_S = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class Timing:
    """Durations [s] by bucket, and their sum."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BUCKETS_S) + 1)
        self.total_s = 0.0

    def add(self, seconds: float) -> None:
        self.total_s += seconds
        self._counts[bisect_left(BUCKETS_S, seconds)] += 1

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Add the time that the block takes, whether or not it succeeds."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.add(time.perf_counter() - start)

    def cumulative(self) -> list[tuple[str, float]]:
        """(upper limit, how many were not longer), as Prometheus wants it."""
        total, rows = 0, []
        for limit, count in zip([*map(str, BUCKETS_S), "+Inf"], self._counts, strict=True):
            total += count
            rows.append((limit, float(total)))
        return rows
