"""LoRa from a manhole to the masts: path loss, covers, spreading factor, airtime, and which frames get through.

Log-distance path loss at 868 MHz, loss of cover and depth, log-normal fading per frame; a frame is heard where its SNR is above
the demodulation floor of its spreading factor. On top, a two-state channel loses frames in bursts (rain in the manhole, a parked car).
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.model import Floats
from core.town import BaseStation, Sensor, Town
from simulators.scenario import Action

EIRP_DBM, NOISE_DBM, FADING_DB = 16.0, -117.0, 3.5
COVER_DB = {"none": 0.0, "plastic": 5.0, "concrete": 10.0, "cast_iron": 14.0}
DEPTH_DB_PER_M = 3.0
FLOOR_DB = {7: -7.5, 8: -10.0, 9: -12.5, 10: -15.0, 11: -17.5, 12: -20.0}
ADR_MARGIN_DB = 6.0
CHANNELS_HZ = (868_100_000, 868_300_000, 868_500_000, 867_100_000, 867_300_000, 867_500_000, 867_700_000, 867_900_000)
DUTY, SUB_BANDS = 0.01, 2
BAD_ENTRY, BAD_EXIT, BAD_LOSS = 0.0004, 0.08, 0.7
"""The two-state channel of a surface node; a node below ground enters the bad state five times as often."""


@dataclass(frozen=True, slots=True)
class Link:
    """A sensor's radio: mean SNR [dB] and RSSI [dBm] at each base station, the spreading factor that ADR settled on."""

    stations: tuple[BaseStation, ...]
    rssi_dbm: Floats
    snr_db: Floats
    spreading_factor: int
    below_ground: bool

    def hears(self, rng: np.random.Generator) -> list[tuple[BaseStation, float, float]]:
        """Who hears one frame: (station, RSSI, SNR), strongest first; empty when nobody does."""
        fade = rng.normal(0, FADING_DB, len(self.stations))
        snr = np.minimum(self.snr_db + fade, 13.0)
        order = np.argsort(-snr)
        return [(self.stations[i], float(round(self.rssi_dbm[i] + fade[i])), float(round(snr[i] * 4) / 4))
                for i in order if snr[i] >= FLOOR_DB[self.spreading_factor]]  # fmt: skip

    def heard_mask(self, n: int, rng: np.random.Generator, silent: npt.NDArray[np.bool_] | None = None) -> npt.NDArray[np.bool_]:
        """Which of n frames in a row somebody hears, bursts of loss included; shape (n,).

        `silent` (n, stations) marks base stations that are down.
        """
        fade = rng.normal(0, FADING_DB, (n, len(self.stations)))
        each = np.asarray(self.snr_db + fade >= FLOOR_DB[self.spreading_factor])
        heard = (each if silent is None else each & ~silent).any(axis=1)
        return np.asarray(heard & ~burst_losses(n, rng, 5.0 if self.below_ground else 1.0))


def link(town: Town, sensor: Sensor) -> Link:
    """The sensor's place in the radio landscape; shadowing is fixed by its dev_eui."""
    place = town.position_of(sensor) or (town.base_stations[0].latitude, town.base_stations[0].longitude)
    rng = np.random.default_rng(zlib.crc32(sensor.dev_eui.encode()))
    distance = np.array([max(_distance_m(place, (b.latitude, b.longitude)), 20.0) for b in town.base_stations])
    cover = COVER_DB[sensor.mounting.cover] + DEPTH_DB_PER_M * sensor.mounting.depth_m
    rssi = EIRP_DBM - (118.0 + 32.0 * np.log10(distance / 1_000)) - cover + rng.normal(0, 4.0, distance.size)
    snr = rssi - NOISE_DBM
    best = float(snr.max())
    factor = next((sf for sf, floor in FLOOR_DB.items() if best >= floor + ADR_MARGIN_DB), 12)
    lift = max(0.0, FLOOR_DB[12] + 5.0 - best)
    return Link(town.base_stations, rssi + lift, snr + lift, factor, sensor.mounting.cover != "none")


def burst_losses(n: int, rng: np.random.Generator, worse: float = 1.0) -> npt.NDArray[np.bool_]:
    """Frames lost while the channel is bad; bad spells last 1 / BAD_EXIT frames on average. Shape (n,)."""
    lost = np.zeros(n, bool)
    i = int(rng.geometric(BAD_ENTRY * worse)) - 1
    while i < n:
        length = int(rng.geometric(BAD_EXIT))
        lost[i : i + length] = rng.uniform(size=lost[i : i + length].size) < BAD_LOSS
        i += length + int(rng.geometric(BAD_ENTRY * worse))
    return lost


def silent_stations(stations: Sequence[BaseStation], outages: Sequence[Action], t: Floats) -> npt.NDArray[np.bool_] | None:
    """(n, stations): which base stations are down at times t; None when none ever is."""
    if not outages:
        return None
    down = np.zeros((t.size, len(stations)), bool)
    for a in outages:
        for i, s in enumerate(stations):
            if s.id == a.place:
                down[:, i] |= (t >= a.start) & (t < a.end)
    return down


def airtime_s(spreading_factor: int, phy_bytes: int, *, crc: bool = True, bandwidth_hz: int = 125_000) -> float:
    """Time on air of a LoRa frame of `phy_bytes`, explicit header, coding rate 4/5, preamble 8 (SX1276 data sheet)."""
    symbol = 2**spreading_factor / bandwidth_hz
    low_rate = spreading_factor >= 11
    bits = 8 * phy_bytes - 4 * spreading_factor + 28 + 16 * crc
    payload = 8 + max(math.ceil(bits / (4 * (spreading_factor - 2 * low_rate))) * 5, 0)
    return float((8 + 4.25 + payload) * symbol)


def shortest_interval_s(spreading_factor: int, app_bytes: int) -> float:
    """How often a device may send: 1 % duty cycle in each of the two sub-bands that its channels lie in (EN 300 220)."""
    return airtime_s(spreading_factor, app_bytes + 13) / (DUTY * SUB_BANDS)


def fast_interval_s(link: Link, app_bytes: int = 11) -> float:
    """The whole minutes between alert uplinks of a level sensor."""
    return 60.0 * math.ceil(shortest_interval_s(link.spreading_factor, app_bytes) / 60)


def _distance_m(a: Sequence[float], b: Sequence[float]) -> float:
    north, east = (a[0] - b[0]) * 111_400, (a[1] - b[1]) * 111_320 * math.cos(math.radians(a[0]))
    return math.hypot(north, east)
