"""W15: Local water productivity."""

from analytics.indicators.entry import LOS, Example, Indicator, Inputs, Parts, Ref, Sdg, Taxonomy, Text


def compute(v: Inputs) -> Parts:
    """GVA / V_used"""
    return Parts(v["GVA"], v["V_used"])


INDICATOR = Indicator(
    key="local_water_productivity",
    id="W15",
    name=Text("Local water productivity", "Lokal vannproduktivitet"),
    description=Text(
        "Value added in the municipality, in constant prices, per cubic metre of authorised use.",
        "Verdiskaping i kommunen, i faste priser, per kubikkmeter godkjent vannbruk.",
    ),
    unit="NOK/m³",
    polarity="higher_is_better",
    network="water",
    verdict="proxy",
    formula="GVA / V_used",
    inputs={"GVA": "gross_value_added_nok", "V_used": "authorised_use_m3"},
    compute=compute,
    time_aggregation=Text("Annual; change from the base year in per cent.", "Årlig; endring fra basisåret i prosent."),
    zone_aggregation=Text("The municipality only.", "Bare for hele kommunen."),
    sdg=Sdg(("6.4",), "proxy", "6.4.1", "ER_H2O_WUEYST"),
    eu=(Ref("ESRS E3-4 intensity, inverse", "U"),),
    taxonomy=Taxonomy(("Economy",), (LOS + "vann-og-avlop",), "5-Impact", ("time",), ("Prosperity",)),
    profile="prox",
    examples=(Example({"GVA": 11366400000, "V_used": 1894400}, 6000.0),),
    edge_cases=(
        Text("Industry with its own supply is missing from V_used.", "Industri med egen vannforsyning mangler i V_used."),
        Text("The value added must be in constant prices.", "Verdiskapingen må være i faste priser."),
    ),
    decimals=0,
)
