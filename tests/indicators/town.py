"""A small town whose every figure can be worked out by hand: two supply zones, a transfer between them, one sewer zone."""

from __future__ import annotations

import numpy as np

from core.model import Event, Readings, concatenate
from core.records import MasterValue
from core.stores.memory import MemoryStore
from core.timekeeping import period
from core.town import Town

HOUR = 3600.0
START, END = period("2026-05")
HOURS = int((END - START) / HOUR)
LATER = END + 60 * 86400


def town(**changes) -> Town:
    """Zone A feeds zone B through B's inlet. Five household meters each, two overflow points, one pressure point per zone."""
    assets = [
        {"id": "inA", "kind": "zone_inlet", "zone": "A"},
        {"id": "inB", "kind": "zone_inlet", "zone": "B", "from_zone": "A"},
        {"id": "cso1", "kind": "overflow_chamber", "zone": "S", "crest_m": 1.0, "weir": {"width_m": 1.0}},
        {"id": "cso2", "kind": "overflow_chamber", "zone": "S", "crest_m": 1.0, "weir": {"width_m": 1.0}},
        {"id": "pA", "kind": "junction", "zone": "A"},
        {"id": "pB", "kind": "junction", "zone": "B"},
        {"id": "wwtp", "kind": "treatment_plant", "zone": "S"},
        {"id": "gauge", "kind": "rain_station"},
    ]
    sensors = [
        _sensor("inA", "volume_m3"), _sensor("inB", "volume_m3"),
        _sensor("cso1", "level_m"), _sensor("cso2", "level_m"),
        _sensor("pA", "pressure_bar"), _sensor("pB", "pressure_bar"),
        _sensor("wwtp", "flow_m3h"), _sensor("gauge", "rain_mm"),
    ]  # fmt: skip
    for zone in "AB":
        for i in range(5):
            assets.append({"id": f"m{zone}{i}", "kind": "meter_point", "zone": zone, "household": True})
            sensors.append(_sensor(f"m{zone}{i}", "volume_m3"))
    dated = {"master_as_of": "2026-01-01"}
    common = {"population": 12, "households": 5, "connections": 5, "mains_km": 2.0, "private_pipe_km": 0.1,
              "master": {"unmetered_persons": 0, "other_authorised_m3": 0, "apparent_losses_m3": 0, "meters_total": 5},
              **dated}  # fmt: skip
    data = {
        "utility": {"id": "town", "name": "Testby", "population": 24, **dated},
        "zones": [{"id": "A", **common}, {"id": "B", **common}, {"id": "S", "kind": "sewer", "population": 24, **dated}],
        "assets": assets,
        "sensors": sensors,
    }
    return Town.model_validate(data | changes)


def _sensor(asset: str, quantity: str) -> dict[str, object]:
    return {"id": f"s-{asset}", "dev_eui": f"d-{asset}", "asset": asset, "quantities": [quantity], "interval_s": HOUR}


def index(device: str, m3_per_hour: float, start: float = START, end: float = END, at: float = 100.0) -> Readings:
    """An hourly meter index from one hour before start to one hour after end."""
    t = np.arange(start - HOUR, end + 2 * HOUR, HOUR)
    return Readings.of_series(device, "volume_m3", t, at + m3_per_hour * np.arange(len(t)))


def flat(device: str, quantity: str, value: float, start: float = START, end: float = END) -> Readings:
    t = np.arange(start, end, HOUR)
    return Readings.of_series(device, quantity, t, np.full(len(t), value))


def measured() -> list[Readings]:
    """A takes 10 m³/h in and passes 4 on to B; every meter uses 0.5 m³/h: A loses 3.5 of 6, B 1.5 of 4 m³/h."""
    parts = [index("d-inA", 10.0), index("d-inB", 4.0)]
    parts += [index(f"d-m{zone}{i}", 0.5) for zone in "AB" for i in range(5)]
    parts += [flat(f"d-{p}", "pressure_bar", 5.0) for p in ("pA", "pB")]
    parts += [flat("d-cso1", "level_m", 0.2), flat("d-cso2", "level_m", 0.2)]
    parts += [flat("d-wwtp", "flow_m3h", 20.0), flat("d-gauge", "rain_mm", 0.0)]
    return parts


def filled(parts=None) -> MemoryStore:
    store = MemoryStore()
    store.write(concatenate(measured() if parts is None else parts))
    return store


def overflow(asset: str, start_h: float, end_h: float | None, volume: float | None = None, **details) -> Event:
    """An overflow event, its times in hours from the start of the month."""
    end = None if end_h is None else START + end_h * HOUR
    return Event(f"{asset}-{start_h}", "overflow", "overflow", (f"s-{asset}",), "S", asset, START + start_h * HOUR, end,
                 START + start_h * HOUR, 60.0, 5.0, 1.0, 1.0, volume_m3=volume, volume_u_m3=None if volume is None else 0.25 * volume,
                 details=details)  # fmt: skip


def nothing(name: str, zone: str, t: float) -> MasterValue | None:
    """No master data entered beside town.yaml."""
    return None
