"""S03: Sewer overflow volume."""

from analytics.indicators.entry import LOS, Example, Indicator, Inputs, Parts, Ref, Sdg, Taxonomy, Text


def compute(v: Inputs) -> Parts:
    """V_cso"""
    return Parts(v["V_cso"])


INDICATOR = Indicator(
    key="overflow_volume",
    id="S03",
    name=Text("Sewer overflow volume", "Overløpsvolum"),
    description=Text(
        "Volume discharged over the weirs of the monitored overflow points.",
        "Volum sluppet ut over overløpstersklene i de overvåkede punktene.",
    ),
    unit="m³",
    polarity="lower_is_better",
    network="sewer",
    verdict="sensors_plus_master",
    formula="V_cso",
    inputs={"V_cso": "overflow_volume_m3"},
    compute=compute,
    time_aggregation=Text(
        "Summed; an event's volume is split by time where the period ends.",
        "Summeres; en hendelses volum deles etter tid der perioden slutter.",
    ),
    zone_aggregation=Text("Summed, also per receiving water.", "Summeres, også per resipient."),
    sdg=Sdg(("6.3",)),
    eu=(Ref("Directive (EU) 2024/3019 Annex V"),),
    other=(Ref("Discharge permits"),),
    taxonomy=Taxonomy(
        ("Natural environment", "Water and waste"), (LOS + "vannforurensning",), "4-Outcome", ("time", "region"), ("Planet",)
    ),
    profile="vol",
    examples=(Example({"V_cso": 41000}, 41000),),
    edge_cases=(
        Text(
            "A lake level that drowns the weir makes those minutes null.",
            "En vannstand i resipienten som drukner terskelen, gir tom verdi for de minuttene.",
        ),
        Text("Points with a switch alone give hours and no volume.", "Punkter med bare bryter gir timer, men ikke volum."),
    ),
    decimals=0,
)
