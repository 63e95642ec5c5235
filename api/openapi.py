"""The OpenAPI description: what FastAPI knows, with problems instead of its own errors, how to sign in, and examples."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi

from analytics.indicators.formats import FORMATS
from api.answers import json_bytes, tagged
from api.security.rights import RIGHTS, Caller, needs, right_of

router = APIRouter(include_in_schema=False)
PROBLEM = {
    "type": "object", "required": ["title", "status", "detail"],
    "properties": {"type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"}},
    "example": {"type": "about:blank", "title": "Not found", "status": 404,
                "detail": "There is no sensor 'PT-99'; /api/v1/sensors lists them"},
}  # fmt: skip
ALARM = {
    "id": "a7f3", "cause": "water:7f3", "kind": "burst", "severity": "critical", "state": "open", "zone": "sentrum", "asset": None,
    "sensors": ["PT-sentrum-1"], "events": ["7f3"], "started_at": "2026-05-07T08:33:20Z", "raised_at": "2026-05-07T08:38:20Z",
    "updated_at": "2026-05-07T08:38:20Z", "ended_at": None, "score": 8.2, "assignee": None, "acknowledged_at": None,
    "shelved_until": None, "feedback": None, "comments": [], "revision": 1,
}  # fmt: skip
STATE = {
    "sensor": "OV-1", "state": "ok", "quantity": "level_m", "value": 0.21, "unit": "m", "flag": 1, "measured_at": "2026-05-07T10:30:00Z",
    "heard_at": "2026-05-07T10:30:00Z",
}  # fmt: skip
MEDIA: dict[str, tuple[str, ...]] = {
    "GET /catalog": ("text/turtle", "application/ld+json"),
    "GET /ngsi-ld/v1/entities": ("application/ld+json",),
    "GET /metrics": ("text/plain",),
    "GET /api/v1/exports/{key}": tuple(sorted({f.media_type for f in FORMATS.values()})),
}
"""What an operation answers with when it is not JSON."""
SCHEMES = {"key": {"type": "http", "scheme": "bearer"}, "session": {"type": "apiKey", "in": "cookie", "name": "mjosa_session"}}
EXAMPLES: dict[str, Any] = {
    "GET /api/v1/alarms": {"items": [ALARM]},
    "GET /api/v1/alarms/{key}": {**ALARM, "found": []},
    "POST /api/v1/alarms/{key}/acknowledge": {**ALARM, "state": "acknowledged", "revision": 2},
    "GET /api/v1/latest": {"at": "2026-05-07T10:33:20Z", "items": [{**STATE, "readings": []}]},
    "GET /api/v1/zones": {"items": [{"id": "sentrum", "name": "Sentrum", "kind": "dma", "parent": None, "population": 2000,
                                     "households": 900, "connections": 640, "mains_km": 20.0, "polygon": [[60.79, 10.68]]}]},
    "GET /api/v1/sensors": {"items": [{"id": "OV-1", "name": "Strandgata overløp", "dev_eui": "0000000000000011", "zone": "avlop-syd",
                                       "kind": "overflow_chamber", "quantities": ["level_m"], "main": "level_m"}],
                            "next": None, "total": 1},
    "GET /api/v1/events": {"items": [{"id": "7f3", "kind": "overflow", "start": "2026-05-07T07:00:00Z", "end": "2026-05-07T08:30:00Z",
                                      "sensors": ["OV-4"], "score": 0.95, "threshold": 0.6, "volume_m3": 42.0, "revision": 1}]},
    "GET /api/v1/indicators": {"items": [{"indicator": "W01", "zone": "gjovik", "value": 28.4, "unit": "%", "lower": 25.6, "upper": 31.2,
                                          "quality_class": 2, "completeness": 0.96, "reason": None}]},
}  # fmt: skip


@router.get("/api/v1/openapi.json")
def description(request: Request, who: Annotated[Caller, Depends(needs("public"))]) -> Response:
    return tagged(request, json_bytes(request.app.openapi()), "application/json")


def describe(app: FastAPI, routers: list[APIRouter]) -> None:
    """Make `app.openapi()` tell each operation's right, its problems and an example."""
    rights = {(method, route.path): right_of(route) for router in routers for route in router.routes  # type: ignore[attr-defined]
              for method in getattr(route, "methods", ())}  # fmt: skip

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            schema.setdefault("components", {})["securitySchemes"] = SCHEMES
            schema["components"].setdefault("schemas", {})["Problem"] = PROBLEM
            for path, operations in schema["paths"].items():
                for method, operation in operations.items():
                    _finish(operation, f"{method.upper()} {path}", rights.get((method.upper(), path)))
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _finish(operation: dict[str, Any], name: str, right: str | None) -> None:
    responses = operation["responses"]
    responses.pop("422", None)
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    responses["default"] = {"description": "A problem, with what to do about it", "content": {"application/problem+json": problem}}
    if right and right != "public":
        operation["security"] = [{"key": []}, {"session": []}]
        operation["description"] = f"{operation.get('description', '')}\n\nRoles: {', '.join(sorted(RIGHTS[right]))}.".strip()
    if name in MEDIA:
        responses["200"]["content"] = {media: {} for media in MEDIA[name]}
    if name in EXAMPLES:
        good = next(code for code in responses if code.startswith("2"))
        responses[good].setdefault("content", {}).setdefault("application/json", {})["example"] = EXAMPLES[name]
