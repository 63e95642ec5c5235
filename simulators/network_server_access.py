"""Who may call the stand-in: bearer tokens as ChirpStack makes them (JWT HS256, `typ` key or user), and how it refuses."""

from __future__ import annotations

import functools
import math
import re
import sqlite3
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

import grpc
from chirpstack_api import api
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from simulators.network_server_registry import ServerRegistry

Method = TypeVar("Method", bound=Callable[..., Any])


class Refusal(Exception):
    """A gRPC status the caller gets instead of an answer."""

    def __init__(self, code: grpc.StatusCode, text: str) -> None:
        self.code, self.text = code, text
        super().__init__(text)


def refuse(code: str, text: str = "") -> NoReturn:
    raise Refusal(grpc.StatusCode[code], text)


def answers(method: Method) -> Method:
    """Turns refusals and database errors into ChirpStack's status codes; duplicates come back INTERNAL with the database's own text."""

    @functools.wraps(method)
    def answer(self: Any, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(self, request, context)
        except Refusal as refusal:
            context.abort(refusal.code, refusal.text)
        except sqlite3.IntegrityError as error:
            context.abort(grpc.StatusCode.INTERNAL, str(error))

    return answer  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class Caller:
    """`tenant` is None for an admin key or user."""

    tenant: str | None
    is_user: bool = False
    read_only: bool = False


class Access:
    """Makes and reads tokens, and decides who sees what."""

    def __init__(self, registry: ServerRegistry, secret: str, now: Callable[[], float]) -> None:
        self._registry, self._key, self._now = registry, OctKey.import_key(secret), now

    def create_key(self, name: str, tenant_id: str = "", read_only: bool = False) -> tuple[str, str]:
        """(id, token) of a new API key: an admin's where no tenant is given."""
        key = api.ApiKey(id=str(uuid.uuid4()), name=name, is_admin=not tenant_id, tenant_id=tenant_id, is_read_only=read_only)
        self._registry.insert("api_key", key.id, name, key.SerializeToString(), self._now())
        return key.id, self._token(key.id, "key")

    def user_token(self, user: str) -> str:
        return self._token(user, "user", exp=int(self._now()) + 86_400)

    def _token(self, subject: str, kind: str, **claims: int) -> str:
        return jwt.encode({"alg": "HS256"}, {"aud": "chirpstack", "iss": "chirpstack", "sub": subject, "typ": kind, **claims}, self._key)

    def caller(self, context: grpc.ServicerContext) -> Caller:
        header = dict(context.invocation_metadata()).get("authorization")
        if header is None:
            refuse("UNAUTHENTICATED", "no authorization provided")
        scheme, _, token = str(header).partition(" ")
        if scheme != "Bearer":
            refuse("UNAUTHENTICATED", "only Bearer authorization is supported")
        try:
            claims = jwt.decode(token, self._key, algorithms=["HS256"]).claims
        except (JoseError, ValueError):
            refuse("UNAUTHENTICATED", "InvalidToken")
        if claims.get("aud") != "chirpstack" or float(claims.get("exp", math.inf)) < self._now():
            refuse("UNAUTHENTICATED", "InvalidToken")
        if claims.get("typ") == "user":
            return Caller(None, is_user=True)
        row = self._registry.get("api_key", str(claims.get("sub")))
        if row is None:
            refuse("UNAUTHENTICATED")
        key = api.ApiKey.FromString(row.body)
        return Caller(None if key.is_admin else key.tenant_id, read_only=key.is_read_only)

    def to_tenant(self, context: grpc.ServicerContext, tenant_id: str, *, write: bool = False) -> None:
        """Lets an admin through, and a tenant key to its own tenant."""
        caller = self.caller(context)
        if (caller.tenant is not None and caller.tenant != tenant_id) or (write and caller.read_only):
            refuse("UNAUTHENTICATED")

    def to_row(self, context: grpc.ServicerContext, table: str, key: str, *, write: bool = False) -> None:
        """As `to_tenant` for the owner of a row; an unknown row is NOT_FOUND to an admin, UNAUTHENTICATED to a tenant key."""
        owner = self._registry.tenant_of(table, key)
        self.to_tenant(context, owner or "", write=write)
        if owner is None:
            refuse("NOT_FOUND", f"Object does not exist (id: {key})")

    def to_admin(self, context: grpc.ServicerContext, *, write: bool = False) -> None:
        caller = self.caller(context)
        if caller.tenant is not None or (write and caller.read_only):
            refuse("UNAUTHENTICATED")

    def to_user(self, context: grpc.ServicerContext) -> None:
        if not self.caller(context).is_user:
            refuse("UNAUTHENTICATED")


def checked_uuid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        refuse("INVALID_ARGUMENT", f"invalid length: expected length 32 for simple format, found {len(text)}")


def checked_hex(text: str, octets: int) -> str:
    """Lower-case hexadecimal of exactly so many octets."""
    if len(text) != 2 * octets:
        refuse("INTERNAL", "Invalid string length")
    wrong = re.search(r"[^0-9a-fA-F]", text)
    if wrong:
        refuse("INTERNAL", f"Invalid character {wrong.group()!r} at position {wrong.start()}")
    return text.lower()


def checked_name(message: Any) -> None:
    if not message.name:
        refuse("INVALID_ARGUMENT", "Validation error: name is not set")
    if len(message.name) > 100:
        refuse("INVALID_ARGUMENT", "Validation error: name exceeds max. length of 100 characters")


def present(request: Any, field: str) -> Any:
    """The sub-message of a request, which must be there."""
    if not request.HasField(field):
        refuse("INVALID_ARGUMENT", f"{field} is missing")
    return getattr(request, field)
