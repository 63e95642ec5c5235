"""Planned work, dead letters and registration through the API (the phone pages have their own way in)."""

from __future__ import annotations

import secrets
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from api import present
from api.context import Ctx, as_json, moment, require
from api.problems import Problem
from api.security.audit import note
from api.security.rights import Caller, needs
from core.records import Maintenance
from core.timekeeping import unix
from core.town import Asset, Sensor
from gateway.entry import Entry, Keys

router = APIRouter(prefix="/api/v1")
See = Annotated[Caller, Depends(needs("see"))]
Plan = Annotated[Caller, Depends(needs("plan"))]
Mend = Annotated[Caller, Depends(needs("mend"))]
Register = Annotated[Caller, Depends(needs("register"))]
Name = Annotated[str, Field(min_length=1, max_length=100)]


class Work(BaseModel):
    """A known cause in [start, end): alarms inside it are not raised. No zones and no sensors: the whole town."""

    kind: str = Field(min_length=1, max_length=50, examples=["flushing"])
    start: str = Field(max_length=40, examples=["2026-06-01T08:00:00+02:00"])
    end: str = Field(max_length=40, examples=["2026-06-01T14:00:00+02:00"])
    zones: list[Name] = Field(default=[], max_length=200)
    sensors: list[Name] = Field(default=[], max_length=200)
    note: str = Field("", max_length=2000)


@router.get("/maintenance", tags=["maintenance"])
def maintenance(ctx: Ctx, who: See, start: str | None = None, end: str | None = None) -> Response:
    """Planned work that overlaps [start, end); the last 30 days and all that is to come by default."""
    found = ctx.services.registry.maintenance.find(moment(start, ctx.now() - 30 * 86_400.0, "start"), moment(end, 4e9, "end"))
    return as_json({"items": [present.maintenance(w) for w in found]})


@router.post("/maintenance", tags=["maintenance"], status_code=201)
def plan(work: Work, ctx: Ctx, who: Plan) -> Response:
    try:
        start, end = unix(work.start), unix(work.end)
    except (ValueError, OverflowError) as error:
        raise Problem(422, str(error)) from error
    if not start < end:
        raise Problem(422, "end: must be later than start")
    town = ctx.town
    unknown = [z for z in work.zones if z not in town.zone_by_id] + [s for s in work.sensors if s not in town.current]
    if unknown:
        raise Problem(422, f"There is no zone or sensor called {', '.join(unknown[:5])}")
    kept = Maintenance(secrets.token_hex(8), work.kind, start, end, tuple(work.zones), tuple(work.sensors), work.note, who.name)
    ctx.services.registry.maintenance.add(kept)
    note(ctx.services, who, "maintenance.add", kept.id, kind=kept.kind)
    return as_json(present.maintenance(kept), 201)


@router.delete("/maintenance/{key}", tags=["maintenance"], status_code=204)
def unplan(key: str, ctx: Ctx, who: Plan) -> Response:
    ctx.services.registry.maintenance.remove(key)
    note(ctx.services, who, "maintenance.remove", key)
    return Response(status_code=204)


@router.get("/dead-letters", tags=["dead letters"])
def dead_letters(ctx: Ctx, who: Mend) -> Response:
    """What could not be processed, by device and reason, the most recent first."""
    letters = require(ctx.services.dead_letters, "The list of dead letters")
    groups = [{**g._asdict(), "first_seen": present.when(g.first_seen), "last_seen": present.when(g.last_seen)} for g in letters.groups()]
    return as_json({"items": groups, "total": letters.count()})


class Again(BaseModel):
    """Which to try again; all when nothing is given."""

    dev_eui: str | None = Field(None, max_length=16)


@router.post("/dead-letters/replay", tags=["dead letters"])
def replay(ctx: Ctx, who: Mend, which: Again | None = None) -> Response:
    """Process the raw uplinks again, with the device models as they are now."""
    again = require(ctx.services.replay, "Replay")
    done = again(which.dev_eui if which else None)
    note(ctx.services, who, "dead_letters.replay", (which.dev_eui if which else None) or "all", **done)
    return as_json(done)


class NewSensor(BaseModel):
    """A sensor to register here and in the network server. `client_id` makes a repeated request harmless."""

    client_id: str = Field(min_length=8, max_length=100, examples=["5e0c8c1f-3d1e-4b6e"])
    sensor: dict[str, Any] = Field(
        examples=[{"id": "PT-12", "dev_eui": "70b3d5e75e000001", "model": "axioma_qalcosonic_w1", "asset": "A-1"}]
    )
    asset: dict[str, Any] | None = None
    app_key: str | None = Field(None, pattern=r"^[0-9a-fA-F]{32}$")
    nwk_key: str | None = Field(None, pattern=r"^[0-9a-fA-F]{32}$")


@router.post("/registrations", tags=["registration"], status_code=201)
def register(new: NewSensor, ctx: Ctx, who: Register) -> Response:
    """201 registered, 202 registered here and waiting for the network server."""
    registration = require(ctx.services.registration, "Registration")
    try:
        sensor = Sensor.model_validate(new.sensor)
        asset = Asset.model_validate(new.asset) if new.asset else None
    except ValueError as error:
        raise Problem(422, f"sensor: {_first_line(error)}") from error
    keys = Keys(new.app_key, new.nwk_key) if new.app_key else None
    outcome = registration.register(Entry(new.client_id, sensor, keys, asset), who.name)
    return as_json(asdict(outcome), 201 if outcome.status == "done" else 202)


@router.get("/registrations/waiting", tags=["registration"])
def waiting(ctx: Ctx, who: Register) -> Response:
    """What the network server has not been told yet."""
    return as_json({"items": require(ctx.services.registration, "Registration").waiting()})


class Move(BaseModel):
    client_id: str = Field(min_length=8, max_length=100)
    what: Literal["move", "swap", "retire"]
    asset: str | None = Field(None, max_length=100)
    dev_eui: str | None = Field(None, pattern=r"^[0-9a-fA-F]{16}$")
    at: str | None = Field(None, max_length=40, description="Now, when not given")


@router.post("/sensors/{key}/placement", tags=["registration"])
def placement(key: str, move: Move, ctx: Ctx, who: Register) -> Response:
    """Move to another asset, swap the device, or retire the point; history stays where it was measured."""
    registration = require(ctx.services.registration, "Registration")
    sensor, at = ctx.sensor(key), moment(move.at, ctx.now(), "at")
    if move.what == "move" and move.asset:
        outcome = registration.move(move.client_id, sensor.id, move.asset, at, who.name)
    elif move.what == "swap" and move.dev_eui:
        outcome = registration.swap(move.client_id, sensor.id, move.dev_eui.lower(), at, who.name)
    elif move.what == "retire":
        outcome = registration.retire(move.client_id, sensor.id, at, who.name)
    else:
        raise Problem(422, "move needs asset; swap needs dev_eui")
    return as_json(asdict(outcome))


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split("\n")[1:3]).strip() or str(error)
