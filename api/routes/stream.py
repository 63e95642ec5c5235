"""Server-sent events: live values and alarms. A page that was away (or whose server restarted) misses no alarm."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from api import present
from api.answers import json_bytes
from api.context import Context, Ctx
from api.now import alarms_by_sensor, main_quantity
from api.problems import Problem
from api.security.rights import Caller, needs
from core.model import Reading
from core.records import Alarm

router = APIRouter(prefix="/api/v1", tags=["stream"])
KEEP_ALIVE_S = 15.0
OVERLAP_S = 30.0
"""How far before the client's last message changed alarms are sent again, since two processes' clocks and commits may cross."""


@router.get("/stream", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}})
async def stream(request: Request, ctx: Ctx, who: Annotated[Caller, Depends(needs("see"))],
                 last_event_id: Annotated[str | None, Header()] = None, since: str | None = None) -> Response:  # fmt: skip
    """`event: alarm` is one alarm, whole; `event: readings` a list of newest states. Message ids are Unix seconds; a client that
    reconnects with Last-Event-ID (or starts with `since`) gets every open alarm and all that changed since, whether it has seen
    them or not (same id and revision: seen).
    """
    if ctx.services.hub.clients >= ctx.services.limits.stream_clients:
        raise Problem(503, "Too many live pages are open; close some or try again later", headers={"Retry-After": "10"})
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_messages(request, ctx, _seconds(last_event_id or since)), media_type="text/event-stream", headers=headers)


async def _messages(request: Request, ctx: Context, since: float | None) -> AsyncIterator[bytes]:
    subscriber = ctx.services.hub.subscribe()
    try:
        yield b"retry: 2000\n\n" + _message("hello", {"at": present.when(ctx.now())}, ctx.now())
        if since is not None:
            for alarm in await run_in_threadpool(missed, ctx, since - OVERLAP_S):
                yield _alarm(ctx, alarm)
        while not await request.is_disconnected():
            taken = await subscriber.take(KEEP_ALIVE_S)
            if not taken:
                yield b"event: beat\ndata: {}\n\n"
            readings = [r for kind, batch in taken if kind == "readings" for r in batch]
            if readings:
                yield _message("readings", await run_in_threadpool(states, ctx, readings), ctx.now())
            for kind, data in taken:
                if kind == "alarm":
                    yield _alarm(ctx, data)
                elif kind == "stop":
                    return
                elif kind != "readings":
                    yield _message(kind, data, ctx.now())
    finally:
        ctx.services.hub.unsubscribe(subscriber)


def missed(ctx: Context, since: float) -> list[Alarm]:
    """Every open alarm, and every other one that a person changed since: whatever the client has not seen is among them."""
    found = ctx.services.registry.alarms.find()
    still_open = ("open", "acknowledged", "in_progress")
    return sorted((a for a in found if a.state in still_open or a.updated_at >= since), key=lambda a: a.updated_at)


def states(ctx: Context, readings: Iterable[Reading]) -> list[dict[str, Any]]:
    """The state now of each sensor that the readings belong to, households' meters left out."""
    now, town = ctx.now(), ctx.town
    alarms = alarms_by_sensor(ctx.open_alarms(), now)
    found = {}
    for device in {r.sensor for r in readings}:
        sensor = town.sensor_at(device, now)
        if sensor is not None and not town.is_personal(sensor) and main_quantity(sensor):
            found[sensor.id] = {"sensor": sensor.id, **present.state(sensor, ctx.latest.of(device), alarms, now)}
    return list(found.values())


def _alarm(ctx: Context, alarm: Alarm) -> bytes:
    return _message("alarm", present.alarm(alarm, ctx.now()), ctx.now())


def _message(kind: str, data: Any, at: float) -> bytes:
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (f"{at:.3f}".encode(), kind.encode(), json_bytes(data))


def _seconds(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
