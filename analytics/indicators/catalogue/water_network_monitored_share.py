"""W12: Water distribution network monitored by ICT."""

from analytics.indicators.entry import LOS, Example, Indicator, Inputs, Iso, Parts, Sdg, Taxonomy, Text


def compute(v: Inputs) -> Parts:
    """100 · km_live / km"""
    return Parts(v["km_live"], v["km"], 100)


INDICATOR = Indicator(
    key="water_network_monitored_share",
    id="W12",
    name=Text("Water distribution network monitored by ICT", "Vannledningsnett med IKT-overvåking"),
    description=Text(
        "Kilometres of water main that registered, living sensors watch, as a share of all kilometres.",
        "Kilometer vannledning som overvåkes av registrerte sensorer i drift, som andel av hele nettet.",
    ),
    unit="%",
    polarity="higher_is_better",
    network="water",
    verdict="sensors_plus_master",
    formula="100 · km_live / km",
    inputs={"km_live": "monitored_water_km", "km": "mains_km"},
    compute=compute,
    time_aggregation=Text("Kilometres weighted by the time their point was heard.", "Kilometer vektet med tiden punktet ble hørt."),
    zone_aggregation=Text("Both are summed; a pipe counts once.", "Begge summeres; en ledning telles én gang."),
    sdg=Sdg(("6.4", "9.4")),
    u4ssc="EC: ICT: WS: 2A",
    iso=(Iso("37122", 2019, "23.3"),),
    taxonomy=Taxonomy(("Digitalisation", "Water and waste"), (LOS + "vann-og-avlop",), "2-Process", ("time", "region"), ("Prosperity",)),
    profile="reg",
    examples=(Example({"km_live": 288, "km": 360}, 80.0),),
    edge_cases=(
        Text(
            "The length a point covers is registered by an engineer, not guessed from a radius.",
            "Lengden et punkt dekker, registreres av en ingeniør og gjettes ikke ut fra en radius.",
        ),
    ),
    validity=(0.0, 100.0),
)
