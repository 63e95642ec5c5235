"""ASGI middleware around every request: security headers, body limit, rate limit per caller."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from api.problems import problem, unexpected
from api.security.rights import Caller
from api.services import Limits

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(self), microphone=()",
}
HSTS = "max-age=31536000; includeSubDomains"
BIG_BODIES = ("/api/store",)


class Headers:
    """Adds the security headers (HSTS only where the request came by TLS); turns what nobody foresaw into a plain 500."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self._headers = [(k.lower().encode(), v.encode()) for k, v in HEADERS.items()]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        started = False

        async def with_headers(message: Any) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                present = {k.lower() for k, _ in message["headers"]}
                extra = [h for h in self._headers if h[0] not in present]
                if scope.get("scheme") == "https":
                    extra.append((b"strict-transport-security", HSTS.encode()))
                if b"cache-control" not in present:
                    extra.append((b"cache-control", b"no-store"))
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        try:
            await self.app(scope, receive, with_headers)
        except Exception as error:
            if started:
                raise
            await unexpected(scope["path"], error)(scope, receive, with_headers)


class BodyTooLarge(Exception):
    """The body grew past the limit while it was read."""


class BodyLimit:
    """Refuses a body over the limit, whether or not its length was announced."""

    def __init__(self, app: Any, limits: Limits) -> None:
        self.app, self.limits = app, limits

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.limits.import_bytes if scope["path"].startswith(BIG_BODIES) else self.limits.body_bytes
        answer = problem(413, f"A body may be at most {limit:,} bytes here; send it in parts")
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > limit:
            await answer(scope, receive, send)
            return
        seen, started = 0, False

        async def counted() -> Any:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise BodyTooLarge
            return message

        async def noted(message: Any) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, counted, noted)
        except BodyTooLarge:
            if not started:
                await answer(scope, receive, send)


@dataclass
class _Bucket:
    tokens: float
    at: float


class Buckets:
    """Token buckets by key: `rate` tokens a second up to `burst`."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float]) -> None:
        self.rate, self.burst, self.clock = rate, burst, clock
        self._buckets: dict[str, _Bucket] = {}

    def wait_s(self, key: str) -> float:
        """Takes a token and returns 0, or returns how long until there is one [s]."""
        now = self.clock()
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) > 10_000:
                self._buckets.clear()
            bucket = self._buckets[key] = _Bucket(self.burst, now)
        bucket.tokens = min(self.burst, bucket.tokens + max(0.0, now - bucket.at) * self.rate)
        bucket.at = now
        if bucket.tokens >= 1.0:
            bucket.tokens -= 1.0
            return 0.0
        return (1.0 - bucket.tokens) / self.rate


class RateLimit:
    """Per key or user, else per address. Commands of this installation itself are not held back."""

    def __init__(self, app: Any, limits: Limits, clock: Callable[[], float]) -> None:
        self.app = app
        self._buckets = Buckets(limits.requests_per_s, limits.burst, clock)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        who: Caller = scope.get("caller") or Caller()
        if scope["type"] == "http" and who.means != "machine":
            wait = self._buckets.wait_s(who.name or who.address)
            if wait > 0:
                answer = problem(429, f"Too many requests; wait {wait:.1f} s", headers={"Retry-After": str(int(wait) + 1)})
                await answer(scope, receive, send)
                return
        await self.app(scope, receive, send)
