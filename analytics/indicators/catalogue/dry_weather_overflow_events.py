"""S05: Dry-weather overflow events."""

from analytics.indicators.entry import LOS, Example, Indicator, Inputs, Parts, Ref, Sdg, Taxonomy, Text


def compute(v: Inputs) -> Parts:
    """dry_events"""
    return Parts(v["dry_events"])


INDICATOR = Indicator(
    key="dry_weather_overflow_events",
    id="S05",
    name=Text("Dry-weather overflow events", "Overløp i tørrvær"),
    description=Text(
        "Overflows that began with less than 1 mm of rain in the 24 hours before and no snow melt.",
        "Overløp som startet med under 1 mm nedbør i døgnet før og uten snøsmelting.",
    ),
    unit="events",
    polarity="lower_is_better",
    network="sewer",
    verdict="sensors",
    formula="dry_events",
    inputs={"dry_events": "dry_weather_overflows"},
    compute=compute,
    time_aggregation=Text("Summed.", "Summeres."),
    zone_aggregation=Text("Summed.", "Summeres."),
    sdg=Sdg(("6.3",)),
    other=(Ref("Usually a deviation from the permit; often a blockage or a stopped pump", "U"),),
    taxonomy=Taxonomy(
        ("Natural environment", "Water and waste"), (LOS + "vannforurensning",), "4-Outcome", ("time", "region"), ("Planet", "People")
    ),
    profile="evt",
    examples=(Example({"dry_events": 3}, 3),),
    edge_cases=(Text("Without rain data the value is null, not zero.", "Uten nedbørdata er verdien tom, ikke null."),),
    parameters={"rain_24h_mm": 1.0},
    decimals=0,
)
