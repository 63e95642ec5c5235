"""What really happens in Mjøsby: true signals at every asset, and the list of events, leaks and sensor faults behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from core.model import Floats
from core.timekeeping import iso
from core.town import Town
from simulators import meter_events, meters, scenario, sewer, water
from simulators.happenings import SensorFault, TrueEvent, TrueLeak, plain
from simulators.scenario import Action, Scenario
from simulators.signals import Signal
from simulators.weather import STEP_S, Storm, Thaw, Weather, weather

Progress = Callable[[float], None]
CARRIED = ("volume_m3", "rain_total_mm", "level_m", "flow_m3h")
FAULT_KINDS = ("sensor_fault",)


@dataclass(frozen=True, slots=True)
class Truth:
    """Everything true over [start, end). `signals` by (asset id, quantity); the meters' use per hour [L] (n, hours) from `start`;
    `registered_l` is what meters show each hour that do not show what was used.

    `balance` is the water balance of the window [m³]: inflow, use, leaks, storage, error. `sewer_continuity_pct` is SWMM's own error
    of runoff and routing.
    """

    town: Town
    scenario: str
    seed: int
    start: float
    end: float
    weather: Weather
    signals: Mapping[tuple[str, str], Signal]
    park: meters.Park
    meter_index_l: Floats
    meter_use_l: npt.NDArray[np.float32]
    registered_l: Mapping[str, Floats]
    actions: tuple[Action, ...]
    events: tuple[TrueEvent, ...]
    leaks: tuple[TrueLeak, ...]
    sensor_faults: tuple[SensorFault, ...]
    balance: Mapping[str, float] = field(default_factory=dict)
    sewer_continuity_pct: tuple[float, float] = (0.0, 0.0)

    @property
    def end_state(self) -> dict[str, float]:
        """What counters, pump and reservoir stand at when the window ends, by "asset:quantity"."""
        return {f"{asset}:{quantity}": float(s.at(np.array([self.end]))[0]) for (asset, quantity), s in self.signals.items()
                if quantity in CARRIED}  # fmt: skip

    def as_data(self) -> dict[str, Any]:
        """truth.json."""
        return {
            "format": 1, "scenario": self.scenario, "seed": self.seed, "start": iso(self.start), "end": iso(self.end),
            "events": [plain(e) for e in self.events], "leaks": [plain(x) for x in self.leaks],
            "sensor_faults": [plain(x) for x in self.sensor_faults], "water_balance_m3": {k: round(v, 3) for k, v in self.balance.items()},
            "sewer_continuity_pct": {"runoff": round(self.sewer_continuity_pct[0], 4), "routing": round(self.sewer_continuity_pct[1], 4)},
        }  # fmt: skip


def simulate_truth(
    town: Town, name: str | Scenario, seed: int, start: float, days: float, *, origin: float | None = None, extra: Sequence[Action] = (),
    state: Mapping[str, float] | None = None, progress: Progress | None = None,
) -> Truth:  # fmt: skip
    """The truth of [start, start + days).

    `origin` is when the scenario began (default: at start, and its times are compressed into fewer days); `extra` are ordered
    actions; `state` is the `end_state` of a window before, so that counters and the reservoir go on where they stood.
    `progress` hears the share done.
    """
    start = float(np.floor(start / 3_600) * 3_600)
    end = start + days * 86_400
    plan = name if isinstance(name, Scenario) else scenario.load(name)
    acting = _acting(plan, town, seed, start, end, origin, extra)
    air = _weather(plan, acting, seed, start - sewer.WARM_UP_S, end)
    park = meters.park(town, seed)
    index, use = meters.hourly(park, start, int(np.ceil(days * 24)))
    index = meter_events.used(park, index, use, acting, start)
    shown = meter_events.registered(park, index, use, acting, start)
    tell = progress or (lambda _: None)
    with ThreadPoolExecutor(1) as beside:
        supplying = beside.submit(water.simulate, town, park, use, acting, seed, start, end, state or {})
        drains = sewer.simulate(air, acting, seed, start, end, tell)
        supply = supplying.result()
    signals = {**supply.signals, **drains.signals, **_rain(air, start, end, state or {})}
    zone = {point: park.zones[z] for point, z in zip(park.points, park.zone, strict=True)}
    events = [
        *_ordered(acting, town, start, end),
        *drains.events,
        *water.low_pressure(signals, town, end),
        *meter_events.happened(park, index, use, start, end, zone),
    ]
    events.sort(key=lambda e: (e.start, e.kind, e.asset or e.zone or "", e.sensors))
    faults = tuple(SensorFault(a.place, a.fault, a.start, a.end, a.size) for a in acting if a.kind in FAULT_KINDS)
    return Truth(
        town, plan.name, seed, start, end, air, signals, park, index, use, shown, acting, tuple(events), supply.leaks, faults,
        supply.balance, drains.continuity_pct,
    )  # fmt: skip


def _acting(plan: Scenario, town: Town, seed: int, start: float, end: float, origin: float | None, extra: Sequence[Action]
            ) -> tuple[Action, ...]:  # fmt: skip
    """The actions that matter to the window: under way in it, or needed to know how things stand at its start."""
    begun = start if origin is None else origin
    todo = [*scenario.actions(plan, town, seed, begun, (end - begun) / 86_400, compress=origin is None), *extra]
    lasting = ("storm", "thaw", *meter_events.METER_KINDS)
    return tuple(a for a in todo if a.start < end and (a.kind in lasting or a.end > start - sewer.WARM_UP_S))


def _weather(plan: Scenario, acting: Sequence[Action], seed: int, start: float, end: float) -> Weather:
    storms = [Storm(a.start, a.size["mm"], (a.end - a.start) / 3_600) for a in acting if a.kind == "storm"]
    thaws = [Thaw(a.start, (a.end - a.start) / 3_600, a.size["air_c"], a.size["snow_mm"]) for a in acting if a.kind == "thaw"]
    return weather(seed, start, end, storms=storms, thaws=thaws, natural=plan.natural)


def _rain(air: Weather, start: float, end: float, state: Mapping[str, float]) -> dict[tuple[str, str], Signal]:
    """Cumulative rain at each gauge [mm]."""
    found = {}
    first = round((start - air.start) / STEP_S)
    for g, place in enumerate(sewer.GAUGES):
        total = np.concatenate([[0.0], np.cumsum(air.rain_mm[g, first:])]) + state.get(f"{place}:rain_total_mm", 1_000.0)
        found[place, "rain_total_mm"] = Signal(start, STEP_S, total)
    found["mjosby", "air_temperature_c"] = Signal(start, STEP_S, air.air_c[first:])
    return found


def _ordered(acting: Sequence[Action], town: Town, start: float, end: float) -> list[TrueEvent]:
    """What was ordered, as events: the causes, not their consequences."""
    found = []
    for a in acting:
        if a.kind in FAULT_KINDS or a.end <= start or a.start >= end:
            continue
        asset = town.asset_by_id.get(a.place)
        zone = asset.zone if asset else a.place if a.place in town.zone_by_id else None
        sensor = town.current.get(a.place)
        asset = asset or (town.asset_of(sensor) if sensor else None)
        zone = zone or (asset.zone if asset else None)
        sensors = tuple(s.id for s in town.current.values() if asset and s.asset == asset.id)
        more = {"base_station": a.place} if a.kind == "station_outage" else {}
        found.append(TrueEvent(a.kind, a.start, a.end, zone, asset.id if asset else None, sensors, details={**a.size, **more}))
    return found
