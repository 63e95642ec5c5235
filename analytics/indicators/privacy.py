"""Which cells may be published: no figure may tell what fewer than five households use, alone or by subtraction.

Rules (P): a cell of household meters needs at least K households and none with over half of its volume; two published cells may
not differ by fewer than K households, in one publication or against an earlier one of the same period; what is left of a published
whole when its published parts are subtracted has at least K households too (else the smallest part is held back as well).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from analytics.indicators.entry import Indicator
from analytics.indicators.scope import scopes
from core.model import IndicatorValue
from core.town import Town

K = 5
DOMINANT = 0.5
"""A household with more than this share of a volume dominates it."""
PERSONAL_INPUTS = frozenset({
    "metered_use_m3", "authorised_use_m3", "household_use_m3", "real_losses_m3", "real_losses_m3_d", "sanitary_volume_m3",
    "live_smart_meters",
})  # fmt: skip
Cell = frozenset[str]


def is_personal(indicator: Indicator) -> bool:
    """True where household meters are behind the figure."""
    return bool(PERSONAL_INPUTS & set(indicator.inputs.values()))


def household_cells(town: Town, start: float, end: float) -> dict[str, Cell]:
    """The household meter points in service in a period, of every zone with all below it and of the whole town."""
    homes: dict[str | None, set[str]] = {}
    for sensor in town.current.values():
        if town.is_personal(sensor) and any(p.valid_from < end and p.valid_to > start for p in town.placements[sensor.id]):
            homes.setdefault(town.zone_of(sensor), set()).add(sensor.id)
    return {s.id: frozenset().union(*(ids for zone, ids in homes.items() if s.has(zone))) for s in scopes(town, "all")}


def dominated(values: Sequence[IndicatorValue]) -> set[str]:
    """Zones where one household has over half of the measured household volume."""
    return {v.zone for v in values for i in v.lineage.get("inputs", {}).values() if i.get("dominated")}


def publishable(cells: Mapping[str, Cell], held_back: Collection[str] = (), earlier: Sequence[Cell] = ()) -> set[str]:
    """The zones whose cells may be published together. `earlier` are cells already out for the same period."""
    free = {zone for zone, cell in cells.items() if not cell}
    accepted: dict[str, Cell] = {}
    for zone in sorted(set(cells) - free, key=lambda z: (-len(cells[z]), z)):
        cell = cells[zone]
        near = any(_tells_too_much(cell, other) for other in (*accepted.values(), *earlier))
        if len(cell) >= K and zone not in held_back and not near:
            accepted[zone] = cell
    for zone in sorted(accepted, key=lambda z: (-len(cells[z]), z)):
        _protect_rest(zone, accepted, earlier)
    return free | set(accepted)


def _tells_too_much(a: Cell, b: Cell) -> bool:
    """One holds the other, and what lies between is a few households."""
    return (a <= b or b <= a) and 0 < len(a ^ b) < K


def _protect_rest(zone: str, accepted: dict[str, Cell], earlier: Sequence[Cell]) -> None:
    """Hold back the smallest parts of an accepted cell until the rest is large enough; the cell itself where parts are already out."""
    while zone in accepted:
        whole = accepted[zone]
        parts = {z: c for z, c in accepted.items() if c < whole}
        rest = whole.difference(*parts.values(), *(c for c in earlier if c < whole))
        if not 0 < len(rest) < K:
            return
        removed = min(parts, key=lambda z: (len(parts[z]), z), default=zone)
        del accepted[removed]
