"""When was it measured: the payload's clock, else a plausible base station clock, else the network server's.

Clocks seen in the field say 1970, 1980 (a GPS epoch nobody checked) or half an hour ahead, so every clock is held against
the next better known one before it is believed. The origin of each time is kept with the reading.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.model import Flag, Sample, TimeOrigin, Uplink

EARLIEST = 1_420_070_400.0
"""2015-01-01: no LoRaWAN device measured before."""
SERVER_AHEAD_S = 300.0
"""A server clock further ahead of our own than this is wrong; behind it may be by any outage."""
GATEWAY_DRIFT_S = 120.0
"""A base station clock further than this from the server's is wrong (ChirpStack itself trusts 30 s)."""
CLOCK_SUSPECT_S = 60.0
CLOCK_FAIL_S = 3600.0
"""A device clock ahead of the frame: suspect beyond the first, not believed beyond the second."""
HISTORY_S = 400 * 86_400.0
"""The longest log a meter sends."""

Moment = tuple[float, TimeOrigin]
Placed = tuple[float, int, int]
"""(measured_at, origin, flag of the clock)."""


def uplink_time(uplink: Uplink) -> Moment:
    """When the frame was sent [Unix s, to the millisecond], and whose clock says so.

    A base station's clock counts when it agrees with the server's; the server's counts when it is not ahead of ours.
    An event without either (ChirpStack before 4.6) has its own `time`, which is a base station's or the server's.
    """
    received, server = uplink.received_at, uplink.server_time
    if server is None or not EARLIEST < server < received + SERVER_AHEAD_S:
        server = None
    gateway = uplink.gateway_time if uplink.gateway_time is not None or server is not None else uplink.time
    if gateway is not None and gateway > EARLIEST:
        agrees = abs(gateway - server) <= GATEWAY_DRIFT_S if server is not None else gateway <= received + GATEWAY_DRIFT_S
        if agrees:
            return round(gateway, 3), TimeOrigin.GATEWAY
    return round(received if server is None else server, 3), TimeOrigin.SERVER


def sample_times(samples: Sequence[Sample], sent: Moment) -> list[Placed]:
    """Where on the time line each sample of one frame belongs, in order.

    Without a clock of its own a sample lies `age_s` before the frame was sent. A device clock that cannot be true is
    replaced by the frame's time for its newest sample (suspect); the older ones keep their distance to it (fail).
    """
    t, origin = sent
    clocks = [s.at for s in samples if s.at is not None]
    if not clocks:
        return [(round(t - s.age_s, 3) if s.age_s else t, origin, Flag.GOOD) for s in samples]
    newest = max(clocks)
    ahead = newest - t
    wrong = ahead > CLOCK_FAIL_S or newest < max(EARLIEST, t - HISTORY_S)
    flag = Flag.SUSPECT if ahead > CLOCK_SUSPECT_S else Flag.GOOD
    placed: list[Placed] = []
    for s in samples:
        if s.at is None:
            placed.append((round(t - s.age_s, 3), origin, Flag.GOOD))
        elif not wrong:
            placed.append((round(s.at, 3), TimeOrigin.PAYLOAD, flag))
        else:
            placed.append((round(t - (newest - s.at), 3), origin, Flag.SUSPECT if s.at == newest else Flag.FAIL))
    return placed
