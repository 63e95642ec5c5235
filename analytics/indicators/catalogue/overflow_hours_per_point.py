"""S02: Sewer overflow hours per monitored point."""

from analytics.indicators.entry import LOS, Example, Indicator, Inputs, Parts, Ref, Sdg, Taxonomy, Text


def compute(v: Inputs) -> Parts:
    """hours / points"""
    return Parts(v["hours"], v["points"])


INDICATOR = Indicator(
    key="overflow_hours_per_point",
    id="S02",
    name=Text("Sewer overflow hours per monitored point", "Overløpstimer per overvåket punkt"),
    description=Text(
        "Hours with overflow, per monitored overflow point. Uptime stands beside the value and never scales it.",
        "Timer med overløp per overvåket overløpspunkt. Oppetiden står ved siden av verdien og skalerer den aldri.",
    ),
    unit="h/point/yr",
    polarity="lower_is_better",
    network="sewer",
    verdict="sensors",
    formula="hours / points",
    inputs={"hours": "overflow_hours", "points": "overflow_points"},
    compute=compute,
    time_aggregation=Text("Hours are split where the period ends.", "Timene deles der perioden slutter."),
    zone_aggregation=Text("Hours over points, both summed.", "Timer over punkter, begge summert."),
    sdg=Sdg(("6.3",)),
    eu=(Ref("Directive (EU) 2024/3019 Annex V"),),
    taxonomy=Taxonomy(
        ("Natural environment", "Water and waste"), (LOS + "vannforurensning",), "4-Outcome", ("time", "region"), ("Planet",)
    ),
    profile="evt",
    examples=(Example({"hours": 315, "points": 21}, 15.0),),
    edge_cases=(
        Text(
            "A sensor constant for over 7 days without rain is suspect.",
            "En sensor som står uendret i over 7 døgn uten regn, er mistenkelig.",
        ),
    ),
    per_year=True,
    decimals=2,
)
