"""What goes wrong with water meters and behind them: customer leaks, reverse flow, stopped meters, exchanges, indices that roll over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
import numpy.typing as npt

from core.model import Floats
from core.timekeeping import OSLO
from core.town import Sensor, Town
from simulators import meters
from simulators.happenings import TrueEvent
from simulators.scenario import Action
from simulators.signals import grid
from simulators.town import with_sensors

HOUR_S = 3_600.0
NIGHT = range(1, 5)
REGISTER_KINDS = ("reverse_flow", "meter_stop", "meter_exchange")
METER_KINDS = ("customer_leak", *REGISTER_KINDS)
LEAK_BIT, BACKFLOW_BIT = 0x20, 0x60


def used(park: meters.Park, index_l: Floats, use_l: npt.NDArray[np.float32], actions: Sequence[Action], start: float) -> Floats:
    """Adds ordered customer leaks to the use per hour, in place; the index at `start` with what leaked before."""
    index = index_l.copy()
    edges = grid(start, HOUR_S, use_l.shape[1] + 1)
    for a in (a for a in actions if a.kind == "customer_leak" and a.place in park.points):
        i = park.points.index(a.place)
        leaked = np.clip(np.minimum(edges, a.end) - a.start, 0, None) * a.size["lph"] / HOUR_S
        index[i] += leaked[0]
        use_l[i] += np.diff(leaked).astype(np.float32)
    return index


def registered(park: meters.Park, index_l: Floats, use_l: npt.NDArray[np.float32], actions: Sequence[Action], start: float
               ) -> dict[str, Floats]:  # fmt: skip
    """{meter: index it shows at each hour [L]} for meters that do not show what was used."""
    found: dict[str, Floats] = {}
    for a in (a for a in actions if a.kind in REGISTER_KINDS and a.place in park.points):
        i = park.points.index(a.place)
        begin = min(np.floor(a.start / HOUR_S) * HOUR_S, start)
        hours = round((start - begin) / HOUR_S) + use_l.shape[1]
        index, use = (index_l, use_l) if begin == start else meters.hourly(park, begin, hours)
        t = grid(begin, HOUR_S, hours + 1)
        shown = _shown(a, t, use[i].astype(np.float64))
        total = index[i] + np.concatenate([[0.0], np.cumsum(shown)])
        if a.kind == "meter_exchange":
            before = float(total[np.searchsorted(t, a.start)]) if a.start > begin else float(total[0])
            total = np.where(t >= a.start, total - before + 12.0, total)
        found[a.place] = total[-use_l.shape[1] - 1 : -1]
    return found


def exchanged(town: Town, actions: Sequence[Action]) -> Town:
    """The town with a second placement for every exchanged meter."""
    at = {a.place: a.start for a in actions if a.kind == "meter_exchange"}
    sensors: list[Sensor] = []
    for s in town.sensors:
        if s.id in at:
            new = f"{int(s.dev_eui, 16) ^ 0xEC0000:016x}"
            sensors += [s.model_copy(update={"valid_to": at[s.id]}), s.model_copy(update={"dev_eui": new, "valid_from": at[s.id]})]
        else:
            sensors.append(s)
    return with_sensors(town, sensors) if at else town


def status_bits(park: meters.Park, actions: Sequence[Action], i: int, t: float) -> float:
    """The meter's own opinion at a time: leak, or backflow."""
    name, bits = park.points[i], 0
    dripping = ((park.leak_start[i] < t) & (t < park.leak_end[i]) & (park.leak_lph[i] > 0)).any()
    if dripping or any(a.kind == "customer_leak" and a.place == name and a.start < t < a.end for a in actions):
        bits |= LEAK_BIT
    if any(a.kind == "reverse_flow" and a.place == name and a.start < t < a.end for a in actions):
        bits |= BACKFLOW_BIT
    return float(bits)


def happened(park: meters.Park, index_l: Floats, use_l: npt.NDArray[np.float32], start: float, end: float, zone: Mapping[str, str]
             ) -> list[TrueEvent]:  # fmt: skip
    """Customer leaks of the year and roll-overs inside [start, end) (ordered ones are listed with the orders)."""
    found = []
    for i, k in zip(*np.nonzero((park.leak_lph > 0) & (park.leak_start < end) & (park.leak_end > start)), strict=True):
        point = park.points[i]
        found.append(TrueEvent("customer_leak", float(park.leak_start[i, k]), float(park.leak_end[i, k]), zone[point], None, (point,),
                               details={"lph": float(park.leak_lph[i, k])}))  # fmt: skip
    for i in np.flatnonzero(index_l % meters.ROLLS_OVER_AT_L + use_l.sum(axis=1, dtype=np.float64) >= meters.ROLLS_OVER_AT_L):
        passed = index_l[i] % meters.ROLLS_OVER_AT_L + np.cumsum(use_l[i], dtype=np.float64) >= meters.ROLLS_OVER_AT_L
        at = start + HOUR_S * float(np.argmax(passed))
        found.append(TrueEvent("meter_rollover", at, at + HOUR_S, zone[park.points[i]], None, (park.points[i],)))
    return found


def _shown(a: Action, t: Floats, use: Floats) -> Floats:
    """What the register counts in each hour [L]: nothing while it stands still, less than nothing while water runs back."""
    inside = (t[:-1] >= a.start) & (t[:-1] < a.end)
    if a.kind == "meter_stop":
        return np.where(inside, 0.0, use)
    if a.kind == "reverse_flow":
        night = np.array([datetime.fromtimestamp(x, OSLO).hour in NIGHT for x in t[:-1]])
        return np.where(inside & night, -a.size["lph"], use)
    return use
