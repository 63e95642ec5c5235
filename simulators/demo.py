"""Mjøsby as `mjosa up` shows it: two months of history, then the town live, with a stand-in where ChirpStack would be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from rich.progress import Progress

from core.registry import Registry
from core.settings import Settings
from core.store import SeriesStore
from core.town import Town
from simulators.history import readings_of
from simulators.live import LiveTown
from simulators.network_server import Broker, StandIn
from simulators.network_server_newcomers import Newcomers
from simulators.scenario import scenario_origin
from simulators.town import build_town

SCENARIO = "demo"
HISTORY = "history"
MISSED_S = 6 * 3600.0
"""What the town sent while Mjøsa was away reaches it afterwards, at most this long back [s]."""
BATCH = 1_000_000
"""Readings written at once while the past is filled in."""
Analyse = Callable[[float, float, Callable[[str, int, int], None]], object]


@dataclass(frozen=True)
class Demo:
    """The simulated town of one installation."""

    settings: Settings
    registry: Registry
    store: SeriesStore
    clock: Callable[[], float]

    def begin(self, progress: Progress, analyse: Analyse) -> None:
        """Register the town and give it a past, once. Interrupted, it takes up the same past again, so nothing is there twice."""
        kept = self.registry.documents.get(HISTORY) or {}
        if kept.get("state") == "done":
            return
        end = float(kept.get("end", self.clock()))
        start = end - self.settings.history_days * 86_400.0
        if self.registry.town_revision() == 0:
            self.registry.import_town(mounted(build_town(self.settings.seed, self.settings.scale), start), "first start")
        self.registry.documents.put(HISTORY, {"state": "begun", "start": start, "end": end})
        with progress:
            self._write_history(progress, start)
            task = progress.add_task("Looking for events", total=1.0)

            def tell(detector: str, done: int, places: int) -> None:
                progress.update(task, description=f"Looking for events: {detector}", completed=done / places)

            analyse(start, end, tell)
        self.registry.documents.put(HISTORY, {"state": "done", "start": start, "end": end})

    def live(self, broker_url: str) -> LiveTown:
        """The town from now on; counters go on from what the store holds."""
        address, history = urlsplit(broker_url), self.registry.documents.get(HISTORY) or {}
        origin = scenario_origin(SCENARIO, float(history["end"])) if "end" in history else None
        latest, now = self.store.latest(), self.clock()
        since = max([now - MISSED_S, *(r.measured_at for r in latest if r.measured_at <= now)])
        return LiveTown(
            self.registry.town(), seed=self.settings.seed, scenario=SCENARIO, since=since, origin=origin, speed=self.settings.speed,
            host=address.hostname or "127.0.0.1", port=address.port or 1883, resume=latest, clock=self.clock,
        )  # fmt: skip

    @contextmanager
    def network_server(self, broker_url: str) -> Iterator[StandIn]:
        """ChirpStack's API and events, without ChirpStack; a sensor registered with it joins and sends by itself."""
        address = urlsplit(broker_url)
        broker = Broker(address.hostname or "127.0.0.1", address.port or 1883)
        with StandIn(self.settings.data_dir / "network", mqtt=broker) as server, Newcomers(server, self.registry.town, clock=self.clock):
            yield server

    def _write_history(self, progress: Progress, start: float) -> None:
        town = self.registry.town()
        task = progress.add_task(f"Simulating {self.settings.history_days} days of {town.utility.name}", total=1.0)
        history = readings_of(
            town, SCENARIO, self.settings.seed, start, float(self.settings.history_days),
            progress=lambda share: progress.update(task, completed=share),
        )  # fmt: skip
        progress.update(task, completed=1.0)
        task = progress.add_task("Storing readings", total=len(history))
        for first in range(0, len(history), BATCH):
            self.store.write(history.part(first, first + BATCH))
            progress.update(task, completed=min(first + BATCH, len(history)))
        self.store.compact()


def mounted(town: Town, start: float) -> Town:
    """The town whose sensors were all mounted when its history begins: nothing is expected of them before."""
    return town.model_copy(update={"sensors": tuple(s.model_copy(update={"valid_from": start}) for s in town.sensors)})
