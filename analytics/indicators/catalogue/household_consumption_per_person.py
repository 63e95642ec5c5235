"""W06: Household water consumption per connected person."""

from analytics.indicators.entry import LOS, Benchmark, Example, Indicator, Inputs, Iso, Parts, Sdg, Taxonomy, Text


def compute(v: Inputs) -> Parts:
    """1000 · V_hh / (N · days)"""
    return Parts(v["V_hh"], v["N"] * v["days"], 1000)


INDICATOR = Indicator(
    key="household_consumption_per_person",
    id="W06",
    name=Text("Household water consumption per connected person", "Husholdningsforbruk per tilknyttet innbygger"),
    description=Text(
        "Metered household use, and the assumed use of unmetered households, per connected person and day.",
        "Målt husholdningsforbruk og antatt forbruk i husholdninger uten måler, per tilknyttet innbygger og døgn.",
    ),
    unit="L/person/d",
    polarity="lower_is_better",
    network="water",
    verdict="sensors_plus_master",
    formula="1000 · V_hh / (N · days)",
    inputs={"V_hh": "household_use_m3", "N": "population_connected_water", "days": "days"},
    compute=compute,
    time_aggregation=Text("Volume over person-days.", "Volum over persondøgn."),
    zone_aggregation=Text("Both are summed over zones.", "Begge summeres over sonene."),
    sdg=Sdg(("6.4", "12.2")),
    iso=(Iso("37120", 2014, "21.4"), Iso("37120", 2018, "23.3")),
    kostra="Estimert gjennomsnittlig husholdningsforbruk per tilknyttet innbygger per døgn",
    benchmarks=(
        Benchmark(
            Text("Norway 2023 (KOSTRA, estimate)", "Norge 2023 (KOSTRA, anslag)"), 168, "=", 2023, "V", "SSB, Kommunal vannforsyning"
        ),
        Benchmark(Text("Metered studies (Norsk Vann)", "Målte studier (Norsk Vann)"), 140, "=", 2018, "V", "Norsk Vann"),
    ),
    taxonomy=Taxonomy(("Water and waste",), (LOS + "vann-og-avlop",), "4-Outcome", ("time", "region", "groups"), ("Planet", "People")),
    profile="vol",
    examples=(Example({"V_hh": 1533000, "N": 28000, "days": 365}, 150.0),),
    edge_cases=(
        Text(
            "With less than half of the volume metered the class is 2 at best.",
            "Når under halvparten av volumet er målt, er klassen høyst 2.",
        ),
    ),
)
