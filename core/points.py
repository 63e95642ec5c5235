"""Reading measuring points instead of devices: one continuous series across swapped devices."""

from collections.abc import Sequence

import numpy as np

from core.model import Series
from core.store import SeriesStore
from core.town import Sensor, Town


def read_points(store: SeriesStore, town: Town, sensors: Sequence[Sensor], quantity: str, start: float, end: float) -> dict[str, Series]:
    """Series by sensor id over [start, end), joined over every device the point has had, each within its own period."""
    placements = {s.id: town.placements[s.id] for s in sensors}
    devices = sorted({p.dev_eui for places in placements.values() for p in places})
    found = store.read(devices, quantity, start, end)
    return {point: _join(point, quantity, places, found) for point, places in placements.items()}


def _join(point: str, quantity: str, places: Sequence[Sensor], found: dict[str, Series]) -> Series:
    parts = []
    for place in places:
        series = found[place.dev_eui]
        inside = slice(*np.searchsorted(series.t, [place.valid_from, place.valid_to]))
        parts.append((series.t[inside], series.x[inside], series.flag[inside], series.uplink[inside]))
    return Series(point, quantity, *(np.concatenate(column) for column in zip(*parts, strict=True)))
