"""S01: Sewer overflow events per monitored point."""

from analytics.indicators.entry import LOS, Example, Indicator, Inputs, Parts, Ref, Sdg, Taxonomy, Text


def compute(v: Inputs) -> Parts:
    """events / points"""
    return Parts(v["events"], v["points"])


INDICATOR = Indicator(
    key="overflow_events_per_point",
    id="S01",
    name=Text("Sewer overflow events per monitored point", "Overløpshendelser per overvåket punkt"),
    description=Text(
        "Overflow events counted by the 12/24-hour block rule, per monitored overflow point.",
        "Overløpshendelser talt etter 12/24-timersregelen, per overvåket overløpspunkt.",
    ),
    unit="events/point/yr",
    polarity="lower_is_better",
    network="sewer",
    verdict="sensors",
    formula="events / points",
    inputs={"events": "overflow_blocks", "points": "overflow_points"},
    compute=compute,
    time_aggregation=Text(
        "A block belongs to the period in which its first discharge falls, so months add up to the year.",
        "En blokk hører til perioden der dens første utslipp faller, slik at månedene summerer til året.",
    ),
    zone_aggregation=Text(
        "Events over points, both summed; never scaled up by uptime.",
        "Hendelser over punkter, begge summert; skaleres aldri opp med oppetid.",
    ),
    sdg=Sdg(("6.3", "14.1")),
    eu=(Ref("Directive (EU) 2024/3019 Art. 5 and Annex V"), Ref("Directive (EU) 2024/3019 Art. 21, monitoring", "U")),
    taxonomy=Taxonomy(
        ("Natural environment", "Water and waste"),
        (LOS + "vannforurensning", LOS + "vann-og-avlop"),
        "4-Outcome",
        ("time", "region"),
        ("Planet",),
    ),
    profile="evt",
    examples=(Example({"events": 84, "points": 21}, 4.0),),
    edge_cases=(
        Text(
            "A gap of more than 12 h inside a discharge leaves its end unknown: flagged, not merged.",
            "Et brudd på over 12 timer i et utslipp gjør slutten ukjent: merkes, slås ikke sammen.",
        ),
        Text("Chatter below the debounce time is one interval.", "Flimmer under filtertiden er ett intervall."),
    ),
    per_year=True,
)
