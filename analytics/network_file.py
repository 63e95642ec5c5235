"""The pipes of an EPANET file: enough of its text to measure distances along them."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from core.errors import ConfigError

_FOOT_M = 0.3048
_US_UNITS = frozenset({"CFS", "GPM", "MGD", "IMGD", "AFD"})


@dataclass(frozen=True)
class Network:
    """Links as (name, node, node, length [m]); valves and pumps have length 0. Nodes by name; `junctions` are those that have demand."""

    links: tuple[tuple[str, str, str, float], ...]
    junctions: tuple[str, ...]
    pipes: frozenset[str]
    coordinates: Mapping[str, tuple[float, float]]

    @cached_property
    def neighbours(self) -> Mapping[str, list[tuple[str, str, float]]]:
        """Node → (link, other node, length)."""
        found: dict[str, list[tuple[str, str, float]]] = {}
        for name, a, b, length in self.links:
            found.setdefault(a, []).append((name, b, length))
            found.setdefault(b, []).append((name, a, length))
        return found

    @cached_property
    def ends(self) -> Mapping[str, tuple[str, str, float]]:
        return {name: (a, b, length) for name, a, b, length in self.links}

    def from_nodes(self, sources: Mapping[str, float]) -> dict[str, float]:
        """Shortest way along the pipes [m] to every node, from nodes with a head start (Dijkstra)."""
        best: dict[str, float] = {}
        todo = [(d, n) for n, d in sources.items()]
        heapq.heapify(todo)
        while todo:
            d, node = heapq.heappop(todo)
            if node in best:
                continue
            best[node] = d
            for _, other, length in self.neighbours.get(node, ()):
                if other not in best:
                    heapq.heappush(todo, (d + length, other))
        return best

    def from_pipe(self, pipe: str) -> dict[str, float]:
        """Metres from the middle of a pipe to the middle of every pipe."""
        if pipe not in self.ends:
            return {}
        a, b, length = self.ends[pipe]
        node = self.from_nodes({a: length / 2, b: length / 2})
        far = math.inf
        found = {n: min(node.get(x, far), node.get(y, far)) + long / 2 for n, (x, y, long) in self.ends.items() if n in self.pipes}
        return {**found, pipe: 0.0}

    def nearest(self, labels: Mapping[str, str]) -> dict[str, str]:
        """Node → label of the nearest labelled node along the pipes."""
        best: dict[str, str] = {}
        todo = [(0.0, n, label) for n, label in labels.items() if n in self.neighbours]
        heapq.heapify(todo)
        while todo:
            d, node, label = heapq.heappop(todo)
            if node in best:
                continue
            best[node] = label
            for _, other, length in self.neighbours.get(node, ()):
                if other not in best:
                    heapq.heappush(todo, (d + length, other, label))
        return best


def read_network(path: Path) -> Network:
    """Parse [JUNCTIONS], [PIPES], [PUMPS], [VALVES], [COORDINATES] and the units. Raises ConfigError where the file is not of EPANET."""
    try:
        sections = _sections(path.read_text(encoding="utf-8", errors="replace").splitlines())
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read ({error.strerror})"]) from error
    units = next((row[1].upper() for row in sections.get("OPTIONS", ()) if row[0].upper() == "UNITS" and len(row) > 1), "GPM")
    metre = _FOOT_M if units in _US_UNITS else 1.0
    try:
        pipes = [(r[0], r[1], r[2], float(r[3]) * metre) for r in sections.get("PIPES", ())]
        others = [(r[0], r[1], r[2], 0.0) for key in ("PUMPS", "VALVES") for r in sections.get(key, ())]
        places = {r[0]: (float(r[1]), float(r[2])) for r in sections.get("COORDINATES", ())}
    except (IndexError, ValueError) as error:
        raise ConfigError([f"{path}: is not an EPANET network ({error})"]) from error
    if not pipes:
        raise ConfigError([f"{path}: has no [PIPES]"])
    return Network((*pipes, *others), tuple(r[0] for r in sections.get("JUNCTIONS", ())), frozenset(p[0] for p in pipes), places)


def _sections(lines: Iterable[str]) -> dict[str, list[list[str]]]:
    found: dict[str, list[list[str]]] = {}
    name = ""
    for line in lines:
        text = line.split(";")[0].strip()
        if text.startswith("["):
            name = text.strip("[]").upper()
        elif text:
            found.setdefault(name, []).append(text.split())
    return found
