"""What the report says, in both languages, and how it writes numbers and months."""

from __future__ import annotations

from analytics.indicators.entry import Text
from core.timekeeping import local_day

MONTHS = {
    "nb": ["januar", "februar", "mars", "april", "mai", "juni", "juli", "august", "september", "oktober", "november", "desember"],
    "en": ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"],
}
T = {
    "title": Text("Water and sewers", "Vann og avløp"),
    "subtitle": Text("Sustainability indicators", "Bærekraftsindikatorer"),
    "made": Text("Made", "Laget"),
    "intro": Text(
        "Every figure here is worked out from measurements in the municipality's own pipes. Beside each stand its 95 % interval and its "
        "quality class. A figure that cannot be stood for is left empty, with the reason.",
        "Hvert tall er beregnet av målinger i kommunens eget ledningsnett. Ved siden av står 95 %-intervallet og kvalitetsklassen. "
        "Et tall vi ikke kan stå inne for, er tomt, med årsaken oppgitt.",
    ),
    "headline": Text("The main figures", "Hovedtallene"),
    "all": Text("All indicators, whole municipality", "Alle indikatorer, hele kommunen"),
    "zones": Text("By zone", "Etter sone"),
    "map": Text("Where we measure", "Hvor vi måler"),
    "map_caption": Text(
        "Zones shaded by data completeness; dots are sensors, squares base stations. Household meters are not drawn.",
        "Soner farget etter datakompletthet; prikker er sensorer, firkanter basestasjoner. Husholdningsmålere er ikke tegnet.",
    ),
    "method": Text("How the figures are made", "Slik er tallene laget"),
    "interval": Text("95 % interval", "95 %-intervall"),
    "class": Text("Class", "Klasse"),
    "value": Text("Value", "Verdi"),
    "unit": Text("Unit", "Enhet"),
    "indicator": Text("Indicator", "Indikator"),
    "period": Text("Period", "Periode"),
    "compare": Text("Compare", "Sammenlign"),
    "zone": Text("Zone", "Sone"),
    "no_value": Text("no value", "ingen verdi"),
    "not_known": Text("not known", "ikke kjent"),
    "provisional": Text("provisional", "foreløpig"),
    "weak": Text("Weak on", "Svak på"),
    "goal": Text("goal", "mål"),
    "proxies": Text(
        "Indicators marked “local proxy” or “local component” are not the UN's official figures.",
        "Indikatorer merket «lokal tilnærming» eller «lokal delindikator» er ikke FNs offisielle tall.",
    ),
    "classes": Text(
        "Class 1: relevance, accuracy, timeliness, coherence and accessibility all hold. Class 2: at least one does not; it is named. "
        "Class 3: the figure cannot be produced. The classes follow the taxonomy of KS and Statistics Norway; the numeric limits are our "
        "own proposal: completeness 90 %, estimated share 10 %, expanded uncertainty 10 % of a volume figure, master data 12 months.",
        "Klasse 1: relevans, nøyaktighet, aktualitet, sammenlignbarhet og tilgjengelighet er oppfylt. Klasse 2: minst ett er ikke "
        "oppfylt, og det er navngitt. Klasse 3: tallet kan ikke produseres. Klassene følger taksonomien til KS og SSB; "
        "tallgrensene er vårt forslag: "
        "kompletthet 90 %, estimert andel 10 %, utvidet usikkerhet 10 % av et volumtall, stamdata 12 måneder.",
    ),
    "ratios": Text(
        "Ratios are never averaged: numerators and denominators are summed over zones and months, then divided. Days are local days. "
        "The interval propagates the uncertainty of every input (coverage factor 2).",
        "Forholdstall midles aldri: tellere og nevnere summeres over soner og måneder før det divideres. Døgn er lokale døgn. "
        "Intervallet bygger på usikkerheten i alle inngangsdata (dekningsfaktor 2).",
    ),
    "privacy": Text(
        "Household meters are personal data: no figure rests on fewer than five households, alone or by subtraction.",
        "Husholdningsmålere er personopplysninger: ingen tall bygger på færre enn fem husholdninger, verken alene eller ved subtraksjon.",
    ),
    "assumptions": Text("Assumptions in use", "Forutsetninger i bruk"),
    "lacking": Text("What is lacking for the empty figures", "Dette mangler for de tomme tallene"),
    "a_year": Text("a year", "per år"),
    "unverified": Text("unverified", "ikke bekreftet"),
    "of_the_way": Text("of the way from {start} to the goal {target} (U4SSC)", "av veien fra {start} til målet {target} (U4SSC)"),
}
REASONS = {
    "required_input_missing": Text("an input is missing", "inngangsdata mangler"),
    "low_completeness": Text("too few measurements", "for få målinger"),
    "zero_denominator": Text("nothing to divide by", "ingenting å dele på"),
    "master_data_stale": Text("master data too old", "stamdata er for gamle"),
    "out_of_validity": Text("outside what is possible: a fault in meters or boundaries", "utenfor det mulige: feil i målere eller grenser"),
    "method_changed": Text("the method changed", "metoden er endret"),
    "suppressed_for_privacy": Text("held back for privacy", "skjult av personvernhensyn"),
}
PRINCIPLES = {
    "relevance": Text("relevance", "relevans"),
    "accuracy": Text("accuracy", "nøyaktighet"),
    "timeliness": Text("timeliness", "aktualitet"),
    "coherence": Text("coherence", "sammenlignbarhet"),
    "accessibility": Text("accessibility", "tilgjengelighet"),
}


UNITS_NB = {
    "connection": "tilknytning", "household": "husholdning", "point": "punkt", "events": "hendelser", "h": "t", "yr": "år", "d": "d",
    "NOK": "kr",
}  # fmt: skip
INPUTS = {
    "monitored_km": Text("registered monitored length", "registrert overvåket lengde"),
    "energy meters": Text("energy meters", "energimålere"),
    "sewer flow meters": Text("sewer flow meters", "mengdemålere på avløp"),
    "overflow alarms": Text("no overflow alarms", "ingen overløpsvarsler"),
    "overflow points": Text("overflow sensors", "overløpssensorer"),
    "customer meters": Text("customer meters", "vannmålere hos kunder"),
    "zone inlets": Text("zone inlet meters", "sonemålere"),
    "pressure points": Text("pressure sensors", "trykksensorer"),
    "surcharge levels": Text("surcharge levels", "oppstuvingsnivåer"),
    "weir geometry": Text("weir geometry", "terskelgeometri"),
    "raw-water meters": Text("raw-water meters", "råvannsmålere"),
    "rain": Text("rain gauges", "nedbørmålere"),
    "night flow": Text("night flow", "nattforbruk"),
}


def unit_label(unit: str, language: str) -> str:
    """A unit as people of the language write it; nothing for a bare number."""
    if unit == "1":
        return ""
    return "/".join(UNITS_NB.get(part, part) for part in unit.split("/")) if language == "nb" else unit


def number(x: float | None, decimals: int, language: str) -> str:
    """A number as people of the language write it; an en dash for none."""
    if x is None:
        return "–"
    text = f"{x:,.{decimals}f}".replace(",", "\u202f")
    return (text.replace(".", ",") if language == "nb" else text).replace("-", "−")


def period_label(name: str, language: str) -> str:
    """'2026-05' as 'mai 2026'; anything else as it is."""
    year, _, month = name.partition("-")
    return f"{MONTHS[language][int(month) - 1]} {year}" if len(month) == 2 else name


def date_label(t: float, language: str) -> str:
    day = local_day(t)
    return f"{day.day}{'.' if language == 'nb' else ''} {MONTHS[language][day.month - 1]} {day.year}"
