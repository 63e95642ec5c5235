"""Users, keys, master data, audit log and outbox: for administrators (master data also for reporters)."""

from __future__ import annotations

import re
import secrets
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field, SecretStr

from api import present
from api.context import Ctx, as_json, moment
from api.notify.outbox import DOCUMENT, Notifier
from api.notify.rules import Recipient, Schedule
from api.problems import Problem
from api.security.audit import note
from api.security.rights import Caller, needs
from api.security.sessions import hash_password, new_key
from core.records import ApiKey, MasterValue, OutboxMessage, Role, User

router = APIRouter(prefix="/api/v1/admin", tags=["administration"])
Admin = Annotated[Caller, Depends(needs("administer"))]
Enter = Annotated[Caller, Depends(needs("enter"))]
NAME = re.compile(r"[\w.@+-]{1,100}")
FAR = 4e12


class NewUser(BaseModel):
    """A person. Without a password, sign-in is by OIDC or a one-time link."""

    roles: list[Role] = Field(max_length=10, examples=[["operator"]])
    password: SecretStr | None = Field(None, min_length=12, max_length=200)
    email: str | None = Field(None, max_length=200, pattern=r"^[^@\s]+@[^@\s]+$")
    language: Literal["nb", "en"] = "nb"
    disabled: bool = False


@router.get("/users")
def users(ctx: Ctx, who: Admin) -> Response:
    return as_json({"items": [_shown(u) for u in ctx.services.registry.users.all()]})


@router.put("/users/{name}")
def put_user(name: str, new: NewUser, ctx: Ctx, who: Admin) -> Response:
    """Add or change; a changed password, role or `disabled` ends the user's sessions."""
    if not NAME.fullmatch(name):
        raise Problem(422, "name: letters, digits and . @ + - _ only, at most 100")
    old = ctx.services.registry.users.get(name)
    if name == who.name and (new.disabled or Role.ADMIN not in new.roles):
        raise Problem(409, "You cannot take your own administrator role away; let another administrator do it")
    hashed = hash_password(new.password.get_secret_value()) if new.password else (old.password_hash if old else None)
    user = User(name, frozenset(r.value for r in new.roles), hashed, new.email, new.language, new.disabled)
    ctx.services.registry.users.put(user)
    if old is not None and (old.roles, old.password_hash, old.disabled) != (user.roles, user.password_hash, user.disabled):
        ctx.sessions.end_all(name)
    ctx.sessions.forget()
    note(ctx.services, who, "user.put", name, roles=sorted(user.roles), disabled=user.disabled, password_changed=new.password is not None)
    return as_json(_shown(user))


@router.delete("/users/{name}", status_code=204)
def remove_user(name: str, ctx: Ctx, who: Admin) -> Response:
    if name == who.name:
        raise Problem(409, "You cannot remove yourself; let another administrator do it")
    ctx.services.registry.users.remove(name)
    ctx.sessions.forget()
    note(ctx.services, who, "user.remove", name)
    return Response(status_code=204)


class NewKey(BaseModel):
    """A key for a program, with the fewest roles it needs."""

    name: str = Field(min_length=1, max_length=100, examples=["Grafana"])
    roles: list[Role] = Field(min_length=1, max_length=5, examples=[["reporter"]])
    days: float = Field(365, gt=0, le=3650, description="Until it expires")


@router.get("/keys")
def keys(ctx: Ctx, who: Admin) -> Response:
    return as_json({"items": [_shown_key(k) for k in ctx.services.registry.keys.all()]})


@router.post("/keys", status_code=201)
def make_key(new: NewKey, ctx: Ctx, who: Admin) -> Response:
    """The answer's `key` is shown this once and kept nowhere. Household readings need their own role, given by one who has it."""
    if Role.METER_READER in new.roles and not who.may("read_meters"):
        raise Problem(403, "Only a meter_reader can give a key that role")
    text, prefix, digest = new_key()
    key = ApiKey(
        secrets.token_hex(8), prefix, digest, frozenset(r.value for r in new.roles), new.name, ctx.now() + new.days * 86_400.0, who.name
    )
    ctx.services.registry.keys.put(key)
    note(ctx.services, who, "key.make", key.id, name=key.name, roles=sorted(key.roles))
    return as_json({**_shown_key(key), "key": text}, 201)


@router.delete("/keys/{key}", status_code=204)
def revoke(key: str, ctx: Ctx, who: Admin) -> Response:
    ctx.services.registry.keys.revoke(key)
    ctx.sessions.forget()
    note(ctx.services, who, "key.revoke", key)
    return Response(status_code=204)


class Figure(BaseModel):
    """One entered figure and where it is from."""

    name: str = Field(min_length=1, max_length=100, examples=["mains_km"])
    zone: str = Field(min_length=1, max_length=100)
    value: float = Field(allow_inf_nan=False)
    valid_from: str = Field(max_length=40, examples=["2026-01-01T00:00:00Z"])
    valid_to: str | None = Field(None, max_length=40)
    source: str = Field(min_length=3, max_length=500, examples=["VA-gjeld 2026, table 3"])
    relative_u: float | None = Field(None, ge=0, le=1)


@router.get("/master")
def master(ctx: Ctx, who: Enter) -> Response:
    """Every entered figure, the newest entry of each last."""
    return as_json({"items": [_shown_master(v) for v in ctx.services.registry.master.all()]})


@router.post("/master", status_code=201)
def enter(figure: Figure, ctx: Ctx, who: Enter) -> Response:
    town = ctx.town
    if figure.zone not in town.zone_by_id and figure.zone != town.utility.id:
        raise Problem(422, f"zone: there is no zone '{figure.zone}'")
    value = MasterValue(figure.name, figure.zone, figure.value, moment(figure.valid_from, 0.0, "valid_from"),
                        moment(figure.valid_to, FAR, "valid_to"), figure.source, ctx.now(), who.name, figure.relative_u)  # fmt: skip
    if not value.valid_from < value.valid_to:
        raise Problem(422, "valid_to: must be later than valid_from")
    ctx.services.registry.master.put(value)
    note(ctx.services, who, "master.enter", f"{figure.zone}/{figure.name}", value=figure.value)
    return as_json(_shown_master(value), 201)


@router.get("/audit")
def audit(ctx: Ctx, who: Admin, actor: str | None = None, action: str | None = None,
          limit: Annotated[int, Query(ge=1, le=5000)] = 200) -> Response:  # fmt: skip
    """Who changed what, and who read household data, newest first."""
    found = ctx.services.registry.audit.find(actor=actor, action=action, limit=limit)
    return as_json({"items": [
        {"at": present.when(e.at), "actor": e.actor, "action": e.action, "subject": e.subject, "details": dict(e.details),
         "personal": e.personal, "address": e.address} for e in found]})  # fmt: skip


@router.get("/outbox")
def outbox(ctx: Ctx, who: Admin, waiting: bool = False, limit: Annotated[int, Query(ge=1, le=2000)] = 200) -> Response:
    """Notifications: sent, waiting, and why the last attempt failed."""
    found = ctx.services.registry.outbox.find(sent=False if waiting else None, limit=limit)
    return as_json({"items": [
        {"id": m.id, "channel": m.channel, "target": _masked(m.target), "subject": m.subject, "created_at": present.when(m.created_at),
         "sent_at": present.when(m.sent_at), "attempts": m.attempts, "not_before": present.when(m.not_before), "error": m.error}
        for m in found]})  # fmt: skip


@router.get("/notifications")
def notifications(request: Request, ctx: Ctx, who: Admin) -> Response:
    """The schedule: who is told of what, when."""
    notifier: Notifier = request.app.state.notifier
    return as_json({**notifier.schedule().model_dump(mode="json"), "channels": sorted(notifier.channels)})


@router.put("/notifications")
def schedule(request: Request, new: Schedule, ctx: Ctx, who: Admin) -> Response:
    """Replace the whole schedule."""
    notifier: Notifier = request.app.state.notifier
    unknown = {r.channel for r in new.recipients} - set(notifier.channels)
    if unknown:
        raise Problem(422, f"There is no channel {', '.join(sorted(unknown))}; there are {', '.join(sorted(notifier.channels))}")
    ctx.services.registry.documents.put(DOCUMENT, new.model_dump(mode="json"))
    note(ctx.services, who, "notifications.put", "schedule", recipients=len(new.recipients))
    return as_json(new.model_dump(mode="json"))


@router.post("/notifications/test", status_code=202)
def try_out(request: Request, new: Recipient, ctx: Ctx, who: Admin) -> Response:
    """Put one message to a recipient into the outbox; look there for how it went."""
    if new.channel not in request.app.state.notifier.channels:
        raise Problem(422, f"There is no channel '{new.channel}'; there are {', '.join(sorted(request.app.state.notifier.channels))}")
    words = {"nb": ("Prøve fra Mjøsa", "Varsling til denne mottakeren virker."), "en": ("Test from Mjøsa", "Notification works.")}[
        new.language
    ]
    key = secrets.token_hex(16)
    ctx.services.registry.outbox.put(OutboxMessage(key, new.channel, new.target, *words, ctx.now(), ctx.now()))
    note(ctx.services, who, "notifications.test", new.channel)
    return as_json({"id": key}, 202)


@router.get("/models")
def models(ctx: Ctx, who: Admin) -> Response:
    """Every sensor product that can be read."""
    library = ctx.services.models
    found = [library.get(key) for key in sorted(library.keys())] if library is not None else []
    return as_json({"items": [{"key": m.key, "vendor": m.vendor, "product": m.product, "version": m.version, "measures": m.measures}
                              for m in found if m is not None]})  # fmt: skip


def _shown(user: User) -> dict[str, Any]:
    return {"name": user.name, "roles": sorted(user.roles), "email": user.email, "language": user.language, "disabled": user.disabled,
            "has_password": user.password_hash is not None}  # fmt: skip


def _shown_key(key: ApiKey) -> dict[str, Any]:
    return {"id": key.id, "name": key.name, "prefix": key.prefix, "roles": sorted(key.roles), "expires_at": present.when(key.expires_at),
            "created_by": key.created_by, "last_used_at": present.when(key.last_used_at), "revoked": key.revoked}  # fmt: skip


def _shown_master(v: MasterValue) -> dict[str, Any]:
    return {
        "name": v.name, "zone": v.zone, "value": v.value, "relative_u": v.relative_u, "valid_from": present.when(v.valid_from),
        "valid_to": present.when(v.valid_to), "source": v.source, "entered_at": present.when(v.entered_at), "author": v.author,
    }  # fmt: skip


def _masked(target: str) -> str:
    """Webhook addresses carry their secret in the path: shown up to the host."""
    if "://" not in target:
        return target
    scheme, _, rest = target.partition("://")
    return f"{scheme}://{rest.partition('/')[0].rpartition('@')[2]}/…"
