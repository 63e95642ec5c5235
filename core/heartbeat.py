"""A process that serves nobody says in a file that it is well, and how; whoever watches over it reads that."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Heartbeat:
    """Of the process `name` on this data folder."""

    data_dir: Path
    name: str
    clock: Callable[[], float]

    @property
    def path(self) -> Path:
        return self.data_dir / f"heartbeat-{self.name}.json"

    def beat(self, figures: Mapping[str, float | str | None] | None = None) -> None:
        """Whole or not at all. A full disk is no reason to stop: the file then gets old."""
        part = self.path.with_suffix(".part")
        try:
            part.write_text(json.dumps({"at": self.clock(), **(figures or {})}), encoding="utf-8")
            part.replace(self.path)
        except OSError:
            part.unlink(missing_ok=True)

    def age_s(self) -> float | None:
        """Seconds since the last one; None where there never was one."""
        try:
            return self.clock() - float(json.loads(self.path.read_text(encoding="utf-8"))["at"])
        except (OSError, ValueError, KeyError):
            return None
