"""W05: Minimum night flow per connection."""

from analytics.indicators.entry import LOS, Example, Indicator, Inputs, Parts, Sdg, Taxonomy, Text


def compute(v: Inputs) -> Parts:
    """3600 · q_min_lps / Nc"""
    return Parts(v["q_min_lps"], v["Nc"], 3600)


INDICATOR = Indicator(
    key="minimum_night_flow_per_connection",
    id="W05",
    name=Text("Minimum night flow per connection", "Minste nattforbruk per tilknytning"),
    description=Text(
        "The lowest hour of the night (01–05 local time), as the median over the nights, per connection. Shows new leaks within days.",
        "Nattens laveste time (kl. 01–05 lokal tid), som median over nettene, per tilknytning. Viser nye lekkasjer i løpet av få døgn.",
    ),
    unit="L/connection/h",
    polarity="lower_is_better",
    network="water",
    verdict="sensors_plus_master",
    formula="3600 · q_min_lps / Nc",
    inputs={"q_min_lps": "night_flow_lps", "Nc": "service_connections"},
    compute=compute,
    time_aggregation=Text(
        "The median over all nights of the period, recomputed; never a mean of monthly medians.",
        "Median over alle netter i perioden, beregnet på nytt; aldri et gjennomsnitt av månedsmedianer.",
    ),
    zone_aggregation=Text(
        "Sum of flows over sum of connections, over the nights that every zone has.",
        "Summen av vannføring over summen av tilknytninger, for netter der alle soner har data.",
    ),
    sdg=Sdg(("6.4",)),
    taxonomy=Taxonomy(("Water and waste",), (LOS + "vann-og-avlop",), "2-Process", ("time", "region"), ("Planet",)),
    profile="vol",
    examples=(Example({"q_min_lps": 9.5, "Nc": 1200}, 28.5),),
    edge_cases=(
        Text(
            "Frost tapping and snow making raise the night flow: annotate them.",
            "Frosttapping og snøproduksjon øker nattforbruket og må noteres.",
        ),
        Text("The window is local time, also on the nights the clock changes.", "Vinduet følger lokal tid, også når klokka stilles."),
    ),
)
