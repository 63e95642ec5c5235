"""Ways out: one small class per kind of channel, each with `send`. A refusal is an exception whose text lands in the outbox."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.header import Header
from email.message import EmailMessage
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import httpx

from core.errors import ConfigError
from core.records import OutboxMessage
from core.settings import Settings

WAIT_S = 15.0
LOCAL = ("127.0.0.1", "localhost", "::1")


class Channel(Protocol):
    """`send` returns when the other side has taken the message over; anything else is an exception."""

    def send(self, message: OutboxMessage) -> None: ...


@dataclass(frozen=True)
class Smtp:
    """E-mail. `target` is the address. Sign-in happens only inside TLS; STARTTLS is demanded beyond this machine."""

    host: str
    port: int = 587
    sender: str = "mjosa@localhost"
    username: str = ""
    password: str = field(default="", repr=False)
    tls: str = "starttls"
    """starttls, implicit, or none (only to this machine)."""

    def send(self, message: OutboxMessage) -> None:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self.sender, message.target, " ".join(message.subject.split())
        mail["Message-ID"] = f"<{message.id}@mjosa>"
        mail.set_content(message.body)
        if self.tls == "none" and self.host not in LOCAL:
            raise ConfigError([f"SMTP without TLS is only for this machine, not for {self.host}"])
        context = ssl.create_default_context()
        open_ = smtplib.SMTP_SSL if self.tls == "implicit" else smtplib.SMTP
        more: dict[str, Any] = {"context": context} if self.tls == "implicit" else {}
        with open_(self.host, self.port, timeout=WAIT_S, **more) as server:
            if self.tls == "starttls":
                server.starttls(context=context)
            if self.username:
                server.login(self.username, self.password)
            server.send_message(mail)


def smtp_from_url(url: str) -> Smtp:
    """smtp://user:password@host:587?sender=mjosa@example.org (STARTTLS), smtps:// (TLS from the start), or smtp+plain://127.0.0.1:25.

    Raises ConfigError for anything else.
    """
    parts = urlsplit(url)
    tls = {"smtp": "starttls", "smtps": "implicit", "smtp+plain": "none"}.get(parts.scheme)
    if tls is None or not parts.hostname:
        raise ConfigError(["the SMTP address must look like smtp://user:password@host:587?sender=mjosa@example.org"])
    sender = parse_qs(parts.query).get("sender", [f"mjosa@{parts.hostname}"])[0]
    port = parts.port or {"starttls": 587, "implicit": 465, "none": 25}[tls]
    return Smtp(parts.hostname, port, sender, unquote(parts.username or ""), unquote(parts.password or ""), tls)


@dataclass(frozen=True)
class Web:
    """Anything that takes an HTTP POST: `shape` makes its body and headers. `target` is the address."""

    shape: Callable[[OutboxMessage], tuple[Any, Mapping[str, str]]]
    token: str = field(default="", repr=False)

    def send(self, message: OutboxMessage) -> None:
        parts = urlsplit(message.target)
        if parts.scheme != "https" and parts.hostname not in LOCAL:
            raise ConfigError([f"a notification to {parts.hostname} must go by https"])
        body, headers = self.shape(message)
        headers = {**headers, **({"Authorization": f"Bearer {self.token}"} if self.token else {})}
        content = {"content": body} if isinstance(body, bytes) else {"json": body}
        answer = httpx.post(message.target, headers=headers, timeout=WAIT_S, follow_redirects=False, **content)
        if not answer.is_success:
            raise httpx.HTTPStatusError(f"{parts.hostname} answered {answer.status_code}", request=answer.request, response=answer)


def webhook(m: OutboxMessage) -> tuple[Any, Mapping[str, str]]:
    """Plain JSON; the id lets the receiver drop what it has had."""
    return {"id": m.id, "subject": m.subject, "body": m.body, "created_at": m.created_at}, {"Idempotency-Key": m.id}


def teams(m: OutboxMessage) -> tuple[Any, Mapping[str, str]]:
    """An Adaptive Card, as Microsoft Teams' workflow webhooks take it."""
    blocks = [{"type": "TextBlock", "text": m.subject, "weight": "Bolder", "size": "Medium", "wrap": True},
              *({"type": "TextBlock", "text": line, "wrap": True} for line in m.body.split("\n"))]  # fmt: skip
    card = {"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4", "body": blocks}
    return {"type": "message", "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": card}]}, {}


def slack(m: OutboxMessage) -> tuple[Any, Mapping[str, str]]:
    """A Slack incoming webhook. Its three control characters are escaped, so that a name cannot mention a whole channel."""
    subject, body = (text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for text in (m.subject, m.body))
    return {"text": subject, "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": f"*{subject}*\n{body}"}}]}, {}


def ntfy(m: OutboxMessage) -> tuple[Any, Mapping[str, str]]:
    """A topic of an ntfy server; `target` is the topic's address."""
    return m.body.encode(), {"Title": _ascii(m.subject), "Tags": "droplet"}


def sms(m: OutboxMessage) -> tuple[Any, Mapping[str, str]]:
    """An SMS gateway's webhook. `target` is https://gateway/path#+4712345678: the number follows the #. Two SMS at most."""
    return {"to": urlsplit(m.target).fragment, "message": f"{m.subject}. {m.body}"[:300], "reference": m.id}, {"Idempotency-Key": m.id}


SHAPES: dict[str, Callable[[OutboxMessage], tuple[Any, Mapping[str, str]]]] = {
    "webhook": webhook, "teams": teams, "slack": slack, "ntfy": ntfy, "sms": sms,
}  # fmt: skip


def web_channels() -> dict[str, Channel]:
    """Every channel that needs nothing set up but its targets."""
    return {name: Web(shape) for name, shape in SHAPES.items()}


def _ascii(text: str) -> str:
    """A header value that any server takes: RFC 2047 words, as ntfy decodes them."""
    return text if text.isascii() else Header(text, "utf-8").encode(maxlinelen=998)


def channels_of(settings: Settings) -> dict[str, Channel]:
    """Every way a notification can leave; e-mail only where a mail server is named."""
    if settings.smtp_url is None:
        return web_channels()
    return {**web_channels(), "email": smtp_from_url(settings.smtp_url.get_secret_value())}
