"""The report as PDF, set by typst with the fonts it carries: no network, no system fonts, no clock."""

from __future__ import annotations

import json
from pathlib import Path

import typst

from analytics.indicators.release import Release
from analytics.indicators.report.content import content

TEMPLATE = Path(__file__).with_name("template.typ")


def pdf(release: Release, year: int, language: str = "nb") -> bytes:
    """A tagged PDF of 2–6 pages; the same release gives the same bytes."""
    data = json.dumps(content(release, year, language), ensure_ascii=False, sort_keys=True)
    made = typst.compile(
        TEMPLATE.read_bytes(), font_paths=typst.Fonts(include_system_fonts=False), format="pdf", sys_inputs={"data": data},
        timestamp=int(release.made_at),
    )  # fmt: skip
    return bytes(made)
