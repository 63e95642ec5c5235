"""Input from the night: the lowest hour of the inflow."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime

import numpy as np

from analytics.indicators.amounts import Amount, missing
from analytics.indicators.inputs.balance import RELATIVE_U
from analytics.indicators.scope import Scope
from analytics.indicators.window import Window, remembered
from core.model import Floats
from core.timekeeping import OSLO, local_day

NIGHT_HOURS = range(1, 5)
"""Full local hours that begin in the night window, 01–05."""


@remembered
def night_flow_lps(w: Window, scope: Scope) -> Amount:
    """Median over the nights of the lowest hourly mean of the net inflow [L/s]; a night counts where every inlet has it.

    Hours are full local hours that begin at 01, 02, 03 and 04; on the spring night without 02 there are three.
    """
    chosen = [i for i in w.inlets if i.sign(scope) != 0]
    if not chosen:
        return missing("zone inlets")
    nights = _night_flows(w)
    hourly = [nights[i.sensor.id] * i.sign(scope) for i in chosen]
    net = np.sum(hourly, axis=0)
    with np.errstate(invalid="ignore"):
        lowest = np.min(net, axis=1)
    seen = np.isfinite(lowest)
    if not seen.any():
        return missing("night flow")
    value = float(np.median(lowest[seen])) / 3.6
    spread = float(1.2533 * np.std(lowest[seen]) / 3.6 / math.sqrt(seen.sum()))
    return Amount(value, math.hypot(spread, value * RELATIVE_U["inflow"]), float(seen.mean()), (1.0, 0.0, 0.0),
                  source={"nights": int(seen.sum()), "of": len(lowest), "sensors": len(chosen)})  # fmt: skip


def _night_flows(w: Window) -> dict[str, Floats]:
    """Inlet → mean flow [m³/h] of each hour of the night window: shape (nights, 4), NaN where it is not known. Read once per window."""
    key = ("night flows", "")
    if key not in w.memo:
        days = [local_day(float(midnight)) for midnight in w.edges[:-1]]
        starts = np.array([[datetime(d.year, d.month, d.day, h, tzinfo=OSLO).timestamp() for h in NIGHT_HOURS] for d in days]).ravel()
        edges = np.unique([*starts, *(starts + 3600.0), starts.max() + 7200.0])
        at = np.searchsorted(edges, starts)
        w.memo[key] = {}
        for quantity in {i.quantity for i in w.inlets}:
            sensors = [i.sensor for i in w.inlets if i.quantity == quantity]
            buckets = w.store.aggregate([s.dev_eui for s in sensors], quantity, edges)
            for sensor in sensors:
                b = buckets[sensor.dev_eui]
                flow = b.mean if quantity == "flow_m3h" else _index_rates(b.first_t, b.first, b.last_t, b.last, edges)
                w.memo[key][sensor.id] = flow[at].reshape(len(days), -1)
    found: dict[str, Floats] = w.memo[key]
    return found


def _index_rates(first_t: Floats, first: Floats, last_t: Floats, last: Floats, edges: Floats) -> Floats:
    """Flow [m³/h] in every bucket of an index, from the readings nearest its edges; NaN where they lie over 2 h apart."""
    t = np.stack([first_t, last_t], axis=1).ravel()
    x = np.stack([first, last], axis=1).ravel()
    seen = np.isfinite(t)
    t, x = t[seen], x[seen]
    if len(t) < 2:
        return np.full(len(edges) - 1, np.nan)
    index = np.interp(edges, t, x, left=np.nan, right=np.nan)
    right = np.clip(np.searchsorted(t, edges), 1, len(t) - 1)
    near = t[right] - t[right - 1] <= 2 * 3600.0 + 1
    index = np.where(near | np.isin(edges, t), index, np.nan)
    rate = np.diff(index) / np.diff(edges) * 3600.0
    return np.where((rate < 0) | (np.diff(edges) > 3600.0 + 1), np.nan, rate)


INPUTS: dict[str, Callable[[Window, Scope], Amount]] = {"night_flow_lps": night_flow_lps}
