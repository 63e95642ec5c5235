"""The process's log: structured, on stderr, one line per fault."""

from __future__ import annotations

import logging
import sys

import structlog

from core.settings import Settings


def log_to_stderr(settings: Settings) -> None:
    """As lines for people, or as JSON for a collector."""
    render = structlog.processors.JSONRenderer() if settings.log_format == "json" else structlog.dev.ConsoleRenderer(pad_event_to=0)
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True), render],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, settings.log_level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
