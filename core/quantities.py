"""The quantities Mjøsa knows: canonical name (the unit ends it), table, unit, hard physical bounds, names in both languages.

A quantity is float64 for ever. Convert once, at the edge; inside, a number's name tells its unit.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quantity:
    """One canonical quantity.

    `table` is the quantity class: what is stored together and kept equally long.
    `low`/`high` are hard physical bounds in the canonical unit; a value outside is flagged FAIL, never dropped.
    `resolution` is the finest step a common product resolves, in the unit.
    `counter` marks a cumulative index (only differences mean anything).
    """

    name: str
    table: str
    unit: str
    low: float
    high: float
    resolution: float
    en: str
    nb: str
    counter: bool = False


_TABLE = (
    Quantity("pressure_bar", "pressure", "bar", -1.0, 40.0, 0.001, "Pressure", "Trykk"),
    Quantity("level_m", "level", "m", -5.0, 200.0, 0.001, "Level", "Nivå"),
    Quantity("distance_m", "level", "m", 0.0, 100.0, 0.001, "Distance to surface", "Avstand til overflate"),
    Quantity("flow_m3h", "flow", "m³/h", -20_000.0, 20_000.0, 0.001, "Flow", "Vannføring"),
    Quantity("volume_m3", "volume", "m³", 0.0, 1e10, 0.001, "Volume index", "Målerstand", counter=True),
    Quantity("reverse_volume_m3", "volume", "m³", 0.0, 1e10, 0.001, "Reverse volume index", "Tilbakestrømmet", counter=True),
    Quantity("rain_mm", "rain", "mm", 0.0, 500.0, 0.1, "Rain in interval", "Nedbør i intervallet"),
    Quantity("rain_total_mm", "rain", "mm", 0.0, 1e7, 0.1, "Rain index", "Nedbør, sum", counter=True),
    Quantity("snow_depth_m", "weather", "m", 0.0, 10.0, 0.01, "Snow depth", "Snødybde"),
    Quantity("temperature_c", "temperature", "°C", -60.0, 120.0, 0.01, "Temperature", "Temperatur"),
    Quantity("air_temperature_c", "temperature", "°C", -60.0, 60.0, 0.1, "Air temperature", "Lufttemperatur"),
    Quantity("air_pressure_bar", "weather", "bar", 0.5, 1.2, 0.0001, "Air pressure", "Lufttrykk"),
    Quantity("humidity_pct", "weather", "%", 0.0, 100.0, 0.5, "Relative humidity", "Relativ fuktighet"),
    Quantity("conductivity_us_cm", "conductivity", "µS/cm", 0.0, 100_000.0, 1.0, "Conductivity", "Ledningsevne"),
    Quantity("contact", "contact", "", 0.0, 1.0, 1.0, "Contact", "Kontakt"),
    Quantity("pulses", "volume", "", 0.0, 1e12, 1.0, "Pulse index", "Pulsteller", counter=True),
    Quantity("energy_kwh", "energy", "kWh", 0.0, 1e10, 0.1, "Energy index", "Energi", counter=True),
    Quantity("status_bits", "status", "", 0.0, 4_294_967_295.0, 1.0, "Device status bits", "Statusbiter"),
    Quantity("tilt_deg", "status", "°", -180.0, 360.0, 1.0, "Tilt", "Helning"),
    Quantity("battery_v", "battery", "V", 0.0, 60.0, 0.01, "Battery", "Batterispenning"),
    Quantity("battery_pct", "battery", "%", 0.0, 100.0, 1.0, "Battery level", "Batterinivå"),
    Quantity("rssi_dbm", "radio", "dBm", -200.0, 20.0, 1.0, "Signal strength", "Signalstyrke"),
    Quantity("snr_db", "radio", "dB", -40.0, 40.0, 0.25, "Signal to noise", "Signal/støy"),
)

QUANTITIES: dict[str, Quantity] = {q.name: q for q in _TABLE}
TABLES: tuple[str, ...] = tuple(dict.fromkeys(q.table for q in _TABLE))
