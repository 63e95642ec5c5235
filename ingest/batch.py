"""Readings of one batch of uplinks, gathered as columns: calibrated, distances turned into levels, flagged together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from core.errors import DecodeError
from core.model import Flag, Readings, Sample, Uplink
from core.quantities import QUANTITIES
from core.town import Sensor
from ingest.quality import Limits, evaluate, limits_of
from ingest.timing import Moment, sample_times

Bounds = Mapping[str, tuple[float, float]]
_NONE: Bounds = {}


class Batch:
    """Rows (sensor, quantity, t, x, given flag, uplink, origin, limits); `flagged` makes them Readings."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, str, float, float, int, int, int, int]] = []
        self._limits: list[Limits] = []
        self._limit_index: dict[tuple[str, str], int] = {}

    def add_radio(self, uplink: Uplink, sent: Moment) -> None:
        """Signal strength [dBm] and signal to noise [dB] of the base station that heard it best."""
        heard = [r for r in uplink.receptions if r.rssi_dbm == r.rssi_dbm]
        if heard:
            best = max(heard, key=lambda r: (r.snr_db, r.rssi_dbm))
            for quantity, value in (("rssi_dbm", best.rssi_dbm), ("snr_db", best.snr_db)):
                self._add(uplink, quantity, sent[0], value, Flag.NOT_EVALUATED, int(sent[1]), "", _NONE)

    def add_samples(self, uplink: Uplink, sensor: Sensor, model_key: str, bounds: Bounds, samples: Sequence[Sample], sent: Moment) -> None:
        """What the model decoded, in the sensor's own terms. Raises DecodeError for a quantity that does not exist."""
        for sample, (t, origin, clock) in zip(samples, sample_times(samples, sent), strict=True):
            quantity, x = sample.quantity, float(sample.value)
            if quantity not in QUANTITIES:
                raise DecodeError(f"{model_key}: decodes '{quantity}', which is not a quantity Mjøsa knows")
            if sensor.calibration:
                x = calibrated(sensor, quantity, x, t)
            given = max(_severity(sample.flag), clock)
            if quantity == "distance_m" and sensor.reference_m is not None:
                if not _inside(x, limits_of(quantity, bounds)):
                    given = Flag.FAIL
                quantity, x = "level_m", calibrated(sensor, "level_m", sensor.reference_m - x, t)
            self._add(uplink, quantity, t, x, given, int(origin), model_key, bounds)

    def flagged(self) -> Readings:
        """The batch as columns, every reading with its flag."""
        if not self._rows:
            return Readings.from_rows(())
        sensor, quantity, t, x, given, seq, origin, limits = zip(*self._rows, strict=True)
        values = np.array(x, np.float64)
        table = np.array(self._limits, np.float64)
        flag = evaluate(values, table[np.array(limits, np.intp)], np.array(given, np.uint8))
        return Readings(np.array(sensor, object), np.array(quantity, object), np.array(t, np.float64), values, flag,
                        np.array(seq, np.int64), np.array(origin, np.uint8))  # fmt: skip

    def _add(self, uplink: Uplink, quantity: str, t: float, x: float, given: int, origin: int, model_key: str, bounds: Bounds) -> None:
        index = self._limit_index.get((model_key, quantity))
        if index is None:
            index = self._limit_index[model_key, quantity] = len(self._limits)
            self._limits.append(limits_of(quantity, bounds))
        self._rows.append((uplink.dev_eui, quantity, t, x, given, uplink.seq, origin, index))


def calibrated(sensor: Sensor, quantity: str, x: float, t: float) -> float:
    """raw · scale + offset of the newest calibration of this quantity valid at t; the raw value where there is none."""
    entries = [c for c in sensor.calibration if c.quantity == quantity and c.valid_from <= t]
    if not entries:
        return x
    newest = max(entries, key=lambda c: c.valid_from)
    return x * newest.scale + newest.offset


def _severity(flag: int) -> int:
    """A product says suspect, fail or missing; its good or not evaluated leaves the verdict to us."""
    return flag if flag in (Flag.SUSPECT, Flag.FAIL) else 0


def _inside(x: float, limits: Limits) -> bool:
    return limits.low <= x <= limits.high
