"""Level ahead from its own past and the rain: a linear ARX, refitted as data come, and how well it warns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from core.model import Floats


class Arx(NamedTuple):
    """x_{t+ahead} = c + Σ a_i·x_{t−i} + Σ b_j·rain_{t−j}; coefficients (1 + lags + rain_lags,)."""

    coefficients: Floats
    lags: int
    rain_lags: int
    ahead: int


class Skill(NamedTuple):
    """Warnings of a crest against what came: hit rate, false-alarm ratio, critical success index, Brier score and persistence's."""

    hit_rate: float | None
    false_alarm_ratio: float | None
    csi: float | None
    brier: float
    brier_persistence: float


def _design(x: Floats, rain: Floats, lags: int, rain_lags: int) -> Floats:
    n = x.size
    first = max(lags, rain_lags) - 1
    rows = np.arange(first, n)
    own = np.stack([x[rows - i] for i in range(lags)], axis=1)
    wet = np.stack([rain[rows - j] for j in range(rain_lags)], axis=1)
    return np.concatenate((np.ones((rows.size, 1)), own, wet), axis=1)


def fit_arx(x: Floats, rain: Floats, ahead: int, lags: int = 2, rain_lags: int = 24, ridge: float = 1e-6) -> Arx:
    """Ridge least squares on all complete rows; x, rain: (n,) regular steps. Raises ValueError where rows are too few."""
    rows = _design(x, rain, lags, rain_lags)[: x.size - max(lags, rain_lags) + 1 - ahead]
    target = x[max(lags, rain_lags) - 1 + ahead :]
    good = np.isfinite(rows).all(axis=1) & np.isfinite(target)
    if good.sum() <= rows.shape[1]:
        raise ValueError(f"{int(good.sum())} complete rows are too few for {rows.shape[1]} coefficients")
    a, b = rows[good], target[good]
    return Arx(np.linalg.solve(a.T @ a + ridge * good.sum() * np.eye(a.shape[1]), a.T @ b), lags, rain_lags, ahead)


def predict(model: Arx, x: Floats, rain: Floats) -> Floats:
    """Forecast for each time, made `ahead` steps before it: shape (n,), NaN where it could not be made."""
    out = np.full(x.size, np.nan)
    made = _design(x, rain, model.lags, model.rain_lags) @ model.coefficients
    first = max(model.lags, model.rain_lags) - 1 + model.ahead
    out[first:] = made[: x.size - first]
    return out


def skill(forecast: Floats, x: Floats, crest: float, ahead: int, spread: float) -> Skill:
    """How forecasts of x over a crest did. Probabilities by a logistic of (forecast − crest)/spread."""
    persisted = np.concatenate((np.full(ahead, np.nan), x[:-ahead]))
    good = np.isfinite(forecast) & np.isfinite(x) & np.isfinite(persisted)
    real, said = x[good] > crest, forecast[good] > crest
    hits, misses, false = int(np.sum(real & said)), int(np.sum(real & ~said)), int(np.sum(~real & said))

    def brier(values: Floats) -> float:
        p = 1 / (1 + np.exp(-np.clip((values[good] - crest) / spread, -50, 50)))
        return float(np.mean((p - real) ** 2))

    return Skill(
        hits / (hits + misses) if hits + misses else None,
        false / (hits + false) if hits + false else None,
        hits / (hits + misses + false) if hits + misses + false else None,
        brier(forecast),
        brier(persisted),
    )
