"""The frozen values that travel between stages: Uplink → Reading(s) → Series → Event, IndicatorValue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.uint8]


class Flag(IntEnum):
    """QARTOD quality flag (IOOS QARTOD manuals): a smaller number is not always better, 9 is no value at all."""

    GOOD = 1
    NOT_EVALUATED = 2
    SUSPECT = 3
    FAIL = 4
    MISSING = 9


class TimeOrigin(IntEnum):
    """Which clock `measured_at` came from, best first."""

    PAYLOAD = 1
    GATEWAY = 2
    SERVER = 3
    IMPORTED = 4


@dataclass(frozen=True, slots=True)
class Reception:
    """One base station that heard the frame. rssi [dBm], snr [dB]; NaN where the server left it out."""

    base_station: str
    rssi_dbm: float
    snr_db: float


@dataclass(frozen=True, slots=True)
class Uplink:
    """One data frame as the network server reported it.

    Times are Unix seconds UTC, None where the event had none. `seq` is its place in the uplink log (0: not logged).
    `object` is the network server's own decoding, if any.
    """

    dev_eui: str
    dev_addr: str
    f_cnt: int
    f_port: int
    payload: bytes
    time: float | None
    gateway_time: float | None
    server_time: float | None
    received_at: float
    receptions: tuple[Reception, ...] = ()
    spreading_factor: int = 0
    frequency_hz: int = 0
    object: Mapping[str, Any] | None = None
    confirmed: bool = False
    deduplication_id: str = ""
    application_id: str = ""
    device_name: str = ""
    profile_name: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    seq: int = 0


class Sample(NamedTuple):
    """What a device model decodes: a value in the canonical unit and when it was measured.

    `at` is Unix seconds from the device's own clock, or None; `age_s` says how long before transmission
    it was measured (used when `at` is None). `flag` lets the product itself call a value bad.
    """

    quantity: str
    value: float
    at: float | None = None
    age_s: float = 0.0
    flag: int = Flag.NOT_EVALUATED


class Reading(NamedTuple):
    """One value of one sensor. Identity: (sensor, quantity, measured_at).

    `sensor` is the dev_eui (a wired point's own id where there is no radio); `uplink` is the uplink-log seq it came from.
    """

    sensor: str
    quantity: str
    measured_at: float
    value: float
    flag: int = Flag.NOT_EVALUATED
    uplink: int = 0
    origin: int = TimeOrigin.IMPORTED


READINGS_COLUMNS = ("sensor", "quantity", "t", "x", "flag", "uplink", "origin")


@dataclass(frozen=True, slots=True)
class Readings:
    """A batch of readings as columns, each of shape (n,). `sensor` and `quantity` hold str objects."""

    sensor: npt.NDArray[np.object_]
    quantity: npt.NDArray[np.object_]
    t: Floats
    x: Floats
    flag: Flags
    uplink: npt.NDArray[np.int64]
    origin: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.t)

    def where(self, keep: npt.NDArray[np.bool_]) -> Readings:
        """The rows for which keep, shape (n,), is true."""
        return Readings(*(getattr(self, c)[keep] for c in READINGS_COLUMNS))

    def part(self, first: int, last: int) -> Readings:
        """Rows first … last − 1, without copying."""
        return Readings(*(getattr(self, c)[first:last] for c in READINGS_COLUMNS))

    @classmethod
    def from_rows(cls, rows: Iterable[Reading]) -> Readings:
        columns = list(zip(*rows, strict=True)) or [()] * 7
        return cls(
            np.array(columns[0], object), np.array(columns[1], object),
            np.array(columns[2], np.float64), np.array(columns[3], np.float64),
            np.array(columns[4], np.uint8), np.array(columns[5], np.int64), np.array(columns[6], np.uint8),
        )  # fmt: skip

    @classmethod
    def of_series(cls, sensor: str, quantity: str, t: Floats, x: Floats, flag: Flags | None = None) -> Readings:
        """One sensor's array as a batch of imported readings."""
        n = len(t)
        return cls(
            np.full(n, sensor, object), np.full(n, quantity, object), np.asarray(t, np.float64), np.asarray(x, np.float64),
            np.full(n, Flag.NOT_EVALUATED, np.uint8) if flag is None else flag,
            np.zeros(n, np.int64), np.full(n, TimeOrigin.IMPORTED, np.uint8),
        )  # fmt: skip


def concatenate(batches: Sequence[Readings]) -> Readings:
    """Join batches in order."""
    if not batches:
        return Readings.from_rows(())
    return Readings(*(np.concatenate([getattr(b, c) for b in batches]) for c in READINGS_COLUMNS))


@dataclass(frozen=True, slots=True)
class Series:
    """One sensor and quantity, ordered by time, no time twice. t [Unix s], x [canonical unit], flag, uplink seq: shape (n,)."""

    sensor: str
    quantity: str
    t: Floats
    x: Floats
    flag: Flags
    uplink: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.t)

    def usable(self) -> Floats:
        """x with every FAIL and MISSING value as NaN: what analytics sees."""
        return np.where((self.flag == Flag.FAIL) | (self.flag == Flag.MISSING), np.nan, self.x)

    @classmethod
    def empty(cls, sensor: str, quantity: str) -> Series:
        return cls(sensor, quantity, np.empty(0), np.empty(0), np.empty(0, np.uint8), np.empty(0, np.int64))


@dataclass(frozen=True, slots=True)
class Event:
    """Something a detector found, with the numbers that justify it.

    Times are Unix seconds UTC; `end` is None while it lasts. `sensors` are sensor ids (not dev_euis).
    `details` holds the detector's own numbers, each name ending in its unit. `location` ranks pipes: ((pipe, probability), …).
    The id stays the same when late data revises the event; `revision` goes up.
    """

    id: str
    kind: str
    detector: str
    sensors: tuple[str, ...]
    zone: str | None
    asset: str | None
    start: float
    end: float | None
    onset: float
    onset_uncertainty_s: float
    score: float
    threshold: float
    completeness: float
    severity: str = "warning"
    volume_m3: float | None = None
    volume_u_m3: float | None = None
    location: tuple[tuple[str, float], ...] = ()
    details: Mapping[str, float | str] = field(default_factory=dict)
    revision: int = 1
    method_version: str = "1"


@dataclass(frozen=True, slots=True)
class IndicatorValue:
    """One published figure for a period and a zone, never without its quality.

    `value` is None with a `reason` when it cannot be produced. lower/upper: 95 % interval (k = 2).
    `shares`: (direct, extrapolated, estimated), summing to 1. `lineage` names inputs: sensors, master data, events.
    """

    indicator: str
    zone: str
    start: float
    end: float
    value: float | None
    numerator: float | None
    denominator: float | None
    unit: str
    quality_class: int
    completeness: float
    lower: float | None = None
    upper: float | None = None
    failed_principles: tuple[str, ...] = ()
    shares: tuple[float, float, float] = (0.0, 0.0, 0.0)
    reason: str | None = None
    status: str = "provisional"
    method_version: str = "1"
    revision: int = 1
    lineage: Mapping[str, Any] = field(default_factory=dict)
