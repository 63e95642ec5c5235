"""The main path: uplink → readings → store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

import structlog

from core.errors import DecodeError, StoreRejected
from core.model import Readings, Sample, Uplink
from core.store import SeriesStore, Written
from core.town import Sensor, Town
from ingest.batch import Batch
from ingest.dead_letters import DeadLetter
from ingest.duplicates import Duplicates
from ingest.timing import uplink_time

log = structlog.get_logger("mjosa.ingest")
Listener = Callable[[Written, Readings], None]


class Model(Protocol):
    """What decodes a frame: a native DeviceModel, a vendor's codec, or a mapping of the server's `object`."""

    @property
    def key(self) -> str: ...
    @property
    def version(self) -> str: ...
    def read(self, payload: bytes, f_port: int, options: Mapping[str, float] | None = None) -> Sequence[Sample]: ...


class Models(Protocol):
    """Finds the model of a device. Raises DecodeError when none fits."""

    def find(self, sensor: Sensor | None, uplink: Uplink) -> Any: ...


class Unregistered(DecodeError):
    """The registry does not know the device at that time; register it and replay."""


class Pipeline:
    """Turns uplinks into stored readings. `town` gives the current snapshot; `dead_letters` keeps what could not be processed."""

    def __init__(
        self,
        town: Callable[[], Town],
        store: SeriesStore,
        models: Models,
        dead_letters: Callable[[Sequence[DeadLetter]], None],
        listeners: Sequence[Listener] = (),
    ) -> None:
        self._town, self._store, self._models, self._dead_letters = town, store, models, dead_letters
        self._listeners = list(listeners)
        self._seen = Duplicates()
        self._told: set[tuple[str, str]] = set()
        self.duplicates = 0
        """Frames dropped because they had been stored already, since start."""
        self.readings_new = 0
        self.readings_changed = 0

    def listen(self, listener: Listener) -> None:
        """Tell this one, too, of everything written."""
        self._listeners.append(listener)

    def process(self, uplinks: Sequence[Uplink]) -> Written:
        """Read, place in time, calibrate, flag, store. Raises StoreUnavailable, after which the same uplinks may come again."""
        fresh, seen = self._seen.fresh(uplinks)
        readings, dead = self._read(fresh)
        written, refused = self._write(readings, fresh)
        self._dead_letters(dead + refused)
        self._seen.remember(seen)
        self.duplicates += len(uplinks) - len(fresh)
        self.readings_new += written.new
        self.readings_changed += written.changed
        tell(self._listeners, written, readings)
        return written

    def _read(self, uplinks: Sequence[Uplink]) -> tuple[Readings, list[DeadLetter]]:
        town, batch, dead = self._town(), Batch(), list[DeadLetter]()
        for uplink in uplinks:
            try:
                sent = uplink_time(uplink)
                sensor = find_sensor(town, uplink.dev_eui, sent[0])
                batch.add_radio(uplink, sent)
                if uplink.f_port and uplink.payload:  # other frames carry only network commands
                    model = self._models.find(sensor, uplink)
                    samples = model.read(uplink.payload, uplink.f_port, sensor.options)
                    batch.add_samples(uplink, sensor, model.key, getattr(model, "bounds", {}), samples, sent)
            except DecodeError as error:
                dead.append(dead_letter(uplink, error))
            except Exception as error:
                self._tell_once(uplink, error)
                dead.append(dead_letter(uplink, error))
        return batch.flagged(), dead

    def _tell_once(self, uplink: Uplink, error: Exception) -> None:
        """The traceback of a broken decoder, once per product and kind of error; every frame becomes a dead letter all the same."""
        fault = (uplink.profile_name, type(error).__name__)
        if fault not in self._told:
            self._told.add(fault)
            with suppress(OSError):
                log.exception("a decoder is broken", profile=uplink.profile_name, dev_eui=uplink.dev_eui, seq=uplink.seq)

    def _write(self, readings: Readings, uplinks: Sequence[Uplink]) -> tuple[Written, list[DeadLetter]]:
        """Rows that the store will never take become dead letters; all others are stored."""
        try:
            return self._store.write(readings), []
        except StoreRejected as error:
            refused = set(readings.uplink[list(error.rows)].tolist()) if error.rows else set(readings.uplink.tolist())
            with suppress(OSError):
                log.error("the store refuses readings", why=str(error), uplinks=len(refused))
            return error.written or Written(0, 0, 0), [dead_letter(u, error) for u in uplinks if u.seq in refused]


def tell(listeners: Sequence[Callable[..., None]], *news: object) -> None:
    """Call every listener; one that fails is one entry in the log and holds nobody up: the readings are stored."""
    for listener in listeners:
        try:
            listener(*news)
        except Exception:
            with suppress(OSError):
                log.exception("a listener of the ingest failed", listener=getattr(listener, "__qualname__", repr(listener)))


def find_sensor(town: Town, dev_eui: str, t: float) -> Sensor:
    """Where a device was at a time. Raises Unregistered with what to do."""
    places = town.by_device.get(dev_eui, ())
    for sensor in places:
        if sensor.valid_from <= t < sensor.valid_to:
            return sensor
    if places:
        raise Unregistered(f"device {dev_eui} is registered, but not for the time of this frame; correct valid_from or valid_to and replay")
    raise Unregistered(f"device {dev_eui} is not registered; register it and replay")


_REASONS: Sequence[tuple[type[Exception], str]] = (
    (Unregistered, "unregistered device"),
    (DecodeError, "does not decode"),
    (StoreRejected, "refused by the store"),
    (Exception, "decoder is broken"),
)


def dead_letter(uplink: Uplink, error: Exception) -> DeadLetter:
    """The uplink's dead letter, with the reason that its error stands for."""
    reason = next(text for kind, text in _REASONS if isinstance(error, kind))
    return DeadLetter(uplink.seq, uplink.dev_eui, reason, str(error) or type(error).__name__, uplink.received_at)
