"""W02: Real losses per service connection."""

from analytics.indicators.entry import LOS, Example, Indicator, Inputs, Parts, Ref, Sdg, Taxonomy, Text


def compute(v: Inputs) -> Parts:
    """1000 · CARL_m3 / (Nc · days)"""
    return Parts(v["CARL_m3"], v["Nc"] * v["days"], 1000)


INDICATOR = Indicator(
    key="real_losses_per_connection",
    id="W02",
    name=Text("Real losses per service connection", "Lekkasje per tilknytning"),
    description=Text(
        "Real losses of the water network per service connection and day.", "Lekkasje fra vannledningsnettet per tilknytning og døgn."
    ),
    unit="L/connection/d",
    polarity="lower_is_better",
    network="water",
    verdict="sensors_plus_master",
    formula="1000 · CARL_m3 / (Nc · days)",
    inputs={"CARL_m3": "real_losses_m3", "Nc": "service_connections", "days": "days"},
    compute=compute,
    time_aggregation=Text(
        "Losses and connection-days are summed, then divided.", "Lekkasje og tilknytningsdøgn summeres hver for seg før det divideres."
    ),
    zone_aggregation=Text("Both are summed over zones.", "Begge summeres over sonene."),
    sdg=Sdg(("6.4",)),
    eu=(Ref("Directive (EU) 2020/2184 Art. 4(3), supporting value"),),
    other=(Ref("IWA operational indicator", "U"),),
    taxonomy=Taxonomy(("Water and waste",), (LOS + "vann-og-avlop",), "3-Output", ("time", "region"), ("Planet",)),
    profile="vol",
    examples=(Example({"CARL_m3": 766500, "Nc": 6500, "days": 365}, 323.076923),),
    edge_cases=(
        Text(
            "Where apparent losses are not known, all water losses are published, named so, in class 2 at best.",
            "Der tilsynelatende tap ikke er kjent, publiseres hele vanntapet under det navnet, høyst i klasse 2.",
        ),
    ),
)
