"""A sewer that stands higher than it ever does in dry weather; its neighbours tell on which side the water is held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analytics.baseline import Grid, expected, on_grid, pooled_scale, sorted_median
from analytics.detector import Arrays, Detector, Finding, Track, finite, ordered, typical_interval_s
from analytics.spans import Mask, runs
from analytics.weather import CONTEXT, weather, wet_mask
from analytics.zone_flow import step_ends
from core.model import Floats


@dataclass(frozen=True)
class Params:
    """Defaults: facts, sewer overflow (blockage)."""

    step_s: float = 3600.0
    z: float = 4.0
    z_alone: float = 3.0
    """What is left of z once the median of the zone's levels is taken off."""
    least_levels: int = 3
    least_rise_m: float = 0.05
    least_hours: int = 3
    urgent_share: float = 0.8
    """Of the pipe's diameter, or of the crest where that is known."""
    dry_h: float = 24.0
    dry_mm: float = 0.3
    resolution_m: float = 0.01
    neighbour_z: float = 2.0


_Side = tuple[Track, Grid, Floats, Floats, Mask]


def detect(arrays: Arrays, p: Params) -> list[Finding]:
    """Findings `blockage`; score is the largest z of its hours, threshold the z that counts."""
    sides = {k.site.asset or k.site.sensor: s for k in arrays.of("level_m") if (s := _standing(arrays, k, p)) is not None}
    common = _common(sides, p)
    found = []
    for name, (track, grid, z, rise, dry) in sides.items():
        alone = z if common is None else z - common(step_ends(grid))
        high = (z > p.z) & (alone > p.z_alone) & (rise > p.least_rise_m) & dry
        ends = step_ends(grid)
        for first, last in runs(_bridged(high)):
            if last - first + 1 < p.least_hours or weather(arrays, float(ends[first]) - 86_400.0, float(ends[first])) == "melt":
                continue
            found.append(_finding(first, last, track, grid, z, rise, ends, _below(sides, name, track, ends[first], ends[last], p), p))
    return ordered(found)


def _common(sides: dict[str, _Side], p: Params) -> Callable[[Floats], Floats] | None:
    """What all levels of the zone do together (thaw, groundwater), as a function of time; None where they are too few to say."""
    if len(sides) < p.least_levels:
        return None
    ends = {name: step_ends(side[1]) for name, side in sides.items()}
    times = np.arange(min(e[0] for e in ends.values()), max(e[-1] for e in ends.values()) + p.step_s, p.step_s)
    stack = np.stack([_at(times, ends[name], side[2]) for name, side in sides.items()])
    middle = np.maximum(sorted_median(stack, 0)[0], 0.0)
    return lambda at: np.nan_to_num(_at(at, times, middle))


def _at(times: Floats, known: Floats, values: Floats) -> Floats:
    """The newest value at each time, NaN before the first."""
    place = np.searchsorted(known, times, "right") - 1
    return np.where(place >= 0, values[np.maximum(place, 0)], np.nan)


def _standing(arrays: Arrays, track: Track, p: Params) -> _Side | None:
    """(track, grid, z, rise over the usual [m], 1 where dry) by step, from dry hours only."""
    t, x = finite(track)
    if t.size < 48 or track.site.asset_kind == "pumping_station" or not typical_interval_s(t) <= 4 * p.step_s:
        return None
    grid = on_grid(t, x, max(p.step_s, 3600.0 * np.ceil(typical_interval_s(t) / 3600.0) if typical_interval_s(t) > 3600 else p.step_s))
    wet = wet_mask(arrays, step_ends(grid), p.dry_h, p.dry_mm).reshape(grid.x.shape)
    dry = ~(wet > 0)
    quiet = grid._replace(x=np.where(dry, grid.x, np.nan))
    base = expected(quiet)
    rise = grid.x - base
    scale = pooled_scale(np.where(dry, rise, np.nan), floor=p.resolution_m)
    return track, grid, (rise / scale).ravel(), rise.ravel(), dry.ravel()


def _bridged(mask: Mask) -> Mask:
    """Pauses of one step belong to what is around them."""
    out = mask.copy()
    out[1:-1] |= out[:-2] & out[2:]
    return out


def _below(sides: dict[str, _Side], name: str, track: Track, start: float, end: float, p: Params) -> str:
    """What the next chamber downstream says: 'lower' (water is held between), 'higher' (held further down), 'as usual', 'not measured'."""
    other = sides.get(track.site.downstream or "")
    if other is None or track.site.downstream == name:
        return "not measured"
    ends = step_ends(other[1])
    part = other[2][slice(*np.searchsorted(ends, [start, end + 1.0]))]
    part = part[np.isfinite(part)]
    middle = float(np.median(part)) if part.size else 0.0
    return "lower" if middle < -p.neighbour_z else "higher" if middle > p.neighbour_z else "as usual"


def _finding(first: int, last: int, track: Track, grid: Grid, z: Floats, rise: Floats, ends: Floats, below: str, p: Params) -> Finding:
    site = track.site
    level = float(np.nanmax(grid.x.ravel()[first : last + 1]))
    full = site.crest_m if site.crest_m is not None else site.diameter_m
    urgent = full is not None and level > p.urgent_share * full
    lasts = last >= z.size - 2
    known = float(ends[min(first + p.least_hours - 1, last)])
    return Finding(
        kind="blockage",
        start=known,
        end=None if lasts else max(known, float(ends[last])),
        onset=float(ends[first]) - grid.step_s / 2,
        onset_u_s=grid.step_s / 2,
        score=float(np.nanmax(z[first : last + 1])),
        threshold=p.z,
        severity="critical" if urgent else "info" if below == "higher" else "warning",
        sensors=(site.sensor,),
        details={
            "rise_m": float(np.nanmax(rise[first : last + 1])),
            "level_m": level,
            "downstream": below,
            "found_after_s": p.least_hours * grid.step_s,
            "asset": site.asset or "",
        },
    )


DETECTOR = Detector(
    key="blockage",
    title="Blocked sewer in dry weather",
    scope="zone",
    inputs=("level_m",),
    context=CONTEXT,
    kinds=("blockage",),
    params=Params,
    detect=detect,
    source="dry-weather level against its hour of the week; pairwise with the next chamber downstream",
    memory_s=(2 * 56 + 14) * 86_400.0,
    asset_kinds=("manhole", "overflow_chamber", "pipe"),
    budget_share=0.1,
)
