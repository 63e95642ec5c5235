"""What flows into a zone, net of what only passes through, as regular steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from analytics.baseline import Grid, on_grid, step_for
from analytics.detector import Arrays, Site, Track, finite, typical_interval_s
from analytics.local_time import weekday
from core.model import Floats

INLETS = ("zone_inlet", "source", "reservoir", "treatment_plant")


class Inflow(NamedTuple):
    """A flow [m³/h] on a grid and the sensors it is made of."""

    sensors: tuple[str, ...]
    grid: Grid


def is_inlet(site: Site) -> bool:
    """Does what this meter measures enter the zone it sits in?"""
    return site.asset_kind in INLETS


def inflows(arrays: Arrays, least_step_s: float = 900.0) -> list[Inflow]:
    """The zone's net inflow where its inlets are known as such, else each flow meter by itself.

    Inlets add up; the inlets of zones that this one feeds (context) are taken off. A step in which one of them is silent is NaN.
    """
    tracks = flows_of(arrays.tracks)
    if not tracks:
        return []
    inlets = [k for k in tracks if is_inlet(k.site)]
    if not inlets:
        return [Inflow((k.site.sensor,), _grid(k, least_step_s)) for k in tracks]
    passing = flows_of(arrays.context)
    step = max(step_for(typical_interval_s(finite(k)[0]), least_step_s) for k in [*inlets, *passing])
    grids = aligned([_grid(k, step) for k in [*inlets, *passing]])
    signs = [1.0] * len(inlets) + [-1.0] * len(passing)
    total = sum((sign * g.x for sign, g in zip(signs, grids, strict=True)), np.zeros_like(grids[0].x))
    return [Inflow(tuple(k.site.sensor for k in inlets), grids[0]._replace(x=total))]


def steady(grid: Grid, idle_share: float = 0.03) -> bool:
    """False for a pump that runs by turns (at rest, below idle_share of its 90th percentile, a tenth of the time): its flow is not use."""
    x = grid.x[np.isfinite(grid.x)]
    return x.size > 0 and float(np.mean(x <= idle_share * np.quantile(x, 0.9))) < 0.1


def aligned(grids: Sequence[Grid]) -> list[Grid]:
    """Grids of one step over the union of their days, NaN where one has none."""
    first, last = min(int(g.days[0]) for g in grids), max(int(g.days[-1]) for g in grids)
    days = np.arange(first, last + 1)
    out = []
    for g in grids:
        low, high = int(g.days[0]) - first, last - int(g.days[-1])
        wide = ((low, high), (0, 0))
        x, t = (np.pad(v, wide, constant_values=np.nan) for v in (g.x, g.t))
        out.append(Grid(x, t, np.pad(g.n, wide), days, weekday(days), g.step_s))
    return out


def step_ends(grid: Grid) -> Floats:
    """Unix s of every step's last sample, straight lines between where nothing came: shape (days · steps,)."""
    t = grid.t.ravel()
    there = np.flatnonzero(np.isfinite(t))
    out: Floats = np.interp(np.arange(t.size), there, t[there])
    return out


def _grid(track: Track, least_step_s: float) -> Grid:
    t, x = finite(track)
    return on_grid(t, x, step_for(typical_interval_s(t), least_step_s))


def flows_of(tracks: Sequence[Track]) -> list[Track]:
    """Flows as measured, and from the index of inlet meters that report no flow themselves; a step backwards says nothing."""
    out = [k for k in tracks if k.quantity == "flow_m3h" and np.isfinite(k.x).sum() > 1]
    have = {k.site.asset for k in out}
    for k in tracks:
        if k.quantity == "volume_m3" and is_inlet(k.site) and k.site.asset not in have:
            t, x = finite(k)
            if t.size > 2:
                flow = np.diff(x) / np.diff(t) * 3600.0
                out.append(Track("flow_m3h", t[1:], np.where(flow >= 0, flow, np.nan), k.site))
    return out
