"""What a notification says: a subject one can act on and a short body, in the reader's language, with a link."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.records import Alarm
from core.timekeeping import OSLO
from core.town import Town

SEVERITIES = {"nb": {"info": "Info", "warning": "Advarsel", "major": "Alvorlig", "critical": "Kritisk"},
              "en": {"info": "Info", "warning": "Warning", "major": "Major", "critical": "Critical"}}  # fmt: skip
KINDS = {
    "nb": {
        "overflow": "Overløp i drift", "pressure": "Unormalt trykk", "pressure_anomaly": "Unormalt trykk", "burst": "Rørbrudd",
        "leak": "Lekkasje", "night_flow": "Økt nattforbruk", "silence": "Sensor er stille", "blockage": "Mulig tilstopping",
        "transient": "Trykkstøt", "low_pressure": "Lavt trykk", "drift": "Sensor driver", "flatline": "Verdien står stille",
        "battery": "Lavt batteri", "inflow": "Fremmedvann", "surcharge": "Oppstuving", "continuous_use": "Vedvarende forbruk",
        "base_station": "Basestasjon er borte", "slow_leak": "Lekkasje", "customer_leak": "Lekkasje hos abonnent",
        "early_warning": "Varsel om overløp", "fouling": "Tilgrodd sensor", "frost_risk": "Frostfare", "meter_fault": "Feil på måler",
        "pump_failure": "Pumpestans", "reverse_flow": "Tilbakestrømming", "sensor_fault": "Sensorfeil", "stopped_meter": "Måler står",
        "meter_exchange": "Måler byttet", "rollover": "Målerstand rundet", "join_storm": "Kobler til gjentatte ganger",
    },
    "en": {
        "overflow": "Sewer overflow", "pressure": "Unusual pressure", "pressure_anomaly": "Unusual pressure", "burst": "Pipe burst",
        "leak": "Leak", "night_flow": "Raised night flow", "silence": "Sensor is silent", "blockage": "Possible blockage",
        "transient": "Pressure transient", "low_pressure": "Low pressure", "drift": "Sensor drifts",
        "flatline": "Value does not move", "battery": "Low battery", "inflow": "Extraneous water", "surcharge": "Surcharge",
        "continuous_use": "Continuous use", "base_station": "Base station is away", "slow_leak": "Leak",
        "customer_leak": "Leak at a customer", "early_warning": "Overflow expected", "fouling": "Fouled sensor",
        "frost_risk": "Frost risk", "meter_fault": "Meter fault", "pump_failure": "Pump failure", "reverse_flow": "Reverse flow",
        "sensor_fault": "Sensor fault", "stopped_meter": "Stopped meter", "meter_exchange": "Meter exchanged",
        "rollover": "Meter rolled over", "join_storm": "Joins again and again",
    },
}  # fmt: skip
"""The same words as on the pages (a test holds them equal)."""
LINES = {
    "nb": {"raised": "{kind} – {place}", "escalated": "Ikke kvittert: {kind} – {place}", "recovered": "Over: {kind} – {place}",
           "since": "Siden {since}.", "ended": "Startet {since}, over {ended}.", "sensors": "Sensorer: {sensors}.", "see": "Se {url}"},
    "en": {"raised": "{kind} – {place}", "escalated": "Not acknowledged: {kind} – {place}", "recovered": "Over: {kind} – {place}",
           "since": "Since {since}.", "ended": "Began {since}, over {ended}.", "sensors": "Sensors: {sensors}.", "see": "See {url}"},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Text:
    subject: str
    body: str


def text(alarm: Alarm, town: Town, occasion: str, language: str, base_url: str) -> Text:
    """occasion: raised, escalated or recovered."""
    lines = LINES[language]
    kind = KINDS[language].get(alarm.kind, alarm.kind.replace("_", " ").capitalize())
    asset, zone = town.asset_by_id.get(alarm.asset or ""), town.zone_by_id.get(alarm.zone or "")
    place = (
        ", ".join(p for p in ((asset.name or asset.id) if asset else "", (zone.name or zone.id) if zone else "") if p) or town.utility.name
    )
    names = [(town.current[s].name or s) if s in town.current else s for s in alarm.sensors]
    sensors = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
    span = lines["since"] if alarm.ended_at is None else lines["ended"]
    ended = _local(alarm.ended_at) if alarm.ended_at is not None else ""
    body = [span.format(since=_local(alarm.started_at), ended=ended), lines["sensors"].format(sensors=sensors) if names else "",
            lines["see"].format(url=f"{base_url.rstrip('/')}/?alarm={alarm.id}")]  # fmt: skip
    subject = f"{SEVERITIES[language].get(alarm.severity, alarm.severity)}: {lines[occasion].format(kind=kind, place=place)}"
    return Text(subject, "\n".join(line for line in body if line))


def _local(t: float) -> str:
    return datetime.fromtimestamp(t, OSLO).strftime("%d.%m.%Y %H:%M")
