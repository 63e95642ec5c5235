"""Alarms and the work on them: acknowledge, assign, comment, shelve, resolve, feedback."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from api import present
from api.context import Context, Ctx, as_json
from api.security.rights import Caller, needs
from core.errors import NotFound
from core.model import Event
from core.records import Alarm, AlarmState

router = APIRouter(prefix="/api/v1/alarms", tags=["alarms"])
See = Annotated[Caller, Depends(needs("see"))]
Work = Annotated[Caller, Depends(needs("work"))]
MONTH = 31 * 86_400.0


class Change(BaseModel):
    """A new state, with an optional word about why."""

    state: AlarmState = Field(examples=["in_progress"])
    comment: str | None = Field(None, max_length=2000, examples=["Crew on its way"])


class Words(BaseModel):
    text: str = Field(min_length=1, max_length=2000, examples=["Valve 12 was left open"])


class Person(BaseModel):
    assignee: str = Field(max_length=200, examples=["kari"])


class Shelf(BaseModel):
    """How long the alarm stays out of the list [s]; at most 31 days."""

    for_s: float = Field(gt=0, le=MONTH, examples=[3600])


class Verdict(BaseModel):
    """Was it real? What operators answer here is what detectors are judged by."""

    verdict: Literal["true", "false", "unknown"]


@router.get("")
def alarms(ctx: Ctx, who: See, state: AlarmState | None = None, open_only: bool = False, zone: str | None = None,
           kind: str | None = None, limit: Annotated[int, Query(ge=1, le=5000)] = 200) -> Response:  # fmt: skip
    """Newest first. `open_only` leaves out resolved and closed ones."""
    found = ctx.services.registry.alarms.find(state=state.value if state else None, open_only=open_only, zone=zone, kind=kind, limit=limit)
    return as_json({"items": [present.alarm(a, ctx.now()) for a in found]})


@router.get("/{key}")
def alarm(key: str, ctx: Ctx, who: See) -> Response:
    """One alarm with its events."""
    found = _get(ctx, key)
    events = [e for i in found.events if (e := _event(ctx, i)) is not None]
    return as_json({**present.alarm(found, ctx.now()), "found": [present.event(e, ctx.town) for e in events]})


@router.post("/{key}/acknowledge")
def acknowledge(key: str, ctx: Ctx, who: Work, words: Words | None = None) -> Response:
    """Somebody has seen it. An alarm already further along answers 409."""
    comment = words.text if words else None
    return _done(ctx, ctx.services.registry.alarms.change(_get(ctx, key).id, "acknowledged", who.name, ctx.now(), comment))


@router.post("/{key}/state")
def change(key: str, to: Change, ctx: Ctx, who: Work) -> Response:
    """acknowledged → in_progress → resolved → closed; a step that is not possible answers 409."""
    changed = ctx.services.registry.alarms.change(_get(ctx, key).id, to.state.value, who.name, ctx.now(), to.comment)
    return _done(ctx, changed)


@router.post("/{key}/comment")
def comment(key: str, words: Words, ctx: Ctx, who: Work) -> Response:
    return _done(ctx, ctx.services.registry.alarms.comment(_get(ctx, key).id, words.text, who.name, ctx.now()))


@router.post("/{key}/assign")
def assign(key: str, person: Person, ctx: Ctx, who: Work) -> Response:
    """Empty: nobody."""
    changed = ctx.services.registry.alarms.assign(_get(ctx, key).id, person.assignee or None, who.name, ctx.now())
    return _done(ctx, changed)


@router.post("/{key}/shelve")
def shelve(key: str, shelf: Shelf, ctx: Ctx, who: Work) -> Response:
    """Out of the list for a while; it comes back by itself."""
    return _done(ctx, ctx.services.registry.alarms.shelve(_get(ctx, key).id, ctx.now() + shelf.for_s, who.name, ctx.now()))


@router.post("/{key}/feedback")
def feedback(key: str, verdict: Verdict, ctx: Ctx, who: Work) -> Response:
    return _done(ctx, ctx.services.registry.alarms.feedback(_get(ctx, key).id, verdict.verdict, who.name, ctx.now()))


def _event(ctx: Context, key: str) -> Event | None:
    """None for an event that a later revision withdrew."""
    try:
        return ctx.services.registry.events.get(key)
    except NotFound:
        return None


def _get(ctx: Context, key: str) -> Alarm:
    return ctx.services.registry.alarms.get(key)


def _done(ctx: Context, changed: Alarm) -> Response:
    ctx.publish(changed)
    return as_json(present.alarm(changed, ctx.now()))
