"""W07: Total water consumption per inhabitant."""

from analytics.indicators.entry import LOS, Example, Indicator, Inputs, Iso, Parts, Sdg, Taxonomy, Text


def compute(v: Inputs) -> Parts:
    """1000 · V_used / (N · days)"""
    return Parts(v["V_used"], v["N"] * v["days"], 1000)


INDICATOR = Indicator(
    key="total_consumption_per_person",
    id="W07",
    name=Text("Total water consumption per inhabitant", "Samlet vannforbruk per innbygger"),
    description=Text(
        "All authorised water use (metered, unmetered, other; without losses) per inhabitant and day.",
        "All godkjent vannbruk (målt, umålt og annet; uten lekkasje) per innbygger og døgn.",
    ),
    unit="L/person/d",
    polarity="lower_is_better",
    network="water",
    verdict="sensors_plus_master",
    formula="1000 · V_used / (N · days)",
    inputs={"V_used": "authorised_use_m3", "N": "population_municipality", "days": "days"},
    compute=compute,
    time_aggregation=Text("Volume over person-days.", "Volum over persondøgn."),
    zone_aggregation=Text("Both are summed over zones.", "Begge summeres over sonene."),
    sdg=Sdg(("6.4",)),
    u4ssc="EN: EN: WS: 2C",
    iso=(Iso("37120", 2014, "21.5"),),
    taxonomy=Taxonomy(("Water and waste",), (LOS + "vann-og-avlop",), "3-Output", ("time", "region"), ("Planet",)),
    profile="vol",
    examples=(Example({"V_used": 1894400, "N": 30000, "days": 365}, 173.004566),),
    edge_cases=(Text("Losses are left out; say so when comparing.", "Lekkasje er ikke med; opplys om det ved sammenligning."),),
)
