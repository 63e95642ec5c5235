"""What ingest, radio and disk say about themselves, for a page and for whoever watches over the process."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ingest.dead_letters import DeadLetters
from ingest.fleet import Fleet
from ingest.pipeline import Pipeline
from ingest.processor import Processor
from ingest.uplink_log import UplinkLog

RATE_OVER_S = 300.0
RATE_AT_LEAST_S = 10.0


@dataclass
class IngestStatus:
    """Call it for plain data: counts since start, lag [s], messages per minute, stations {id: last heard [Unix s]}, disk [bytes]."""

    processor: Processor
    pipeline: Pipeline
    dead_letters: DeadLetters
    fleet: Fleet
    log: UplinkLog
    clock: Callable[[], float]
    _counted: list[tuple[float, int]] = field(default_factory=list)

    def __call__(self) -> dict[str, object]:
        return {
            **self.figures(), "fault": self.processor.fault, "processed": self.processor.processed, "backlog": self.processor.backlog,
            "base_stations": self.fleet.base_stations(),
        }  # fmt: skip

    def figures(self) -> Mapping[str, float | None]:
        """What is drawn over time."""
        return {
            "uplinks_per_minute": self._per_minute(), "lag_s": self.processor.lag_s(), "duplicates": self.pipeline.duplicates,
            "dead_letters": self.dead_letters.count(), "log_bytes": self.log.size()["bytes"],
            "free_bytes": shutil.disk_usage(self.log.folder).free,
        }  # fmt: skip

    def _per_minute(self) -> float | None:
        """Over the last five minutes; None before the first ten seconds are over."""
        now = self.clock()
        self._counted = [c for c in self._counted if c[0] > now - RATE_OVER_S] + [(now, self.processor.processed)]
        (then, before), (_, count) = self._counted[0], self._counted[-1]
        return None if now - then < RATE_AT_LEAST_S else (count - before) / (now - then) * 60
