"""What is counted of each device and base station. Seeing an event twice, or late, changes nothing."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import nan

from core.network import LogEvent
from ingest.battery import BatteryTrend

WINDOW = 128
"""Frames of a session over which loss is counted."""
_MASK = (1 << WINDOW) - 1
INTERVALS = 15
"""Gaps between frames of which the median is the learned interval."""
SMOOTHING = 0.1
"""Weight of a new reception in the running means of signal strength."""
CLOCKS = 24


@dataclass(slots=True)
class Heard:
    """How one base station hears one device, or all of them."""

    last_seen: float = 0.0
    uplinks: int = 0
    rssi_dbm: float = nan
    snr_db: float = nan
    factors: dict[int, int] = field(default_factory=dict)

    def hear(self, t: float, rssi_dbm: float, snr_db: float, spreading_factor: int) -> None:
        self.last_seen = max(self.last_seen, t)
        self.uplinks += 1
        self.factors[spreading_factor] = self.factors.get(spreading_factor, 0) + 1
        if rssi_dbm == rssi_dbm:
            first = self.rssi_dbm != self.rssi_dbm
            self.rssi_dbm = rssi_dbm if first else self.rssi_dbm + SMOOTHING * (rssi_dbm - self.rssi_dbm)
            self.snr_db = snr_db if first else self.snr_db + SMOOTHING * (snr_db - self.snr_db)


@dataclass(slots=True)
class DeviceState:
    """One device: the newest session's frame numbers as bits below `top`, gaps, receptions, joins, clock and batteries."""

    last_seen: float = 0.0
    dev_addr: str = ""
    top: int = -1
    top_at: float = 0.0
    first: int = 0
    seen: int = 0
    uplinks: int = 0
    gaps_s: deque[float] = field(default_factory=lambda: deque(maxlen=INTERVALS))
    stations: dict[str, Heard] = field(default_factory=dict)
    joins: deque[float] = field(default_factory=lambda: deque(maxlen=50))
    clock_s: deque[float] = field(default_factory=lambda: deque(maxlen=CLOCKS))
    clock_since: float = 0.0
    margin_db: int | None = None
    complaint: LogEvent | None = None
    batteries: dict[str, BatteryTrend] = field(default_factory=dict)

    def count(self, dev_addr: str, f_cnt: int, t: float) -> bool:
        """Note a frame number; False when it was noted before. A new address or a far lower number begins a session."""
        ahead = f_cnt - self.top
        if dev_addr != self.dev_addr or self.top < 0 or (ahead <= -WINDOW and t > self.top_at):
            if t < self.top_at:  # a straggler of a session that is over
                return False
            self.dev_addr, self.top, self.top_at, self.first, self.seen = dev_addr, f_cnt, t, f_cnt, 1
        elif ahead > 0:
            if t > self.top_at:
                self.gaps_s.append((t - self.top_at) / ahead)
            self.seen = ((self.seen << ahead) | 1) & _MASK if ahead < WINDOW else 1
            self.top, self.top_at = f_cnt, max(self.top_at, t)
        else:
            if ahead <= -WINDOW or self.seen >> -ahead & 1:
                return False
            self.seen |= 1 << -ahead
            self.first = min(self.first, f_cnt)
        return True
