"""Who is told of what, when: severity, escalation by schedule, quiet hours, one message per cause, a note when it is over. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field

from core.records import Alarm, Severity
from core.timekeeping import OSLO

RANK = {s.value: i for i, s in enumerate((Severity.INFO, Severity.WARNING, Severity.MAJOR, Severity.CRITICAL))}
OPEN = ("open", "acknowledged", "in_progress")


class Recipient(BaseModel):
    """One step of the schedule: told `after_s` after the alarm was raised, unless somebody has acknowledged it by then.

    quiet: local hours (from, to) in which only critical alarms are sent; others wait until the quiet ends.
    zones, kinds: empty means all. recovery: also told when the cause is over, if told that it began.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    channel: str = Field(max_length=40)
    target: str = Field(max_length=500)
    severity: Severity = Severity.MAJOR
    after_s: float = Field(0.0, ge=0, le=7 * 86_400)
    quiet: tuple[int, int] | None = None
    zones: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    language: str = Field("nb", pattern="^(nb|en)$")
    recovery: bool = True


class Schedule(BaseModel):
    """All recipients. Alarms that began longer ago than `newer_than_s` before they were first seen are history, not news."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipients: tuple[Recipient, ...] = Field(default=(), max_length=200)
    newer_than_s: float = Field(86_400.0, gt=0)


class Due(BaseModel):
    """A message that shall be in the outbox. `id` is made from alarm, recipient and occasion: asking twice gives one message."""

    id: str
    alarm: Alarm
    recipient: Recipient
    occasion: str
    not_before: float


def due(alarms: Sequence[Alarm], schedule: Schedule, now: float, told: set[str]) -> Iterator[Due]:
    """What is to be sent now. `told` holds the ids of messages that exist already."""
    for alarm in alarms:
        for recipient in schedule.recipients:
            if not _wants(recipient, alarm):
                continue
            began = message_id(alarm, recipient, "raised")
            if began in told:
                over = message_id(alarm, recipient, "recovered")
                if recipient.recovery and over not in told and (alarm.ended_at is not None or alarm.state not in OPEN):
                    yield Due(id=over, alarm=alarm, recipient=recipient, occasion="recovered", not_before=_awake(recipient, alarm, now))
            elif _starts(alarm, recipient, schedule, now):
                occasion = "escalated" if recipient.after_s > 0 else "raised"
                yield Due(id=began, alarm=alarm, recipient=recipient, occasion=occasion, not_before=_awake(recipient, alarm, now))


def message_id(alarm: Alarm, recipient: Recipient, occasion: str) -> str:
    text = "\n".join((alarm.id, recipient.channel, recipient.target, occasion))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _wants(recipient: Recipient, alarm: Alarm) -> bool:
    return (
        RANK.get(alarm.severity, 1) >= RANK[recipient.severity]
        and (not recipient.zones or alarm.zone in recipient.zones)
        and (not recipient.kinds or alarm.kind in recipient.kinds)
    )


def _starts(alarm: Alarm, recipient: Recipient, schedule: Schedule, now: float) -> bool:
    """Open, lasting, not shelved, fresh, its step reached, and for a later step: nobody has it yet."""
    if alarm.state not in OPEN or alarm.ended_at is not None or (alarm.shelved_until or 0.0) > now:
        return False
    if now - alarm.raised_at > schedule.newer_than_s + recipient.after_s or now < alarm.raised_at + recipient.after_s:
        return False
    return alarm.state == "open"


def _awake(recipient: Recipient, alarm: Alarm, now: float) -> float:
    """Now, or the end of the recipient's quiet hours [Unix s]; a critical alarm does not wait."""
    if recipient.quiet is None or alarm.severity == Severity.CRITICAL:
        return now
    start, end = recipient.quiet
    local = datetime.fromtimestamp(now, OSLO)
    quiet = start <= local.hour < end if start <= end else local.hour >= start or local.hour < end
    if not quiet:
        return now
    wake = local.replace(hour=end % 24, minute=0, second=0, microsecond=0)
    if wake <= local:
        wake = (local.replace(tzinfo=None) + timedelta(days=1)).replace(hour=end % 24, minute=0, second=0, microsecond=0, tzinfo=OSLO)
    return wake.timestamp()
