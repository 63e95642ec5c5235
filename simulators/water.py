"""The water network: zone use, leaks and bursts → inflow of each zone, pressure at each point, level of the reservoir. EPANET at 10 min.

Demand-driven; leaks and background leakage are emitters (flow = C · pressure^0.5), so that they follow the pressure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.model import Floats
from core.town import Town
from simulators import meters
from simulators.epanet import Network
from simulators.happenings import TrueEvent, TrueLeak
from simulators.layout import DISTRICT, DISTRICTS, TANK_AREA_M2, District, elevation_m
from simulators.networks import EMITTER_EXPONENT, GROUPS, NETWORK, emitter_per_node, group_of, junction_weights, pattern_id, pipes
from simulators.scenario import Action
from simulators.signals import Signal, grid, spells

STEP_S = 600.0
PER_HOUR = int(3_600 / STEP_S)
M_PER_BAR = 10.197
LEAKING = ("burst", "slow_leak", "flushing")
PUMP_ON_M, PUMP_OFF_M = 2.6, 4.4
LOW_BAR, LOW_FOR_S = 2.0, 900.0
USE_NOISE = 0.04
"""Relative scatter of a demand group's use from one 10 minutes to the next; it averages out within each hour."""


@dataclass(frozen=True, slots=True)
class Supply:
    """signals by (asset id, quantity): inlets volume_m3 and flow_m3h, points pressure_bar, reservoir level_m. Balance in m³."""

    signals: Mapping[tuple[str, str], Signal]
    leaks: tuple[TrueLeak, ...]
    balance: Mapping[str, float]


def low_pressure(signals: Mapping[tuple[str, str], Signal], town: Town, end: float) -> list[TrueEvent]:
    """Every spell of at least 15 min below 2.0 bar at a pressure point, with its lowest pressure."""
    found = []
    for asset in town.assets:
        signal = signals.get((asset.id, "pressure_bar"))
        if signal is None:
            continue
        sensors = tuple(s.id for s in town.current.values() if s.asset == asset.id)
        for i, j in spells(signal.x < LOW_BAR, 1):
            if (j - i) * signal.step_s >= LOW_FOR_S:
                begin, stop = signal.start + signal.step_s * i, min(signal.start + signal.step_s * j, end)
                found.append(
                    TrueEvent(
                        "low_pressure", begin, stop, asset.zone, asset.id, sensors, details={"lowest_bar": float(signal.x[i:j].min())}
                    )
                )
    return found


@dataclass(frozen=True, slots=True)
class _Leak:
    """An action at its junction: emitter coefficient [m³/h per m^0.5] at each step."""

    action: Action
    district: District
    node: str
    pipe: str
    coefficient: Floats


def simulate(
    town: Town, park: meters.Park, use_l: npt.NDArray[np.float32], actions: Sequence[Action], seed: int, start: float, end: float,
    state: Mapping[str, float],
) -> Supply:  # fmt: skip
    """The network over [start, end). `state`: what counters and the reservoir stood at when the window began, by "asset:quantity"."""
    t = grid(start, STEP_S, int(np.ceil((end - start) / STEP_S)) + 1)
    used = zone_use(park, use_l, start, town)
    factors = _demand_factors(used, t, start, seed)
    leaks = [_placed(a, t, seed) for a in actions if a.kind in LEAKING and a.place in DISTRICT]
    valves = {a.place: _valve_head(a, t) for a in actions if a.kind == "valve_fault" and a.place in DISTRICT}
    nodes = [a for a in town.assets if a.kind == "junction" and a.model_element]
    run = _run(t, factors, leaks, valves, [str(a.model_element) for a in nodes], state)
    signals: dict[tuple[str, str], Signal] = {
        (a.id, "pressure_bar"): Signal(start, STEP_S, np.maximum(run.pressure_m[:, i], 0) / M_PER_BAR) for i, a in enumerate(nodes)
    }
    for i, name in enumerate([*(f"inn-{d.code.lower()}" for d in DISTRICTS), "vv-mjosby"]):
        flow = run.flow_m3h[:, i]
        signals[name, "flow_m3h"] = Signal(start, STEP_S, flow)
        signals[name, "volume_m3"] = Signal(start, STEP_S, _counted(flow, state.get(f"{name}:volume_m3", 250_000.0 * (i + 1))))
    signals["hb-hogda", "level_m"] = Signal(start, STEP_S, run.tank_m)
    true_leaks = [_true_leak(leak, run.leak_m3h[:, i]) for i, leak in enumerate(leaks) if leak.action.kind != "flushing"]
    return Supply(signals, tuple(x for x in true_leaks if x is not None), _balance(run, used))


def zone_use(park: meters.Park, use_l: npt.NDArray[np.float32], start: float, town: Town) -> dict[str, Floats]:
    """Use of each zone per hour [m³/h]: every meter that reports, plus the households that have none, as a crowd."""
    hours = grid(start, 3_600.0, use_l.shape[1])
    found = {}
    for z, name in enumerate(park.zones):
        here = park.zone == z
        homes = int((here & (park.kind != meters.BUSINESS)).sum())
        unmetered = max((town.zone_by_id[name].households or 0) - homes, 0)
        found[name] = (
            use_l[here].sum(axis=0, dtype=np.float64) / 1_000 + unmetered * meters.expected(hours, name, unmetered, park.seed) / 1_000
        )
    return found


def leak_place(d: District, action: Action, seed: int) -> tuple[str, str]:
    """(junction, one of its pipes) of a leak: always the same for the same action and seed."""
    rng = np.random.default_rng([seed, 51, int(action.start)])
    streets = pipes(d.code)
    pipe = list(streets)[int(rng.integers(len(streets)))]
    first, second, _, _ = streets[pipe]
    return (first, second)[int(rng.integers(2))], pipe


def leak_growth(action: Action, t: Floats) -> Floats:
    """Share of its full size that a leak has at times t: a burst at once, a slow leak linearly over `grow_days`."""
    age = t - action.start
    growth = np.clip(age / max(action.size.get("grow_days", 0.0) * 86_400, 1.0), 0, 1)
    growth = growth if "grow_days" in action.size else np.ones(t.size)
    return np.asarray(np.where((age >= 0) & (t < action.end), growth, 0.0))


def nominal_head_m(d: District, node: str) -> float:
    """Pressure at a junction on an ordinary day [m]."""
    return max(d.head_m - 1.0 - elevation_m(*d.junctions()[node]), 10.0)


def _placed(action: Action, t: Floats, seed: int) -> _Leak:
    d = DISTRICT[action.place]
    node, pipe = leak_place(d, action, seed)
    full = action.size["m3h"] / nominal_head_m(d, node) ** EMITTER_EXPONENT
    return _Leak(action, d, node, pipe, full * leak_growth(action, t))


def _valve_head(action: Action, t: Floats) -> Floats:
    return np.asarray(np.where((t >= action.start) & (t < action.end), action.size["head_m"], 0.0))


def _demand_factors(used: Mapping[str, Floats], t: Floats, start: float, seed: int) -> dict[str, Floats]:
    """{EPANET pattern: factor at each step}: hourly use, unevenly within the hour, the hour's sum kept exactly."""
    rng = np.random.default_rng([seed, 52, int(start)])
    found = {}
    for d in DISTRICTS:
        hours = used[d.id].size
        weight = _group_weights(d)
        mean = meters.mean_use_m3h(d)
        noise = rng.normal(0, USE_NOISE, (GROUPS, hours, PER_HOUR))
        noise -= noise.mean(axis=2, keepdims=True)
        noise -= np.tensordot(weight, noise, 1) * (1 - 1 / np.sqrt(GROUPS))
        each = (used[d.id][None, :, None] / mean * (1 + noise)).reshape(GROUPS, -1)
        padded = np.concatenate([each, np.repeat(each[:, -1:], max(t.size - each.shape[1], 0), axis=1)], axis=1)[:, : t.size]
        found.update({pattern_id(d, g): padded[g] for g in range(GROUPS)})
    return found


def _group_weights(d: District) -> Floats:
    weights, groups = junction_weights(d), group_of(d)
    return np.array([sum(w for node, w in weights.items() if groups[node] == g) for g in range(GROUPS)])


@dataclass(frozen=True, slots=True)
class _Run:
    """What EPANET found at T steps: pressures (T, points), flows (T, inlets + production), leaks (T, leaks), tank and leakage (T,)."""

    pressure_m: Floats
    flow_m3h: Floats
    leak_m3h: Floats
    tank_m: Floats
    lost_m3h: Floats


def _run(t: Floats, factors: Mapping[str, Floats], leaks: Sequence[_Leak], valves: Mapping[str, Floats], points: Sequence[str],
         state: Mapping[str, float]) -> _Run:  # fmt: skip
    """Step the model through t; the pump follows the reservoir."""
    junctions = [node for d in DISTRICTS for node in d.junctions()]
    background = np.array([emitter_per_node(d) for d in DISTRICTS for _ in d.junctions()])
    shown, broken = [junctions.index(p) for p in points], [junctions.index(x.node) for x in leaks]
    pressure, leak = np.empty((t.size, len(points))), np.empty((t.size, len(leaks)))
    flow, tank, lost = np.empty((t.size, len(DISTRICTS) + 1)), np.empty(t.size), np.empty(t.size)
    with Network(NETWORK, STEP_S) as model:
        nodes = [model.node(x) for x in junctions]
        links = [*(model.link(f"INN-{d.code}") for d in DISTRICTS), model.link("PU")]
        model.level("HB", state.get("hb-hogda:level_m", 3.6))
        model.begin()
        usual = {d.id: model.setting_of(f"INN-{d.code}") for d in DISTRICTS}
        pumping = state.get("vv-mjosby:flow_m3h", 0.0) > 0
        for i in range(t.size):
            tank[i] = model.level("HB")
            pumping = tank[i] < PUMP_ON_M or (pumping and tank[i] < PUMP_OFF_M)
            model.running("PU", pumping)
            for pattern, factor in factors.items():
                model.use(pattern, factor[i])
            _set_leaks(model, junctions, background, leaks, broken, i)
            for zone, change in valves.items():
                model.setting(f"INN-{DISTRICT[zone].code}", usual[zone] + change[i])
            model.solve()
            here = np.maximum(model.pressures(nodes), 0) ** EMITTER_EXPONENT
            pressure[i], flow[i] = here[shown] ** (1 / EMITTER_EXPONENT), model.flows(links)
            leak[i] = [x.coefficient[i] * here[b] for x, b in zip(leaks, broken, strict=True)]
            lost[i] = background @ here + leak[i].sum()
            model.advance()
    return _Run(pressure, flow, leak, tank, lost)


def _set_leaks(model: Network, junctions: Sequence[str], background: Floats, leaks: Sequence[_Leak], broken: Sequence[int], i: int) -> None:
    """Emitters of the junctions whose leak changed since the step before."""
    for k, leak in enumerate(leaks):
        if i == 0 or leak.coefficient[i] != leak.coefficient[i - 1]:
            total = background[broken[k]] + sum(x.coefficient[i] for x, b in zip(leaks, broken, strict=True) if b == broken[k])
            model.emitter(junctions[broken[k]], float(total))


def _true_leak(leak: _Leak, flow_m3h: Floats) -> TrueLeak | None:
    """What the leak really lost inside the window; None when it was not open then."""
    open_ = flow_m3h[flow_m3h > 0]
    if not open_.size:
        return None
    a = leak.action
    return TrueLeak(leak.pipe, leak.node, leak.district.id, a.start, a.end, float(open_.mean()), float(open_.max()), a.kind)


def _counted(flow: Floats, before: float) -> Floats:
    """Volume index [m³] of a flow [m³/h] that is constant over each step."""
    return np.asarray(before + np.concatenate([[0.0], np.cumsum(flow[:-1]) * STEP_S / 3_600]))


def _balance(run: _Run, used: Mapping[str, Floats]) -> dict[str, float]:
    """Inflow − use − leaks − storage over the window [m³]: use from the meters, leaks from the emitters, inflow from the pump."""
    hours, n = STEP_S / 3_600, run.tank_m.size - 1
    use = float(sum(np.repeat(u, PER_HOUR)[:n].sum() for u in used.values())) * hours
    inflow, lost = float(run.flow_m3h[:-1, -1].sum()) * hours, float(run.lost_m3h[:-1].sum()) * hours
    stored = float(run.tank_m[-1] - run.tank_m[0]) * TANK_AREA_M2
    return {"inflow": inflow, "use": use, "leaks": lost, "storage": stored, "error": inflow - use - lost - stored}
