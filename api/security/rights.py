"""The rights table. A route names one right; a right that no role of the caller gives is denied; a route that names none is not served."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request

from api.problems import Problem
from core.records import Role

EVERYBODY = frozenset(Role)
RIGHTS: dict[str, frozenset[Role]] = {
    "public": frozenset(),
    "see": EVERYBODY,
    "work": frozenset({Role.OPERATOR, Role.FIELD, Role.ADMIN}),
    "plan": frozenset({Role.OPERATOR, Role.ADMIN}),
    "register": frozenset({Role.FIELD, Role.OPERATOR, Role.ADMIN}),
    "export": frozenset({Role.OPERATOR, Role.REPORTER, Role.ADMIN}),
    "enter": frozenset({Role.REPORTER, Role.ADMIN}),
    "mend": frozenset({Role.OPERATOR, Role.ADMIN}),
    "read_meters": frozenset({Role.METER_READER}),
    "administer": frozenset({Role.ADMIN}),
    "machine": frozenset(),
}
"""Right → roles that give it. `public` asks for nothing; `machine` is the token of this installation's own commands.

`read_meters` (household readings) comes with no other role, not even admin: it must be granted on purpose.
"""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Caller:
    """Who asks. `means` is session, key, machine or none; `csrf` is the token a session must repeat in X-CSRF-Token."""

    name: str = ""
    roles: frozenset[str] = frozenset()
    means: str = "none"
    csrf: str = ""
    address: str = ""
    language: str = "nb"
    rights: frozenset[str] = field(default=frozenset())

    def may(self, right: str) -> bool:
        if right == "public":
            return True
        if right == "machine":
            return self.means == "machine"
        return bool(RIGHTS[right] & self.roles)


def caller(request: Request) -> Caller:
    """The caller that the identifying middleware found."""
    found: Caller = request.scope.get("caller") or Caller()
    return found


def needs(right: str) -> Callable[[Request], Caller]:
    """A dependency that lets a caller with the right through. Raises KeyError for a right that is not in the table."""
    RIGHTS[right]

    def check(request: Request) -> Caller:
        who = caller(request)
        if right != "public" and who.means == "none":
            raise Problem(401, "Sign in, or send an API key as 'Authorization: Bearer …'", headers={"WWW-Authenticate": "Bearer"})
        if not who.may(right):
            roles = ", ".join(sorted(RIGHTS[right])) or "none"
            raise Problem(403, f"This needs one of the roles: {roles}. Ask an administrator")
        if who.means == "session" and request.method not in SAFE and request.headers.get("x-csrf-token") != who.csrf:
            raise Problem(403, "The page is too old: load it again and retry (X-CSRF-Token is missing or wrong)")
        return who

    check.right = right  # type: ignore[attr-defined]
    return check


def right_of(route: Any) -> str | None:
    """The right a route names in its dependencies; None where it names none."""
    for dependency in route.dependant.dependencies:
        found = getattr(dependency.call, "right", None) or right_of_dependant(dependency)
        if found:
            return str(found)
    return None


def right_of_dependant(dependant: Any) -> str | None:
    for inner in dependant.dependencies:
        if right := getattr(inner.call, "right", None):
            return str(right)
    return None
