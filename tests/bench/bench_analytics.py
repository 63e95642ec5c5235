"""Detectors: seconds per million points, a town-year of 100 series, and peers where they are installed."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

import numpy as np

from analytics.detector import Budget
from analytics.local_time import local_seconds
from analytics.scan import detectors, scan
from core.town import Asset, Sensor, Town, Utility, Weir, Zone
from tests.analytics.makers import DAY, T0, arrays, diurnal, store_of, track

N = 1_000_000


def run() -> list[tuple[str, str, str]]:
    return [*_per_million(), _town_year(), *_peers()]


def _per_million() -> list[tuple[str, str, str]]:
    t = T0 + 300.0 * np.arange(N)
    x = diurnal(local_seconds(t), noise=0.02)
    rows = []
    for key, d in detectors().items():
        if d.scope != "series":
            continue
        quantity = d.inputs[0].split("|")[0]
        values = np.cumsum(np.maximum(x - 3.9, 0)) / 1000 if quantity == "volume_m3" else x - 3.6 if quantity == "level_m" else x
        place = arrays(
            track(quantity, t, values, crest_m=1.0, weir=Weir(width_m=1.0), asset_kind="overflow_chamber"), budget=Budget(1.0, 100)
        )
        rows.append((f"{key}, 1 M points", f"{_best(lambda d=d, p=place: d.detect(p, d.params())):.3f} s", "≤ 0.05 s"))
    return rows


def _town_year() -> tuple[str, str, str]:
    """Four zones of an inlet and 14 pressures, 40 levels: 100 series at 5 min."""
    t = T0 + 300.0 * np.arange(int(365 * DAY / 300))
    zones, assets, sensors, series = [], [], [], []
    for z in range(4):
        zones.append(Zone(id=f"z{z}"))
        for i in range(25):
            name, quantity = (f"q{z}", "flow_m3h") if i == 0 else (f"p{z}_{i}", "pressure_bar") if i < 15 else (f"l{z}_{i}", "level_m")
            kind = {"flow_m3h": "zone_inlet", "pressure_bar": "junction", "level_m": "overflow_chamber"}[quantity]
            assets.append(Asset(id=name, kind=kind, zone=f"z{z}", crest_m=1.0, weir=Weir(width_m=1.0)))
            sensors.append(Sensor(id=name, dev_eui=name, asset=name, quantities=(quantity,)))
            x = diurnal(local_seconds(t), seed=100 * z + i, mean=50.0 if quantity == "flow_m3h" else 4.0)
            series.append((name, quantity, t, x - 3.5 if quantity == "level_m" else x))
    town = Town(utility=Utility(name="bench"), zones=tuple(zones), assets=tuple(assets), sensors=tuple(sensors))
    store = store_of(*series)
    began = time.perf_counter()
    scan(store, town, T0, T0 + 365 * DAY)
    return f"{len(series)} series × {t.size:,} points, all detectors", f"{time.perf_counter() - began:.1f} s", "≤ 60 s"


def _peers() -> list[tuple[str, str, str]]:
    """What others take for the same million points; only where they are installed."""
    x = diurnal(T0 + 300.0 * np.arange(N), noise=0.02)

    def rolling() -> None:
        series = import_module("pandas").Series(x)
        window = series.rolling(96)
        (series - window.median()) / window.std()

    def pyod() -> None:
        import_module("pyod.models.mad").MAD().fit(x[:, None])

    def adtk() -> None:
        frame = import_module("pandas")
        series = frame.Series(x, index=frame.date_range("2026", periods=N, freq="5min"))
        import_module("adtk.detector").InterQuartileRangeAD().fit_detect(series)

    peers: tuple[tuple[str, str, Callable[[], None]], ...] = (
        ("pandas", "pandas rolling z", rolling),
        ("pyod", "PyOD MAD", pyod),
        ("adtk", "ADTK IQR", adtk),
    )
    return [(f"{title}, 1 M points", f"{_best(call, 1):.3f} s", "for comparison") for module, title, call in peers if find_spec(module)]


def _best(call: Callable[[], object], rounds: int = 3) -> float:
    best = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - began)
    return best
