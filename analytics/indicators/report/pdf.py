"""The report as PDF, set by typst with the fonts it carries: no network, no system fonts, no clock."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import typst

from analytics.indicators.release import Release
from analytics.indicators.report.content import content

TEMPLATE = Path(__file__).with_name("template.typ")


def pdf(release: Release, year: int, language: str = "nb") -> bytes:
    """A tagged PDF of 2–6 pages; the same release gives the same bytes."""
    return typeset(content(release, year, language), int(release.made_at), "pdf")[0]


def typeset(data: Mapping[str, Any], made_at: int, form: Literal["pdf", "svg", "png"]) -> list[bytes]:
    """The report's data as one PDF, or as one SVG or PNG per page. made_at [Unix s] is the document's only time."""
    made = typst.compile(
        TEMPLATE.read_bytes(), font_paths=typst.Fonts(include_system_fonts=False), format=form, timestamp=made_at,
        sys_inputs={"data": json.dumps(data, ensure_ascii=False, sort_keys=True)},
    )  # fmt: skip
    return [bytes(m) for m in made] if isinstance(made, list) else [bytes(made)]
