"""Values kept in the registry beside the town: alarms, planned work, master data, people, keys, audit, outbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class AlarmState(StrEnum):
    """Where the work on an alarm stands; the order is the usual one. `closed` is final."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"
    CLOSED = "closed"


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    MAJOR = "major"
    CRITICAL = "critical"


class Role(StrEnum):
    """What a person or key may do. A right that no role gives is denied."""

    OPERATOR = "operator"
    FIELD = "field"
    REPORTER = "reporter"
    METER_READER = "meter_reader"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Comment:
    at: float
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """One cause that a person works on; `events` are the ids of what was found about it, the leading one first.

    Times are Unix seconds. `ended_at` is when the cause itself ended (None while it lasts). `feedback`: true, false or unknown.
    """

    id: str
    cause: str
    kind: str
    severity: str
    state: str
    zone: str | None
    asset: str | None
    sensors: tuple[str, ...]
    events: tuple[str, ...]
    started_at: float
    raised_at: float
    updated_at: float
    ended_at: float | None = None
    score: float = 0.0
    assignee: str | None = None
    shelved_until: float | None = None
    acknowledged_at: float | None = None
    feedback: str | None = None
    comments: tuple[Comment, ...] = ()
    revision: int = 1


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Planned work or another known cause in [start, end); empty zones and sensors mean the whole town."""

    id: str
    kind: str
    start: float
    end: float
    zones: tuple[str, ...] = ()
    sensors: tuple[str, ...] = ()
    note: str = ""
    author: str = ""


@dataclass(frozen=True, slots=True)
class MasterValue:
    """One entered figure (population, km of mains, an assumption) of a zone, valid in [valid_from, valid_to), with its source."""

    name: str
    zone: str
    value: float
    valid_from: float
    valid_to: float
    source: str
    entered_at: float
    author: str = ""
    relative_u: float | None = None


@dataclass(frozen=True, slots=True)
class User:
    name: str
    roles: frozenset[str]
    password_hash: str | None = None
    email: str | None = None
    language: str = "nb"
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key for a program; only the SHA-256 of its secret is kept. `prefix` tells keys apart."""

    id: str
    prefix: str
    secret_hash: str
    roles: frozenset[str]
    name: str
    expires_at: float | None
    created_by: str
    last_used_at: float | None = None
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to what. `personal` marks a read of household data."""

    at: float
    actor: str
    action: str
    subject: str
    details: Mapping[str, object] = field(default_factory=dict)
    personal: bool = False
    address: str = ""


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """A notification that must leave at least once. `not_before` holds retries back; `error` is the last refusal."""

    id: str
    channel: str
    target: str
    subject: str
    body: str
    created_at: float
    not_before: float
    attempts: int = 0
    sent_at: float | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Commissioning:
    """The signed-off record of a sensor's registration: verdict per check (good, look_again, bad) with its numbers."""

    id: str
    sensor: str
    dev_eui: str
    at: float
    author: str
    checks: Mapping[str, Mapping[str, object]]
    verdict: str
    signed_at: float | None = None
    photo: str | None = None
    note: str = ""
