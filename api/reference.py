"""The tables of docs/api.md, made from the application itself: `python -m api.reference` writes them."""

from __future__ import annotations

from pathlib import Path

from fastapi.routing import APIRoute

from api.app import ROUTERS
from api.notify.channels import SHAPES
from api.security.rights import RIGHTS, right_of

PAGE = Path(__file__).parent.parent / "docs" / "api.md"


def routes() -> str:
    """Every documented route: method, path, roles, what it does."""
    rows = ["| | path | roles | |", "|---|---|---|---|"]
    for route in (r for router in ROUTERS for r in router.routes):
        if isinstance(route, APIRoute) and route.include_in_schema:
            right = right_of(route) or ""
            roles = "everybody" if right == "public" else "all" if right == "see" else ", ".join(sorted(RIGHTS[right]))
            said = (route.description or "").split("\n\n")[0].replace("\n", " ").split(". ")[0].rstrip(".")
            rows += [f"| {m} | `{route.path}` | {roles} | {said} |" for m in sorted(route.methods or ())]
    return "\n".join(rows)


def rights() -> str:
    """Right → roles."""
    rows = ["| right | roles that give it |", "|---|---|"]
    names = {"public": "everybody, without signing in", "machine": "this installation's own commands"}
    return "\n".join([*rows, *(f"| {right} | {names.get(right) or ', '.join(sorted(roles))} |" for right, roles in RIGHTS.items())])


def channels() -> str:
    """Channel → what it sends."""
    rows = ["| channel | target | |", "|---|---|---|", "| email | an address | by the SMTP server of the settings |"]
    return "\n".join([*rows, *(f"| {name} | an https address | {(shape.__doc__ or '').split('.')[0]} |" for name, shape in SHAPES.items())])


def filled(text: str) -> str:
    """The page with every table between its marks made anew."""
    for name, make in (("routes", routes), ("rights", rights), ("channels", channels)):
        head, _, rest = text.partition(f"<!-- {name} -->\n")
        _, _, tail = rest.partition(f"<!-- /{name} -->")
        text = f"{head}<!-- {name} -->\n{make()}\n<!-- /{name} -->{tail}"
    return text


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text("utf-8")), "utf-8")
