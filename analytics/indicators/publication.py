"""A release out of the registry, and the ledger of household cells that are already out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from analytics.indicators.privacy import Cell
from analytics.indicators.release import Release, release
from core.model import IndicatorValue
from core.town import Town

LEDGER = "published-household-cells"


class Documents(Protocol):
    """The part of core.registry's documents used here."""

    def get(self, key: str) -> dict[str, Any] | None: ...

    def put(self, key: str, body: Mapping[str, Any]) -> None: ...


def publish(documents: Documents, town: Town, values: Sequence[IndicatorValue], made_at: float, **about: str) -> Release:
    """Values as a release that is safe beside everything published before; what it publishes is entered in the ledger.

    `about`: base_url and contact.
    """
    earlier = read_ledger(documents)
    made = release(town, values, made_at, earlier=earlier, **about)
    _enter(documents, earlier, made)
    return made


def read_ledger(documents: Documents) -> dict[tuple[float, float], tuple[Cell, ...]]:
    """Household cells published so far, by period."""
    kept = documents.get(LEDGER) or {"cells": {}, "periods": {}}
    cells = {name: frozenset(ids) for name, ids in kept["cells"].items()}
    return {_period(key): tuple(cells[name] for name in names) for key, names in kept["periods"].items()}


def _enter(documents: Documents, earlier: Mapping[tuple[float, float], Sequence[Cell]], made: Release) -> None:
    """Each composition is kept once; periods name it by its digest."""
    periods = {p: set(c) for p, c in earlier.items()}
    for period, cells in made.cells.items():
        periods.setdefault(period, set()).update(cells)
    if all(set(earlier.get(p, ())) == c for p, c in periods.items()):
        return
    documents.put(LEDGER, {
        "cells": {_digest(c): sorted(c) for cells in periods.values() for c in cells},
        "periods": {f"{start:.0f} {end:.0f}": sorted(map(_digest, cells)) for (start, end), cells in periods.items()},
    })  # fmt: skip


def _digest(cell: Cell) -> str:
    return hashlib.sha256("\n".join(sorted(cell)).encode()).hexdigest()[:16]


def _period(key: str) -> tuple[float, float]:
    start, end = key.split()
    return float(start), float(end)
