"""What a detector is: one file in `analytics/detectors/` that ends in `DETECTOR = Detector(...)`.

`detect(arrays, params)` receives one place (a sensor, asset, zone or the town) as numpy arrays and returns findings.
It is pure: no I/O, clock, logging or globals; NaN is missing; times may be irregular; inputs are never changed; what it says of
time τ depends only on samples in [τ − memory_s, τ] (later samples may only extend or end a finding). `analytics.scan` gathers the arrays,
calls it and turns findings into events.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from core.model import Floats
from core.town import Weir

Scope = Literal["series", "asset", "zone", "town"]


@dataclass(frozen=True, slots=True)
class Site:
    """What is known of the place a series is measured at; heights on the level sensor's own datum [m], None where unknown."""

    sensor: str
    asset: str | None = None
    asset_kind: str | None = None
    zone: str | None = None
    downstream: str | None = None
    model_element: str | None = None
    crest_m: float | None = None
    weir: Weir | None = None
    diameter_m: float | None = None
    depth_m: float | None = None
    interval_s: float | None = None
    position: tuple[float, float] | None = None
    household: bool = False


@dataclass(frozen=True, slots=True)
class Track:
    """One series: t [Unix s] ascending, x [unit of the quantity] with NaN where missing or failed; shape (n,)."""

    quantity: str
    t: Floats
    x: Floats
    site: Site

    def __len__(self) -> int:
        return len(self.t)


@dataclass(frozen=True, slots=True)
class Budget:
    """How often chance may raise an alarm: each detector gets its share of the utility's budget for the whole town.

    `per_week` is this detector's share for all its places together, `places` their number.
    """

    per_week: float = 1.0
    places: int = 1

    def mean_time_between_s(self) -> float:
        """Mean time between false alarms one place may have [s]."""
        return 7 * 86_400.0 * self.places / self.per_week


@dataclass(frozen=True, slots=True)
class Arrays:
    """One place over [read_from, end): its tracks, those of its surroundings (rain, air temperature, snow), and what is known of it.

    Findings matter from `start`; samples before it are history to learn from. `zone` holds numbers of the zone (population,
    households, connections, mains_km, private_pipe_km); `peers` are the inlets of other zones, which show what the whole town does.
    """

    place: str
    tracks: tuple[Track, ...]
    start: float
    end: float
    context: tuple[Track, ...] = ()
    peers: tuple[Track, ...] = ()
    zone: Mapping[str, float] = field(default_factory=dict)
    budget: Budget = Budget()

    def of(self, quantity: str) -> tuple[Track, ...]:
        """The place's own tracks of a quantity, else those of its surroundings."""
        return tuple(k for k in self.tracks if k.quantity == quantity) or tuple(k for k in self.context if k.quantity == quantity)

    @property
    def t(self) -> Floats:
        return self.tracks[0].t

    @property
    def x(self) -> Floats:
        return self.tracks[0].x

    @property
    def site(self) -> Site:
        return self.tracks[0].site


@dataclass(frozen=True, slots=True)
class Finding:
    """What `detect` returns: an event without identity. Times in Unix s; `end` None while it lasts.

    `sensors` may stay empty where the place is one sensor. score and threshold are in the detector's own statistic.
    """

    kind: str
    start: float
    end: float | None
    score: float
    threshold: float
    onset: float = math.nan
    onset_u_s: float = 0.0
    sensors: tuple[str, ...] = ()
    completeness: float = 1.0
    severity: str = "warning"
    volume_m3: float | None = None
    volume_u_m3: float | None = None
    details: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Detector:
    """A registered detector; `key` is its file's name for ever.

    `inputs` are the quantities a place must have (any one of a group written "a|b"), `optional` those of the same place used when there,
    `context` those brought from the whole town, `tail_water` those measured below its weir (they come as context), `peers` those of the
    other zones' inlets. `memory_s` is how far back detect looks (inf: the whole history). `asset_kinds` limits it to sensors on such
    assets, or on none that is known.
    """

    key: str
    title: str
    scope: Scope
    inputs: tuple[str, ...]
    kinds: tuple[str, ...]
    params: type[Any]
    detect: Callable[[Arrays, Any], list[Finding]]
    source: str
    optional: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    tail_water: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()
    memory_s: float = 7 * 86_400.0
    asset_kinds: tuple[str, ...] = ()
    budget_share: float = 0.0
    """Part of the town's false-alarm budget; 0 for findings that are facts rather than tests."""
    version: str = "1"


def typical_interval_s(t: Floats) -> float:
    """Median time between samples [s], of at most 4096 pairs spread over the series; NaN for fewer than two samples."""
    if len(t) < 2:
        return math.nan
    at = np.arange(len(t) - 1) if len(t) <= 4097 else np.linspace(0, len(t) - 2, 4096).astype(np.int64)
    return float(np.median(t[at + 1] - t[at]))


def finite(track: Track) -> tuple[Floats, Floats]:
    """(t, x) without missing values."""
    keep = np.isfinite(track.x)
    return (track.t, track.x) if keep.all() else (track.t[keep], track.x[keep])


def completeness(t: Floats, start: float, end: float, interval_s: float) -> float:
    """Share of the expected samples that are there in [start, end], at most 1."""
    if not interval_s > 0 or end <= start:
        return 1.0
    there = np.searchsorted(t, end, "right") - np.searchsorted(t, start, "left")
    return float(min(1.0, there / max(1.0, np.floor((end - start) / interval_s))))


def ordered(findings: Sequence[Finding]) -> list[Finding]:
    """By start, then kind."""
    return sorted(findings, key=lambda f: (f.start, f.kind))
