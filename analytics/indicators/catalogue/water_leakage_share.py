"""W01: Leakage share of water supplied."""

from analytics.indicators.entry import LOS, Benchmark, Example, Indicator, Inputs, Iso, Parts, Sdg, Taxonomy, Text


def compute(v: Inputs) -> Parts:
    """100 · (V_in − V_exp − V_met − V_unm − V_oth) / (V_in − V_exp)"""
    supplied = v["V_in"] - v["V_exp"]
    return Parts(supplied - v["V_met"] - v["V_unm"] - v["V_oth"], supplied, 100)


INDICATOR = Indicator(
    key="water_leakage_share",
    id="W01",
    name=Text("Leakage share of water supplied", "Andel av vannleveransen til lekkasje"),
    description=Text(
        "Water that entered the network and reached no authorised use, as a share of the water supplied.",
        "Vann som er levert inn på nettet uten å nå en godkjent bruker, som andel av levert vann.",
    ),
    unit="%",
    polarity="lower_is_better",
    network="water",
    verdict="sensors_plus_master",
    formula="100 · (V_in − V_exp − V_met − V_unm − V_oth) / (V_in − V_exp)",
    inputs={
        "V_in": "zone_inflow_m3",
        "V_exp": "zone_export_m3",
        "V_met": "metered_use_m3",
        "V_unm": "unmetered_in_balance_m3",
        "V_oth": "other_authorised_m3",
    },
    compute=compute,
    time_aggregation=Text(
        "Volumes are summed to month and year, then divided; a single day serves alarms only.",
        "Volumene summeres til måned og år før det divideres; enkeltdøgn brukes bare til varsling.",
    ),
    zone_aggregation=Text(
        "Volumes are summed over zones after transfers between them are set off.",
        "Volumene summeres over sonene etter at overføringer mellom dem er trukket fra.",
    ),
    sdg=Sdg(("6.4", "12.2")),
    u4ssc="EC: I: WS: 3C",
    iso=(Iso("37120", 2014, "21.7"), Iso("37120", 2018, "23.7")),
    kostra="KOSVREGLekkVann0000",
    benchmarks=(
        Benchmark(Text("Norway 2023 (KOSTRA)", "Norge 2023 (KOSTRA)"), 29.9, "=", 2023, "V", "SSB, Kommunal vannforsyning"),
        Benchmark(Text("National goal for 2033", "Nasjonalt mål for 2033"), 25, "<", 2033, "V", "Nasjonale mål for vann og helse, 2024"),
    ),
    taxonomy=Taxonomy(("Water and waste",), (LOS + "vann-og-avlop",), "3-Output", ("time", "region"), ("Planet", "Prosperity")),
    profile="vol",
    examples=(Example({"V_in": 2900000, "V_exp": 0, "V_met": 1150000, "V_unm": 715400, "V_oth": 29000}, 34.675862),),
    edge_cases=(
        Text(
            "A negative result means a fault in a meter or a zone boundary: the value "
            "is null with the reason out_of_validity, never cut to 0.",
            "Et negativt resultat tyder på feil i en måler eller en sonegrense: "
            "verdien blir tom med årsak out_of_validity, aldri satt til 0.",
        ),
        Text(
            "An open zone valve moves water unseen: flagged, class 2 at best.",
            "En åpen soneventil flytter vann usett: merkes, høyst klasse 2.",
        ),
    ),
    validity=(0.0, 100.0),
)
