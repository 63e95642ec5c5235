"""S07: Wastewater safely treated, local."""

from analytics.indicators.entry import LOS, Example, Indicator, Inputs, Iso, Parts, Sdg, Taxonomy, Text


def compute(v: Inputs) -> Parts:
    """100 · V_ok / (V_wwtp + V_cso + V_loss)"""
    return Parts(v["V_ok"], v["V_wwtp"] + v["V_cso"] + v["V_loss"], 100)


INDICATOR = Indicator(
    key="wastewater_safely_treated_local",
    id="S07",
    name=Text("Wastewater safely treated, local", "Andel avløpsvann trygt behandlet, lokalt"),
    description=Text(
        "Waste water treated within the permit, as a share of what the plant received and what overflowed or leaked before it.",
        "Avløpsvann renset innenfor tillatelsen, som andel av det renseanlegget tok "
        "imot og det som gikk i overløp eller lekket før anlegget.",
    ),
    unit="%",
    polarity="higher_is_better",
    network="sewer",
    verdict="proxy",
    formula="100 · V_ok / (V_wwtp + V_cso + V_loss)",
    inputs={"V_ok": "wwtp_compliant_m3", "V_wwtp": "wwtp_total_m3", "V_cso": "overflow_volume_m3", "V_loss": "other_network_loss_m3"},
    compute=compute,
    time_aggregation=Text("Annual.", "Årlig."),
    zone_aggregation=Text("Per agglomeration, then summed.", "Per tettbebyggelse, deretter summert."),
    sdg=Sdg(("6.3",), "proxy", "6.3.1", "EN_WWT_WWDS"),
    u4ssc="EN: EN: WS: 4C",
    iso=(Iso("37120", 2018, "22.2"),),
    taxonomy=Taxonomy(
        ("Natural environment", "Water and waste"),
        (LOS + "vannforurensning", LOS + "vann-og-avlop"),
        "4-Outcome",
        ("time", "region"),
        ("Planet", "People"),
    ),
    profile="prox",
    examples=(Example({"V_ok": 4180000, "V_wwtp": 4180000, "V_cso": 41000, "V_loss": 84000}, 97.0964),),
    edge_cases=(
        Text(
            "On-site systems are not included: state their share of the population.",
            "Separate avløpsanlegg er ikke med: oppgi andelen av befolkningen.",
        ),
        Text("Storm water in V_wwtp raises both terms.", "Overvann i V_wwtp øker begge leddene."),
    ),
    validity=(0.0, 100.0),
)
