"""For this installation's own commands: the store of a running server, so that one process keeps the DuckDB file."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool

from api.context import Ctx, require
from api.security.rights import Caller, needs

router = APIRouter(prefix="/api", include_in_schema=False)


@router.post("/store")
async def store(request: Request, ctx: Ctx, who: Annotated[Caller, Depends(needs("machine"))]) -> Response:
    """core.stores.remote's protocol; errors of the store travel inside the answer."""
    handler = require(ctx.services.store_handler, "The store")
    answer = await run_in_threadpool(handler, await request.body())
    return Response(answer, media_type="application/octet-stream")
