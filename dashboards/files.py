"""The boards' JSON beside the code: what Grafana is provisioned with. A test holds both in step."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import dashboards.boards
from core.discovery import collect
from dashboards.board import LANGUAGES, Board, render

FOLDER = Path(__file__).parent / "json"


@cache
def boards() -> Mapping[str, Board]:
    """Every board by key."""
    return collect(dashboards.boards, "BOARD")


def rendered() -> dict[Path, str]:
    """Path below `FOLDER` → JSON text, of every board in both languages."""
    return {
        Path(language) / f"{key}.json": json.dumps(render(board, language), indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        for key, board in boards().items()
        for language in LANGUAGES
    }


def write() -> list[Path]:
    """Make the folder what the code says; returns the files that changed."""
    wanted, changed = rendered(), []
    for stale in {p.relative_to(FOLDER) for p in FOLDER.rglob("*.json")} - set(wanted):
        (FOLDER / stale).unlink()
        changed.append(stale)
    for path, text in wanted.items():
        file = FOLDER / path
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed


if __name__ == "__main__":
    for changed_file in write():
        print(changed_file)
