"""Every change and every read of household data leaves an audit entry."""

from __future__ import annotations

from typing import Any

from api.security.rights import Caller
from api.services import Services
from core.records import AuditEntry


def note(services: Services, who: Caller, action: str, subject: str, *, personal: bool = False, **details: Any) -> None:
    """`action` is a verb phrase such as "alarm.acknowledge"; `details` must be JSON data without secrets."""
    services.registry.audit.add(AuditEntry(services.clock(), who.name, action, subject, details, personal, who.address))
