"""The analyst: takes what became dirty, scans it again, and keeps events, alarms and figures up to date.

Late data re-opens the past: whatever window a reading falls into is scanned and every period it touches is computed again.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import structlog

from analytics.causes import causes
from analytics.indicators import Rollups, compute, settled
from analytics.scan import Progress, scan
from core.errors import StoreUnavailable
from core.late import LATE, mark
from core.model import Event, IndicatorValue, Readings
from core.records import Alarm, AlarmState, MasterValue
from core.registry import Registry
from core.store import SeriesStore
from core.timekeeping import OSLO, period

log = structlog.get_logger("mjosa.analytics")
BLOCK_DAYS = 30
"""How far before a period overflows are fetched: a run of 12/24-hour blocks may have begun there [days]."""
BACK_S = 26 * 3600.0
"""How far back the analyst looks without being told [s]: meters send the log of the hours before."""
WHOLE_EVERY_S = 3_600.0
"""How often everything is looked at, silent sensors too [s]."""
PUBLISH_EVERY_S = 900.0
KEEP_OPEN_S = {"info": 3_600.0, "warning": 86_400.0, "major": 3 * 86_400.0}
"""How long an alarm waits for a person after its cause has ended [s]; a critical one waits until somebody closes it."""
CAUSE_DAYS = 7
"""How far back events are joined to one cause [days]."""


@dataclass(frozen=True, slots=True)
class Work:
    """What one round changed."""

    start: float
    end: float
    events: tuple[Event, ...] = ()
    withdrawn: tuple[str, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    figures: tuple[IndicatorValue, ...] = ()


class Window(NamedTuple):
    """What to work on: [start, end) of the devices that reported; of everything where `devices` is None."""

    start: float
    end: float
    devices: frozenset[str] | None


@dataclass
class Dirty:
    """What readings have touched since it was last taken. Thread-safe."""

    _window: Window | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, readings: Readings) -> None:
        """These were written."""
        if len(readings):
            self.widen(float(readings.t.min()), float(readings.t.max()), frozenset(readings.sensor.tolist()))

    def widen(self, start: float, end: float, devices: frozenset[str] | None = None) -> None:
        with self._lock:
            if self._window is None:
                self._window = Window(start, end, devices)
                return
            w = self._window
            both = None if devices is None or w.devices is None else w.devices | devices
            self._window = Window(min(w.start, start), max(w.end, end), both)

    def take(self) -> Window | None:
        with self._lock:
            window, self._window = self._window, None
            return window


def mark_late(registry: Registry, readings: Readings, now: float) -> None:
    """Ingest's side: readings older than the analyst looks back on its own are marked in the registry, so that a crash forgets none."""
    if len(readings) and (start := float(readings.t.min())) < now - BACK_S:
        end = float(readings.t[readings.t < now - BACK_S].max())
        mark(registry, start, end + 1.0)


@dataclass
class Analyst:
    """Works on one store and registry. `on_alarm` hears of every alarm that is new or changed."""

    store: SeriesStore
    registry: Registry
    clock: Callable[[], float]
    on_alarm: Callable[[Alarm], None] = lambda alarm: None
    also: Callable[[float, Sequence[Event]], Sequence[Event]] = lambda now, known: ()
    """Events that others find: `also(now, those still open)`."""
    after: list[Callable[[Work], object]] = field(default_factory=list)
    """All told of every round's work."""
    dirty: Dirty = field(default_factory=Dirty)
    rollups: Rollups = field(init=False)
    _unpublished: Window | None = None
    _published_at: float = -math.inf
    _seen: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rollups = Rollups(self.store)

    def work(self, start: float, end: float, progress: Progress | None = None, devices: Collection[str] | None = None) -> Work:
        """Scan [start, end) (Unix s), of some devices or of all, and bring everything that follows from it up to date."""
        town = self.registry.town()
        planned = self.registry.maintenance.find(start - CAUSE_DAYS * 86_400, end)
        known = self.registry.events.find(start=start, end=end)
        points = None if devices is None else {s.id for d in devices for s in town.by_device.get(d, ())}
        result = scan(self.store, town, start, end, known=known, planned=planned, progress=progress, sensors=points)
        others = self.also(self.clock(), self.registry.events.find(open_only=True))
        events = self.registry.events.save([*result.events, *others])
        self.registry.events.withdraw(result.withdrawn)
        alarms = self._raise_alarms(start, end) if events or result.withdrawn or devices is None else ()
        figures = self._publish_when_due(start, end, now=devices is None)
        work = Work(start, end, tuple(events), result.withdrawn, alarms, figures)
        for told in self.after:
            told(work)
        return work

    def run(self, stop: threading.Event, every_s: float, *, beside: bool = False) -> None:
        """Until stopped: every `every_s` what reported since; every hour, and at the start, everything of the last day.

        `beside` processes that ingest, what reported is seen in the store.
        """
        whole_at = -math.inf
        while not stop.wait(every_s):
            now = self.clock()
            if now - whole_at >= WHOLE_EVERY_S:
                self.dirty.widen(now - BACK_S, now)
                whole_at = now
            elif beside:
                self._look_around()
            self.run_once()

    def run_once(self) -> None:
        """Work on what is dirty, if anything is; late marks are taken away only when their window has been worked on."""
        try:
            marks = {key: self.registry.documents.get(key) for key in self.registry.documents.keys(LATE)}
            for mark in marks.values():
                if mark is not None:
                    self.dirty.widen(mark["start"], mark["end"])
            window = self.dirty.take()
            if window is None:
                return
            try:
                self.work(window.start, max(window.end + 1.0, self.clock()), devices=window.devices)
            except StoreUnavailable:
                self.dirty.widen(*window)
                raise
            for key in marks:
                self.registry.documents.remove(key)
        except StoreUnavailable as error:
            log.warning("analysis waits", why=str(error))

    def _look_around(self) -> None:
        """Mark as dirty what other processes have stored since the last look."""
        for reading in self.store.latest():
            before = self._seen.get(reading.sensor)
            if before is None or reading.measured_at > before:
                self._seen[reading.sensor] = reading.measured_at
                if before is not None:
                    self.dirty.widen(before, reading.measured_at, frozenset((reading.sensor,)))

    def _raise_alarms(self, start: float, end: float) -> tuple[Alarm, ...]:
        town, registry = self.registry.town(), self.registry
        since = start - CAUSE_DAYS * 86_400
        events = registry.events.find(start=since, end=end)
        before = {a.cause: a for a in registry.alarms.find()}
        raised = []
        for alarm in causes(events, registry.maintenance.find(since, end), town):
            kept = registry.alarms.raise_(alarm)
            if kept != before.get(alarm.cause):
                raised.append(kept)
                self.on_alarm(kept)
        return (*raised, *self._close_what_is_over(end))

    def _close_what_is_over(self, now: float) -> list[Alarm]:
        """Nobody need work on a cause that ended by itself and that nobody took up; what it was stays among the events."""
        over = []
        for alarm in self.registry.alarms.find(state=AlarmState.OPEN):
            keep_s = KEEP_OPEN_S.get(alarm.severity)
            if keep_s is not None and alarm.ended_at is not None and alarm.ended_at < now - keep_s:
                over.append(self.registry.alarms.change(alarm.id, AlarmState.CLOSED, "Mjøsa", self.clock(), "ended by itself"))
        for alarm in over:
            self.on_alarm(alarm)
        return over

    def _publish_when_due(self, start: float, end: float, *, now: bool) -> tuple[IndicatorValue, ...]:
        """Figures follow within a quarter of an hour, at once where `now`."""
        w = self._unpublished
        self._unpublished = Window(start, end, None) if w is None else Window(min(w.start, start), max(w.end, end), None)
        if not now and self.clock() - self._published_at < PUBLISH_EVERY_S:
            return ()
        w, self._unpublished, self._published_at = self._unpublished, None, self.clock()
        return self._publish(w.start, w.end)

    def _publish(self, start: float, end: float) -> tuple[IndicatorValue, ...]:
        """Every month and year that the window touches."""
        now, town, registry = self.clock(), self.registry.town(), self.registry
        values: list[IndicatorValue] = []
        master = _lookup(registry.master.all())
        self.rollups.forget_window(start, end)
        for name in _periods(start, end):
            first, last = period(name)
            values += compute(
                self.store, town, first, last, events=registry.events.find(start=first - BLOCK_DAYS * 86_400, end=last),
                master=master, alarms=registry.alarms.find(), now=now if now >= last else settled(now, first), rollups=self.rollups,
                previous=registry.figures.find(start=first, end=last),
            )  # fmt: skip
        return tuple(registry.figures.save(values))


def _lookup(entered: Sequence[MasterValue]) -> Callable[[str, str, float], MasterValue | None]:
    """What `registry.master.at` answers, from one reading of the table: of several valid values, the one entered last."""
    by_name: dict[tuple[str, str], list[MasterValue]] = {}
    for value in sorted(entered, key=lambda v: v.entered_at, reverse=True):
        by_name.setdefault((value.name, value.zone), []).append(value)
    return lambda name, zone, t: next((v for v in by_name.get((name, zone), ()) if v.valid_from <= t < v.valid_to), None)


def _periods(start: float, end: float) -> Sequence[str]:
    """Local months, then years, that [start, end) touches: '2026-10', '2026-11', '2026'."""
    first, last = datetime.fromtimestamp(start, OSLO), datetime.fromtimestamp(max(start, end - 1), OSLO)
    months = [f"{m // 12}-{m % 12 + 1:02d}" for m in range(first.year * 12 + first.month - 1, last.year * 12 + last.month)]
    return [*months, *(str(year) for year in range(first.year, last.year + 1))]
