"""One route per page, and the static files."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from starlette.staticfiles import StaticFiles

from api.context import Ctx
from api.pages import shell
from api.problems import Problem
from api.security.rights import needs

router = APIRouter(include_in_schema=False)
PAGES = {
    "/": ("operations", "see"),
    "/sensor/{key}": ("sensor", "see"),
    "/zone/{key}": ("zone", "see"),
    "/overflows": ("overflows", "see"),
    "/sustainability": ("sustainability", "see"),
    "/administration": ("administration", "administer"),
}
"""Path → (page module, right)."""


def _serve(name: str, right: str) -> Any:
    """A page's route is public so that it can send people to sign in; it then checks the page's own right."""
    check = needs(right)

    def serve(request: Request, ctx: Ctx, key: str = "") -> Response:
        try:
            who = check(request)
        except Problem as refused:
            if refused.status == 401:
                return RedirectResponse(f"/sign-in?to={quote(request.url.path)}", 303)
            raise
        lang = shell.language(request, who, ctx.services.settings.language)
        return shell.page(name, who, lang, ctx.town.utility.name, key)

    return serve


for _path, (_name, _right) in PAGES.items():
    router.add_api_route(_path, _serve(_name, _right), methods=["GET"], dependencies=[Depends(needs("public"))], name=_name)


class Kept(StaticFiles):
    """Static files under /static/{version}/…, kept by browsers for a year since a change changes the address."""

    def get_path(self, scope: Any) -> str:
        path = super().get_path(scope)
        _, _, rest = path.replace("\\", "/").partition("/")
        return rest or path

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def static() -> StaticFiles:
    return Kept(directory=shell.STATIC)
