"""The sign-in page's routes: one-time link, name and password, sign-out."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.context import Context, Ctx
from api.pages.shell import sign_in_page
from api.problems import Problem
from api.security import sessions
from api.security.audit import note
from api.security.guards import Buckets
from api.security.rights import Caller, needs
from core.records import User

router = APIRouter(tags=["sign-in"], include_in_schema=False)
Public = Annotated[Caller, Depends(needs("public"))]


@router.get("/sign-in")
def page(request: Request, ctx: Ctx, who: Public) -> Response:
    return sign_in_page(ctx.services.settings.language, oidc=request.app.state.oidc is not None)


@router.get("/sign-in/once")
def once(request: Request, ctx: Ctx, who: Public, token: str = "") -> Response:
    """The link that was printed at start; it works once."""
    _slowly(request, who)
    user = sessions.use_link(ctx.services.registry, ctx.services.clock, token)
    if user is None:
        return sign_in_page(ctx.services.settings.language, "link", 403, oidc=request.app.state.oidc is not None)
    return signed_in(request, ctx, user, who, "one-time link")


@router.post("/sign-in")
async def sign_in(request: Request, ctx: Ctx, who: Public) -> Response:
    """Form fields name and password."""
    _slowly(request, who)
    _same_origin(request)
    form = {k: v[0] for k, v in parse_qs((await request.body()).decode("utf-8", "replace")).items()}
    return _password(request, ctx, who, form.get("name", ""), form.get("password", ""))


def _password(request: Request, ctx: Context, who: Caller, name: str, password: str) -> Response:
    user = ctx.services.registry.users.get(name) if name else None
    matches = sessions.password_matches(user.password_hash if user else None, password)
    if user is None or user.disabled or not matches:
        note(ctx.services, who, "sign-in.refused", name[:100])
        return sign_in_page(ctx.services.settings.language, "password", 403, oidc=request.app.state.oidc is not None)
    return signed_in(request, ctx, user, who, "password")


@router.post("/sign-out")
def sign_out(ctx: Ctx, who: Annotated[Caller, Depends(needs("see"))]) -> Response:
    """Ends every session of the caller."""
    ctx.sessions.end_all(who.name)
    response = Response(status_code=204)
    response.delete_cookie(sessions.COOKIE)
    return response


def signed_in(request: Request, ctx: Context, user: User, who: Caller, how: str) -> HTMLResponse | RedirectResponse:
    """Send the user to the front page with a session."""
    note(ctx.services, Caller(user.name, address=who.address), "sign-in", user.name, how=how)
    response = RedirectResponse("/", 303)
    response.set_cookie(sessions.COOKIE, ctx.sessions.open(user), max_age=int(sessions.SESSION_S), httponly=True, samesite="lax",
                        secure=request.url.scheme == "https")  # fmt: skip
    return response


def _slowly(request: Request, who: Caller) -> None:
    buckets: Buckets = request.app.state.sign_ins
    if (wait := buckets.wait_s(who.address)) > 0:
        raise Problem(429, f"Too many attempts; wait {wait:.0f} s", headers={"Retry-After": str(int(wait) + 1)})


def _same_origin(request: Request) -> None:
    """A form posted from another site may not sign anybody in."""
    origin = request.headers.get("origin")
    if origin and origin != "null" and origin.split("//")[-1] != request.headers.get("host"):
        raise Problem(403, "Sign in from this site's own page")
