"""The water network: zone use, leaks and bursts → inflow of each zone, pressure at each point, level of the reservoir."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.model import Floats
from core.town import Town
from simulators import meters
from simulators.happenings import TrueLeak
from simulators.layout import DISTRICT, DISTRICTS, METERS_IN_TOWN, TANK_AREA_M2, TANK_MAX_M, District, elevation_m
from simulators.scenario import Action
from simulators.signals import Signal, grid

STEP_S = 900.0
M_PER_BAR = 10.197
LEAKING = ("burst", "slow_leak", "flushing")


@dataclass(frozen=True, slots=True)
class Supply:
    """signals by (asset id, quantity): inlets volume_m3 and flow_m3h, points pressure_bar, reservoir level_m."""

    signals: Mapping[tuple[str, str], Signal]
    leaks: tuple[TrueLeak, ...]
    balance: Mapping[str, float]


def zone_use(park: meters.Park, use_l: npt.NDArray[np.float32], start: float, town: Town) -> dict[str, Floats]:
    """Use of each zone per hour [m³/h]: every meter that reports, plus the mean of the households that have none."""
    hours = grid(start, 3_600.0, use_l.shape[1])
    found = {}
    for z, name in enumerate(park.zones):
        here = park.zone == z
        homes = int((here & (park.kind != 2)).sum())
        unmetered = max((town.zone_by_id[name].households or 0) - homes, 0)
        found[name] = use_l[here].sum(axis=0, dtype=np.float64) / 1_000 + unmetered * meters.expected(hours, name) / 1_000
    return found


def leak_flow(action: Action, t: Floats) -> Floats:
    """Flow of a leak [m³/h] at times t: a burst at once, a slow leak growing linearly over `grow_days`."""
    age = t - action.start
    growth = np.clip(age / max(action.size.get("grow_days", 0.0) * 86_400, 1.0), 0, 1)
    return np.asarray(np.where((age >= 0) & (t < action.end), growth * action.size["m3h"], 0.0))


def simulate(
    town: Town, park: meters.Park, use_l: npt.NDArray[np.float32], actions: Sequence[Action], seed: int, start: float, end: float,
    state: Mapping[str, float],
) -> Supply:  # fmt: skip
    """Quasi-steady hydraulics at 15 min. `state`: what counters and the reservoir stood at when the window began, by "asset:quantity"."""
    t = grid(start, STEP_S, int(np.ceil((end - start) / STEP_S)) + 1)
    used = zone_use(park, use_l, start, town)
    signals: dict[tuple[str, str], Signal] = {}
    leaks: list[TrueLeak] = []
    total = np.zeros(t.size)
    lost = 0.0
    for d in DISTRICTS:
        here = [a for a in actions if a.kind in LEAKING and a.place == d.id]
        use = used[d.id][np.minimum(((t - start) / 3_600).astype(int), use_l.shape[1] - 1)]
        head = _head(d, use)
        loss = np.full(t.size, d.background_m3h) * (1 + 0.25 * (1 - use / use.mean()) * 0.3)
        drop = np.zeros(t.size)
        spots = []
        for a in here:
            node, pipe = leak_place(d, a, seed)
            flow = leak_flow(a, t)
            loss = loss + flow
            drop += 2.0 * (flow / 30) ** 1.8
            spots.append((node, flow))
            inside = flow[flow > 0]
            if inside.size and a.kind != "flushing":
                leaks.append(TrueLeak(pipe, node, d.id, a.start, a.end, float(inside.mean()), float(inside.max()), a.kind))
        flow = use + loss
        total += flow
        lost += float(loss[:-1].sum()) * STEP_S / 3_600
        inlet = f"inn-{d.code.lower()}"
        signals[inlet, "flow_m3h"] = Signal(start, STEP_S, flow)
        signals[inlet, "volume_m3"] = Signal(start, STEP_S, _counted(flow, state.get(f"{inlet}:volume_m3", 250_000.0)))
        nodes = d.junctions()
        for asset in town.assets:
            if asset.kind == "junction" and asset.zone == d.id and asset.model_element in nodes:
                x, y = nodes[asset.model_element]
                local = sum(
                    (3.5 * (q / 30) ** 1.8 * np.exp(-np.hypot(x - nodes[n][0], y - nodes[n][1]) / 500) for n, q in spots), np.zeros(t.size)
                )
                far = np.hypot(x - nodes[d.inlet][0], y - nodes[d.inlet][1]) / 1_000
                pressure = (head - drop - local - far * 4.0 * (flow / _design(d)) ** 1.85 - elevation_m(x, y)) / M_PER_BAR
                signals[asset.id, "pressure_bar"] = Signal(start, STEP_S, np.maximum(pressure, 0.0))
    level, made = _reservoir(total, state.get("hb-hogda:level_m", 3.6), state.get("vv-mjosby:flow_m3h", 0.0) > 0)
    signals["hb-hogda", "level_m"] = Signal(start, STEP_S, level)
    signals["vv-mjosby", "flow_m3h"] = Signal(start, STEP_S, made)
    signals["vv-mjosby", "volume_m3"] = Signal(start, STEP_S, _counted(made, state.get("vv-mjosby:volume_m3", 4_000_000.0)))
    hours = STEP_S / 3_600
    stored, inflow = float((level[-1] - level[0]) * TANK_AREA_M2), float(made[:-1].sum()) * hours
    spent = float(total[:-1].sum()) * hours - lost
    balance = {"inflow": inflow, "use": spent, "leaks": lost, "storage": stored, "error": inflow - spent - lost - stored}
    return Supply(signals, tuple(leaks), balance)


def leak_place(d: District, action: Action, seed: int) -> tuple[str, str]:
    """(junction, pipe) of a leak, the same for the same action and seed."""
    rng = np.random.default_rng([seed, 51, int(action.start)])
    nodes = list(d.junctions())
    i = int(rng.integers(len(nodes) - 1))
    i = i if (i + 1) % d.columns else i - 1
    return nodes[i], f"P-{nodes[i]}-{nodes[i + 1]}"


def _counted(flow: Floats, before: float) -> Floats:
    """Volume index [m³] of a flow [m³/h] on the grid."""
    return np.asarray(before + np.concatenate([[0.0], np.cumsum(flow[:-1]) * STEP_S / 3_600]))


def _design(d: District) -> float:
    return 1.2 * (d.background_m3h + meters.BUSINESS_M3H[d.id] + d.households * meters.expected_household_lph(d.id) / 1_000)


def _head(d: District, use: Floats) -> Floats:
    return np.asarray(d.head_m - 1.5 * (use / _design(d)) ** 1.85)


def _reservoir(demand: Floats, level: float, pumping: bool) -> tuple[Floats, Floats]:
    """Tank level [m] and production [m³/h]: the pump runs from 2.6 m up to 4.4 m."""
    levels, made = np.empty(demand.size), np.empty(demand.size)
    capacity = 560.0
    for i, q in enumerate(demand.tolist()):
        levels[i] = level
        pumping = level < 2.6 or (pumping and level < 4.4)
        made[i] = capacity if pumping else 0.0
        level = min(level + (made[i] - q) * STEP_S / 3_600 / TANK_AREA_M2, TANK_MAX_M)
    return levels, made


assert sum(d.households + d.businesses for d in DISTRICT.values()) == METERS_IN_TOWN
