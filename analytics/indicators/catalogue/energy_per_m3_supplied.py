"""W13: Energy per cubic metre supplied."""

from analytics.indicators.entry import LOS, Benchmark, Example, Indicator, Inputs, Parts, Ref, Sdg, Taxonomy, Text


def compute(v: Inputs) -> Parts:
    """E / V_in"""
    return Parts(v["E"], v["V_in"])


INDICATOR = Indicator(
    key="energy_per_m3_supplied",
    id="W13",
    name=Text("Energy per cubic metre supplied", "Energibruk per kubikkmeter levert vann"),
    description=Text(
        "Electric energy of the metered plants and pumps per cubic metre of water supplied.",
        "Elektrisk energi i målte anlegg og pumper per kubikkmeter levert vann.",
    ),
    unit="kWh/m³",
    polarity="lower_is_better",
    network="water",
    verdict="sensors_plus_master",
    formula="E / V_in",
    inputs={"E": "water_energy_kwh", "V_in": "supplied_m3"},
    compute=compute,
    time_aggregation=Text("Both are summed.", "Begge summeres."),
    zone_aggregation=Text(
        "Both are summed; transfers between zones are set off.", "Begge summeres; overføringer mellom sonene trekkes fra."
    ),
    sdg=Sdg(("7.3", "9.4")),
    eu=(Ref("Reg. (EU) 2021/2139 5.1: net abstraction and treatment ≤ 0.5 kWh/m³"),),
    benchmarks=(
        Benchmark(
            Text("EU taxonomy (abstraction and treatment only)", "EU-taksonomien (bare uttak og behandling)"),
            0.5,
            "<=",
            None,
            "V",
            "Reg. (EU) 2021/2139",
        ),
    ),
    taxonomy=Taxonomy(("Energy", "Water and waste"), (LOS + "vann-og-avlop",), "3-Output", ("time", "region"), ("Planet", "Prosperity")),
    profile="vol",
    examples=(Example({"E": 1160000, "V_in": 2900000}, 0.4),),
    edge_cases=(Text("Own turbines: state net or gross.", "Egne turbiner: oppgi netto eller brutto."),),
    decimals=2,
)
