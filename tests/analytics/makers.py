"""Small seeded makers of series and towns for the tests of analytics."""

import numpy as np

from analytics.detector import Arrays, Budget, Site, Track
from core.model import Readings
from core.stores.memory import MemoryStore
from core.town import Asset, Sensor, Town, Utility, Weir, Zone

T0 = 1_767_567_600.0  # Monday 5 January 2026, 00:00 in Oslo
DAY = 86_400.0


def track(quantity, t, x, **site):
    return Track(quantity, np.asarray(t, float), np.asarray(x, float), Site(**{"sensor": "s1", **site}))


def arrays(*tracks, start=None, end=None, budget=None, **more):
    start = min(k.t[0] for k in tracks if len(k)) if start is None else start
    end = max(k.t[-1] for k in tracks if len(k)) + 1 if end is None else end
    return Arrays(tracks[0].site.sensor, tuple(tracks), start, end, budget=budget or Budget(1.0, 100), **more)


def times(days, step_s=900.0, start=T0):
    return start + np.arange(0, days * DAY, step_s)


def diurnal(t, mean=4.0, swing=0.3, noise=0.02, seed=1, phi=0.0):
    """A pressure-like day: mean − swing · sin, with AR(1) noise of standard deviation `noise`."""
    rng = np.random.default_rng(seed)
    e = rng.normal(0, noise, t.size)
    if phi:
        e *= np.sqrt(1 - phi**2)
        for i in range(1, t.size):
            e[i] += phi * e[i - 1]
    return mean - swing * np.sin(2 * np.pi * (t - T0) / DAY) + e


def small_town(false_alarms_per_week=1.0):
    """One pressure zone with two pressures and an inlet flow, one sewer chamber with a level over a 2 m weir."""
    return Town(
        utility=Utility(name="Testby", false_alarms_per_week=false_alarms_per_week),
        zones=(Zone(id="z1"), Zone(id="sewer", kind="sewer")),
        assets=(
            Asset(id="j1", kind="junction", zone="z1"),
            Asset(id="j2", kind="junction", zone="z1"),
            Asset(id="inlet", kind="zone_inlet", zone="z1"),
            Asset(id="cso1", kind="overflow_chamber", zone="sewer", crest_m=1.0, weir=Weir(width_m=2.0)),
        ),
        sensors=(
            Sensor(id="p1", dev_eui="p1", asset="j1", quantities=("pressure_bar",)),
            Sensor(id="p2", dev_eui="p2", asset="j2", quantities=("pressure_bar",)),
            Sensor(id="q1", dev_eui="q1", asset="inlet", quantities=("flow_m3h",)),
            Sensor(id="l1", dev_eui="l1", asset="cso1", quantities=("level_m",)),
        ),
    )


def store_of(*series):
    """A memory store with (dev_eui, quantity, t, x) series."""
    store = MemoryStore()
    for sensor, quantity, t, x in series:
        keep = np.isfinite(x)
        store.write(Readings.of_series(sensor, quantity, t[keep], x[keep]))
    return store
