"""Which part of the town a figure is about: one zone with all below it, or the whole town."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.town import Asset, Sensor, Town

NETWORKS = {"dma": "water", "pressure": "water", "sewer": "sewer", "town": "all"}


@dataclass(frozen=True, slots=True)
class Scope:
    """A zone id (or the town's own) and the zones in it. The town also holds whatever has no zone."""

    id: str
    zones: frozenset[str]
    whole_town: bool = False

    def has(self, zone: str | None) -> bool:
        return self.whole_town or zone in self.zones


def town_zone(town: Town) -> str:
    """The zone id under which figures of the whole town are published: its zone of kind town, else the utility's id."""
    return next((z.id for z in town.zones if z.kind == "town"), town.utility.id)


def scopes(town: Town, network: str, zones: Sequence[str] | None = None) -> list[Scope]:
    """Every zone of a network ("all": of any), then the whole town. `zones` limits them to some ids."""
    found = [Scope(z.id, below(town, z.id)) for z in town.zones if z.kind != "town" and network in ("all", NETWORKS[z.kind])]
    found.append(Scope(town_zone(town), frozenset(town.zone_by_id), True))
    return [s for s in found if zones is None or s.id in zones]


def roots(town: Town, network: str) -> list[Scope]:
    """The zones of a network that lie in no other of it: together, and once each, the town."""
    found = {s.id: s for s in scopes(town, network) if not s.whole_town}
    return [s for s in found.values() if not any(s.id in other.zones for other in found.values() if other is not s)]


def below(town: Town, zone: str) -> frozenset[str]:
    inside, todo = {zone}, [zone]
    while todo:
        parent = todo.pop()
        for child in town.zones:
            if child.parent == parent and child.id not in inside:
                inside.add(child.id)
                todo.append(child.id)
    return frozenset(inside)


@dataclass(frozen=True, slots=True)
class Inlet:
    """A metered way for water into a zone, and the zone it leaves (None: the source)."""

    sensor: Sensor
    quantity: str
    into: str | None
    out_of: str | None

    def sign(self, scope: Scope) -> int:
        """1: flows into the scope, −1: out of it, 0: inside or elsewhere."""
        inside, from_inside = scope.has(self.into), self.out_of is not None and scope.has(self.out_of)
        return int(inside) - int(from_inside)


def inlets(town: Town) -> list[Inlet]:
    """One metered inlet per asset of kind zone_inlet; an asset of kind source is one where its zone has no zone_inlet.

    A transfer between zones is an inlet whose asset names the zone it takes water from, `from_zone: Z1` in town.yaml, or whose
    `downstream` asset lies in another zone (the water leaves the asset's zone and enters that one).
    """
    found = [_inlet(town, *pair) for pair in metered(town, ("zone_inlet",))]
    supplied = {i.into for i in found}
    sources = [_inlet(town, *pair) for pair in metered(town, ("source",))]
    return found + [s for s in sources if not found or (s.into is not None and not supplied & below(town, s.into))]


def metered(town: Town, kinds: Sequence[str], quantities: Sequence[str] = ("volume_m3", "flow_m3h")) -> list[tuple[Sensor, str]]:
    """One (sensor, quantity) for every asset of some kinds: the first quantity of the list that is measured there."""
    best: dict[str, tuple[int, Sensor, str]] = {}
    for sensor in town.current.values():
        asset = town.asset_of(sensor)
        if asset is None or asset.kind not in kinds:
            continue
        for rank, quantity in enumerate(quantities):
            if quantity in sensor.quantities and (asset.id not in best or rank < best[asset.id][0]):
                best[asset.id] = (rank, sensor, quantity)
    return [(sensor, quantity) for _, sensor, quantity in best.values()]


def _inlet(town: Town, sensor: Sensor, quantity: str) -> Inlet:
    asset = town.asset_of(sensor)
    zone = town.zone_of(sensor)
    below = town.asset_by_id.get(asset.downstream or "") if asset else None
    if below is not None and below.zone is not None and zone is not None and below.zone != zone and asset_extra(asset, "from_zone") is None:
        return Inlet(sensor, quantity, below.zone, zone)
    origin = asset_extra(asset, "from_zone")
    return Inlet(sensor, quantity, zone, str(origin) if origin is not None else None)


def asset_extra(asset: Asset | None, name: str) -> object:
    """A field of town.yaml that core.town does not know itself; None where it is absent."""
    return (asset.model_extra or {}).get(name) if asset is not None else None
