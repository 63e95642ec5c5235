"""Is it alive, is it ready, and what do its counters say."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.context import Ctx, as_json
from api.security.rights import Caller, needs
from core.errors import MjosaError

router = APIRouter(tags=["health"])
Public = Annotated[Caller, Depends(needs("public"))]


@router.get("/health")
@router.get("/api/v1/health")
def health(who: Public) -> Response:
    """200 as long as the process answers."""
    return as_json({"status": "ok"})


@router.get("/ready")
@router.get("/api/v1/ready")
def ready(ctx: Ctx, who: Public) -> Response:
    """200 when store and registry answer, else 503 with which one does not."""
    parts = {"registry": ctx.services.registry.town_revision, "store": ctx.services.store.size}
    failed = {}
    for name, ask in parts.items():
        try:
            ask()
        except MjosaError as error:
            failed[name] = type(error).__name__
    return as_json({"status": "not ready" if failed else "ready", "failed": failed}, 503 if failed else 200)


@router.get("/api/v1/status")
def status(ctx: Ctx, who: Annotated[Caller, Depends(needs("see"))]) -> Response:
    """What ingest, the network and the store say about themselves."""
    return as_json({**ctx.status(), "live_pages": ctx.services.hub.clients})


@router.get("/metrics")
def metrics(who: Annotated[Caller, Depends(needs("see"))]) -> Response:
    """Prometheus text; scrape it with an API key."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
