"""Decoding: µs per frame for every native model, and for a vendor script with its map in QuickJS."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from ingest.codecs.codec import load_codec
from ingest.codecs.script import Script
from ingest.device_model import native_models

_CODECS = Path(__file__).parents[1] / "devices" / "codecs"
_SCRIPTS = (
    ("tagged_es5", "01755c037b0a00", 85, "two values"),
    ("tagged_es5", "01755c037b0a00" + "20ce9e7446630a00" * 4, 85, "with four timed values"),
    ("table_driven", "02032b0003806797810c2b", 1, "three values"),
    ("sloppy_loose", "0100c6070e0a", 5, "loose mode"),
)
_ROW = "0x{0:02x}: {{ type: 'Volume', unit: 'm3', resolution: 1E-3, conversion: 'B' }},\n"
_ROUNDS, _FRAMES = 7, 1000


def best_us(call: Callable[[], object]) -> float:
    """The fastest of some rounds, in µs per call."""
    best = float("inf")
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        for _ in range(_FRAMES):
            call()
        best = min(best, time.perf_counter() - started)
    return best / _FRAMES * 1e6


def run() -> list[tuple[str, str, str]]:
    rows = []
    for key, model in native_models().items():
        vector = max(model.vectors, key=lambda v: len(v.samples))
        payload = bytes.fromhex(vector.payload)
        spent = best_us(lambda m=model, p=payload, v=vector: m.read(p, v.f_port, v.options))
        rows.append((f"{key} ({len(vector.samples)} samples)", f"{spent:.1f} µs", "≤ 30 µs"))
    for style, hexadecimal, f_port, what in _SCRIPTS:
        codec, payload = load_codec(_CODECS / style), bytes.fromhex(hexadecimal)
        script = codec.script
        assert script is not None
        alone = best_us(lambda s=script, p=payload, f=f_port: s.decode(p, f, 0.0, {}))
        whole = best_us(lambda c=codec, p=payload, f=f_port: c.read(p, f))
        rows.append((f"QuickJS {style}, {what}", f"{alone:.1f} µs", "≤ 30 µs"))
        rows.append((f"… and its map to {len(codec.read(payload, f_port))} samples", f"{whole:.1f} µs", ""))
    script = Script(
        f"var T = {{{''.join(_ROW.format(i) for i in range(400))}}};\nfunction decodeUplink(i) {{ return {{data: T[i.bytes[0]]}}; }}"
    )
    spent = best_us(lambda: script.decode(b"\x05", 1, 0.0, {}))
    rows.append((f"QuickJS, a table of {len(script.source) / 1000:.0f} kB", f"{spent:.1f} µs", "≤ 30 µs"))
    started = time.perf_counter()
    load_codec(_CODECS / "tagged_es5")
    rows.append(("loading a codec", f"{(time.perf_counter() - started) * 1e3:.1f} ms", ""))
    return rows
