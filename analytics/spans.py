"""Masks to spans: the one place where runs of True become [start, end) in index and in time."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from core.model import Floats

Mask = npt.NDArray[np.bool_]


class Span(NamedTuple):
    """Samples first..last (inclusive) hold. Times [Unix s] of both edges with their half-width u [s]; `open_end` when data stop there.

    `certain_end` is False where the series fell silent before the state was seen to end.
    """

    first: int
    last: int
    start: float
    end: float
    start_u_s: float
    end_u_s: float
    open_end: bool
    certain_end: bool


def runs(mask: Mask) -> npt.NDArray[np.intp]:
    """(n, 2) first and last index of every run of True."""
    if not mask.size:
        return np.empty((0, 2), np.intp)
    edges = np.flatnonzero(mask[1:] != mask[:-1]) + 1
    bounds = np.concatenate(([0], edges, [mask.size]))
    held = mask[bounds[:-1]]
    return np.column_stack((bounds[:-1][held], bounds[1:][held] - 1))


def hysteresis(x: Floats, on: Floats | float, off: Floats | float) -> Mask:
    """Schmitt trigger: True over every run of x > off that somewhere exceeds `on`. NaN is neither; drop it first."""
    above = x > off
    hits = np.concatenate(([0], np.cumsum(x > on)))
    out = np.zeros(x.size, np.bool_)
    for first, last in runs(above):
        if hits[last + 1] > hits[first]:
            out[first : last + 1] = True
    return out


def spans(mask: Mask, t: Floats, hold_s: float, until: float | None = None) -> list[Span]:
    """Runs of True as spans in time.

    An edge between two samples lies midway, ± half their distance. Silence longer than `hold_s` cuts a run: the state is
    held for `hold_s` and no further, and no sample is invented after it. A run that reaches the last sample is open,
    unless `until` [Unix s] says that the silence after it has lasted longer than `hold_s`.
    """
    if not mask.size:
        return []
    silent = np.diff(t) > hold_s
    cut = mask.copy()
    found: list[Span] = []
    breaks = np.flatnonzero(silent & cut[1:] & cut[:-1]) + 1
    for first, last in runs(cut):
        inner = breaks[(breaks > first) & (breaks <= last)]
        edges = [first, *inner.tolist(), last + 1]
        found += [_span(a, b - 1, t, hold_s, until) for a, b in pairwise(edges)]
    return found


def _span(first: int, last: int, t: Floats, hold_s: float, until: float | None) -> Span:
    before = t[first] - t[first - 1] if first else 0.0
    start_u = min(before, hold_s) / 2
    if last == t.size - 1:
        silent = until is not None and until - t[last] > hold_s
        end, end_u = (t[last] + hold_s / 2, hold_s / 2) if silent else (t[last], 0.0)
        return Span(first, last, float(t[first] - start_u), float(end), float(start_u), float(end_u), not silent, not silent)
    after = t[last + 1] - t[last]
    end_u = min(after, hold_s) / 2
    return Span(first, last, float(t[first] - start_u), float(t[last] + end_u), float(start_u), float(end_u), False, bool(after <= hold_s))


def merge(parts: list[Span], gap_s: float) -> list[list[Span]]:
    """Groups of spans in which no pause is longer than gap_s."""
    groups: list[list[Span]] = []
    for span in parts:
        if groups and span.start - groups[-1][-1].end <= gap_s:
            groups[-1].append(span)
        else:
            groups.append([span])
    return groups
