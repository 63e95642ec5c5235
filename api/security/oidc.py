"""Sign-in by the organisation's identity provider (OpenID Connect, authorisation code with PKCE): groups become roles."""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import httpx
import structlog
from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from itsdangerous import BadSignature, URLSafeTimedSerializer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from api.context import Ctx
from api.pages.shell import sign_in_page
from api.problems import Problem
from api.security.rights import Caller, needs
from api.security.signin import signed_in
from core.errors import ConfigError
from core.records import Role, User
from core.settings import Settings

with warnings.catch_warnings():
    from authlib.deprecate import AuthlibDeprecationWarning

    warnings.simplefilter("ignore", AuthlibDeprecationWarning)  # it would rather have a successor of httpx; users need not read that
    from authlib.common.security import generate_token
    from authlib.integrations.httpx_client import AsyncOAuth2Client

log = structlog.get_logger(__name__)
router = APIRouter(tags=["sign-in"], include_in_schema=False)
Public = Annotated[Caller, Depends(needs("public"))]
COOKIE = "mjosa_oidc"
ALGORITHMS = ["RS256", "PS256", "ES256"]
WAIT_S = 10.0


@dataclass(frozen=True)
class Provider:
    """An identity provider. `roles` maps its groups to Mjøsa's roles; who has none of the groups does not get in.

    issuer: the address under which /.well-known/openid-configuration lies. groups_claim: where the ID token lists groups.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    roles: Mapping[str, frozenset[str]]
    groups_claim: str = "groups"
    name_claim: str = "preferred_username"
    scope: str = "openid profile email"

    def roles_of(self, claims: Mapping[str, Any]) -> frozenset[str]:
        groups = claims.get(self.groups_claim) or ()
        groups = [groups] if isinstance(groups, str) else groups
        known = {str(r) for r in Role}
        return frozenset(role for group in groups for role in self.roles.get(str(group), ()) if role in known)


def roles_from_text(text: str) -> dict[str, frozenset[str]]:
    """'va-drift=operator;va-leder=operator,reporter' as {group: roles}. Raises ConfigError for a role that does not exist."""
    found: dict[str, frozenset[str]] = {}
    for part in filter(None, (p.strip() for p in text.split(";"))):
        group, _, names = part.rpartition("=")
        roles = frozenset(n.strip() for n in names.split(",") if n.strip())
        wrong = roles - {str(r) for r in Role}
        if not group or not roles or wrong:
            known = ", ".join(Role)
            raise ConfigError([f"'{part}' is not group=role,role; the roles are {known}"])
        found[group.strip()] = roles
    return found


@router.get("/sign-in/oidc")
async def begin(request: Request, ctx: Ctx, who: Public) -> Response:
    """Off to the provider; state, nonce and verifier wait in a signed cookie."""
    provider = _provider(request)
    about = await _discover(provider)
    nonce, verifier = secrets.token_urlsafe(24), generate_token(64)
    async with _client(request, provider) as client:
        url, state = client.create_authorization_url(about["authorization_endpoint"], nonce=nonce, code_verifier=verifier)
    response = RedirectResponse(url, 303)
    kept = _signer(request).dumps({"state": state, "nonce": nonce, "verifier": verifier})
    response.set_cookie(COOKIE, kept, max_age=600, httponly=True, samesite="lax", secure=request.url.scheme == "https", path="/sign-in")
    return response


@router.get("/sign-in/oidc/back")
async def back(request: Request, ctx: Ctx, who: Public, state: str = "", code: str = "") -> Response:
    """Back from the provider: the code becomes an ID token, the token's groups become roles."""
    provider = _provider(request)
    try:
        claims = await _claims(request, provider, state)
        user = await run_in_threadpool(_user, ctx, provider, claims)
    except (BadSignature, JoseError, ValueError, KeyError, httpx.HTTPError) as error:
        log.warning("oidc_refused", error=str(error))
        return sign_in_page(ctx.services.settings.language, "oidc_failed", 403, oidc=True)
    response = await run_in_threadpool(signed_in, request, ctx, user, who, "oidc")
    response.delete_cookie(COOKIE, path="/sign-in")
    return response


async def _claims(request: Request, provider: Provider, state: str) -> Mapping[str, Any]:
    """Checked claims of the ID token. Raises on anything that does not fit: state, signature, issuer, audience, nonce, time."""
    kept = _signer(request).loads(request.cookies.get(COOKIE, ""), max_age=600)
    if not state or not secrets.compare_digest(state.encode(), str(kept["state"]).encode()):
        raise ValueError("the state differs")
    about = await _discover(provider)
    async with _client(request, provider) as client:
        token = await client.fetch_token(about["token_endpoint"], authorization_response=str(request.url), code_verifier=kept["verifier"],
                                         state=kept["state"])  # fmt: skip
        keys = (await client.request("GET", about["jwks_uri"], withhold_token=True)).raise_for_status().json()
    claims: dict[str, Any] = jwt.decode(token["id_token"], KeySet.import_key_set(keys), algorithms=ALGORITHMS).claims
    wanted = {"iss": about["issuer"], "aud": provider.client_id, "nonce": kept["nonce"]}
    rules: dict[str, Any] = {name: {"essential": True, "value": value} for name, value in wanted.items()}
    now = int(request.app.state.context.services.clock())
    jwt.JWTClaimsRegistry(now=now, leeway=60, exp={"essential": True}, sub={"essential": True}, **rules).validate(claims)
    return claims


def _user(ctx: Any, provider: Provider, claims: Mapping[str, Any]) -> User:
    """The person, as the provider knows them now: roles are what the groups say at each sign-in."""
    name = f"oidc:{claims.get(provider.name_claim) or claims['sub']}"[:100]
    old = ctx.services.registry.users.get(name)
    roles = provider.roles_of(claims)
    if not roles or (old is not None and old.disabled):
        raise ValueError(f"{name} is in no group that gives a role, or is disabled")
    user = User(name, roles, None, claims.get("email"), old.language if old else ctx.services.settings.language)
    ctx.services.registry.users.put(user)
    ctx.sessions.forget()
    return user


def _provider(request: Request) -> Provider:
    found: Provider | None = request.app.state.oidc
    if found is None:
        raise Problem(404, "Sign-in through another organisation is not set up here")
    return found


def _signer(request: Request) -> URLSafeTimedSerializer:
    found: URLSafeTimedSerializer = request.app.state.oidc_signer
    return found


def _client(request: Request, provider: Provider) -> Any:
    base = request.app.state.context.services.settings.public_url or request.base_url
    return AsyncOAuth2Client(provider.client_id, provider.client_secret, scope=provider.scope, timeout=WAIT_S,
                             redirect_uri=f"{str(base).rstrip('/')}/sign-in/oidc/back", code_challenge_method="S256")  # fmt: skip


async def _discover(provider: Provider) -> Mapping[str, Any]:
    async with httpx.AsyncClient(timeout=WAIT_S) as client:
        try:
            answer = await client.get(f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration")
            about: Mapping[str, Any] = answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise Problem(502, "The organisation's sign-in does not answer; try again, or sign in with a password") from error
    if about.get("issuer", "").rstrip("/") != provider.issuer.rstrip("/"):
        raise Problem(502, "The organisation's sign-in names another issuer than the one it was set up with; tell an administrator")
    return about


def provider_of(settings: Settings) -> Provider | None:
    """The identity provider that the settings name."""
    if settings.oidc_issuer is None or settings.oidc_client_secret is None:
        return None
    secret, roles = settings.oidc_client_secret.get_secret_value(), roles_from_text(settings.oidc_roles)
    return Provider(settings.oidc_issuer, settings.oidc_client_id, secret, roles, settings.oidc_groups_claim)
