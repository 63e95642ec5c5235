"""Where a leak is: the change it makes to every pressure, against the change that a leak at each node would make.

1. r = p − (a + b·p̂): p̂ is the nominal model's pressure for the zone's measured inflow at that hour; a, b are fitted per sensor.
2. Means of r over three hours, night and day apart, are regressed on the course of every leak known in the zone together, so that each
   gets its own signature d although they overlap.
3. A leak of q m³/h at node j, total inflow kept, changes r by q·(S_j − S̄), S̄ being the answer to the same water taken everywhere.
   log posterior of j: −½·(d − q(S_j − S̄))ᵀ C⁻¹ (…), q given the flow's own estimate as prior; nodes are then summed to pipes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from analytics.baseline import Ints
from analytics.hydraulics import Response, respond
from analytics.network_file import Network, read_network
from analytics.residuals import Blocks, Params, residuals
from core.model import Event, Floats
from core.store import SeriesStore
from core.town import Sensor, Town

LEAKS = ("burst", "slow_leak", "leak")


Location = tuple[tuple[str, float], ...]
Details = dict[str, float | str]


def localise(
    events: Sequence[Event], store: SeriesStore, town: Town, model: Path, start: float, end: float, p: Params | None = None
) -> list[Event]:
    """The events, with `location` (pipe, probability) on every leak of a zone that has a flow meter and two pressures in the model.

    Its `details` also say how many metres of pipe hold 90 % of the probability. Raises MjosaError where EPANET is not installed.
    """
    p = p or Params()
    leaks = [e for e in events if e.kind in LEAKS]
    if not leaks:
        return list(events)
    network = read_network(model)
    placed: dict[str, Event] = {}
    for zone in dict.fromkeys(e.zone for e in leaks):
        mine = [e for e in leaks if e.zone == zone]
        seen = {
            s.id: node for s in town.current.values() if "pressure_bar" in s.quantities and (node := node_of(town, s, network)) is not None
        }
        labels = {node: town.zone_of(town.current[s]) or "" for s, node in seen.items()}
        inside = {s: n for s, n in seen.items() if labels[n] == (zone or "")}
        use = inside if len(inside) >= 2 else seen
        if len(use) < 2:
            continue
        nearest = network.nearest(labels) if len(set(labels.values())) > 1 and use is inside else {}
        nodes = [n for n in network.junctions if not nearest or nearest.get(n) == (zone or "")]
        response = Responses(model, list(use.values()), nodes, p)
        blocks = residuals(store, town, zone, use, response.of(p.sizes_m3h[0]), start, end, p)
        if blocks is not None:
            placed |= {e.id: e for e in place(mine, blocks, response, nodes, network, p)}
    return [placed.get(e.id, e) for e in events]


@dataclass
class Responses:
    """The model's answer to leaks of several sizes, each worked out once: head loss does not grow in proportion."""

    model: Path
    sensors: Sequence[str]
    nodes: Sequence[str]
    p: Params
    known: dict[float, Response] = field(default_factory=dict)

    def of(self, size_m3h: float) -> Response:
        nearest = min(self.p.sizes_m3h, key=lambda s: abs(math.log(s / size_m3h)) if size_m3h > 0 else s)
        if nearest not in self.known:
            self.known[nearest] = respond(self.model, self.sensors, self.nodes, self.p.hours, nearest)
        return self.known[nearest]


def node_of(town: Town, sensor: Sensor, network: Network) -> str | None:
    """The model node a sensor sits on: its asset's model_element, or a node named as the asset or sensor is."""
    asset = town.asset_of(sensor)
    names = [asset.model_element if asset else None, sensor.asset, sensor.id, sensor.name]
    return next((n for n in names if n and n in network.neighbours), None)


def place(leaks: Sequence[Event], blocks: Blocks, response: Responses, nodes: Sequence[str], network: Network, p: Params) -> list[Event]:
    """Steps 2 and 3 for all leaks of one zone."""
    out = []
    distinct = distinct_leaks(leaks, p)
    for leak, members in distinct:
        others = [other for other, _ in distinct if other is not leak]
        tries = [_signature(leak, others, blocks, p), _signature(leak, [], blocks, p, *_undisturbed(leak, others, p))]
        best: tuple[float, Location, Details] | None = None
        for found in tries:
            if found is not None:
                d, cov, size = found
                signature = response.of(size).signature()
                good = np.isfinite(d)
                posterior, flow = _posterior(signature[:, good], d[good], cov[np.ix_(good, good)], size, p)
                ranked, search_m = _pipes(posterior, nodes, network, p)
                top = int(np.argmax(posterior))
                if best is None or search_m < best[0]:
                    best = search_m, ranked, {"search_m": search_m, "placed_flow_m3h": float(flow[top]), "placed_node": nodes[top]}
        out += members if best is None else [replace(e, location=best[1], details={**e.details, **best[2]}) for e in members]
    return out


def _undisturbed(leak: Event, others: Sequence[Event], p: Params) -> tuple[float, float]:
    """The time around a leak's onset in which no other leak begins or ends [Unix s]."""
    changes = [c for e in others for c in (e.onset, e.start, e.end) if c is not None]
    margin = p.least_after_days * 86_400.0
    before = [c for c in changes if c < leak.onset - margin]
    after = [c for c in changes if c > leak.onset + margin]
    return max(before, default=-math.inf), min(after, default=math.inf)


def _reach(a: Event, b: Event, p: Params) -> float:
    """How far apart the onsets of two findings of one leak may lie [s]."""
    return p.same_days * 86_400.0 + 2 * (a.onset_uncertainty_s + b.onset_uncertainty_s)


def distinct_leaks(leaks: Sequence[Event], p: Params) -> list[tuple[Event, list[Event]]]:
    """(the leak as its sharpest finding tells it, all findings of it): what several detectors found within days of each other is one leak.

    It ends where flow says so; what only pressures found is followed for `after_days` more.
    """
    groups: list[list[Event]] = []
    for event in sorted(leaks, key=lambda e: e.onset):
        near = [g for g in groups if any(event.onset - e.onset <= _reach(e, event, p) for e in g)]
        if near:
            near[-1].append(event)
        else:
            groups.append([event])
    out = []
    for members in groups:
        lead = min(members, key=lambda e: e.onset_uncertainty_s)
        told = [e for e in members if e.kind != "leak"]
        ends = [e.end for e in told] if told else [None if e.end is None else e.end + p.after_days * 86_400.0 for e in members]
        known = [e for e in ends if e is not None]
        flows = [f for e in (lead, *told) if (f := float(e.details.get("flow_m3h", 0.0))) > 0.5]
        end = max(known) if len(known) == len(ends) else None
        out.append((replace(lead, end=end, details={**lead.details, "flow_m3h": flows[0] if flows else math.nan}), members))
    return out


def _course(e: Event, t: Floats) -> Floats:
    """A leak's course at times t: 0 before its onset, then 1 (or rising to 1 when it was found, at most to 2), 0 after its end."""
    grown = max(e.start - e.onset, 1.0) if e.kind == "slow_leak" else 1.0
    top = 2.0 if e.kind == "slow_leak" else 1.0
    course: Floats = np.clip((t - e.onset) / grown, 0.0, top)
    return np.where(t < (np.inf if e.end is None else e.end), course, 0.0)


def _signature(
    event: Event, others: Sequence[Event], blocks: Blocks, p: Params, since: float = -math.inf, until: float = math.inf
) -> tuple[Floats, Floats, float] | None:
    """(d [m] of every residual for the whole leak, night then day; its covariance; the leak's flow [m³/h]) by joint regression."""
    known = event.start if event.kind == "slow_leak" else event.onset
    low = max(since, event.onset - p.before_days * 86_400.0)
    high = min(until, known + p.after_days * 86_400.0, np.inf if event.end is None else event.end)
    inside = (blocks.t >= low) & (blocks.t <= max(high, known + 3600.0 * p.block_h))
    night = blocks.of_day < p.night_until_h // p.block_h
    sides = [_regressed(event, others, blocks, np.flatnonzero(inside & side)) for side in (night, ~night)]
    n = len(blocks.sensors)
    d, cov = np.full(2 * n, np.nan), np.eye(2 * n)
    for k, found in enumerate(sides):
        if found is not None:
            part = slice(k * n, (k + 1) * n)
            d[part], cov[part, part] = found
    if np.isfinite(d).sum() < 2:
        return None
    return d, cov + p.floor_m**2 * np.eye(2 * n), float(event.details.get("flow_m3h", np.nan))


def _regressed(event: Event, others: Sequence[Event], blocks: Blocks, rows: Ints) -> tuple[Floats, Floats] | None:
    """(d, covariance) of one part of the day: each residual on this leak's course, the others' and the block of the day."""
    mine = _course(event, blocks.t[rows])
    if rows.size < 8 or np.ptp(mine) < 0.3 or (mine == 0).sum() < 6:
        return None
    columns = [(blocks.of_day[rows] == b).astype(np.float64) for b in np.unique(blocks.of_day[rows])] + [mine]
    place = len(columns) - 1
    for other in others:
        course = _course(other, blocks.t[rows])
        if np.ptp(course) > 0 and abs(np.corrcoef(course, mine)[0, 1]) < 0.9 and len(columns) < rows.size // 4:
            columns.append(course)
    x = np.stack(columns, axis=1)
    r = blocks.r[rows]
    n = r.shape[1]
    d, residual, gain = np.full(n, np.nan), np.zeros(r.shape), np.ones(n)
    for i in range(n):
        there = np.isfinite(r[:, i])
        if there.sum() > x.shape[1] + 3 and np.ptp(mine[there]) > 0.3:
            inverse = np.linalg.pinv(x[there].T @ x[there])
            beta = inverse @ x[there].T @ r[there, i]
            d[i], gain[i] = beta[place], inverse[place, place]
            residual[there, i] = r[there, i] - x[there] @ beta
    spread = residual.T @ residual / max(1, rows.size - x.shape[1])
    weight = np.sqrt(gain)
    return d, 2.0 * _shrunk(spread) * np.outer(weight, weight)


def _shrunk(spread: Floats) -> Floats:
    """Covariance that a few days can bear: the two strongest common motions (a tank's level, demand) kept whole, the rest shrunk."""
    values, vectors = np.linalg.eigh(spread)
    top = (vectors[:, -2:] * values[-2:]) @ vectors[:, -2:].T if values.size > 3 else np.zeros_like(spread)
    rest = spread - top
    out: Floats = top + 0.6 * rest + 0.4 * np.diag(np.diag(rest))
    return out


def _posterior(signature: Floats, d: Floats, cov: Floats, size: float, p: Params) -> tuple[Floats, Floats]:
    """(probability of each node, its most likely flow [m³/h])."""
    size = size if np.isfinite(size) and size > 0 else 5.0
    scale = p.model_u * size * np.sqrt(np.mean(signature**2, axis=0))
    inverse = np.linalg.inv(cov + np.diag(scale**2))
    weighted = signature @ inverse
    precision = np.einsum("ij,ij->i", weighted, signature)
    prior = 1.0 / (p.size_u * size) ** 2
    flow = np.maximum((weighted @ d + prior * size) / (precision + prior), 0.0)
    misfit = d @ inverse @ d - 2 * flow * (weighted @ d) + flow**2 * precision + prior * (flow - size) ** 2
    logp = -0.5 * p.temper * (misfit - misfit.min())
    posterior = np.exp(logp)
    return posterior / posterior.sum(), flow


def _pipes(posterior: Floats, nodes: Sequence[str], network: Network, p: Params) -> tuple[Location, float]:
    """(pipes by probability, metres of pipe that hold 90 % of it); a node's probability goes to its pipes by their length."""
    weight: dict[str, float] = {}
    for node, probability in zip(nodes, posterior, strict=True):
        around = [(name, length) for name, _, length in network.neighbours.get(node, ()) if name in network.pipes]
        total = sum(length for _, length in around)
        for name, length in around:
            weight[name] = weight.get(name, 0.0) + probability * (length / total if total > 0 else 1.0 / len(around))
    ranked = sorted(weight.items(), key=lambda item: (-item[1], item[0]))
    held, metres = 0.0, 0.0
    for name, probability in ranked:
        if held >= 0.9:
            break
        held, metres = held + probability, metres + network.ends[name][2]
    return tuple((n, float(w)) for n, w in ranked[: p.most_pipes] if w >= p.least_share), metres
