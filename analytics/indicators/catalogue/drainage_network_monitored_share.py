"""S08: Drainage and storm-water network monitored by ICT."""

from analytics.indicators.entry import LOS, Example, Indicator, Inputs, Iso, Parts, Sdg, Taxonomy, Text


def compute(v: Inputs) -> Parts:
    """100 · km_live / km"""
    return Parts(v["km_live"], v["km"], 100)


INDICATOR = Indicator(
    key="drainage_network_monitored_share",
    id="S08",
    name=Text("Drainage and storm-water network monitored by ICT", "Avløps- og overvannsnett med IKT-overvåking"),
    description=Text(
        "Kilometres of sewer and storm drain that registered, living sensors watch, as a share of all kilometres.",
        "Kilometer avløps- og overvannsledning som overvåkes av registrerte sensorer i drift, som andel av hele nettet.",
    ),
    unit="%",
    polarity="higher_is_better",
    network="sewer",
    verdict="sensors_plus_master",
    formula="100 · km_live / km",
    inputs={"km_live": "monitored_sewer_km", "km": "sewer_km"},
    compute=compute,
    time_aggregation=Text("Kilometres weighted by the time their point was heard.", "Kilometer vektet med tiden punktet ble hørt."),
    zone_aggregation=Text("Both are summed; a pipe counts once.", "Begge summeres; en ledning telles én gang."),
    sdg=Sdg(("11.5", "6.2")),
    u4ssc="EC: ICT: D: 1A",
    iso=(Iso("37122", 2019, "22.5", "U"),),
    taxonomy=Taxonomy(
        ("Digitalisation", "Water and waste"), (LOS + "vann-og-avlop",), "2-Process", ("time", "region"), ("Prosperity", "Planet")
    ),
    profile="reg",
    examples=(Example({"km_live": 96, "km": 480}, 20.0),),
    edge_cases=(Text("Foul and storm lengths are separate sub-series.", "Spillvann og overvann er egne delserier."),),
    validity=(0.0, 100.0),
)
