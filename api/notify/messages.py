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
    "nb": {"overflow": "Overløp i drift", "pressure_anomaly": "Unormalt trykk", "burst": "Rørbrudd", "slow_leak": "Lekkasje",
           "leak": "Lekkasje", "blockage": "Mulig tilstopping", "silence": "Sensor er stille", "base_station": "Basestasjon er borte"},
    "en": {"overflow": "Sewer overflow", "pressure_anomaly": "Unusual pressure", "burst": "Pipe burst", "slow_leak": "Leak",
           "leak": "Leak", "blockage": "Possible blockage", "silence": "Sensor is silent", "base_station": "Base station is away"},
}  # fmt: skip
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
