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
from starlette.middleware.gzip import GZipMiddleware

from api import problems
from api.context import Context
from api.now import Latest
from api.pages import routes as pages
from api.routes import alarms, findings, health, overview, readings, stream, town
from api.security import guards, sessions, signin
from api.security.rights import right_of
from api.services import Services
from core.errors import MjosaError
from core.records import Alarm

log = structlog.get_logger(__name__)
ROUTERS: tuple[APIRouter, ...] = (
    town.router, readings.router, findings.router, alarms.router, overview.router, stream.router, health.router, signin.router,
    pages.router,
)  # fmt: skip


def create_app(services: Services) -> FastAPI:
    """Deny by default: a route that names no right stops the start with RuntimeError."""
    settings = services.settings
    secret = sessions.session_secret(settings.session_secret.get_secret_value() if settings.session_secret else None, settings.data_dir)
    known = sessions.Sessions(services.registry, secret, services.clock, machine_token=services.store_token)
    app = FastAPI(title="Mjøsa", version="1", docs_url=None, redoc_url=None, openapi_url=None, lifespan=_lifespan,
                  description="What a town's water sensors say: readings, events, alarms and indicators.")  # fmt: skip
    app.state.context = Context(services, Latest(services.store), known)
    app.state.oidc = None
    app.state.sign_ins = guards.Buckets(services.limits.sign_ins_per_minute / 60.0, services.limits.sign_ins_per_minute, services.clock)
    problems.install(app)
    for router in (*ROUTERS, *_field()):
        _check_rights(router)
        app.include_router(router)
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
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=4)
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
    yield
    context.services.hub.note("stop", {})
    watching.cancel()


def _try(work: Callable[[], object]) -> None:
    """Run it; a store that is away is only worth a line in the log, since the next turn asks again."""
    try:
        work()
    except MjosaError as error:
        log.warning("watch_failed", error=str(error))


async def _watch(context: Context) -> None:
    """What another process raised or stored reaches the live pages too."""
    seen: dict[str, int] = {}
    first = True
    while True:
        for alarm in await run_in_threadpool(_alarms, context):
            if seen.get(alarm.id) != alarm.revision:
                seen[alarm.id] = alarm.revision
                if not first:
                    context.services.hub.alarm(alarm)
        first = False
        await asyncio.sleep(context.services.poll_s)
        if not context.services.hub.pushed:
            await run_in_threadpool(_try, lambda: _poll(context))


def _alarms(context: Context) -> list[Alarm]:
    try:
        return list(context.services.registry.alarms.find(limit=500))
    except MjosaError as error:
        log.warning("watch_failed", error=str(error))
        return []


def _poll(context: Context) -> None:
    if news := context.latest.load():
        context.services.hub.polled(news)
