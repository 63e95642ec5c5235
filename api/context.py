"""What a route works with: the services, and the values held in memory beside them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

import orjson
from fastapi import Depends, Request, Response

from api.network import Radio
from api.now import Latest, shown
from api.problems import Problem
from api.security.sessions import Sessions
from api.services import Services
from core.records import Alarm
from core.timekeeping import unix
from core.town import Sensor, Town

MOST_KEPT = 2000
FRESH_S = 0.5
"""How old an answer about now may be: many pages ask at the same moment, and one answer serves them."""


@dataclass(frozen=True)
class Context:
    """One per application, in app.state."""

    services: Services
    latest: Latest
    sessions: Sessions
    radio: Radio
    kept: dict[str, tuple[float, Any]] = field(default_factory=dict)
    _locks: dict[str, threading.Lock] = field(default_factory=dict)

    @property
    def town(self) -> Town:
        return self.services.registry.town()

    def now(self) -> float:
        return self.services.clock()

    def remembered(self, key: str, for_s: float, find: Callable[[], Any]) -> Any:
        """What `find` told at most `for_s` ago: for what every page asks and that changes slowly. Asked by many at once, it runs once."""
        with self._locks.setdefault(key, threading.Lock()):
            now, known = self.now(), self.kept.get(key)
            if known is None or not 0.0 <= now - known[0] < for_s:
                if len(self.kept) > MOST_KEPT:
                    self.kept.clear()
                known = self.kept[key] = (now, find())
        return known[1]

    def shown(self) -> list[Sensor]:
        """Sensors in use now that belong to no household. Kept as long as the town is the same snapshot."""
        town = self.town
        known = self.kept.get("shown")
        if known is None or known[1][0] is not town or self.now() - known[0] > 60.0:
            known = self.kept["shown"] = (self.now(), (town, shown(town, self.now())))
        found: list[Sensor] = known[1][1]
        return found

    def open_alarms(self) -> list[Alarm]:
        """Not resolved or closed; at most half a second old, and never older than the last change made here."""
        found: list[Alarm] = self.remembered("alarms", 0.5, lambda: self.services.registry.alarms.find(open_only=True))
        return found

    def publish(self, alarm: Alarm) -> None:
        """An alarm changed here: tell the live pages."""
        for key in [k for k in self.kept if k == "alarms" or k.startswith("now:")]:
            self.kept.pop(key, None)
        self.services.hub.alarm(alarm)

    def status(self) -> dict[str, Any]:
        """What ingest says about itself, with the radio's and the store's own numbers."""
        size = self.remembered("size", 30.0, lambda: dict(self.services.store.size()))
        told = dict(self.services.status())
        heard = dict(told.get("base_stations", {}))
        for station, at in self.radio.heard.items():
            heard[station] = max(at, heard.get(station, 0.0))
        return {"uplinks_per_minute": self.radio.per_minute(), **size, **told, "base_stations": heard}

    def sensor(self, key: str) -> Sensor:
        """By sensor id or dev_eui. Raises a 404 that says so."""
        town = self.town
        found = town.current.get(key) or next(iter(reversed(town.by_device.get(key.lower(), ()))), None)
        if found is None:
            raise Problem(404, f"There is no sensor '{key}'; /api/v1/sensors lists them")
        return found


def context(request: Request) -> Context:
    found: Context = request.app.state.context
    return found


Ctx = Annotated[Context, Depends(context)]
OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


def as_json(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON where NaN is null."""
    return Response(orjson.dumps(data, default=_plain, option=OPTIONS), status, media_type="application/json", headers=headers)


def _plain(value: Any) -> Any:
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return list(value)
    return str(value)


def moment(text: str | None, otherwise: float, name: str = "time") -> float:
    """A query's time: ISO 8601 or Unix seconds. Raises a 422 naming the parameter."""
    if text is None or text == "":
        return otherwise
    try:
        try:
            return float(text) if float(text) == float(text) and abs(float(text)) < 1e11 else otherwise
        except ValueError:
            return unix(text.replace(" ", "+"))
    except (ValueError, OverflowError) as error:
        raise Problem(422, f"{name}: {error}") from error


def require(part: Any, what: str) -> Any:
    """A part of Services that this process may not have."""
    if part is None:
        raise Problem(503, f"{what} is not available in this process; ask the one started with 'mjosa up'")
    return part
