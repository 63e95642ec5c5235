"""W14: Local water stress."""

from analytics.indicators.entry import LOS, Example, Indicator, Inputs, Parts, Ref, Sdg, Taxonomy, Text


def compute(v: Inputs) -> Parts:
    """100 · W / (R − EF)"""
    return Parts(v["W"], v["R"] - v["EF"], 100)


INDICATOR = Indicator(
    key="local_water_stress",
    id="W14",
    name=Text("Local water stress", "Lokal vannstress"),
    description=Text(
        "The utility's own withdrawal as a share of what its sources can give when the environment has had its flow.",
        "Vannverkets eget uttak som andel av det kildene kan gi når miljøkravet til vannføring er dekket.",
    ),
    unit="%",
    polarity="lower_is_better",
    network="water",
    verdict="proxy",
    formula="100 · W / (R − EF)",
    inputs={"W": "raw_withdrawal_m3", "R": "available_resource_m3", "EF": "environmental_flow_m3"},
    compute=compute,
    time_aggregation=Text("Annual; the driest month as a variant.", "Årlig; tørreste måned som variant."),
    zone_aggregation=Text(
        "Per source; the town is sum of W over sum of (R − EF).", "Per kilde; kommunen er summen av W over summen av (R − EF)."
    ),
    sdg=Sdg(("6.4",), "proxy", "6.4.2", "ER_H2O_STRESS"),
    u4ssc="EN: EN: WS: 3C",
    u4ssc_context=True,
    eu=(Ref("ESRS E3-4 AR 32, withdrawals (voluntary)"),),
    other=(Ref("Bands: none < 25, low 25–50, medium 50–75, high 75–100, critical > 100"),),
    taxonomy=Taxonomy(("Natural environment", "Water and waste"), (LOS + "vann-og-avlop",), "5-Impact", ("time", "region"), ("Planet",)),
    profile="prox",
    examples=(Example({"W": 3400000, "R": 40000000, "EF": 22000000}, 18.888889),),
    edge_cases=(
        Text("Other withdrawers are unknown, so the value is a lower bound.", "Andre uttak er ukjent, så verdien er en nedre grense."),
        Text("R − EF ≤ 0 gives null with out_of_validity.", "R − EF ≤ 0 gir tom verdi med out_of_validity."),
    ),
)
