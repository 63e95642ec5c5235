"""A sensor that has become noisy, or throws single values far from their neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.baseline import Ints, sorted_median
from analytics.detector import Arrays, Detector, Finding, finite
from analytics.local_time import DAY_S
from analytics.spans import Mask, runs
from core.model import Floats
from core.quantities import QUANTITIES


@dataclass(frozen=True)
class Params:
    """Defaults: facts, pressure (faults): ratio of a day's noise to the month's, spikes over six of them."""

    days: int = 28
    least_days: int = 7
    ratio: float = 4.0
    spike_sigmas: float = 8.0
    spike_steps: float = 40.0
    """A spike is also at least this many steps of resolution high."""
    spike_share: float = 0.008
    spike_least: int = 2
    least_samples: int = 12


def detect(arrays: Arrays, p: Params) -> list[Finding]:
    """Findings `sensor_fault` (noise or spikes); score is a day's noise over the usual, or its share of spikes over what counts."""
    track = arrays.tracks[0]
    t, x = finite(track)
    if t.size < 3 * p.least_samples:
        return []
    second = np.zeros(t.size)
    second[1:-1] = np.abs(x[1:-1] - (x[:-2] + x[2:]) / 2)
    lone = np.zeros(t.size)
    lone[1:-1] = np.minimum(np.abs(x[1:-1] - x[:-2]), np.abs(x[1:-1] - x[2:])) * (np.sign(x[1:-1] - x[:-2]) == np.sign(x[1:-1] - x[2:]))
    day = np.floor_divide(t, DAY_S).astype(np.int64)
    first = np.flatnonzero(np.diff(day, prepend=day[0] - 1))
    count = np.diff(first, append=t.size)
    resolution = QUANTITIES[track.quantity].resolution
    size = day[-1] - day[0] + 1
    at = day[first] - day[0]
    noise = _on_days(np.array([np.median(second[f : f + n]) for f, n in zip(first, count, strict=True)]), at, size)
    usual = np.maximum(_usual(noise, p), resolution)
    limit = np.maximum(p.spike_sigmas * 1.4826 * usual, p.spike_steps * resolution)
    high = lone > np.where(np.isfinite(limit), limit, np.inf)[day - day[0]]
    number = _on_days(np.add.reduceat(high.astype(np.float64), first), at, size)
    share = number / np.maximum(_on_days(count.astype(np.float64), at, size), 1)
    usual_share = np.nan_to_num(_usual(share, p))
    enough = np.nan_to_num(_on_days(count.astype(np.float64), at, size)) >= p.least_samples
    with np.errstate(invalid="ignore"):
        noisy = enough & (noise / usual > p.ratio)
        spiky = enough & (share > np.maximum(p.spike_share, 4 * usual_share)) & (number >= p.spike_least) & ~noisy
    return sorted(
        [
            *_findings(noisy, noise / usual, p.ratio, "noise", int(day[0])),
            *_findings(spiky, share / p.spike_share, 1.0, "spikes", int(day[0])),
        ],
        key=lambda f: (f.start, f.kind),
    )


def _on_days(values: Floats, at: Ints, size: int) -> Floats:
    out = np.full(size, np.nan)
    out[at] = values
    return out


def _usual(values: Floats, p: Params) -> Floats:
    """Median of the days before, where enough are known."""
    padded = np.concatenate((np.full(p.days, np.nan), values[:-1]))
    middle, n = sorted_median(np.lib.stride_tricks.sliding_window_view(padded, p.days), 1)
    return np.where(n >= p.least_days, middle, np.nan)


def _findings(mask: Mask, score: Floats, threshold: float, fault: str, day0: int) -> list[Finding]:
    """Days that touch, or leave one day out, are one fault; it counts from its second day."""
    joined = mask.copy()
    joined[1:-1] |= mask[:-2] & mask[2:]
    found = []
    for a, b in runs(joined):
        if b == a:
            continue
        start = float((day0 + a + 2) * DAY_S)
        found.append(
            Finding(
                kind="sensor_fault",
                start=start,
                end=None if b >= mask.size - 1 else max(start, float((day0 + b + 1) * DAY_S)),
                onset=float((day0 + a) * DAY_S),
                onset_u_s=DAY_S / 2,
                score=float(np.nanmax(score[a : b + 1])),
                threshold=threshold,
                details={"fault": fault, "found_after_s": 2 * DAY_S},
            )
        )
    return found


DETECTOR = Detector(
    key="sensor_noise",
    title="Sensor that has become noisy",
    scope="series",
    inputs=("pressure_bar",),
    kinds=("sensor_fault",),
    params=Params,
    detect=detect,
    source="second differences of a day against the four weeks before; median-of-neighbours spikes",
    memory_s=45 * 86_400.0,
)
