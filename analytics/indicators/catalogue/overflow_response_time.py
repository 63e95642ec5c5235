"""X02: Response time to detected overflow."""

from analytics.indicators.entry import LOS, Example, Indicator, Inputs, Parts, Sdg, Taxonomy, Text


def compute(v: Inputs) -> Parts:
    """median_min"""
    return Parts(v["median_min"])


INDICATOR = Indicator(
    key="overflow_response_time",
    id="X02",
    name=Text("Response time to detected overflow", "Responstid ved oppdaget overløp"),
    description=Text(
        "Median time from the detection of an overflow until a person acknowledged it.",
        "Median tid fra et overløp ble oppdaget til en person kvitterte det ut.",
    ),
    unit="min",
    polarity="lower_is_better",
    network="all",
    verdict="sensors",
    formula="median_min",
    inputs={"median_min": "response_median_min"},
    compute=compute,
    time_aggregation=Text("The median over the events of the period, recomputed.", "Median over periodens hendelser, beregnet på nytt."),
    zone_aggregation=Text("The median over the events.", "Median over hendelsene."),
    sdg=Sdg(("11.5", "16.6")),
    taxonomy=Taxonomy(
        ("Safety and preparedness", "Water and waste"), (LOS + "vann-og-avlop",), "2-Process", ("time", "region"), ("People",)
    ),
    profile="evt",
    examples=(Example({"median_min": 42}, 42),),
    edge_cases=(
        Text(
            "Events nobody acknowledged enter as censored at the end of the period; their number is reported.",
            "Hendelser ingen har kvittert ut, regnes som sensurert ved periodens slutt; antallet oppgis.",
        ),
    ),
    decimals=0,
)
