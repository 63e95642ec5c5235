"""The sewer: rain, melt and everyday use → level and spill of each overflow chamber, wells and manholes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.model import Floats
from simulators import layout, meters
from simulators.happenings import TrueEvent
from simulators.layout import CHAMBERS, Chamber
from simulators.scenario import Action
from simulators.signals import Signal, grid
from simulators.weather import Weather

STEP_S = 60.0
GAUGES = tuple(p.id for p in layout.RAIN_GAUGES)
WEIR_SI = {"thin_plate": 1.83, "broad": 1.48, "side": 1.40, "rounded": 2.05, "v_notch": 1.38, "roof": 2.30}
"""Q = C·b·h^1.5 [m³/s] with b in m (v_notch 90°: Q = C·h^2.5)."""
MERGE_S = 0.0
WARM_UP_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Drains:
    """signals by (asset id, quantity): chambers level_m and overflow_m3h, outfalls, wells and manholes level_m; overflows as events."""

    signals: Mapping[tuple[str, str], Signal]
    events: tuple[TrueEvent, ...]


def simulate(air: Weather, actions: Sequence[Action], seed: int, start: float, end: float) -> Drains:
    """Storage routing chamber by chamber down the trunk, at 60 s, with a day to warm up."""
    t = grid(air.start, STEP_S, int((end - air.start) / STEP_S) + 1)
    skip = round((start - air.start) / STEP_S)
    inflow = {c.id: _own_inflow(c, air, t, seed) for c in CHAMBERS}
    passed: dict[str, Floats] = {}
    signals: dict[tuple[str, str], Signal] = {}
    for c in _upstream_first():
        share = _blocked(c, actions, t)
        level, spill, through = _route(c, inflow[c.id], c.throttle_m3h * (1 - share))
        passed[c.id] = through
        target = (layout.PUMP_M3H.get(c.downstream) and "ro-08") or c.downstream
        if target in inflow:
            inflow[target] = inflow[target] + through
        signals[c.id, "level_m"] = Signal(start, STEP_S, level[skip:])
        signals[c.id, "overflow_m3h"] = Signal(start, STEP_S, spill[skip:])
        if c.tail_water:
            signals[f"{c.id}-ut", "level_m"] = Signal(start, STEP_S, _tail(c, spill, t)[skip:])
    for m in layout.MANHOLES:
        signals[m.id, "level_m"] = Signal(
            start, STEP_S, _pipe_level(passed[layout.MANHOLE_FROM[m.id]], layout.CHAMBER[layout.MANHOLE_FROM[m.id]].throttle_m3h)[skip:]
        )
    for p in layout.STATIONS:
        above = [c for c in CHAMBERS if c.downstream == p.id]
        feed = sum((passed[c.id] for c in above), np.zeros(t.size))
        signals[p.id, "level_m"] = Signal(start, STEP_S, _well(feed, _pumping(p.id, actions, t))[skip:])
    return Drains(signals, tuple(_overflows(signals)))


def _upstream_first() -> list[Chamber]:
    """Chambers in the order of the water."""
    depth = {c.id: 0 for c in CHAMBERS}
    for _ in CHAMBERS:
        for c in CHAMBERS:
            below = "ro-08" if c.downstream in layout.PUMP_M3H else c.downstream
            if below in depth:
                depth[below] = max(depth[below], depth[c.id] + 1)
    return sorted(CHAMBERS, key=lambda c: depth[c.id])


def _own_inflow(c: Chamber, air: Weather, t: Floats, seed: int) -> Floats:
    """Foul flow, infiltration, runoff and melt of the chamber's own catchment [m³/h]."""
    hour = ((t / 3_600) % 168).astype(int)
    habit = np.roll(meters._habit("home"), -72 + 1)
    rng = np.random.default_rng([seed, 61, CHAMBERS.index(c)])
    wobble = np.interp(
        t,
        np.arange(t[0], t[-1] + 901, 900.0),
        rng.lognormal(0, 0.08, int((t[-1] - t[0]) // 900) + 2)[: len(np.arange(t[0], t[-1] + 901, 900.0))],
    )
    foul = c.foul_m3h * (0.45 + 0.55 * np.interp((t / 3_600) % 168, np.arange(168) + 0.5, habit, period=168)) * wobble
    del hour
    g = GAUGES.index(layout.GAUGE_OF[c.catchment])
    lag = _triangle(4 + CHAMBERS.index(c) % 4)
    wet = np.convolve(air.rain_mm[g], lag)[: air.air_c.size] * 12 * c.area_ha * 10 * 0.8
    slow = np.convolve(air.rain_mm[g] + 0.8 * air.melt_mm, _triangle(240))[: air.air_c.size] * 12 * c.area_ha * 10 * 0.35
    grid = air.start + 300.0 * np.arange(air.air_c.size)
    return np.asarray(foul + np.interp(t, grid, wet + slow))


def _triangle(n: int) -> Floats:
    """Unit hydrograph over n steps, peak at a third."""
    x = np.arange(1, n + 1)
    shape = np.minimum(x / (n / 3), (n + 1 - x) / (n * 2 / 3))
    return np.asarray(shape / shape.sum())


def _route(c: Chamber, inflow: Floats, throttle: Floats) -> tuple[Floats, Floats, Floats]:
    """(level [m], spill [m³/h], passed on [m³/h]) of one chamber."""
    full = 0.72 * c.crest_m
    coefficient = WEIR_SI[c.weir] * (1.0 if c.weir == "v_notch" else c.width_m)
    power = 2.5 if c.weir == "v_notch" else 1.5
    level, spill, through = np.empty(inflow.size), np.empty(inflow.size), np.empty(inflow.size)
    stored, dt = 0.0, STEP_S / 3_600
    top = (c.crest_m - full) * c.storage_m2
    for i, (q, cap) in enumerate(zip(inflow.tolist(), throttle.tolist(), strict=True)):
        out = min(cap * (1 + 0.15 * stored / top) if stored > 0 else cap, q + stored / dt)
        if stored + (q - out) * dt > top:
            over = min(max(q - out, 0.0) + max(stored - top, 0.0) / dt, 1e5)
            head = (over / 3_600 / coefficient) ** (1 / power)
            stored = top
        else:
            over, head = 0.0, 0.0
            stored = max(stored + (q - out) * dt, 0.0)
        normal = full * min((q / max(cap, 0.3 * c.throttle_m3h)), 1.0) ** 0.6 if stored <= 0 else full + stored / c.storage_m2
        level[i], spill[i], through[i] = normal + head, over, out
    return level, spill, through


def _blocked(c: Chamber, actions: Sequence[Action], t: Floats) -> Floats:
    """Share of the throttle that is closed, from blockages below the chamber and pumps that stand still."""
    share = np.zeros(t.size)
    for a in actions:
        if a.kind == "blockage" and a.place == c.id:
            growth = np.clip((t - a.start) / (a.size.get("grow_h", 1.0) * 3_600), 0, 1)
            share = np.maximum(share, np.where(t < a.end, growth * a.size["share"], 0.0))
        elif a.kind == "pump_failure" and a.place == c.downstream:
            share = np.maximum(share, np.where((t >= a.start + 900) & (t < a.end), 0.98, 0.0))
    return share


def _pipe_level(flow: Floats, full_m3h: float) -> Floats:
    return np.asarray(0.42 * np.minimum(flow / full_m3h, 1.3) ** 0.55 + 0.02)


def _tail(c: Chamber, spill: Floats, t: Floats) -> Floats:
    """Water level behind the weir on the chamber's datum [m]: the lake far below, a little higher while it spills."""
    return np.asarray(c.crest_m - 0.55 + 0.05 * np.sin(t / 86_400 / 9) + 0.35 * (spill / 3_600 / c.width_m) ** 0.5)


def _pumping(station: str, actions: Sequence[Action], t: Floats) -> Floats:
    works = np.ones(t.size, bool)
    for a in actions:
        if a.kind == "pump_failure" and a.place == station:
            works &= ~((t >= a.start) & (t < a.end))
    return layout.PUMP_M3H[station] * works


def _well(feed: Floats, capacity: Floats) -> Floats:
    """Wet-well level [m]: the pump starts at 1.4 m and stops at 0.6 m; 2.4 m is the top."""
    level, on, area = 1.0, False, 7.0
    levels = np.empty(feed.size)
    for i, (q, cap) in enumerate(zip(feed.tolist(), capacity.tolist(), strict=True)):
        levels[i] = level
        on = level > 1.4 or (on and level > 0.6)
        level = min(
            max(level + (q - (max(cap, q) if on and cap > 0 else 0.0)) * STEP_S / 3_600 / area - (0.08 if on and cap > 0 else 0.0), 0.3),
            2.4 + 0.02 * math.sin(i),
        )
    return levels


def _overflows(signals: Mapping[tuple[str, str], Signal]) -> list[TrueEvent]:
    """Every spell of spilling, from the spill itself."""
    found = []
    for c in CHAMBERS:
        spill, level = signals[c.id, "overflow_m3h"], signals[c.id, "level_m"]
        wet = spill.x > 1e-9
        edges = np.flatnonzero(np.diff(np.concatenate([[False], wet, [False]]).astype(np.int8)))
        for i, j in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            volume = float(spill.x[i:j].sum()) * STEP_S / 3_600
            if j - i < 2 or volume < 0.02:
                continue
            found.append(TrueEvent(
                "overflow", spill.start + STEP_S * i, spill.start + STEP_S * j, c.catchment, c.id, (f"{c.id}-niva",), round(volume, 3),
                {"peak_m3h": float(spill.x[i:j].max()), "peak_head_m": float(level.x[i:j].max() - c.crest_m)},
            ))  # fmt: skip
    return found
