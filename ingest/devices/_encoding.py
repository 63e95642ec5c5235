"""What several products share when they build a frame: picking samples, steps of the raw integer, pulses to volume."""

from collections.abc import Sequence
from math import isnan

from core.model import Sample
from ingest.device_model import Options

STANDARD_GRAVITY = 9.80665
LITRES_PER_M3 = 1000.0


def latest(samples: Sequence[Sample]) -> dict[str, float]:
    """{quantity: value} of the last sample of each quantity that was measured when the frame is sent."""
    return {s.quantity: s.value for s in samples}


def steps(value: float, per_unit: float) -> int:
    """The raw integer nearest to a value in the canonical unit. Raises ValueError for NaN."""
    if isnan(value):
        raise ValueError("a missing value (NaN) has no code in this frame")
    return round(value * per_unit)


def pulse_samples(pulses: int, options: Options) -> list[Sample]:
    """A pulse index, and the volume index it stands for when the unit's `litres_per_pulse` is known.

    volume_m3 = start_m3 + pulses · litres_per_pulse / 1000; `start_m3` is the dial's reading at pulse 0.
    """
    samples = [Sample("pulses", float(pulses))]
    litres = options.get("litres_per_pulse", 0.0)
    if litres > 0:
        samples.append(Sample("volume_m3", options.get("start_m3", 0.0) + pulses * litres / LITRES_PER_M3))
    return samples


def pulses_of(values: dict[str, float], options: Options) -> int | None:
    """The pulse index to send for `pulses`, or for `volume_m3` with `litres_per_pulse`; None when neither is given."""
    if "pulses" in values:
        return steps(values["pulses"], 1)
    litres = options.get("litres_per_pulse", 0.0)
    if "volume_m3" in values and litres > 0:
        return steps(values["volume_m3"] - options.get("start_m3", 0.0), LITRES_PER_M3 / litres)
    return None


def head_samples(pressure_bar: float, options: Options) -> list[Sample]:
    """A gauge pressure, and with option `submerged` = 1 also the head of water above the probe.

    level_m = p / (ρ g) with option `density_kg_m3` (1000) and standard gravity.
    """
    samples = [Sample("pressure_bar", pressure_bar)]
    if options.get("submerged", 0.0) > 0:
        samples.append(Sample("level_m", pressure_bar * 1e5 / (options.get("density_kg_m3", 1000.0) * STANDARD_GRAVITY)))
    return samples


def pressure_of(values: dict[str, float], options: Options) -> float | None:
    """The gauge pressure in bar to send for `pressure_bar`, or for `level_m`; None when neither is given."""
    if "pressure_bar" in values:
        return values["pressure_bar"]
    if "level_m" in values:
        return values["level_m"] * options.get("density_kg_m3", 1000.0) * STANDARD_GRAVITY / 1e5
    return None
