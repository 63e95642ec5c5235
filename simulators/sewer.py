"""The sewer: rain, melt and everyday use → level and spill of each overflow chamber, wells and manholes. SWMM, minute by minute."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.model import Floats
from simulators import layout, meters
from simulators.happenings import TrueEvent
from simulators.layout import CHAMBERS, PUMP_M3H, Chamber
from simulators.networks import PUMP_START_M, PUMP_STOP_M, SEWER
from simulators.scenario import Action
from simulators.signals import Signal, grid, spells
from simulators.swmm import Sewers
from simulators.weather import STEP_S as WEATHER_STEP_S
from simulators.weather import Weather

STEP_S = 60.0
BLOCK = int(WEATHER_STEP_S / STEP_S)
GAUGES = tuple(p.id for p in layout.RAIN_GAUGES)
WARM_UP_S = 86_400.0
SPILL_M3H = 0.108
"""Below 0.03 L/s a weir is not said to spill."""
MERGE_S = 300.0
TRICKLE_M, TRICKLE_S = 0.015, 180.0
"""A lower or shorter spill is marked a trickle: a level sensor of 1 cm resolution that sends by the minute cannot tell it."""
MELT_ON_STREETS, SLOW_SHARE = 0.3, 0.45
"""Shares of melt that run off at once, and of rain and melt that reach the sewer through the ground within a day or two."""
RESTLESS_SHARE = 0.62
"""Above this share of a crest, or when it rains, every minute is read; otherwise every fifth."""


@dataclass(frozen=True, slots=True)
class Drains:
    """signals by (asset id, quantity): chambers level_m and overflow_m3h, outfalls, wells and manholes level_m; overflows as events.

    `continuity_pct`: SWMM's own errors, of runoff and of routing.
    """

    signals: Mapping[tuple[str, str], Signal]
    events: tuple[TrueEvent, ...]
    continuity_pct: tuple[float, float]


def simulate(
    air: Weather, actions: Sequence[Action], seed: int, start: float, end: float, tell: Callable[[float], None] = lambda _: None
) -> Drains:
    """The sewers over [start, end), after a warm-up from where the weather begins."""
    blocks = int(np.ceil((end - air.start) / WEATHER_STEP_S))
    inflow = np.array([own_inflow(c, air, seed) for c in CHAMBERS]) / 3_600
    run = _run(air, inflow, actions, blocks, tell)
    first = round((start - air.start) / STEP_S)
    signals: dict[tuple[str, str], Signal] = {}
    for name, x in run.level_m.items():
        signals[name, "level_m"] = Signal(start, STEP_S, x[first:])
    for name, x in run.spill_m3h.items():
        signals[name, "overflow_m3h"] = Signal(start, STEP_S, x[first:])
    return Drains(signals, tuple(overflows(signals, end)), run.continuity_pct)


def own_inflow(c: Chamber, air: Weather, seed: int) -> Floats:
    """Foul flow and slow infiltration of the chamber's own catchment, at the weather's steps [m³/h]."""
    t = air.t
    habit = meters.habit("home")
    hours = np.arange(int((t[-1] - t[0]) // 3_600) + 2)
    weight = habit[np.array([meters.hour_of_week(t[0] + 3_600.0 * h) for h in hours])]
    day = np.interp((t - t[0]) / 3_600, hours + 0.5, weight)
    rng = np.random.default_rng([seed, 61, CHAMBERS.index(c), int(t[0])])
    wobble = np.interp(np.arange(t.size), np.arange(0, t.size + 3, 3), rng.normal(1, 0.07, (t.size + 2) // 3 + 1))
    gauge = GAUGES.index(layout.GAUGE_OF[c.catchment])
    wet = np.convolve(air.rain_mm[gauge] + air.melt_mm, _triangle(300))[: t.size] * 12
    return np.asarray(c.foul_m3h * (0.4 + 0.6 * day) * wobble + wet * c.area_ha * 10 * SLOW_SHARE)


def _triangle(n: int) -> Floats:
    """Unit hydrograph over n steps, peak at a third."""
    x = np.arange(1, n + 1)
    shape = np.minimum(x / (n / 3), (n + 1 - x) / (n * 2 / 3))
    return np.asarray(shape / shape.sum())


@dataclass(frozen=True, slots=True)
class _Run:
    level_m: dict[str, Floats]
    spill_m3h: dict[str, Floats]
    continuity_pct: tuple[float, float]


def _run(air: Weather, inflow_m3s: Floats, actions: Sequence[Action], blocks: int, tell: Callable[[float], None]) -> _Run:
    """Minute by minute through SWMM; every fifth minute is read while nothing happens, and the rest is interpolated."""
    t = grid(air.start, STEP_S, blocks * BLOCK + 1)
    gates = {c.id: _open_share(c, actions, t) for c in CHAMBERS}
    gates = {name: share for name, share in gates.items() if share.min() < 1}
    works = {p: _works(p, actions, t) for p in PUMP_M3H}
    named = [c.id for c in CHAMBERS] + [f"ut-{c.id}" for c in CHAMBERS if c.tail_water] + [m.id for m in layout.MANHOLES] + list(PUMP_M3H)
    crest = np.array([c.crest_m for c in CHAMBERS])
    depth, spill = np.full((t.size, len(named)), np.nan), np.full((t.size, len(CHAMBERS)), np.nan)
    rain = (air.rain_mm + MELT_ON_STREETS * air.melt_mm) * 12
    with Sewers(SEWER) as model:
        nodes, weirs = [model.node(n) for n in named], [model.link(f"W-{c.id}") for c in CHAMBERS]
        pumps = {p: model.link(f"P-{p}") for p in PUMP_M3H}
        gauges = [model.gauge(g) for g in GAUGES]
        throttles = {name: model.link(f"T-{name}") for name in gates}
        on = dict.fromkeys(PUMP_M3H, False)
        restless = True
        for block in range(blocks):
            for g, gauge in enumerate(gauges):
                model.rain(gauge, float(rain[g, block]))
            for k in range(len(CHAMBERS)):
                model.inflow(nodes[k], float(inflow_m3s[k, block]))
            restless = restless or bool(rain[:, block].any())
            for i in range(block * BLOCK, (block + 1) * BLOCK):
                if restless or i % BLOCK == 0:
                    depth[i], spill[i] = [model.depth_m(n) for n in nodes], [model.flow_m3s(w) for w in weirs]
                for name, link in throttles.items():
                    model.open(link, float(gates[name][i]))
                for k, (p, link) in enumerate(pumps.items()):
                    level = model.depth_m(nodes[-len(pumps) + k])
                    depth[i, -len(pumps) + k] = level
                    on[p] = bool(works[p][i]) and (level > PUMP_START_M or (on[p] and level > PUMP_STOP_M))
                    model.open(link, float(on[p]))
                model.advance(int(STEP_S))
            if block % 288 == 0:
                tell(block / blocks)
            restless = bool((depth[block * BLOCK, : crest.size] > RESTLESS_SHARE * crest).any())
        depth[-1], spill[-1] = [model.depth_m(n) for n in nodes], [model.flow_m3s(w) for w in weirs]
    depth, spill = _filled(depth), np.maximum(_filled(spill), 0)
    spill[(spill * 3_600 < SPILL_M3H) | (depth[:, : crest.size] < crest)] = 0.0
    levels = {name: depth[:, i] for i, name in enumerate(named)}
    for c in CHAMBERS:
        if c.tail_water:
            levels[f"{c.id}-ut"] = levels.pop(f"ut-{c.id}") + c.crest_m - 0.6
    return _Run(levels, {c.id: spill[:, i] * 3_600 for i, c in enumerate(CHAMBERS)}, model.continuity_pct)


def _filled(x: Floats) -> Floats:
    """Rows that were not read, linear between those that were."""
    place = np.arange(len(x))
    for column in x.T:
        known = ~np.isnan(column)
        column[:] = np.interp(place, place[known], column[known])
    return x


def _open_share(c: Chamber, actions: Sequence[Action], t: Floats) -> Floats:
    """How far the throttle below a chamber is open, by its blockages."""
    share = np.ones(t.size)
    for a in actions:
        if a.kind == "blockage" and a.place == c.id:
            growth = np.clip((t - a.start) / (a.size.get("grow_h", 1.0) * 3_600), 0, 1)
            share = np.minimum(share, np.where((t >= a.start) & (t < a.end), 1 - growth * a.size["share"], 1.0))
    return share


def _works(station: str, actions: Sequence[Action], t: Floats) -> Floats:
    works = np.ones(t.size)
    for a in actions:
        if a.kind == "pump_failure" and a.place == station:
            works[(t >= a.start) & (t < a.end)] = 0.0
    return works


def overflows(signals: Mapping[tuple[str, str], Signal], end: float) -> list[TrueEvent]:
    """Every spell of spilling, from the spill itself; pauses up to 5 min do not part it."""
    found = []
    for c in CHAMBERS:
        spill, level = signals[c.id, "overflow_m3h"], signals[c.id, "level_m"]
        for i, j in spells(spill.x > 0, round(MERGE_S / STEP_S)):
            volume = float(spill.x[i:j].sum()) * STEP_S / 3_600
            head = float(level.x[i:j].max()) - c.crest_m
            trickle = float(head < TRICKLE_M or (j - i) * STEP_S < TRICKLE_S)
            found.append(TrueEvent(
                "overflow", spill.start + STEP_S * i, min(spill.start + STEP_S * j, end), c.catchment, c.id, (f"{c.id}-niva",),
                round(volume, 3),
                {"peak_m3h": float(spill.x[i:j].max()), "peak_head_m": head, "trickle": trickle},
            ))  # fmt: skip
    return found
