"""Master data: what sensors cannot know (population, connections, kilometres, assumptions), with validity, source and age."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from analytics.indicators.amounts import Amount, missing, total
from analytics.indicators.entry import Text
from analytics.indicators.scope import Scope, roots, town_zone
from analytics.indicators.window import Window
from core.records import MasterValue
from core.timekeeping import unix
from core.town import Zone

MONTH_S = 365.2425 / 12 * 86400.0
Kind = Literal["stock", "yearly", "assumption"]


@dataclass(frozen=True, slots=True)
class MasterItem:
    """One kind of master data.

    stock: a level at a time. yearly: an amount per year, prorated by days for a shorter period. assumption: the same for every zone
    unless a zone has its own; `default` is used, and published, where nobody entered one. relative_u: standard, where none is entered.
    """

    name: str
    unit: str
    text: Text
    kind: Kind = "stock"
    relative_u: float = 0.0
    default: float | None = None
    default_source: str = ""
    zone_field: str | None = None


_STOCKS = (
    MasterItem("population_connected_water", "persons", Text("Persons connected to the water network", "Innbyggere tilknyttet vannverket"),
               relative_u=0.005, zone_field="population"),
    MasterItem("population_municipality", "persons", Text("Inhabitants", "Innbyggere"), relative_u=0.002, zone_field="population"),
    MasterItem("households", "households", Text("Households", "Husholdninger"), relative_u=0.005, zone_field="households"),
    MasterItem("service_connections", "connections", Text("Service connections", "Tilknytninger"), relative_u=0.01,
               zone_field="connections"),
    MasterItem("mains_km", "km", Text("Length of water mains", "Lengde vannledning"), relative_u=0.01, zone_field="mains_km"),
    MasterItem("private_pipe_km", "km", Text("Private pipes, property line to meter", "Private stikkledninger, tomtegrense til måler"),
               relative_u=0.05, zone_field="private_pipe_km"),
    MasterItem("unmetered_persons", "persons", Text("Persons without a water meter", "Innbyggere uten vannmåler"), relative_u=0.025),
    MasterItem("meters_total", "meters", Text("All water meters", "Alle vannmålere")),
    MasterItem("sewer_km", "km", Text("Length of foul, combined and storm sewers", "Lengde spillvanns-, felles- og overvannsledning"),
               relative_u=0.01),
    MasterItem("dry_weather_flow_m3_d", "m³/d", Text("Sewage flow in dry weather", "Avløpsmengde i tørrvær"), relative_u=0.05),
)  # fmt: skip
_YEARLY = (
    MasterItem("other_authorised_m3", "m³/yr", Text("Flushing, fire fighting, own use", "Spyling, brannvann, eget forbruk"),
               "yearly", 0.25),
    MasterItem("apparent_losses_m3", "m³/yr", Text("Apparent losses (meter error, theft)", "Tilsynelatende tap (målerfeil, tyveri)"),
               "yearly", 0.25),
    MasterItem("wwtp_compliant_m3", "m³/yr", Text("Waste water treated within the permit", "Avløpsvann renset innenfor tillatelsen"),
               "yearly", 0.025),
    MasterItem("wwtp_total_m3", "m³/yr", Text("Waste water received by the plant", "Avløpsvann mottatt på renseanlegget"),
               "yearly", 0.025),
    MasterItem("other_network_loss_m3", "m³/yr", Text("Exfiltration and misconnections", "Utlekking og feilkoblinger"),
               "yearly", 0.25),
    MasterItem("available_resource_m3", "m³/yr", Text("Renewable resource of the sources", "Fornybar ressurs i kildene"),
               "yearly", 0.1),
    MasterItem("environmental_flow_m3", "m³/yr", Text("Flow left to the environment", "Vannføring som skal gå i vassdraget"),
               "yearly", 0.1),
    MasterItem("gross_value_added_nok", "NOK/yr", Text("Gross value added, constant prices", "Bruttoprodukt, faste priser"),
               "yearly", 0.02),
    MasterItem("affected_persons", "persons/yr", Text("Persons affected by flooding (incidents)", "Berørte personer (hendelser)"),
               "yearly"),
)  # fmt: skip
_ASSUMPTIONS = (
    MasterItem("unmetered_l_per_person_day", "L/person/d", Text("Use per person without a meter", "Forbruk per person uten måler"),
               "assumption", 0.075, 140.0, "Norsk Vann, metered studies (SSB has estimated about 180)"),
    MasterItem("dilution_factor", "1", Text("Concentration of overflow against dry weather", "Konsentrasjon i overløp mot tørrvær"),
               "assumption", 0.0, 1.0, "by volume: an upper bound"),
    MasterItem("sewer_return_factor", "1", Text("Share of the water used that reaches the sewer", "Andel av forbruket som når avløpet"),
               "assumption", 0.05, 1.0, "all water used returns: an upper bound"),
)  # fmt: skip
MASTER: dict[str, MasterItem] = {i.name: i for i in (*_STOCKS, *_YEARLY, *_ASSUMPTIONS)}


def lookup(w: Window, name: str, scope: Scope, network: str = "water") -> Amount:
    """One figure of master data for a scope and period.

    A zone: what was entered for it, else its field in town.yaml. The town: the sum of its zones where every one has a figure, else
    what was entered for the town. An assumption falls back on the town's, then on its default.
    """
    item = MASTER[name]
    if item.kind == "assumption":
        return _assumption(w, item, scope)
    own = _entered(w, item, scope.id)
    if not scope.whole_town:
        return own or missing(f"{name} of {scope.id}")
    if item.name == "population_municipality" and own is not None:
        return own
    parts = [_entered(w, item, zone.id) for zone in roots(w.town, network)]
    if parts and all(p is not None for p in parts):
        return total([p for p in parts if p is not None])
    return own or missing(f"{name} of {scope.id}")


def _assumption(w: Window, item: MasterItem, scope: Scope) -> Amount:
    for zone in (scope.id, town_zone(w.town)):
        found = _entered(w, item, zone)
        if found is not None:
            return found
    if item.default is None:
        return missing(item.name)
    source = {"master": item.name, "source": item.default_source, "default": True}
    return Amount(item.default, item.default * item.relative_u, notes=(f"{item.name}={item.default:g}",), source=source)


def _entered(w: Window, item: MasterItem, zone: str) -> Amount | None:
    """The mean over the period's months of what was valid in each, prorated for yearly amounts."""
    moments = _moments(w)
    found = [(m, weight) for t, weight in moments if (m := w.master(item.name, zone, t) or _from_town(w, item, zone)) is not None]
    if not found:
        return None
    whole = sum(weight for _, weight in found)
    value = sum(m.value * weight for m, weight in found) / whole
    share = w.days / w.days_in_year if item.kind == "yearly" else 1.0
    newest = max((m for m, _ in found), key=lambda m: m.valid_from)
    relative = newest.relative_u if newest.relative_u is not None else item.relative_u
    reference = newest.valid_from if math.isfinite(newest.valid_from) else newest.entered_at
    age = max(0.0, (w.until - reference) / MONTH_S) if math.isfinite(reference) else math.nan
    source = {"master": item.name, "zone": zone, "entered": value, "source": newest.source, "valid_from": newest.valid_from}
    return Amount(value * share, abs(value * share) * relative, age_months=age, source=source)


def _moments(w: Window) -> Sequence[tuple[float, float]]:
    """The first moment of every 31 days of the period, with the days it stands for."""
    starts = w.edges[:-1:31]
    ends = [*starts[1:], w.edges[-1]]
    return [(float(a), max(float(b - a), 1.0)) for a, b in zip(starts, ends, strict=True)]


def _from_town(w: Window, item: MasterItem, zone: str) -> MasterValue | None:
    """A figure in town.yaml: in the zone's own field, or in its `master` mapping; `master_as_of` (ISO 8601) dates it."""
    part = w.town.zone_by_id.get(zone)
    value: float | None = None
    as_of: object = None
    if part is not None:
        value = part.master.get(item.name, _field(part, item))
        as_of = (part.model_extra or {}).get("master_as_of")
    if zone == town_zone(w.town) and value is None:
        entered = (w.town.utility.model_extra or {}).get("master") or {}
        value = entered.get(item.name, w.town.utility.population if item.zone_field == "population" else None)
    as_of = as_of or (w.town.utility.model_extra or {}).get("master_as_of")
    if value is None:
        return None
    since = _moment(as_of)
    return MasterValue(item.name, zone, float(value), since, math.inf, "town.yaml", since)


def _field(zone: Zone, item: MasterItem) -> float | None:
    return getattr(zone, item.zone_field) if item.zone_field else None


def _moment(text: object) -> float:
    return unix(str(text)) if text is not None else -math.inf
