"""What the commissioning checks say to the engineer, in both languages: one sentence per reason, with its numbers filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping

from core.quantities import QUANTITIES
from gateway.commissioning import (
    BATTERY,
    CLOCK_BAD_S,
    CLOCK_GOOD_S,
    JOIN_PATIENCE_S,
    RESERVE_BAD_DB,
    RESERVE_GOOD_DB,
    TOLERANCE,
    WEAKER_THAN_EXPECTED_DB,
)

NAMES = {
    "joined": ("Tilkoblet", "Joined"),
    "link": ("Radiodekning", "Radio link"),
    "range": ("Rimelig verdi", "Plausible value"),
    "agreement": ("Stemmer med avlest", "Agrees with hand reading"),
    "clock": ("Klokke", "Clock"),
    "battery": ("Batteri", "Battery"),
    "interval": ("Sendeintervall", "Interval"),
}
_SAYS = {
    "joined": ("Nettet kjenner sensoren.", "The network knows the sensor."),
    "not_joined": (
        "Har ikke meldt seg ennå. Vekk sensoren (magnet eller knapp).",
        "Has not joined yet. Wake the sensor (magnet or button).",
    ),
    "no_uplink": ("Venter på første melding.", "Waiting for the first message."),
    "no_reading": ("Venter på første måling.", "Waiting for the first reading."),
    "link_good": (
        "{stations} basestasjoner hører den, {reserve_db:.0f} dB i reserve.",
        "{stations} base stations hear it, {reserve_db:.0f} dB in reserve.",
    ),
    "link_tight": ("Bare {reserve_db:.0f} dB i reserve. Flytt antennen høyere.", "Only {reserve_db:.0f} dB in reserve. Raise the antenna."),
    "link_weak": (
        "{reserve_db:.0f} dB i reserve er for lite. Flytt antennen eller sensoren.",
        "{reserve_db:.0f} dB in reserve is too little. Move the antenna or the sensor.",
    ),
    "link_below_budget": (
        "{rssi_dbm:.0f} dBm, ventet omtrent {expected_rssi_dbm:.0f}. Sjekk antennen.",
        "{rssi_dbm:.0f} dBm where about {expected_rssi_dbm:.0f} was expected. Check the antenna.",
    ),
    "one_station": (
        "Bare én basestasjon hører den. Faller den ut, blir sensoren taus.",
        "Only one base station hears it. If that one fails, the sensor is silent.",
    ),
    "range_good": ("{value:.3g} {unit}.", "{value:.3g} {unit}."),
    "range_impossible": (
        "{value:.3g} {unit} er ikke mulig her ({low:g} til {high:g}).",
        "{value:.3g} {unit} is not possible here ({low:g} to {high:g}).",
    ),
    "range_unusual": (
        "{value:.3g} {unit} er uvanlig her (vanligvis {low:.3g} til {high:.3g}).",
        "{value:.3g} {unit} is unusual here (usually {low:.3g} to {high:.3g}).",
    ),
    "nothing_typed": ("Ingen avlest verdi er skrevet inn.", "No hand reading was typed in."),
    "agreement_good": ("{value:.3g} {unit}, avlest {typed:.3g}.", "{value:.3g} {unit}, read by hand {typed:.3g}."),
    "agreement_look_again": (
        "{value:.3g} {unit}, avlest {typed:.3g}. Les av en gang til.",
        "{value:.3g} {unit}, read by hand {typed:.3g}. Read once more.",
    ),
    "agreement_bad": (
        "{value:.3g} {unit}, avlest {typed:.3g}. Sjekk montering og oppsett.",
        "{value:.3g} {unit}, read by hand {typed:.3g}. Check mounting and settings.",
    ),
    "clock_good": ("Klokken går riktig.", "The clock is right."),
    "clock_off": ("Klokken er {off_s:.0f} s feil.", "The clock is {off_s:.0f} s off."),
    "no_clock": ("Sensoren har ingen egen klokke.", "The sensor has no clock of its own."),
    "battery_good": ("{value:.3g} {unit}.", "{value:.3g} {unit}."),
    "battery_look_again": ("{value:.3g} {unit} er lite for en ny sensor.", "{value:.3g} {unit} is little for a new sensor."),
    "battery_bad": ("{value:.3g} {unit}: bytt batteri nå.", "{value:.3g} {unit}: change the battery now."),
    "no_battery": ("Sensoren melder ikke batteri.", "The sensor does not report its battery."),
    "interval_good": ("Hvert {seen_s:.0f}. sekund, som ventet.", "Every {seen_s:.0f} s, as expected."),
    "interval_off": (
        "Hvert {seen_s:.0f}. sekund, ventet {expected_s:.0f}. Sjekk oppsettet.",
        "Every {seen_s:.0f} s, expected {expected_s:.0f}. Check its settings.",
    ),
    "interval_unknown": ("Ventet intervall er ikke oppgitt.", "The expected interval is not known."),
    "one_uplink": ("Vises fra andre melding.", "Shown from the second message on."),
}


def sentence(check: Mapping[str, object], language: str) -> str:
    """One check in words. language: nb or en."""
    quantity = QUANTITIES.get(str(check.get("quantity", "")))
    text = _SAYS[str(check["reason"])][language != "nb"].format(**{"unit": quantity.unit if quantity else "", **check})
    text = text.replace(" .", ".")
    return re.sub(r"(?<=\d)\.(?=\d)", ",", text) if language == "nb" else text


def name(check: str, language: str) -> str:
    return NAMES[check][language != "nb"]


def limits_table() -> str:
    """What each check asks for, as a Markdown table for docs/field.md."""
    good_pct, bad_pct = BATTERY["battery_pct"]
    good_v, bad_v = BATTERY["battery_v"]
    rows = {
        "joined": ("a session, or a frame", f"bad after {JOIN_PATIENCE_S / 60:g} min without"),
        "link": (
            f"≥ {RESERVE_GOOD_DB:g} dB in reserve at SF12 with the cover closed, heard by two base stations, no more than "
            f"{WEAKER_THAN_EXPECTED_DB:g} dB weaker than the mounting lets expect",
            f"bad below {RESERVE_BAD_DB:g} dB",
        ),
        "range": ("possible at this asset, and usual there", "bad where it is not possible, look again where it is unusual"),
        "agreement": (", ".join(f"{q} ± {x:g}" for q, x in TOLERANCE.items()), "bad beyond three times as much"),
        "clock": (f"≤ {CLOCK_GOOD_S:g} s off", f"bad beyond {CLOCK_BAD_S / 3600:g} h"),
        "battery": (f"≥ {good_pct:g} % or {good_v:g} V", f"bad below {bad_pct:g} % or {bad_v:g} V"),
        "interval": ("0.8 to 1.25 times what was expected", "bad outside 0.4 to 2.5 times; not checked before the second frame"),
    }
    lines = ["| check | på norsk | good | else |", "|---|---|---|---|"]
    return "\n".join([*lines, *(f"| {NAMES[n][1]} | {NAMES[n][0]} | {good} | {bad} |" for n, (good, bad) in rows.items())])
