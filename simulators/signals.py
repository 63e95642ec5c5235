"""A true quantity over time, on an even grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.model import Floats


def grid(start: float, step_s: float, n: int) -> Floats:
    """n times, `step_s` apart, from `start`."""
    return np.asarray(start + step_s * np.arange(n), np.float64)


@dataclass(frozen=True, slots=True)
class Signal:
    """x [canonical unit] at start + i · step_s; linear between, held beyond."""

    start: float
    step_s: float
    x: npt.NDArray[Any]

    def at(self, t: Floats) -> Floats:
        """Values at times t [Unix s]."""
        place = np.clip((np.asarray(t) - self.start) / self.step_s, 0, len(self.x) - 1)
        left = np.minimum(place.astype(np.int64), max(len(self.x) - 2, 0))
        share = place - left
        right = np.minimum(left + 1, len(self.x) - 1)
        return np.asarray(self.x[left] * (1 - share) + self.x[right] * share, np.float64)

    @property
    def t(self) -> Floats:
        return grid(self.start, self.step_s, len(self.x))


def spells(holds: npt.NDArray[np.bool_], pause: int) -> list[tuple[int, int]]:
    """Half-open index ranges in which `holds` is true, pauses of up to `pause` samples bridged."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], holds, [False]]).astype(np.int8)))
    merged: list[tuple[int, int]] = []
    for i, j in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if merged and i - merged[-1][1] <= pause:
            merged[-1] = (merged[-1][0], j)
        else:
            merged.append((i, j))
    return merged
