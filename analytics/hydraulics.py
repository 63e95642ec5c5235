"""A nominal EPANET model as numbers: pressures for a given inflow, and how they answer to a leak at each node."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ctypes import byref, c_double, c_int
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import ConfigError, MjosaError
from core.model import Floats

_M3H = {0: 101.9406, 1: 0.2271247, 2: 157.7255, 3: 189.4202, 4: 51.39508, 5: 3.6, 6: 0.06, 7: 41.66667, 8: 1.0, 9: 1 / 24}
"""EPANET flow unit → m³/h."""
_PSI_M = 0.7030696
_EMITTER, _DEMAND, _PRESSURE = 3, 9, 11
_FACTORS = (0.25, 0.5, 0.75, 1.0, 1.3, 1.7, 2.3)


@dataclass(frozen=True)
class Response:
    """How a model answers. hours: (h,) of the day; factors: (f,) on demand.

    pressure_m: (f, h, sensors); demand_m3h: (f, h) of the nodes asked for (a zone); leak_m_per_m3h: (h, nodes, sensors), pressure
    change per m³/h leaking at a node; spread_m_per_m3h: (h, sensors), the same where it goes to those nodes by their demand.
    """

    hours: Floats
    factors: Floats
    pressure_m: Floats
    demand_m3h: Floats
    leak_m_per_m3h: Floats
    spread_m_per_m3h: Floats

    def signature(self) -> Floats:
        """Change of every pressure, hour by hour, for a leak at each node with the inflow kept [m per m³/h]: (nodes, h · sensors)."""
        return np.concatenate([leak - spread for leak, spread in zip(self.leak_m_per_m3h, self.spread_m_per_m3h, strict=True)], axis=1)


def respond(
    path: Path, sensors: Sequence[str], nodes: Sequence[str], hours: Sequence[float] = (3.0, 12.0), leak_m3h: float = 5.0
) -> Response:
    """Steady states of the model at some hours of its day, with a leak at each node in turn. Needs the optional wntr."""
    with _toolkit(path) as (en, flow, metre):
        at = [en.ENgetnodeindex(s) for s in sensors]
        places = [en.ENgetnodeindex(n) for n in nodes]
        all_nodes = range(1, en.ENgetcount(0) - en.ENgetcount(1) + 1)
        kept = {i: _base_demands(en, i) for i in all_nodes}

        def solve(hour: float) -> Floats:
            en.ENsettimeparam(4, round(hour * 3600))
            en.ENinitH(0)
            en.ENrunH()
            return np.array([en.ENgetnodevalue(i, _PRESSURE) for i in at]) * metre

        def demand() -> float:
            return float(sum(en.ENgetnodevalue(i, _DEMAND) for i in places)) * flow

        def scale(factor: float, where: Sequence[int]) -> None:
            for i in where:
                for category, base in enumerate(kept[i], 1):
                    en.ENlib.EN_setbasedemand(en._project, i, category, c_double(base * factor))

        shape = (len(_FACTORS), len(hours))
        pressure, total = np.empty((*shape, len(at))), np.empty(shape)
        for f, factor in enumerate(_FACTORS):
            scale(factor, all_nodes)
            for h, hour in enumerate(hours):
                pressure[f, h] = solve(hour)
                total[f, h] = demand()
        scale(1.0, all_nodes)
        leak = np.zeros((len(hours), len(places), len(at)))
        spread = np.empty((len(hours), len(at)))
        for h, hour in enumerate(hours):
            still, used = solve(hour), demand()
            heads = [en.ENgetnodevalue(i, _PRESSURE) for i in places]
            for j, (i, head) in enumerate(zip(places, heads, strict=True)):
                en.ENsetnodevalue(i, _EMITTER, leak_m3h / flow / max(head, 1.0) ** 0.5)
                before = en.ENgetnodevalue(i, _DEMAND)
                changed = solve(hour) - still
                lost = (en.ENgetnodevalue(i, _DEMAND) - before) * flow
                en.ENsetnodevalue(i, _EMITTER, 0.0)
                leak[h, j] = changed / lost if lost > 0.1 * leak_m3h else 0.0
            scale(1.0 + leak_m3h / max(used, 1e-6), places)
            spread[h] = (solve(hour) - still) / leak_m3h
            scale(1.0, places)
    return Response(np.array(hours), np.array(_FACTORS), pressure, total, leak, spread)


def _base_demands(en: Any, node: int) -> list[float]:
    """Base demand of every category of a node, in the file's unit; wntr's wrapper knows only the last, EPANET itself all."""
    n, value = c_int(), c_double()
    en.ENlib.EN_getnumdemands(en._project, node, byref(n))
    found = []
    for category in range(1, n.value + 1):
        en.ENlib.EN_getbasedemand(en._project, node, category, byref(value))
        found.append(value.value)
    return found


@contextmanager
def _toolkit(path: Path) -> Iterator[tuple[Any, float, float]]:
    """(EPANET toolkit with the model open for steady states, m³/h per flow unit, m per pressure unit)."""
    try:
        from wntr.epanet.toolkit import ENepanet
    except ImportError as error:
        raise MjosaError("placing a leak in a hydraulic model needs wntr: pip install 'mjosa[simulators]'") from error
    with tempfile.TemporaryDirectory() as scratch:
        en = ENepanet()
        try:
            en.ENopen(str(path), f"{scratch}/report.txt", f"{scratch}/out.bin")
        except Exception as error:
            raise ConfigError([f"{path}: EPANET cannot open it ({error})"]) from error
        try:
            units = en.ENgetflowunits()
            en.ENsettimeparam(0, 0)
            en.ENopenH()
            yield en, _M3H[units], _PSI_M if units < 5 else 1.0
        finally:
            en.ENclose()
