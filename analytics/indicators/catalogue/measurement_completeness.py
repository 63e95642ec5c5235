"""X01: Measurement completeness."""

from analytics.indicators.entry import LOS, Example, Indicator, Inputs, Parts, Ref, Sdg, Taxonomy, Text


def compute(v: Inputs) -> Parts:
    """100 · valid / expected"""
    return Parts(v["valid"], v["expected"], 100)


INDICATOR = Indicator(
    key="measurement_completeness",
    id="X01",
    name=Text("Measurement completeness", "Datakompletthet"),
    description=Text(
        "Measurements received and valid, as a share of those expected from the sensors' intervals.",
        "Mottatte og gyldige målinger som andel av dem sensorenes intervall tilsier.",
    ),
    unit="%",
    polarity="higher_is_better",
    network="all",
    verdict="sensors",
    formula="100 · valid / expected",
    inputs={"valid": "valid_samples", "expected": "expected_samples"},
    compute=compute,
    time_aggregation=Text("Both are summed.", "Begge summeres."),
    zone_aggregation=Text("Both are summed.", "Begge summeres."),
    sdg=Sdg(("17.18", "9.4")),
    other=(Ref("DCAT: dqv:hasQualityMeasurement"),),
    taxonomy=Taxonomy(("Digitalisation",), (LOS + "vann-og-avlop",), "2-Process", ("time", "region"), ("Prosperity",)),
    profile="reg",
    examples=(Example({"valid": 3416000, "expected": 3504000}, 97.488584),),
    edge_cases=(
        Text("A duplicate counts once.", "En duplikat telles én gang."),
        Text("Planned maintenance still counts as expected.", "Planlagt vedlikehold regnes fortsatt som forventet."),
    ),
    validity=(0.0, 100.0),
)
