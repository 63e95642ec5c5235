"""S09: Sewer surcharge hours per point."""

from analytics.indicators.entry import LOS, Example, Indicator, Inputs, Parts, Sdg, Taxonomy, Text


def compute(v: Inputs) -> Parts:
    """hours / points"""
    return Parts(v["hours"], v["points"])


INDICATOR = Indicator(
    key="sewer_surcharge_hours",
    id="S09",
    name=Text("Sewer surcharge hours per point", "Timer med oppstuving i avløpsnettet per punkt"),
    description=Text(
        "Hours with a sewer level above the surcharge level, per level point.",
        "Timer med avløpsnivå over oppstuvingsnivået, per nivåpunkt.",
    ),
    unit="h/point/yr",
    polarity="lower_is_better",
    network="sewer",
    verdict="sensors_plus_master",
    formula="hours / points",
    inputs={"hours": "surcharge_hours", "points": "surcharge_points"},
    compute=compute,
    time_aggregation=Text("Hours are split where the period ends.", "Timene deles der perioden slutter."),
    zone_aggregation=Text("Hours over points, both summed.", "Timer over punkter, begge summert."),
    sdg=Sdg(("11.5", "13.1")),
    taxonomy=Taxonomy(
        ("Safety and preparedness", "Water and waste"),
        (LOS + "flomvarsel", LOS + "vann-og-avlop"),
        "4-Outcome",
        ("time", "region"),
        ("People",),
    ),
    profile="evt",
    examples=(Example({"hours": 54, "points": 18}, 3.0),),
    edge_cases=(
        Text(
            "The surcharge level is set per manhole from basement or cover level.",
            "Oppstuvingsnivået settes per kum ut fra kjeller- eller lokknivå.",
        ),
    ),
    per_year=True,
)
