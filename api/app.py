"""`create_app(services)`: the whole HTTP side of Mjøsa as one ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.util import find_spec

import structlog
from fastapi import APIRouter, FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from itsdangerous import URLSafeTimedSerializer
from starlette.middleware.gzip import GZipMiddleware

from api import openapi, problems
from api.context import Context
from api.network import Radio
from api.notify.channels import web_channels
from api.notify.outbox import Notifier
from api.now import Latest
from api.pages import routes as pages
from api.routes import (
    admin,
    alarms,
    detail,
    findings,
    health,
    machine,
    overflows,
    overview,
    publication,
    readings,
    stream,
    town,
    work,
    zones,
)
from api.security import guards, oidc, sessions, signin
from api.security.rights import right_of
from api.services import Services, base_url
from api.sta import routes as sta
from core.errors import MjosaError

log = structlog.get_logger(__name__)
FULL_TURNS = 30
"""Turns between looks at the whole store where a pipeline in this process tells of its readings itself."""
ROUTERS: tuple[APIRouter, ...] = (
    town.router, zones.router, readings.router, detail.router, findings.router, overflows.router, alarms.router, publication.router,
    overview.router, stream.router, work.router, admin.router, health.router, machine.router, openapi.router, sta.router,
    signin.router, oidc.router, pages.router,
)  # fmt: skip


def create_app(services: Services) -> FastAPI:
    """Deny by default: a route that names no right stops the start with RuntimeError."""
    settings = services.settings
    secret = sessions.session_secret(settings.session_secret.get_secret_value() if settings.session_secret else None, settings.data_dir)
    known = sessions.Sessions(services.registry, secret, services.clock, machine_token=services.store_token)
    app = FastAPI(title="Mjøsa", version="1", docs_url=None, redoc_url=None, openapi_url=None, lifespan=_lifespan,
                  description="What a town's water sensors say: readings, events, alarms and indicators.")  # fmt: skip
    app.state.context = Context(services, Latest(services.store), known, Radio(services.log, services.clock))
    app.state.oidc, app.state.oidc_signer = services.oidc, URLSafeTimedSerializer(secret, salt="mjosa-oidc")
    app.state.notifier = Notifier(services.registry, {**web_channels(), **services.channels}, services.clock, base_url(settings))
    app.state.sign_ins = guards.Buckets(services.limits.sign_ins_per_minute / 60.0, services.limits.sign_ins_per_minute, services.clock)
    problems.install(app)
    routers = [*ROUTERS, *_field()]
    for router in routers:
        _check_rights(router)
        app.include_router(router)
    openapi.describe(app, routers)
    app.mount("/static", pages.static())
    _wrap(app, services, known)
    return app


def _field() -> list[APIRouter]:
    """The phone pages, where they are part of this installation: `api.field.router`."""
    return [import_module("api.field").router] if find_spec("api.field") else []


def _check_rights(router: APIRouter) -> None:
    for route in router.routes:
        if isinstance(route, APIRoute) and right_of(route) is None:
            raise RuntimeError(f"{route.path}: the route names no right; add Depends(needs(…))")


def _wrap(app: FastAPI, services: Services, known: sessions.Sessions) -> None:
    """Outermost last: headers, who asks, how often, how much, compression."""
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=1)
    app.add_middleware(guards.BodyLimit, limits=services.limits)
    app.add_middleware(guards.RateLimit, limits=services.limits, clock=services.clock)
    app.add_middleware(sessions.Identify, sessions=known)
    app.add_middleware(guards.Headers)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    context: Context = app.state.context
    context.services.hub.listen(context.latest.update)
    await run_in_threadpool(_try, context.latest.load)
    watching = asyncio.create_task(_watch(context))
    app.state.notifier.start()
    yield
    context.services.hub.note("stop", {})
    watching.cancel()
    await run_in_threadpool(app.state.notifier.stop)


def _try(work: Callable[[], object]) -> None:
    """Run it; a store that is away is only worth a line in the log, since the next turn asks again."""
    try:
        work()
    except MjosaError as error:
        log.warning("watch_failed", error=str(error))


async def _watch(context: Context) -> None:
    """What another process raised or stored reaches the live pages too."""
    seen: dict[str, int] = {}
    while True:
        await run_in_threadpool(_try, lambda: _look(context, seen))
        await asyncio.sleep(context.services.poll_s)


def _look(context: Context, seen: dict[str, int]) -> None:
    """One turn. The first only learns what there is: a page that opens reads that itself."""
    first = not seen
    for alarm in context.services.registry.alarms.find(limit=1000):
        if seen.get(alarm.id) != alarm.revision:
            seen[alarm.id] = alarm.revision
            if not first:
                context.publish(alarm)
    seen.setdefault("", 0)
    context.radio.look()
    due = not context.services.hub.pushed or seen[""] % FULL_TURNS == 0
    if due and (news := context.latest.load()):
        context.services.hub.polled(news)
    seen[""] += 1
