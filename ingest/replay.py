"""The past again, through today's registry and decoders. The store rewrites only what differs, so a replay may be repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from core.errors import DecodeError, NotFound
from core.model import Uplink
from core.network import NetworkEvent
from core.store import SeriesStore, Written
from core.town import Town
from ingest.dead_letters import DeadLetter, DeadLetters
from ingest.pipeline import Listener, Models, Pipeline, find_sensor
from ingest.processor import NOT_AN_EVENT, Parse, device_in
from ingest.timing import uplink_time
from ingest.uplink_log import ERASED, LoggedMessage, UplinkLog

BATCH = 2000


@dataclass(frozen=True, slots=True)
class Replayed:
    """Messages read, readings that were not there, readings that changed, messages that (still) do not process, dead letters put right."""

    messages: int = 0
    new: int = 0
    changed: int = 0
    failed: int = 0
    recovered: int = 0


@dataclass(frozen=True, slots=True)
class Replayer:
    """What a replay works with; `listeners` are told of every write, so that roll-ups over the touched windows are made again."""

    log: UplinkLog
    dead_letters: DeadLetters
    parse: Parse
    town: Callable[[], Town]
    store: SeriesStore
    models: Models
    listeners: tuple[Listener, ...] = ()

    def since(
        self, start: float, end: float = float("inf"), *, model: str | None = None, dev_eui: str | None = None,
        progress: Callable[[int], None] = lambda count: None,
    ) -> Replayed:  # fmt: skip
        """Everything received in [start, end) [Unix s], or what one model reads of it, or one device. Raises StoreUnavailable."""
        messages = (
            m
            for m in self.log.since(0, start)
            if m.topic != ERASED and m.received_at < end and (dev_eui is None or device_in(m.topic) == dev_eui)
        )
        return self._run(messages, (lambda uplink: self._reads(model, uplink)) if model else lambda uplink: True, progress)

    def dead(self, *, dev_eui: str | None = None, reason: str | None = None, since: float | None = None) -> Replayed:
        """The dead letters, or those of one device or reason. Those that process now are dead letters no longer."""
        letters = self.dead_letters.find(dev_eui=dev_eui, reason=reason, since=since)
        return self._run(self._still_there(letters), lambda uplink: True, lambda count: None)

    def _run(self, messages: Iterator[LoggedMessage], wanted: Callable[[Uplink], bool], progress: Callable[[int], None]) -> Replayed:
        heard: list[Written] = []
        failed: list[DeadLetter] = []
        pipeline = Pipeline(
            self.town, self.store, self.models, failed.extend, (lambda written, readings: heard.append(written), *self.listeners)
        )
        count, failures, recovered = 0, 0, 0
        while batch := list(islice(messages, BATCH)):
            failed.clear()
            uplinks, tried = self._uplinks(batch, wanted, failed)
            pipeline.process(uplinks)
            recovered += self.dead_letters.settle(tried, failed)
            count, failures = count + len(batch), failures + len(failed)
            progress(count)
        return Replayed(count, sum(w.new for w in heard), sum(w.changed for w in heard), failures, recovered)

    def _uplinks(
        self, batch: Iterable[LoggedMessage], wanted: Callable[[Uplink], bool], failed: list[DeadLetter]
    ) -> tuple[list[Uplink], list[int]]:
        uplinks: list[Uplink] = []
        tried: list[int] = []
        for message in batch:
            try:
                event: NetworkEvent = self.parse(message.topic, message.payload, message.received_at, message.seq)
            except DecodeError as error:
                tried.append(message.seq)
                failed.append(DeadLetter(message.seq, device_in(message.topic), NOT_AN_EVENT, str(error), message.received_at))
                continue
            if not isinstance(event, Uplink) or wanted(event):
                tried.append(message.seq)
            if isinstance(event, Uplink) and wanted(event):
                uplinks.append(event)
        return uplinks, tried

    def _reads(self, model: str, uplink: Uplink) -> bool:
        """Whether today's registry reads this uplink with that model."""
        try:
            sensor = find_sensor(self.town(), uplink.dev_eui, uplink_time(uplink)[0])
            return bool(self.models.find(sensor, uplink).key == model)
        except DecodeError:
            return False

    def _still_there(self, letters: Iterable[DeadLetter]) -> Iterator[LoggedMessage]:
        for letter in letters:
            try:
                yield self.log.get(letter.seq)
            except NotFound:
                continue
