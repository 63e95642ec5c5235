"""Events that detectors found, and indicators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from analytics.indicators.release import suppressed
from api import present
from api.context import Ctx, as_json, moment
from api.routes.publication import released
from api.security.audit import note
from api.security.rights import Caller, needs

router = APIRouter(prefix="/api/v1")
See = Annotated[Caller, Depends(needs("see"))]
Limit = Annotated[int, Query(ge=1, le=10_000)]


@router.get("/events", tags=["events"])
def events(ctx: Ctx, who: See, start: str | None = None, end: str | None = None, zone: str | None = None, kind: str | None = None,
           sensor: str | None = None, open_only: bool = False, limit: Limit = 500) -> Response:  # fmt: skip
    """Events that overlap [start, end), newest first."""
    until = moment(end, ctx.now() + 1.0, "end")
    since = moment(start, 0.0, "start")
    found = ctx.services.registry.events.find(start=since, end=until, zone=zone, kind=kind, sensor=sensor, open_only=open_only, limit=limit)
    return as_json({"items": [present.event(e, ctx.town) for e in found]})


@router.get("/events/{key}", tags=["events"])
def event(key: str, ctx: Ctx, who: See) -> Response:
    """404 for an event that late data withdrew."""
    found, town = ctx.services.registry.events.get(key), ctx.town
    at_home = next((s for i in found.sensors if (s := town.current.get(i)) is not None and town.is_personal(s)), None)
    personal = at_home is not None and who.may("read_meters")
    if at_home is not None and personal:
        note(ctx.services, who, "event.read", at_home.id, personal=True)
    return as_json(present.event(found, town, personal=personal))


@router.get("/indicators", tags=["indicators"])
def indicators(ctx: Ctx, who: See, indicator: str | None = None, zone: str | None = None, start: str | None = None,
               end: str | None = None, history: bool = False) -> Response:  # fmt: skip
    """Published figures, each with interval, quality class and provenance shares; `history` adds superseded revisions."""
    until = moment(end, ctx.now() + 1.0, "end") if end else None
    found = ctx.services.registry.figures.find(indicator=indicator, zone=zone, start=moment(start, 0.0, "start") if start else None,
                                               end=until, history=history)  # fmt: skip
    held_back = released(ctx).held_back
    told = [suppressed(v) if (v.indicator, v.zone, v.start, v.end) in held_back else v for v in found]
    return as_json({"items": [present.figure(v) for v in told]})
