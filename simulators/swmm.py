"""SWMM stepped from Python: rain, inflows, throttles and pumps set before each minute, levels and flows read after it.

The toolkit under pyswmm. SWMM keeps one model per process, so runs take turns.
"""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

from core.errors import MjosaError

_TURN = threading.Lock()


class Sewers:
    """An open SWMM model, running. Units of the file: m³/s, m, mm/h. `continuity_pct` (runoff, routing) once closed."""

    def __init__(self, path: Path) -> None:
        from swmm.toolkit import shared_enum, solver

        self._solver: Any = solver
        self._kinds: Any = shared_enum.ObjectType
        self._depth: Any = shared_enum.NodeResult.DEPTH
        self._flow: Any = shared_enum.LinkResult.FLOW
        self.continuity_pct = (float("nan"), float("nan"))
        _TURN.acquire()
        try:
            self._folder = tempfile.TemporaryDirectory(prefix="mjosa-swmm-")
            report, output = (str(Path(self._folder.name) / name) for name in ("report.txt", "output.bin"))
            solver.swmm_open(str(path), report, output)
            solver.swmm_start(0)
        except Exception as error:
            _TURN.release()
            raise MjosaError(f"SWMM cannot open {path.name}: {error}") from error

    def __enter__(self) -> Sewers:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self._solver.swmm_end()
            runoff, routing, _ = self._solver.swmm_get_mass_balance()
            self.continuity_pct = (float(runoff), float(routing))
            self._solver.swmm_close()
            self._folder.cleanup()
        finally:
            _TURN.release()

    def node(self, name: str) -> int:
        return int(self._solver.project_get_index(self._kinds.NODE, name))

    def link(self, name: str) -> int:
        return int(self._solver.project_get_index(self._kinds.LINK, name))

    def gauge(self, name: str) -> int:
        return int(self._solver.project_get_index(self._kinds.GAGE, name))

    def rain(self, gauge: int, mm_h: float) -> None:
        self._solver.raingage_set_precipitation(gauge, mm_h)

    def inflow(self, node: int, m3s: float) -> None:
        self._solver.node_set_total_inflow(node, m3s)

    def open(self, link: int, share: float) -> None:
        """How far a throttle is open, or whether a pump runs (1 or 0)."""
        self._solver.link_set_target_setting(link, share)

    def advance(self, seconds: int) -> None:
        self._solver.swmm_stride(seconds)

    def depth_m(self, node: int) -> float:
        return float(self._solver.node_get_result(node, self._depth))

    def flow_m3s(self, link: int) -> float:
        return float(self._solver.link_get_result(link, self._flow))
