"""Sign-in: passwords (argon2), one-time links, signed session cookies, API keys, and the middleware that identifies each caller."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from fastapi.concurrency import run_in_threadpool
from itsdangerous import BadSignature, URLSafeSerializer

from api.security.rights import Caller
from core.records import ApiKey, Role, User
from core.registry import Registry

COOKIE = "mjosa_session"
SESSION_S = 12 * 3600.0
LINK_S = 24 * 3600.0
KEY_MARK = "mjk_"
FIRST_ROLES = frozenset({Role.ADMIN, Role.OPERATOR, Role.FIELD, Role.REPORTER})
_once = threading.Lock()
_hasher = PasswordHasher()
_DECOY = _hasher.hash(secrets.token_hex(16))


def hash_password(password: str) -> str:
    """argon2id with the library's recommended cost."""
    return _hasher.hash(password)


def password_matches(stored: str | None, password: str) -> bool:
    """Takes as long for somebody who does not exist as for somebody who does."""
    try:
        _hasher.verify(stored or _DECOY, password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def secret_of(text: str) -> str:
    """What is kept of a key or one-time token: its SHA-256, since it is long and random."""
    return hashlib.sha256(text.encode()).hexdigest()


def new_key() -> tuple[str, str, str]:
    """(the key to show once, its prefix, its hash)."""
    text = KEY_MARK + secrets.token_urlsafe(32)
    return text, prefix_of(text), secret_of(text)


def prefix_of(key: str) -> str:
    """What tells keys apart without giving them away."""
    return key[: len(KEY_MARK) + 6]


def session_secret(given: str | None, data_dir: Path) -> str:
    """The secret that signs cookies: the setting, or one made and kept in data_dir (mode 0600)."""
    if given:
        return given
    path = data_dir / "session.secret"
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48))
    return path.read_text().strip()


@dataclass
class _Kept:
    value: Any
    until: float


class Sessions:
    """Makes and reads session cookies and recognises keys. Users and keys are remembered for a few seconds, since every request asks."""

    def __init__(
        self, registry: Registry, secret: str, clock: Callable[[], float], *, machine_token: str | None = None, remember_s: float = 5.0
    ):
        self.registry, self.clock = registry, clock
        self._signer = URLSafeSerializer(secret, salt="mjosa-session")
        self._secret = secret.encode()
        self._machine = machine_token
        self._remember_s = remember_s
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    def open(self, user: User) -> str:
        """A cookie value for a user who has just proved who they are."""
        return str(self._signer.dumps({"u": user.name, "t": self.clock(), "n": secrets.token_hex(8)}))

    def csrf(self, cookie: str) -> str:
        return hmac.new(self._secret, b"csrf:" + cookie.encode(), hashlib.sha256).hexdigest()

    def of_cookie(self, cookie: str) -> Caller | None:
        try:
            data = self._signer.loads(cookie)
        except BadSignature:
            return None
        now = self.clock()
        user = self._remembered(f"user:{data['u']}", lambda: self.registry.users.get(data["u"]))
        if user is None or user.disabled or not data["t"] <= now + 60 or now - data["t"] > SESSION_S:
            return None
        ended = self._remembered(f"ended:{data['u']}", lambda: self.registry.documents.get(f"sessions_ended:{data['u']}"))
        if ended and data["t"] <= ended["at"]:
            return None
        return Caller(user.name, frozenset(user.roles), "session", self.csrf(cookie), language=user.language)

    def of_bearer(self, token: str) -> Caller | None:
        if self._machine and hmac.compare_digest(token.encode(), self._machine.encode()):
            return Caller("mjosa", frozenset(), "machine")
        if not token.startswith(KEY_MARK):
            return None
        digest = secret_of(token)
        key: ApiKey | None = self._remembered(f"key:{digest}", lambda: self._key(token, digest))
        if key is None or key.revoked or (key.expires_at is not None and self.clock() >= key.expires_at):
            return None
        return Caller(f"key:{key.name}", frozenset(key.roles), "key")

    def _key(self, token: str, digest: str) -> ApiKey | None:
        found = (k for k in self.registry.keys.by_prefix(prefix_of(token)) if hmac.compare_digest(k.secret_hash, digest))
        if (key := next(found, None)) is not None:
            self.registry.keys.used(key.id, self.clock())
        return key

    def known(self, means: str, text: str) -> Caller | None:
        """Who showed this a few seconds ago; None to ask again. Never touches the registry."""
        kept = self._kept.get(f"caller:{means}:{text}")
        return kept.value if kept is not None and self.clock() < kept.until <= self.clock() + self._remember_s else None

    def identify(self, means: str, text: str) -> Caller:
        """Who shows this; nobody's Caller where it is not good. Raises StoreUnavailable."""
        found = self.of_bearer(text) if means == "bearer" else self.of_cookie(text)
        self._remembered(f"caller:{means}:{text}", lambda: found or Caller())
        return found or Caller()

    def end_all(self, name: str) -> None:
        """Every session of a user opened until now is over."""
        self.registry.documents.put(f"sessions_ended:{name}", {"at": self.clock()})
        self.forget()

    def forget(self) -> None:
        """Users or keys have changed: look them up again."""
        with self._lock:
            self._kept.clear()

    def _remembered(self, key: str, find: Callable[[], Any]) -> Any:
        now = self.clock()
        with self._lock:
            kept = self._kept.get(key)
        if kept is None or now >= kept.until or kept.until > now + self._remember_s:
            kept = _Kept(find(), now + self._remember_s)
            with self._lock:
                if len(self._kept) > 10_000:
                    self._kept.clear()
                self._kept[key] = kept
        return kept.value


class Identify:
    """ASGI middleware: put the Caller into the scope. Nobody is turned away here; routes name their right."""

    def __init__(self, app: Any, sessions: Sessions) -> None:
        self.app, self.sessions = app, sessions

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            shown = _shown({k.lower(): v for k, v in scope["headers"]})
            found = (self.sessions.known(*shown) if shown else None) or Caller()
            if shown and found.means == "none":
                found = await run_in_threadpool(self.sessions.identify, *shown)
            address = (scope.get("client") or ("",))[0]
            scope["caller"] = Caller(found.name, found.roles, found.means, found.csrf, address, found.language)
        await self.app(scope, receive, send)


def _shown(headers: Mapping[bytes, bytes]) -> tuple[str, str] | None:
    """What the caller shows: ("bearer", key) or ("cookie", session); None for neither."""
    bearer = headers.get(b"authorization", b"").decode("latin-1")
    if bearer[:7].lower() == "bearer ":
        return "bearer", bearer[7:].strip()
    cookie = SimpleCookie(headers[b"cookie"].decode("latin-1")).get(COOKIE) if b"cookie" in headers else None
    return ("cookie", cookie.value) if cookie else None


def one_time_link(registry: Registry, clock: Callable[[], float], base_url: str, user: str = "admin") -> str:
    """A link that signs `user` in once, within a day. Makes the first administrator when nobody exists.

    Call at start and print it. An earlier unused link stops working.
    """
    if registry.users.get(user) is None:
        registry.users.put(User(user, FIRST_ROLES))
    token = secrets.token_urlsafe(24)
    registry.documents.put("one_time_link", {"hash": secret_of(token), "user": user, "until": clock() + LINK_S})
    return f"{base_url.rstrip('/')}/sign-in/once?token={token}"


def use_link(registry: Registry, clock: Callable[[], float], token: str) -> User | None:
    """The user the link is for, the first time and in time; else None."""
    with _once:
        kept = registry.documents.get("one_time_link")
        if not kept or not kept.get("hash") or not hmac.compare_digest(kept["hash"], secret_of(token)) or clock() >= kept["until"]:
            return None
        registry.documents.put("one_time_link", {})
    user: User | None = registry.users.get(kept["user"])
    return None if user is None or user.disabled else user
