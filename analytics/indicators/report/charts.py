"""Drawings as SVG text: a sparkline with its interval, and the map of coverage. No text inside, so every font is the page's own."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from core.town import Town

CLASS_COLOURS = {1: "#1b7f5c", 2: "#c98a12", 3: "#8a8f98"}
INK, GRID, BAND, SEWER = "#14364f", "#d8dee4", "#bcd4e6", "#7a5c3a"
SHADES = ((0.9, "#cfe8dc"), (0.5, "#f6e3b8"), (-1.0, "#e3e5e8"))
Place = tuple[float, float]
Point = tuple[float | None, float | None, float | None]
"""(value, lower, upper) of one month; None where there is none."""


def sparkline(points: Sequence[Point], width: float = 260.0, height: float = 40.0) -> str:
    """Values in order with their intervals as a band; a gap where a value is missing."""
    known = [v for p in points for v in p if v is not None]
    if not known:
        return _svg(width, height, f'<line x1="0" y1="{height / 2}" x2="{width}" y2="{height / 2}" stroke="{GRID}"/>')
    values = [v for v, _, _ in points if v is not None] or known
    middle, reach = (max(values) + min(values)) / 2, max(max(values) - min(values), 1e-9)
    low, high = max(min(known), middle - 2 * reach), min(max(known), middle + 2 * reach)
    span = high - low or max(abs(high), 1.0)

    def x(i: int) -> float:
        return 4 + (width - 8) * (i / max(len(points) - 1, 1))

    def y(v: float) -> float:
        return 4 + (height - 8) * (1 - (min(max(v, low), high) - low) / span)

    parts = [f'<line x1="0" y1="{height - 1}" x2="{width}" y2="{height - 1}" stroke="{GRID}"/>']
    for i, (v, a, b) in enumerate(points):
        if v is not None and a is not None and b is not None:
            parts.append(f'<line x1="{x(i):.1f}" y1="{y(a):.1f}" x2="{x(i):.1f}" y2="{y(b):.1f}" stroke="{BAND}" stroke-width="5"/>')
    for run in _runs(points):
        path = " ".join(f"{x(i):.1f},{y(v):.1f}" for i, v in run)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{INK}" stroke-width="1.6"/>')
        parts += [f'<circle cx="{x(i):.1f}" cy="{y(v):.1f}" r="1.9" fill="{INK}"/>' for i, v in run]
    return _svg(width, height, "".join(parts))


def _runs(points: Sequence[Point]) -> list[list[tuple[int, float]]]:
    runs: list[list[tuple[int, float]]] = [[]]
    for i, (v, _, _) in enumerate(points):
        if v is None:
            runs.append([])
        else:
            runs[-1].append((i, v))
    return [r for r in runs if r]


def coverage_map(town: Town, completeness: Mapping[str, float], width: float = 420.0) -> str:
    """Zone outlines shaded by completeness (0–1), sensors but for household meters, base stations."""
    drawn = [s for s in town.current.values() if not town.is_personal(s) and _kind(town, s.asset) != "meter_point"]
    dots = [p for s in drawn if (p := town.position_of(s)) is not None]
    masts = [(b.latitude, b.longitude) for b in town.base_stations]
    outlines = [(z.id, z.polygon) for z in town.zones if z.kind != "town" and len(z.polygon) > 2]
    sewers = {z.id for z in town.zones if z.kind == "sewer"}
    places = [*dots, *masts, *(p for _, polygon in outlines for p in polygon)]
    if not places:
        return _svg(width, 40, "")
    to, height = _projection(places, width)
    parts = []
    for zone, polygon in outlines:
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(to, polygon))
        if zone in sewers:
            parts.append(f'<polygon points="{points}" fill="none" stroke="{SEWER}" stroke-width="1" stroke-dasharray="5 3"/>')
            continue
        shade = next(colour for low, colour in SHADES if completeness.get(zone, -0.5) > low)
        parts.append(f'<polygon points="{points}" fill="{shade}" fill-opacity="0.65" stroke="{INK}" stroke-width="0.7"/>')
    parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.1" fill="{INK}"/>' for x, y in map(to, dots)]
    parts += [f'<rect x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7" fill="#b3372f"/>' for x, y in map(to, masts)]
    return _svg(width, height, "".join(parts))


def _kind(town: Town, asset: str | None) -> str:
    found = town.asset_by_id.get(asset or "")
    return found.kind if found else ""


def _projection(places: Sequence[Place], width: float) -> tuple[Callable[[Place], Place], float]:
    """Plate carrée, true to scale at the middle latitude: a town is small."""
    lats, lons = [p[0] for p in places], [p[1] for p in places]
    squeeze = math.cos(math.radians(sum(lats) / len(lats)))
    across, up = max((max(lons) - min(lons)) * squeeze, 1e-6), max(max(lats) - min(lats), 1e-6)
    scale = min((width - 16) / across, 1.1 * width / up)

    def to(place: Place) -> Place:
        return 8 + (place[1] - min(lons)) * squeeze * scale, 8 + (max(lats) - place[0]) * scale

    return to, up * scale + 16


def _svg(width: float, height: float, inside: str) -> str:
    size = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{inside}</svg>'
