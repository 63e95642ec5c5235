"""From store and town to the arrays a detector sees."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from analytics.detector import Arrays, Budget, Detector, Site, Track
from analytics.zone_flow import is_inlet
from core.points import read_points
from core.store import SeriesStore
from core.town import Sensor, Town

MOST_PEERS = 8
_ZONE_NUMBERS = ("population", "households", "connections", "mains_km", "private_pipe_km")


@dataclass
class Gatherer:
    """Reads each series once per window and hands it to every detector that wants it; `forget` between places keeps memory flat."""

    store: SeriesStore
    town: Town
    _kept: dict[tuple[str, str, float, float], Track] = field(default_factory=dict)
    _surroundings: dict[tuple[str, str, float, float], Track] = field(default_factory=dict)

    def places(self, detector: Detector) -> list[tuple[str, tuple[Sensor, ...]]]:
        """(place, its sensors) a detector can run on: those where every input is measured."""
        wanted = {q for group in detector.inputs for q in group.split("|")} | set(detector.optional)
        able = [s for s in self.town.current.values() if wanted & set(measured(s)) and self._on_kind(s, detector)]
        groups: dict[str, list[Sensor]] = {}
        for sensor in able:
            place = self._place(sensor, detector)
            if place is not None:
                groups.setdefault(place, []).append(sensor)
        return [(place, tuple(sensors)) for place, sensors in groups.items() if _has_inputs(detector, sensors)]

    def arrays(self, detector: Detector, place: str, sensors: Sequence[Sensor], start: float, end: float, budget: Budget) -> Arrays:
        read_from = max(start - detector.memory_s, -math.inf)
        quantities = [q for group in detector.inputs for q in group.split("|")] + list(detector.optional)
        tracks = tuple(self._tracks(sensors, quantities, read_from, end))
        around = [s for s in self.town.current.values() if set(measured(s)) & set(detector.context)]
        context = tuple(self._tracks(around, detector.context, read_from, end, keep=True)) if detector.context else ()
        if detector.tail_water and tracks:
            context += tuple(self._tracks(self._below(tracks[0].site.asset), detector.tail_water, read_from, end))
        if detector.scope == "zone":
            context += tuple(self._tracks(self._outlets(place), [q for q in quantities if q in ("flow_m3h", "volume_m3")], read_from, end))
        peers = tuple(self._tracks(self._peers(place), detector.peers, read_from, end)) if detector.peers else ()
        zone = self.town.zone_by_id.get(place if detector.scope == "zone" else (tracks[0].site.zone or "") if tracks else "")
        numbers = {n: float(v) for n in _ZONE_NUMBERS if zone is not None and (v := getattr(zone, n)) is not None}
        return Arrays(place, tracks, start, end, context, peers, {**numbers, **(zone.master if zone else {})}, budget)

    def forget(self) -> None:
        self._kept.clear()

    def _tracks(
        self, sensors: Sequence[Sensor], quantities: Sequence[str], start: float, end: float, keep: bool = False
    ) -> Iterator[Track]:
        kept = self._surroundings if keep else self._kept
        for quantity in dict.fromkeys(quantities):
            those = [s for s in sensors if quantity in measured(s)]
            new = [s for s in those if (s.id, quantity, start, end) not in kept]
            for sensor, track in zip(new, self._read(new, quantity, start, end), strict=True):
                kept[(sensor.id, quantity, start, end)] = track
            yield from (track for s in those if len(track := kept[(s.id, quantity, start, end)]))

    def _read(self, sensors: Sequence[Sensor], quantity: str, start: float, end: float) -> Iterator[Track]:
        direct = read_points(self.store, self.town, sensors, quantity, start, end)
        for sensor in sensors:
            series, x = direct[sensor.id], direct[sensor.id].usable()
            if quantity == "level_m" and not len(series) and "distance_m" in sensor.quantities and sensor.reference_m is not None:
                series = read_points(self.store, self.town, [sensor], "distance_m", start, end)[sensor.id]
                x = sensor.reference_m - series.usable()
            x.flags.writeable = False
            yield Track(quantity, series.t, x, site_of(self.town, sensor))

    def _peers(self, zone: str) -> list[Sensor]:
        """Flow meters at the inlets of other zones, one per zone, at most MOST_PEERS of them in the order of the town."""
        found: dict[str, Sensor] = {}
        for sensor in (*self.town.sensors_with("flow_m3h"), *self.town.sensors_with("volume_m3")):
            other = self.town.zone_of(sensor)
            if other is not None and other != zone and other not in found and is_inlet(site_of(self.town, sensor)):
                found[other] = sensor
        return list(found.values())[:MOST_PEERS]

    def _below(self, asset: str | None) -> list[Sensor]:
        """Sensors in the tail-water of an overflow: on an asset that says `tail_water_of`, or is named after it with -ut (utløp)."""
        if asset is None:
            return []
        tails = {a.id for a in self.town.assets if (a.model_extra or {}).get("tail_water_of") == asset or a.id == f"{asset}-ut"}
        return [s for s in self.town.current.values() if s.asset in tails]

    def _outlets(self, zone: str) -> list[Sensor]:
        """Meters at the inlets of the zones that this one feeds: their water only passes through."""
        fed = {
            z.id
            for z in self.town.zones
            if z.parent == zone
            and z.kind in ("dma", "pressure")
            and zone in self.town.zone_by_id
            and self.town.zone_by_id[zone].kind != "town"
        }
        return [s for s in self.town.current.values() if self.town.zone_of(s) in fed and is_inlet(site_of(self.town, s))]

    def _place(self, sensor: Sensor, detector: Detector) -> str | None:
        match detector.scope:
            case "series":
                return sensor.id
            case "asset":
                return sensor.asset or sensor.id
            case "zone":
                return self.town.zone_of(sensor) or self.town.utility.id
            case _:
                return self.town.utility.id

    def _on_kind(self, sensor: Sensor, detector: Detector) -> bool:
        asset = self.town.asset_of(sensor)
        return not detector.asset_kinds or asset is None or asset.kind in detector.asset_kinds


def measured(sensor: Sensor) -> tuple[str, ...]:
    """A sensor's quantities; a distance with a reference is also a level."""
    if "distance_m" in sensor.quantities and sensor.reference_m is not None and "level_m" not in sensor.quantities:
        return (*sensor.quantities, "level_m")
    return sensor.quantities


def _has_inputs(detector: Detector, sensors: Sequence[Sensor]) -> bool:
    there = {q for s in sensors for q in measured(s)}
    return all(there & set(group.split("|")) for group in detector.inputs)


def site_of(town: Town, sensor: Sensor) -> Site:
    """What the town knows of the place a sensor sits."""
    asset = town.asset_of(sensor)
    return Site(
        sensor=sensor.id,
        asset=sensor.asset,
        asset_kind=asset.kind if asset else None,
        zone=town.zone_of(sensor),
        downstream=asset.downstream if asset else None,
        model_element=asset.model_element if asset else None,
        crest_m=town.crest_of(sensor),
        weir=town.weir_of(sensor),
        diameter_m=asset.diameter_m if asset else None,
        depth_m=asset.depth_m if asset else None,
        interval_s=sensor.interval_s,
        position=town.position_of(sensor),
        household=bool(asset and asset.household),
    )


def finite_share(track: Track) -> float:
    """Share of samples that are usable."""
    return float(np.isfinite(track.x).mean()) if len(track) else 0.0
