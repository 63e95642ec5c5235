"""A small town with readings, events, alarms and figures, for tests and for looking at the pages."""

import math
from pathlib import Path

import numpy as np

from core.model import Event, IndicatorValue, Readings
from core.records import Alarm
from core.registry import Registry
from core.settings import Settings
from core.stores.memory import MemoryStore
from core.town import Town

NOW = 1_778_150_000.0
"""2026-05-07 10:33:20 UTC, a Thursday."""
DAY = 86_400.0
ZONES = [
    ("sentrum", "Sentrum", "dma", 60.7955, 10.688, 0.0095, 0.011),
    ("hunndalen", "Hunndalen", "dma", 60.7895, 10.648, 0.010, 0.017),
    ("kopperud", "Kopperud", "dma", 60.8110, 10.672, 0.009, 0.015),
    ("kallerud", "Kallerud", "dma", 60.7790, 10.678, 0.0075, 0.018),
    ("avlop-syd", "Avløp sør", "sewer", 60.7860, 10.683, 0.015, 0.017),
]
CHAMBERS = ("Strandgata", "Niels Ødegaards gate", "Rambekk", "Kallerud")
MASTS = [("Rådhuset", 60.7957, 10.6905), ("Hovdetoppen", 60.7872, 10.671), ("Kallerud", 60.7735, 10.675), ("Hunndalen", 60.7905, 10.640),
         ("Bråstad", 60.8170, 10.676)]  # fmt: skip


def outline(lat, lon, dlat, dlon, n=14):
    """A rounded, slightly irregular polygon."""
    angle = np.arange(n) / n * 2 * math.pi
    radius = 1 + 0.13 * np.sin(3 * angle + lat * 900) + 0.08 * np.cos(5 * angle + lon * 700)
    return [(round(lat + dlat * r * math.sin(a), 5), round(lon + dlon * r * math.cos(a), 5)) for a, r in zip(angle, radius, strict=True)]


def town(meters=12):
    """Five zones, twenty-odd sensors, `meters` household meters in Sentrum and Hunndalen."""
    assets, sensors = [], []

    def place(key, kind, zone, lat, lon, quantities, **more):
        crest = more.pop("crest_m", None)
        household, downstream = more.pop("household", False), more.pop("downstream", None)
        name = more.pop("name", key)
        assets.append({"id": f"A-{key}", "name": name, "kind": kind, "zone": zone, "latitude": lat, "longitude": lon, "crest_m": crest,
                       "household": household, "downstream": downstream})  # fmt: skip
        sensors.append({"id": key, "dev_eui": f"{len(sensors) + 1:016x}", "asset": f"A-{key}", "quantities": quantities,
                        "interval_s": 600, "name": name, **more})  # fmt: skip

    for i, (zone, name, kind, lat, lon, dlat, dlon) in enumerate(ZONES):
        if kind == "dma":
            for k in range(3):
                at = (lat + dlat * 0.55 * math.sin(2.1 * k + i), lon + dlon * 0.55 * math.cos(2.1 * k + i))
                place(f"PT-{zone}-{k + 1}", "junction", zone, *at, ["pressure_bar", "battery_v"], name=f"Trykk {name} {k + 1}")
            place(f"FL-{zone}", "zone_inlet", zone, lat, lon, ["flow_m3h", "battery_v"], name=f"Vannmengde {name}")
    for k, (lat, lon) in enumerate([(60.7925, 10.694), (60.7868, 10.6945), (60.7801, 10.6982), (60.7766, 10.694)]):
        place(f"OV-{k + 1}", "overflow_chamber", "avlop-syd", lat, lon, ["level_m", "battery_v"], crest_m=0.6,
              downstream=f"A-OV-{k}" if k else None, name=CHAMBERS[k] + " overløp")  # fmt: skip
    place("RG-1", "rain_station", None, 60.7985, 10.668, ["rain_mm"], name="Nedbør Gjøvik gård")
    for k in range(meters):
        zone = ZONES[k % 2]
        place(f"VM-{k + 1:04d}", "meter_point", zone[0], zone[3], zone[4], ["volume_m3"], household=True, interval_s=21_600)
    stations = [{"id": f"{i + 1:016x}", "name": n, "latitude": a, "longitude": o} for i, (n, a, o) in enumerate(MASTS)]
    zones = [{"id": z, "name": n, "kind": k, "polygon": outline(*rest), "households": 900 + 100 * i, "population": 2000, "mains_km": 20}
             for i, (z, n, k, *rest) in enumerate(ZONES)]  # fmt: skip
    utility = {"id": "gjovik", "name": "Gjøvik kommune", "population": 30_000}
    whole = {"id": "gjovik", "name": "Gjøvik", "kind": "town"}
    return Town.model_validate(
        {"utility": utility, "base_stations": stations, "zones": [whole, *zones], "assets": assets, "sensors": sensors}
    )


def series(quantity, t, seed):
    """Plausible values: daily cycles, storms every nine days, noise."""
    rng = np.random.default_rng(seed)
    hour = (t / 3600.0 + 2) % 24
    demand = 0.45 + 0.4 * np.exp(-(((hour - 8) / 2.2) ** 2)) + 0.35 * np.exp(-(((hour - 19) / 3) ** 2))
    storm = np.clip(1 - ((t - NOW + 3.5 * 3600) % (9 * DAY)) / (6 * 3600), 0, 1)
    values = {
        "pressure_bar": 5.2 + seed % 7 * 0.12 - 0.5 * demand + rng.normal(0, 0.02, len(t)),
        "flow_m3h": 60 * demand + seed % 5 * 6 + rng.normal(0, 1.2, len(t)),
        "level_m": 0.16 + 0.08 * demand + (0.35 + 0.09 * (seed % 4)) * storm**0.6 + rng.normal(0, 0.004, len(t)),
        "rain_mm": np.where(storm > 0.2, rng.gamma(1.2, 0.5, len(t)) * storm, 0.0).round(1),
        "battery_v": 3.62 - (t - t[0]) / DAY * 0.0004,
        "volume_m3": 100 + np.cumsum(rng.gamma(0.5, 0.02, len(t))),
    }
    return values[quantity]


def fill(store, place, days=30, now=NOW):
    """Readings every interval until now for every sensor; one pressure sensor falls during the last two hours, one is silent."""
    for number, sensor in enumerate(place.sensors):
        t = np.arange(now - days * DAY, now, sensor.interval_s) + number % 300
        if sensor.id == "PT-kopperud-3":
            t = t[t < now - 2 * DAY]
        for quantity in sensor.quantities:
            x = series(quantity, t, number)
            if sensor.id == "PT-hunndalen-1" and quantity == "pressure_bar":
                x = np.where(t > now - 7200, x - 1.1, x)
            store.write(Readings.of_series(sensor.dev_eui, quantity, t, x, np.ones(len(t), np.uint8)))


def populate(registry, place, now=NOW):
    """Events, two open alarms and figures."""
    registry.import_town(place, "test")
    storm = now - 3.5 * 3600
    events = [
        Event(f"ev-ov-{i}", "overflow", "overflow_level", ("OV-4",), "avlop-syd", "A-OV-4", storm - i * 9 * DAY, storm - i * 9 * DAY + 5400,
              storm - i * 9 * DAY, 300.0, 0.95, 0.6, 1.0, "major", 42.0 + i, 9.0, details={"peak_level_m": 0.82, "duration_s": 5400.0})
        for i in range(3)
    ]  # fmt: skip
    events.append(Event("ev-pt", "pressure_anomaly", "pressure_anomaly", ("PT-hunndalen-1",), "hunndalen", None, now - 7200, None,
                        now - 7200, 300.0, 8.2, 4.0, 0.98, "critical", details={"drop_bar": 1.1}))  # fmt: skip
    registry.events.save(events)
    registry.alarms.raise_(Alarm("al-1", "pressure:hunndalen", "pressure_anomaly", "critical", "open", "hunndalen", None,
                                 ("PT-hunndalen-1",), ("ev-pt",), now - 7200, now - 6900, now - 6900, score=8.2))  # fmt: skip
    registry.alarms.raise_(Alarm("al-2", "overflow:OV-4", "overflow", "major", "open", "avlop-syd", "A-OV-4", ("OV-4",), ("ev-ov-0",),
                                 storm, storm + 300, storm + 5400, ended_at=storm + 5400, score=0.95))  # fmt: skip
    figures = [("S02", 3.2, "h/point/yr", 1, None), ("W01", 28.4, "%", 2, None), ("X01", 97.1, "%", 1, None)]
    registry.figures.save([
        IndicatorValue(k, "gjovik", now - (13 - m) * 30 * DAY, now - (12 - m) * 30 * DAY, v * (1 + 0.05 * math.sin(m)), 1.0, 2.0, u, c,
                       0.96, lower=v * 0.9, upper=v * 1.1, shares=(0.9, 0.06, 0.04), lineage={"sensors": ["OV-1"]})
        for k, v, u, c, _ in figures for m in range(13)
    ])  # fmt: skip


def build(folder: Path, meters=12, days=30, now=NOW, clock=None, database=None):
    """(services, town): a whole application's worth over MemoryStore and SQLite."""
    from api.services import Services

    place = town(meters)
    store = MemoryStore()
    fill(store, place, days, now)
    registry = Registry.open(database or f"sqlite:///{folder / 'registry.db'}", clock=clock or (lambda: now))
    populate(registry, place, now)
    heard = {b.id: now - 40 for b in place.base_stations}
    status = {
        "uplinks_per_minute": 3.4,
        "lag_s": 1.2,
        "dead_letters": 2,
        "rows": store.size()["rows"],
        "bytes_per_reading": 5.1,
        "base_stations": heard,
    }
    services = Services(Settings(data_dir=folder), store, registry, clock or (lambda: now), status=lambda: status)
    return services, place
