"""The simulated town: how fast history comes, how well its balances close, how many frames it can send."""

import time

from core.timekeeping import unix
from simulators.history import readings_of
from simulators.live import LiveTown
from simulators.lorawan import Radio, join_accept
from simulators.town import build_town
from simulators.truth import simulate_truth

DAYS = 20
START = unix("2026-09-01T00:00:00Z")


def run() -> list[tuple[str, str, str]]:
    """Rows of (what, measured, bar)."""
    return [*_history(), _live(), _radio()]


def _history() -> list[tuple[str, str, str]]:
    town = build_town(1, 0.04)
    began = time.perf_counter()
    rows = len(readings_of(town, "demo", 1, START, DAYS))
    took = time.perf_counter() - began
    truth = simulate_truth(town, "quiet_month", 1, START, 3)
    error = abs(truth.balance["error"]) / truth.balance["inflow"] * 100
    continuity = max(map(abs, truth.sewer_continuity_pct))
    return [
        (
            "simulated history, 60 days of the demo town",
            f"{took * 60 / DAYS:.1f} s ({rows * 60 / DAYS / 1e6:.2f} M readings)",
            "well under 60 s",
        ),
        ("simulated history, a year of the demo town", f"{took * 365 / DAYS / 60:.1f} min (from {DAYS} days)", "minutes"),
        ("water balance of the town", f"{error:.5f} %", "≤ 0.5 %"),
        ("SWMM continuity, worse of runoff and routing", f"{continuity:.3f} %", "≤ 1 %"),
    ]


def _live() -> tuple[str, str, str]:
    sent: list[bytes] = []
    live = LiveTown(build_town(1, 0.04), start=START, scenario="quiet_month", publish=lambda _topic, payload: sent.append(payload))
    live.step(START + 1)
    began = time.perf_counter()
    live.step(START + 4 * 3_600)
    took = time.perf_counter() - began
    return (
        "live town, frames encoded as ChirpStack JSON",
        f"{len(sent) / took:,.0f} /s, {4 * 3_600 / took:,.0f} × real time",
        "≥ 100 × real time",
    )


def _radio() -> tuple[str, str, str]:
    key = bytes(range(16))
    radio = Radio("24e124136b324506", "4d6a6f7361000001", key.hex())
    radio.ask_to_join()
    radio.accept(join_accept(key, 1, 0, 1))
    began = time.perf_counter()
    for _ in range(2_000):
        radio.send(85, b"\x01\x75\x5c\x03\x77\x02\x00")
    return "LoRaWAN frames encrypted and signed", f"{2_000 / (time.perf_counter() - began):,.0f} /s", "-"
