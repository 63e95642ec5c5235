"""Errors over HTTP: RFC 9457 problem+json with a sentence that says what to do. No stack trace ever leaves."""

from __future__ import annotations

import traceback
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from core.errors import ConfigError, Conflict, MjosaError, NetworkServerError, NotFound, StoreRejected, StoreUnavailable

log = structlog.get_logger(__name__)
STATUS: dict[type[MjosaError], tuple[int, str]] = {
    NotFound: (404, "Not found"),
    Conflict: (409, "Conflict"),
    StoreUnavailable: (503, "The store does not answer"),
    StoreRejected: (422, "Refused by the store"),
    NetworkServerError: (502, "The network server refused"),
    ConfigError: (422, "Not valid"),
    MjosaError: (400, "Could not be done"),
}
TITLES = {400: "Bad request", 401: "Sign in first", 403: "Not allowed", 404: "Not found", 405: "Method not allowed",
          406: "Not acceptable", 413: "Too large", 422: "Not valid", 429: "Too many requests", 503: "Not available now"}  # fmt: skip


class Problem(Exception):
    """An answer other than success: HTTP status and one sentence for whoever reads it."""

    def __init__(self, status: int, detail: str, *, headers: dict[str, str] | None = None, **more: Any) -> None:
        self.status, self.detail, self.headers, self.more = status, detail, headers, more
        super().__init__(detail)


def problem(status: int, detail: str, *, title: str = "", headers: dict[str, str] | None = None, **more: Any) -> Response:
    """One problem+json answer."""
    body = {"type": "about:blank", "title": title or TITLES.get(status, "Error"), "status": status, "detail": detail, **more}
    return Response(orjson.dumps(body, default=str), status, media_type="application/problem+json", headers=headers)


def install(app: FastAPI) -> None:
    """Answer every kind of failure as a problem."""

    @app.exception_handler(Problem)
    def ours(request: Request, error: Problem) -> Response:
        return problem(error.status, error.detail, headers=error.headers, **error.more)

    @app.exception_handler(MjosaError)
    def ours_too(request: Request, error: MjosaError) -> Response:
        return known(error)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        mistakes = [{"where": ".".join(map(str, e["loc"])), "what": e["msg"].removeprefix("Value error, ")} for e in error.errors()]
        told = "; ".join(f"{m['where']}: {m['what']}" for m in mistakes[:5])
        return problem(422, f"Correct this and send again: {told}", errors=mistakes)

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> Response:
        detail = {404: f"There is nothing at {request.url.path}; /api/v1/openapi.json lists what there is",
                  405: f"{request.method} is not possible here"}.get(error.status_code, str(error.detail))  # fmt: skip
        return problem(error.status_code, detail, headers=dict(error.headers or {}))


def known(error: MjosaError) -> Response:
    """One of our own errors, with the sentence it carries."""
    status, title = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    return problem(status, str(error), title=title, headers={"Retry-After": "5"} if status == 503 else None)


def unexpected(path: str, error: Exception) -> Response:
    """What nobody foresaw: the trace goes to the log, one sentence to the caller."""
    if isinstance(error, MjosaError):
        return known(error)
    log.error("request_failed", path=path, trace="".join(traceback.format_exception(error)))
    return problem(500, "Something went wrong here; it is in the server's log. Try again.", title="Internal error")
