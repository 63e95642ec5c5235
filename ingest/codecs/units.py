"""Units met in vendors' codecs, as scale and offset to the canonical unit: canonical = x · scale + offset."""

from __future__ import annotations

import difflib

from core.quantities import QUANTITIES

Linear = tuple[float, float]
_LITRE, _US_GALLON, _FOOT, _INCH = 1e-3, 0.003785411784, 0.3048, 0.0254

_SCALES: dict[str, dict[str, float]] = {
    "bar": {"bar": 1, "mbar": 1e-3, "hPa": 1e-3, "kPa": 1e-2, "Pa": 1e-5, "MPa": 10, "psi": 0.06894757293168361, "atm": 1.01325,
            "mH2O": 0.0980665, "mWC": 0.0980665, "cmH2O": 0.000980665},
    "m": {"m": 1, "dm": 0.1, "cm": 1e-2, "mm": 1e-3, "um": 1e-6, "ft": _FOOT, "in": _INCH},
    "m³/h": {"m3/h": 1, "m³/h": 1, "m3/s": 3600, "m³/s": 3600, "m3/min": 60, "m3/d": 1 / 24, "l/h": 1e-3, "l/min": 0.06, "l/s": 3.6,
             "ml/min": 6e-5, "gpm": _US_GALLON * 60},
    "m³": {"m3": 1, "m³": 1, "hl": 0.1, "l": _LITRE, "dm3": _LITRE, "dl": 1e-4, "ml": 1e-6, "gal": _US_GALLON, "ft3": _FOOT**3},
    "mm": {"mm": 1, "cm": 10, "m": 1000, "in": 25.4},
    "°C": {"°C": 1, "C": 1},
    "µS/cm": {"uS/cm": 1, "µS/cm": 1, "mS/cm": 1000, "mS/m": 10, "S/m": 10_000},
    "V": {"V": 1, "mV": 1e-3},
    "%": {"%": 1, "pct": 1, "fraction": 100, "/255": 100 / 255, "/254": 100 / 254},
    "°": {"°": 1, "deg": 1, "rad": 57.29577951308232},
    "kWh": {"kWh": 1, "Wh": 1e-3, "MWh": 1000, "MJ": 1 / 3.6, "GJ": 1000 / 3.6},
    "dBm": {"dBm": 1},
    "dB": {"dB": 1},
    "": {"": 1},
}  # fmt: skip
_OFFSETS: dict[str, dict[str, Linear]] = {
    "°C": {"K": (1.0, -273.15), "°F": (5 / 9, -160 / 9), "F": (5 / 9, -160 / 9)},
}


def units_of(quantity: str) -> dict[str, Linear]:
    """Every unit a quantity can be given in, with scale and offset to the canonical one."""
    canonical = QUANTITIES[quantity].unit
    return {name: (float(scale), 0.0) for name, scale in _SCALES[canonical].items()} | _OFFSETS.get(canonical, {})


def conversion(unit: str | None, quantity: str) -> Linear:
    """(scale, offset) from a source unit to a quantity's canonical unit; None stands for the canonical unit.

    Raises ValueError naming the units that would do.
    """
    canonical = QUANTITIES[quantity].unit
    if unit is None:
        return 1.0, 0.0
    known = units_of(quantity)
    if unit in known:
        return known[unit]
    folded = {name.lower(): value for name, value in known.items()}
    if unit.lower() in folded and unit.lower() != "mpa":
        return folded[unit.lower()]
    near = difflib.get_close_matches(unit, known, 1, 0.5)
    hint = f"; did you mean '{near[0]}'?" if near else f"; known are {', '.join(known)}"
    raise ValueError(f"'{unit}' is no unit of {quantity} ({canonical or 'no unit'})" + hint)
