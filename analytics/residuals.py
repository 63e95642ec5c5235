"""What pressures do beyond what the nominal model says of the measured inflow: the residuals that leaks are placed by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from analytics.baseline import Ints, on_grid
from analytics.detector import Budget
from analytics.detectors.burst import DETECTOR as BURST
from analytics.gather import Gatherer
from analytics.hydraulics import Response
from analytics.zone_flow import aligned, inflows, step_ends
from core.model import Floats
from core.points import read_points
from core.store import SeriesStore
from core.town import Town

BAR_M = 10.197
STEP_S = 3600.0


@dataclass(frozen=True)
class Params:
    """Windows in days around a leak's onset, and how far the model is trusted."""

    before_days: int = 28
    after_days: int = 21
    hours: tuple[float, float] = (3.0, 12.0)
    night_until_h: int = 6
    block_h: int = 3
    least_after_days: float = 1.0
    sizes_m3h: tuple[float, ...] = (5.0, 15.0, 40.0)
    """Sizes of leak that the model is asked about; the nearest is used."""
    same_days: float = 0.5
    size_u: float = 0.4
    """Relative standard uncertainty of a leak's flow."""
    model_u: float = 0.25
    """Relative standard uncertainty of what the model says a leak changes."""
    floor_m: float = 0.02
    temper: float = 0.5
    """The posterior's logarithm is multiplied by this: sensors share errors that no covariance of a few days shows."""
    least_share: float = 0.001
    most_pipes: int = 60


class Blocks(NamedTuple):
    """Residuals of a zone by blocks of some hours: r (n, sensors) [m], t (n,) the middle of each [Unix s],
    of_day (n,) which block of its day."""

    r: Floats
    t: Floats
    of_day: Ints
    sensors: tuple[str, ...]


def residuals(
    store: SeriesStore, town: Town, zone: str | None, use: Mapping[str, str], response: Response, start: float, end: float, p: Params
) -> Blocks | None:
    """Step 1, as means over blocks; None where the zone has no flow."""
    here = [s for s in town.current.values() if town.zone_of(s) == zone]
    arrays = Gatherer(store, town).arrays(BURST, zone or town.utility.id, here, start, end, Budget())
    flows = [f.grid for f in inflows(arrays, STEP_S) if f.grid.step_s == STEP_S]
    grids = {}
    for sensor in use:
        series = read_points(store, town, [town.current[sensor]], "pressure_bar", start, end)[sensor]
        keep = np.isfinite(series.usable())
        if keep.sum() > 2:
            grids[sensor] = on_grid(series.t[keep], series.x[keep], STEP_S)
    if not flows or len(grids) < 2:
        return None
    whole = aligned([*grids.values(), *flows])
    flow = sum((g.x for g in whole[len(grids) :]), np.zeros_like(whole[0].x))
    laid = dict(zip(grids, whole, strict=False))
    pressure = np.stack([laid[s].x * BAR_M if s in laid else np.full_like(flow, np.nan) for s in use], axis=2)
    diff = (pressure - _modelled(flow, response, p)).reshape(flow.shape[0], -1, p.block_h, len(use))
    n = np.isfinite(diff).sum(axis=2)
    r = np.where(n >= (p.block_h + 1) // 2, np.nansum(diff, axis=2) / np.maximum(n, 1), np.nan)
    times = step_ends(whole[0]._replace(t=np.fmax.reduce([g.t for g in whole])))
    middle = times.reshape(-1, p.block_h).mean(axis=1)
    return Blocks(r.reshape(-1, len(use)), middle, np.tile(np.arange(r.shape[1]), r.shape[0]), tuple(use))


def _modelled(flow: Floats, response: Response, p: Params) -> Floats:
    """p̂ (days, 24, sensors) [m] for the measured inflow."""
    out = np.full((*flow.shape, response.pressure_m.shape[2]), np.nan)
    for hour in range(24):
        h = 0 if hour < p.night_until_h else 1
        for s in range(out.shape[2]):
            out[:, hour, s] = np.interp(flow[:, hour], response.demand_m3h[:, h], response.pressure_m[:, h, s])
    return out
