"""What a process that ingests says about itself: a heartbeat every ten seconds, its figures to Grafana every minute."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from core.errors import StoreError
from core.heartbeat import Heartbeat
from dashboards.mirror import Fields, Mirror

log = structlog.get_logger()
BEAT_S = 10.0
FIGURES_S = 60.0


@dataclass
class Reporter:
    """Of the worker named so. `figures` gives uplinks_per_minute, lag_s, dead_letters, duplicates, log_bytes, free_bytes;
    without a mirror (embedded) only the heart beats."""

    heartbeat: Heartbeat
    figures: Callable[[], Fields]
    worker: str
    mirror: Mirror | None = None
    beat_s: float = BEAT_S
    figures_s: float = FIGURES_S
    _told_at: float = float("-inf")
    _quiet: bool = False

    def run(self, stop: threading.Event) -> None:
        """Until stopped. A store that is away is ingest's everyday life: said once, tried again at the next minute."""
        while not stop.wait(self.beat_s):
            self.once()

    def once(self) -> None:
        """One beat, and the figures when their minute is over."""
        self.heartbeat.beat()
        now = self.heartbeat.clock()
        if self.mirror is None or now - self._told_at < self.figures_s:
            return
        self._told_at = now
        try:
            self.mirror.ingested(self.worker, self.figures())
            self._quiet = False
        except StoreError as error:
            if not self._quiet:
                log.warning("figures wait for the store", why=str(error))
            self._quiet = True
