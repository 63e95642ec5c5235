"""The town as SensorThings entities. No household's meter is among them, so none can be asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from api.answers import iso_times
from api.context import Context
from api.now import shown
from core.model import Flag, Series
from core.points import read_points
from core.quantities import QUANTITIES
from core.store import Coverage
from core.timekeeping import iso
from core.town import Sensor

TYPE = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
NAVIGATION: dict[str, dict[str, str]] = {
    "Things": {"Locations": "Locations", "Datastreams": "Datastreams"},
    "Locations": {"Things": "Things"},
    "Datastreams": {"Thing": "Things", "Sensor": "Sensors", "ObservedProperty": "ObservedProperties", "Observations": "Observations"},
    "Sensors": {"Datastreams": "Datastreams"},
    "ObservedProperties": {"Datastreams": "Datastreams"},
    "Observations": {"Datastream": "Datastreams", "FeatureOfInterest": "FeaturesOfInterest"},
    "FeaturesOfInterest": {"Observations": "Observations"},
}
"""Entity set → {navigation property: entity set it leads to}."""


class Entities:
    """Everything but observations as lists of plain entities with their relations, for one request."""

    def __init__(self, ctx: Context, base: str) -> None:
        self.ctx, self.base = ctx, base
        self.sensors = {s.id: s for s in shown(ctx.town, ctx.now())}

    def all(self, kind: str) -> Iterator[dict[str, Any]]:
        """Without observations, which are read with a window (`observations`)."""
        return {
            "Things": self._things, "Locations": self._locations, "Datastreams": self._datastreams, "Sensors": self._devices,
            "ObservedProperties": self._properties, "FeaturesOfInterest": self._features,
        }[kind]()  # fmt: skip

    def related(self, kind: str, key: str, target: str) -> Iterator[dict[str, Any]]:
        """Entities of set `target` that belong to the entity (`kind`, `key`)."""
        keys = self._keys(kind, key)
        for entity in self.all(target):
            if self._keys(target, entity["@iot.id"]) & keys or (target == kind and entity["@iot.id"] == key):
                yield entity

    def streams(self, kind: str, key: str) -> list[str]:
        """Datastream ids that belong to an entity."""
        return sorted(self._keys(kind, key))

    def _keys(self, kind: str, key: str) -> set[str]:
        """Datastream ids behind an entity: what relates everything to everything."""
        if kind == "Datastreams":
            return {key} if self.stream(key) else set()
        if kind == "Observations":
            return self._keys("Datastreams", key.rpartition("@")[0])
        chosen: dict[str, Callable[[Sensor, str], bool]] = {
            "Things": lambda s, q: s.id == key, "Locations": lambda s, q: f"at-{s.id}" == key,
            "Sensors": lambda s, q: (s.model or "unknown") == key, "ObservedProperties": lambda s, q: q == key,
            "FeaturesOfInterest": lambda s, q: f"foi-{s.id}" == key,
        }  # fmt: skip
        belongs = chosen[kind]
        return {f"{s.id}:{q}" for s in self.sensors.values() for q in s.quantities if q in QUANTITIES and belongs(s, q)}

    def stream(self, key: str) -> tuple[Sensor, str] | None:
        sensor, _, quantity = key.rpartition(":")
        found = self.sensors.get(sensor)
        return (found, quantity) if found and quantity in found.quantities and quantity in QUANTITIES else None

    def _things(self) -> Iterator[dict[str, Any]]:
        for s in self.sensors.values():
            asset = self.ctx.town.asset_of(s)
            yield self._entity("Things", s.id, {
                "name": s.name or s.id, "description": asset.name if asset and asset.name else s.id,
                "properties": {"zone": self.ctx.town.zone_of(s), "asset": s.asset, "kind": asset.kind if asset else "other"}})  # fmt: skip

    def _locations(self) -> Iterator[dict[str, Any]]:
        for s in self.sensors.values():
            yield self._entity("Locations", f"at-{s.id}", {"name": s.name or s.id, "description": "Where the sensor sits",
                               "encodingType": "application/geo+json", "location": self._point(s)})  # fmt: skip

    def _datastreams(self) -> Iterator[dict[str, Any]]:
        covered = self.ctx.remembered("coverage", 60.0, lambda: {(c.sensor, c.quantity): c for c in self.ctx.services.store.coverage()})
        for s in self.sensors.values():
            for q in (q for q in s.quantities if q in QUANTITIES):
                known, quantity = covered.get((s.dev_eui, q)), QUANTITIES[q]
                body = {"name": f"{s.name or s.id}: {quantity.en}", "description": quantity.nb, "observationType": TYPE,
                        "unitOfMeasurement": {"name": quantity.unit or quantity.en, "symbol": quantity.unit,
                                              "definition": _ucum(quantity.unit)},
                        "properties": {"quantity": q}}  # fmt: skip
                yield self._entity("Datastreams", f"{s.id}:{q}", {**body, **_spanned(known)})

    def _devices(self) -> Iterator[dict[str, Any]]:
        for model in sorted({s.model or "unknown" for s in self.sensors.values()}):
            yield self._entity(
                "Sensors", model, {"name": model, "description": "Sensor product", "encodingType": "text/plain", "metadata": model}
            )

    def _properties(self) -> Iterator[dict[str, Any]]:
        for q in sorted({q for s in self.sensors.values() for q in s.quantities if q in QUANTITIES}):
            yield self._entity("ObservedProperties", q, {"name": QUANTITIES[q].en, "description": QUANTITIES[q].nb,
                               "definition": f"urn:mjosa:quantity:{q}"})  # fmt: skip

    def _features(self) -> Iterator[dict[str, Any]]:
        for s in self.sensors.values():
            yield self._entity("FeaturesOfInterest", f"foi-{s.id}", {"name": s.name or s.id, "description": "What the sensor sits on",
                               "encodingType": "application/geo+json", "feature": self._point(s)})  # fmt: skip

    def observations(self, keys: list[str], since: float, until: float) -> Iterator[tuple[str, Series]]:
        """(datastream id, its series) in order of the ids."""
        for key in keys:
            sensor, quantity = self.stream(key) or (None, "")
            if sensor is not None:
                yield key, read_points(self.ctx.services.store, self.ctx.town, [sensor], quantity, since, until)[sensor.id]

    def observation_rows(self, key: str, series: Series) -> list[dict[str, Any]]:
        rows = []
        for t, moment, x, flag in zip(series.t.tolist(), iso_times(series.t), series.x.tolist(), series.flag.tolist(), strict=True):
            body = {"phenomenonTime": moment, "resultTime": moment, "result": x if math.isfinite(x) else None,
                    "resultQuality": {"flag": flag, "name": Flag(flag).name.lower()}}  # fmt: skip
            rows.append(self._entity("Observations", f"{key}@{round(t * 1000)}", body))
        return rows

    def _point(self, s: Sensor) -> dict[str, Any]:
        place = self.ctx.town.position_of(s)
        return {"type": "Point", "coordinates": [place[1], place[0]] if place else []}

    def _entity(self, kind: str, key: str, body: dict[str, Any]) -> dict[str, Any]:
        here = f"{self.base}/{kind}('{key}')"
        links = {f"{name}@iot.navigationLink": f"{here}/{name}" for name in NAVIGATION[kind]}
        return {"@iot.id": key, "@iot.selfLink": here, **body, **links}


def _spanned(known: Coverage | None) -> dict[str, str]:
    return {"phenomenonTime": f"{iso(known.first)}/{iso(known.last)}"} if known is not None and np.isfinite(known.first) else {}


def _ucum(unit: str) -> str:
    return f"https://ucum.org/ucum#{ {'m³/h': 'm3/h', 'm³': 'm3', '°C': 'Cel', 'µS/cm': 'uS/cm', '°': 'deg'}.get(unit, unit) }"
