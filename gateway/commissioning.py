"""Does the sensor that was just mounted work? One verdict per check, from what has arrived since; pure.

`good`, `look_again` or `bad` each with the numbers behind it; `waiting` while nothing has come, `not_checked` where there
is nothing to judge by. The worst counted check is the verdict. Limits marked (own) are Mjøsa's own choice.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from core.model import Reading, TimeOrigin, Uplink
from core.quantities import QUANTITIES
from core.town import Asset, Mounting

Check = dict[str, object]
ORDER = ("good", "not_checked", "look_again", "waiting", "bad")
"""From best to worst: the verdict is the worst of its checks."""
SNR_FLOOR_DB = {7: -7.5, 8: -10.0, 9: -12.5, 10: -15.0, 11: -17.5, 12: -20.0}
"""Weakest SNR at which a spreading factor is still heard (LoRa modem, 2.5 dB per step)."""
COVER_LOSS_DB = {"none": 0.0, "plastic": 3.0, "concrete": 8.0, "cast_iron": 15.0}
"""What closing the cover costs (own, order of magnitude)."""
LOSS_PER_M_DB = 3.0
"""What depth costs (own)."""
RESERVE_GOOD_DB, RESERVE_BAD_DB = 15.0, 8.0
"""Reserve at the slowest data rate: 10 dB installation margin and 5 dB for a wet winter (own)."""
_EIRP_DBM, _LOSS_AT_1_M_DB, _PATH_EXPONENT, WEAKER_THAN_EXPECTED_DB = 14.0, 31.2, 3.0, 20.0
CLOCK_GOOD_S, CLOCK_BAD_S = 60.0, 3600.0
JOIN_PATIENCE_S = 900.0
TOLERANCE = {"pressure_bar": 0.1, "level_m": 0.03, "distance_m": 0.03, "volume_m3": 0.05, "temperature_c": 1.0, "rain_mm": 0.2,
              "rain_total_mm": 0.2, "flow_m3h": 1.0, "contact": 0.0}  # fmt: skip
"""How far a value may be from the one read by hand (own); three times as far is bad."""
BATTERY = {"battery_pct": (80.0, 50.0), "battery_v": (3.0, 2.7)}
"""A newly mounted sensor's battery: good from, bad below (own)."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What has arrived since `since` [Unix s], oldest first. `joined`: the network server has a session for the device."""

    now: float
    since: float
    joined: bool
    uplinks: Sequence[Uplink] = ()
    readings: Sequence[Reading] = ()


@dataclass(frozen=True, slots=True)
class Expected:
    """What the sensor should show.

    `interval_s` is None where it is not known. `possible` and `usual` are (low, high) per quantity; `typed` what the
    engineer read by hand. `distance_m` is to the nearest base station. `cover_open`: measured before the cover was closed.
    """

    quantities: tuple[str, ...]
    interval_s: float | None = None
    mounting: Mounting = field(default_factory=Mounting)
    cover_open: bool = False
    distance_m: float | None = None
    possible: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    usual: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    typed: Mapping[str, float] = field(default_factory=dict)


def judge(evidence: Evidence, expected: Expected) -> dict[str, Check]:
    """Every check by name: {verdict, reason, and its numbers}. Reasons are keys of `commissioning_texts`."""
    return {name: check(evidence, expected) for name, check in CHECKS.items()}


def verdict(checks: Mapping[str, Mapping[str, object]]) -> str:
    """The worst of the checks: good, look_again, waiting or bad."""
    worst = max((str(c["verdict"]) for c in checks.values()), key=ORDER.index, default="waiting")
    return "good" if worst == "not_checked" else worst


def joined(evidence: Evidence, expected: Expected) -> Check:
    if evidence.joined or evidence.uplinks:
        return {"verdict": "good", "reason": "joined"}
    waited_s = evidence.now - evidence.since
    return {"verdict": "waiting" if waited_s < JOIN_PATIENCE_S else "bad", "reason": "not_joined", "waited_s": waited_s}


def link(evidence: Evidence, expected: Expected) -> Check:
    """The best base station's reserve at SF12 with the cover closed, how many hear it, and whether it is as strong as it should be."""
    heard = [u for u in evidence.uplinks if any(math.isfinite(r.snr_db) for r in u.receptions)]
    if not heard:
        return {"verdict": "waiting", "reason": "no_uplink"}
    cover_db = COVER_LOSS_DB[expected.mounting.cover] if expected.cover_open else 0.0
    reserve_db = median(max(r.snr_db for r in u.receptions if math.isfinite(r.snr_db)) for u in heard) - SNR_FLOOR_DB[12] - cover_db
    rssi_dbm = median(max((r.rssi_dbm for r in u.receptions if math.isfinite(r.rssi_dbm)), default=math.nan) for u in heard)
    stations = len({r.base_station for u in heard for r in u.receptions})
    numbers: Check = {"reserve_db": reserve_db, "rssi_dbm": rssi_dbm, "stations": stations}
    if reserve_db < RESERVE_BAD_DB:
        return {"verdict": "bad", "reason": "link_weak", **numbers}
    if reserve_db < RESERVE_GOOD_DB:
        return {"verdict": "look_again", "reason": "link_tight", **numbers}
    budget_dbm = expected_rssi_dbm(expected)
    if budget_dbm is not None and rssi_dbm < budget_dbm - WEAKER_THAN_EXPECTED_DB:
        return {"verdict": "look_again", "reason": "link_below_budget", "expected_rssi_dbm": budget_dbm, **numbers}
    if stations < 2:
        return {"verdict": "look_again", "reason": "one_station", **numbers}
    return {"verdict": "good", "reason": "link_good", **numbers}


def expected_rssi_dbm(expected: Expected) -> float | None:
    """Log-distance path loss with exponent 3 from the nearest base station, less depth and a closed cover; None without positions."""
    if expected.distance_m is None:
        return None
    cover_db = 0.0 if expected.cover_open else COVER_LOSS_DB[expected.mounting.cover]
    mounting_db = LOSS_PER_M_DB * max(expected.mounting.depth_m, 0.0) + cover_db
    path_db = _LOSS_AT_1_M_DB + 10 * _PATH_EXPONENT * math.log10(max(expected.distance_m, 1.0))
    return _EIRP_DBM - path_db - mounting_db


def in_range(evidence: Evidence, expected: Expected) -> Check:
    """The newest value of each quantity the sensor is there for: possible at this asset, and usual there."""
    newest = _newest(evidence, expected.quantities)
    if not newest:
        return {"verdict": "waiting", "reason": "no_reading"}
    worst: Check = {"verdict": "good", "reason": "range_good", **_said(next(iter(newest.values())))}
    for reading in newest.values():
        for limits, verdict_, reason in ((expected.possible, "bad", "range_impossible"), (expected.usual, "look_again", "range_unusual")):
            low, high = limits.get(reading.quantity, (-math.inf, math.inf))
            if not low <= reading.value <= high and ORDER.index(verdict_) > ORDER.index(str(worst["verdict"])):
                worst = {"verdict": verdict_, "reason": reason, "low": low, "high": high, **_said(reading)}
    return worst


def agreement(evidence: Evidence, expected: Expected) -> Check:
    """Against the value read by hand, within the quantity's tolerance."""
    newest = _newest(evidence, tuple(expected.typed))
    if not expected.typed:
        return {"verdict": "not_checked", "reason": "nothing_typed"}
    if not newest:
        return {"verdict": "waiting", "reason": "no_reading"}
    checks: list[Check] = []
    for quantity, reading in newest.items():
        off, tolerance = reading.value - expected.typed[quantity], TOLERANCE.get(quantity, 0.02 * abs(expected.typed[quantity]))
        grade = "good" if abs(off) <= tolerance + 1e-9 else "look_again" if abs(off) <= 3 * tolerance + 1e-9 else "bad"
        checks.append({"verdict": grade, "reason": f"agreement_{grade}", "typed": expected.typed[quantity], "off": off, **_said(reading)})
    return max(checks, key=lambda c: ORDER.index(str(c["verdict"])))


def clock(evidence: Evidence, expected: Expected) -> Check:
    """The device's own time against the moment its frame arrived; a device without a clock has none to be wrong."""
    arrived = {u.seq: u.received_at for u in evidence.uplinks}
    own: dict[int, float] = {}
    for r in evidence.readings:
        if r.origin == TimeOrigin.PAYLOAD and r.uplink in arrived:
            own[r.uplink] = max(own.get(r.uplink, -math.inf), r.measured_at)
    if not own:
        return {"verdict": "not_checked" if evidence.readings else "waiting", "reason": "no_clock" if evidence.readings else "no_reading"}
    off_s = median(t - arrived[seq] for seq, t in own.items())
    ahead_s = max(off_s, 0.0)
    slow_s = max(-off_s - (expected.interval_s or 0.0), 0.0)  # a value may rightly be one interval old
    wrong_s = max(ahead_s, slow_s)
    grade = "good" if wrong_s <= CLOCK_GOOD_S else "look_again" if wrong_s <= CLOCK_BAD_S else "bad"
    return {"verdict": grade, "reason": "clock_good" if grade == "good" else "clock_off", "off_s": off_s}


def battery(evidence: Evidence, expected: Expected) -> Check:
    newest = _newest(evidence, tuple(BATTERY))
    if not newest:
        return {"verdict": "not_checked" if evidence.readings else "waiting", "reason": "no_battery" if evidence.readings else "no_reading"}
    reading = newest.get("battery_pct") or newest["battery_v"]
    good, bad = BATTERY[reading.quantity]
    grade = "good" if reading.value >= good else "bad" if reading.value < bad else "look_again"
    return {"verdict": grade, "reason": f"battery_{grade}", **_said(reading)}


def interval(evidence: Evidence, expected: Expected) -> Check:
    """The usual pause between frames, known from the second one on."""
    if expected.interval_s is None:
        return {"verdict": "not_checked", "reason": "interval_unknown"}
    times = sorted({u.received_at for u in evidence.uplinks})
    if len(times) < 2:
        return {
            "verdict": "not_checked" if times else "waiting",
            "reason": "one_uplink" if times else "no_uplink",
            "expected_s": expected.interval_s,
        }
    seen_s = median(b - a for a, b in pairwise(times))
    ratio = seen_s / expected.interval_s
    grade = "good" if 0.8 <= ratio <= 1.25 else "look_again" if 0.4 <= ratio <= 2.5 else "bad"
    return {
        "verdict": grade,
        "reason": "interval_good" if grade == "good" else "interval_off",
        "seen_s": seen_s,
        "expected_s": expected.interval_s,
    }


CHECKS: dict[str, Callable[[Evidence, Expected], Check]] = {
    "joined": joined,
    "link": link,
    "range": in_range,
    "agreement": agreement,
    "clock": clock,
    "battery": battery,
    "interval": interval,
}


def possible_range(quantity: str, asset: Asset | None, bounds: Mapping[str, tuple[float, float]]) -> tuple[float, float]:
    """What a value can be at an asset: the quantity's own bounds, the product's span, and the depth of the manhole."""
    known = QUANTITIES.get(quantity)
    limits = [(known.low, known.high)] if known else []
    limits += [bounds[quantity]] if quantity in bounds else []
    limits += [(-0.5, 25.0)] if quantity == "pressure_bar" else []
    depth_m = asset.depth_m if asset else None
    if depth_m is not None and quantity in ("level_m", "distance_m"):
        limits.append((-0.1, depth_m + 0.5))
    return max(low for low, _ in limits or [(-math.inf, 0.0)]), min(high for _, high in limits or [(0.0, math.inf)])


def _newest(evidence: Evidence, quantities: tuple[str, ...]) -> dict[str, Reading]:
    """In the order of the quantities asked for."""
    found = {r.quantity: r for r in sorted(evidence.readings, key=lambda r: r.measured_at) if math.isfinite(r.value)}
    return {q: found[q] for q in quantities if q in found}


def _said(reading: Reading) -> Check:
    return {"quantity": reading.quantity, "value": reading.value, "measured_at": reading.measured_at}
