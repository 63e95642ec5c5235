"""A timeline of truth and findings as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from analytics.evaluate import happenings
from analytics.folder import DataFolder
from core.model import Event
from core.timekeeping import iso

WIDTH, ROW, LEFT = 1000, 26, 150


def timeline(folder: DataFolder, events: Sequence[Event]) -> str:
    """One row per kind: what was true above (green), what was found below (orange)."""
    true = happenings(folder.truth or {})
    kinds = list(dict.fromkeys([*(h.kind for h in true), *(e.kind for e in events)]))
    span = folder.end - folder.start
    parts = []
    for row, kind in enumerate(kinds):
        y = 30 + row * ROW
        parts.append(
            f'<text x="4" y="{y + 14}">{escape(kind)}</text><line x1="{LEFT}" y1="{y + 20}" x2="{WIDTH}" y2="{y + 20}" stroke="#ddd"/>'
        )
        parts += [_bar(h.start, h.end, y, "#2a7d46", folder, span, kind) for h in true if h.kind == kind]
        parts += [
            _bar(e.start, folder.end if e.end is None else e.end, y + 9, "#d9822b", folder, span, e.id) for e in events if e.kind == kind
        ]
    height = 40 + len(kinds) * ROW
    title = f"{iso(round(folder.start))} – {iso(round(folder.end))}: true (green) and found (orange)"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">'
        f'<rect width="{WIDTH}" height="{height}" fill="white"/><text x="4" y="16">{escape(title)}</text>{"".join(parts)}</svg>\n'
    )


def _bar(start: float, end: float, y: float, colour: str, folder: DataFolder, span: float, label: str) -> str:
    a, b = (max(0.0, min(1.0, (t - folder.start) / span)) for t in (start, end))
    x, width = LEFT + a * (WIDTH - LEFT), max(1.5, (b - a) * (WIDTH - LEFT))
    return f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="8" fill="{colour}"><title>{escape(label)}</title></rect>'
