"""S06: Extraneous water share in sewers."""

from analytics.indicators.entry import LOS, Example, Indicator, Inputs, Parts, Ref, Sdg, Taxonomy, Text


def compute(v: Inputs) -> Parts:
    """100 · (V_sew − V_san) / V_sew"""
    return Parts(v["V_sew"] - v["V_san"], v["V_sew"], 100)


INDICATOR = Indicator(
    key="extraneous_water_share",
    id="S06",
    name=Text("Extraneous water share in sewers", "Fremmedvannandel"),
    description=Text(
        "Rain, melt and ground water in the sewer flow, as a share of it.",
        "Regn-, smelte- og grunnvann i avløpet, som andel av avløpsmengden.",
    ),
    unit="%",
    polarity="lower_is_better",
    network="sewer",
    verdict="sensors_plus_master",
    formula="100 · (V_sew − V_san) / V_sew",
    inputs={"V_sew": "sewer_flow_m3", "V_san": "sanitary_volume_m3"},
    compute=compute,
    time_aggregation=Text("Volumes are summed; months show the season.", "Volumene summeres; månedene viser årstidsvariasjonen."),
    zone_aggregation=Text("Per pumping-station catchment.", "Per pumpestasjonsfelt."),
    sdg=Sdg(("6.3", "13.1")),
    other=(Ref("Norwegian guidance names treatment of up to 3.5 times the needed volume"),),
    taxonomy=Taxonomy(("Water and waste",), (LOS + "vann-og-avlop",), "3-Output", ("time", "region"), ("Planet", "Prosperity")),
    profile="vol",
    examples=(Example({"V_sew": 4300000, "V_san": 1720000}, 60.0),),
    edge_cases=(
        Text("The variant 'collected' adds the overflow volume to V_sew.", "Varianten «oppsamlet» legger overløpsvolumet til V_sew."),
    ),
    validity=(0.0, 100.0),
)
