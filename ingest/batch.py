"""Readings of one batch of uplinks, gathered as columns: calibrated, distances turned into levels, flagged together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from core.errors import DecodeError
from core.model import Flag, Readings, Reception, Sample, Uplink
from core.quantities import QUANTITIES
from core.town import Sensor
from ingest.quality import Limits, evaluate, limits_of
from ingest.timing import Moment, sample_times

Bounds = Mapping[str, tuple[float, float]]
_NONE: Bounds = {}
_BAD = (Flag.SUSPECT, Flag.FAIL)
"""What a product may say of a value; its good or not evaluated leaves the verdict to us."""


class Batch:
    """Rows (sensor, quantity, t, x, given flag, uplink, origin, limits); `flagged` makes them Readings."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, str, float, float, int, int, int, int]] = []
        self._limits: list[Limits] = []
        self._limit_index: dict[tuple[str, str], int] = {}

    def add_radio(self, uplink: Uplink, sent: Moment) -> None:
        """Signal strength [dBm] and signal to noise [dB] of the base station that heard it best."""
        best: Reception | None = None
        for reception in uplink.receptions:
            if reception.rssi_dbm == reception.rssi_dbm and (best is None or _strength(reception) > _strength(best)):
                best = reception
        if best is not None:
            rssi, snr = self._limits_of("", "rssi_dbm", _NONE), self._limits_of("", "snr_db", _NONE)
            device, (t, origin), seq = uplink.dev_eui, sent, uplink.seq
            self._rows += (
                (device, "rssi_dbm", t, best.rssi_dbm, 0, seq, origin, rssi),
                (device, "snr_db", t, best.snr_db, 0, seq, origin, snr),
            )

    def add_samples(self, uplink: Uplink, sensor: Sensor, model_key: str, bounds: Bounds, samples: Sequence[Sample], sent: Moment) -> None:
        """What the model decoded, in the sensor's own terms. Raises DecodeError for a quantity that does not exist."""
        device, seq = uplink.dev_eui, uplink.seq
        for (quantity, x, _, _, said), (t, origin, clock) in zip(samples, sample_times(samples, sent), strict=True):
            if sensor.calibration:
                x = calibrated(sensor, quantity, x, t)
            given = max(said if said in _BAD else 0, clock)
            if quantity == "distance_m" and sensor.reference_m is not None:
                if not _inside(x, limits_of(quantity, bounds)):
                    given = Flag.FAIL
                quantity, x = "level_m", calibrated(sensor, "level_m", sensor.reference_m - x, t)
            self._rows.append((device, quantity, t, x, given, seq, origin, self._limits_of(model_key, quantity, bounds)))

    def flagged(self) -> Readings:
        """The batch as columns, every reading with its flag."""
        if not self._rows:
            return Readings.from_rows(())
        sensor, quantity, t, x, given, seq, origin, limits = ([row[i] for row in self._rows] for i in range(8))
        values = np.array(x, np.float64)
        table = np.array(self._limits, np.float64)
        flag = evaluate(values, table[np.array(limits, np.intp)], np.array(given, np.uint8))
        return Readings(np.array(sensor, object), np.array(quantity, object), np.array(t, np.float64), values, flag,
                        np.array(seq, np.int64), np.array(origin, np.uint8))  # fmt: skip

    def _limits_of(self, model_key: str, quantity: str, bounds: Bounds) -> int:
        """The row of the limits table for a product's quantity."""
        index = self._limit_index.get((model_key, quantity))
        if index is None:
            if quantity not in QUANTITIES:
                raise DecodeError(f"{model_key}: decodes '{quantity}', which is not a quantity Mjøsa knows")
            index = self._limit_index[model_key, quantity] = len(self._limits)
            self._limits.append(limits_of(quantity, bounds))
        return index


def calibrated(sensor: Sensor, quantity: str, x: float, t: float) -> float:
    """raw · scale + offset of the newest calibration of this quantity valid at t; the raw value where there is none."""
    entries = [c for c in sensor.calibration if c.quantity == quantity and c.valid_from <= t]
    if not entries:
        return x
    newest = max(entries, key=lambda c: c.valid_from)
    return x * newest.scale + newest.offset


def _strength(reception: Reception) -> tuple[float, float]:
    return reception.snr_db, reception.rssi_dbm


def _inside(x: float, limits: Limits) -> bool:
    return limits.low <= x <= limits.high
