"""Every export format, by its key."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import analytics.indicators.exports as exports
from analytics.indicators.file_format import Format
from analytics.indicators.release import Release
from core.discovery import collect
from core.errors import NotFound

FORMATS: Mapping[str, Format] = MappingProxyType(collect(exports, "FORMAT"))


def export(release: Release, key: str) -> bytes:
    """A release in one format. Raises NotFound for a format nobody has written."""
    if key not in FORMATS:
        raise NotFound(f"there is no export format '{key}': choose one of {', '.join(FORMATS)}")
    return FORMATS[key].write(release)
