"""Marks in the registry: here the past has changed. Whoever writes old readings leaves one, the analyst removes it once worked on."""

from __future__ import annotations

import uuid

from core.registry import Registry

LATE = "late:"
"""How the keys of the marks begin."""


def mark(registry: Registry, start: float, end: float) -> None:
    """Readings in [start, end) (Unix s) are new or different."""
    registry.documents.put(f"{LATE}{uuid.uuid4().hex}", {"start": start, "end": end})
