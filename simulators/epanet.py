"""EPANET stepped from Python: demands, leaks and valves set before each step, pressures and flows read after it.

wntr's EPANET 2.2 library; the calls that wntr's wrapper leaves out, or that run a million times, go to the library itself.
"""

from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np

from core.errors import MjosaError
from core.model import Floats

_DURATION, _HYDRAULIC_STEP = 0, 1
_EMITTER, _TANK_LEVEL, _HEAD, _PRESSURE = 3, 8, 10, 11
_FLOW, _STATUS, _SETTING = 8, 11, 12
_INITIAL_FLOWS = 10


class Network:
    """An open EPANET model. Units of the file: m³/h and m of water."""

    def __init__(self, path: Path, step_s: float) -> None:
        try:
            from wntr.epanet.toolkit import ENepanet
        except ImportError as error:
            raise MjosaError(f"the simulated town needs EPANET, and {error.name} is missing: run `make install`") from error

        self._folder = tempfile.TemporaryDirectory(prefix="mjosa-epanet-")
        self._toolkit = ENepanet()
        report = str(Path(self._folder.name) / "report.txt")
        self._toolkit.ENopen(str(path), report, "")
        self._lib, self._project = self._toolkit.ENlib, self._toolkit._project
        self._nodes: dict[str, int] = {}
        self._links: dict[str, int] = {}
        self._patterns: dict[str, int] = {}
        while self._lib.EN_deletecontrol(self._project, 1) == 0:
            pass
        self._toolkit.ENsettimeparam(_DURATION, 2_000_000_000)
        self._toolkit.ENsettimeparam(_HYDRAULIC_STEP, int(step_s))
        self._toolkit.ENopenH()

    def __enter__(self) -> Network:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._lib.EN_closeH(self._project)
        self._toolkit.ENclose()
        self._folder.cleanup()

    def begin(self) -> None:
        """Time 0, flows forgotten."""
        self._toolkit.ENinitH(_INITIAL_FLOWS)

    def solve(self) -> None:
        """Hydraulics of the present moment. Raises MjosaError where EPANET finds no solution; warnings (negative pressure) pass."""
        now = ctypes.c_long()
        code = self._lib.EN_runH(self._project, ctypes.byref(now))
        if code > 6:
            raise MjosaError(f"EPANET could not solve the network at {now.value} s (error {code}): check the leak sizes and valve settings")

    def advance(self) -> int:
        """On to the next step: seconds passed (tanks fill and drain meanwhile)."""
        step = ctypes.c_long()
        self._lib.EN_nextH(self._project, ctypes.byref(step))
        return step.value

    def use(self, pattern: str, factor: float) -> None:
        """Demand factor of every junction with this pattern."""
        if pattern not in self._patterns:
            index = ctypes.c_int()
            self._lib.EN_getpatternindex(self._project, pattern.encode(), ctypes.byref(index))
            self._patterns[pattern] = index.value
            self._lib.EN_setpattern(self._project, index.value, (ctypes.c_double * 1)(1.0), 1)
        self._lib.EN_setpatternvalue(self._project, self._patterns[pattern], 1, ctypes.c_double(factor))

    def emitter(self, node: str, coefficient: float) -> None:
        """Leak at a junction [m³/h per m^exponent]."""
        self._lib.EN_setnodevalue(self._project, self.node(node), _EMITTER, ctypes.c_double(coefficient))

    def emitter_of(self, node: str) -> float:
        return self._node_value(self.node(node), _EMITTER)

    def level(self, tank: str, level_m: float | None = None) -> float:
        """A tank's water level [m]; given one, sets it."""
        index = self.node(tank)
        if level_m is not None:
            self._lib.EN_setnodevalue(self._project, index, _TANK_LEVEL, ctypes.c_double(level_m))
            return level_m
        return self._node_value(index, _HEAD) - self._node_value(index, 0)

    def running(self, pump: str, on: bool) -> None:
        self._lib.EN_setlinkvalue(self._project, self.link(pump), _STATUS, ctypes.c_double(float(on)))

    def setting(self, valve: str, head_m: float) -> None:
        """Pressure that a reducing valve holds [m]."""
        self._lib.EN_setlinkvalue(self._project, self.link(valve), _SETTING, ctypes.c_double(head_m))

    def setting_of(self, valve: str) -> float:
        """What a valve holds, once `begin` was called [m]."""
        return self._link_value(self.link(valve), _SETTING)

    def pressures(self, nodes: Sequence[int]) -> Floats:
        """Pressure at junctions by index [m]."""
        value, get, project, pointer = ctypes.c_double(), self._lib.EN_getnodevalue, self._project, None
        pointer = ctypes.byref(value)
        out = np.empty(len(nodes))
        for i, node in enumerate(nodes):
            get(project, node, _PRESSURE, pointer)
            out[i] = value.value
        return out

    def flows(self, links: Sequence[int]) -> Floats:
        """Flow in links by index [m³/h]."""
        return np.array([self._link_value(i, _FLOW) for i in links])

    def node(self, name: str) -> int:
        if name not in self._nodes:
            self._nodes[name] = self._toolkit.ENgetnodeindex(name)
        return self._nodes[name]

    def link(self, name: str) -> int:
        if name not in self._links:
            self._links[name] = self._toolkit.ENgetlinkindex(name)
        return self._links[name]

    def _node_value(self, index: int, what: int) -> float:
        value = ctypes.c_double()
        self._lib.EN_getnodevalue(self._project, index, what, ctypes.byref(value))
        return value.value

    def _link_value(self, index: int, what: int) -> float:
        value = ctypes.c_double()
        self._lib.EN_getlinkvalue(self._project, index, what, ctypes.byref(value))
        return value.value
