"""S04: Overflow share of yearly dry-weather collection."""

from analytics.indicators.entry import LOS, Benchmark, Example, Indicator, Inputs, Parts, Ref, Sdg, Taxonomy, Text


def compute(v: Inputs) -> Parts:
    """100 · V_cso · f / (DWF · days)"""
    return Parts(v["V_cso"] * v["f"], v["DWF"] * v["days"], 100)


INDICATOR = Indicator(
    key="overflow_share_of_dry_weather_collection",
    id="S04",
    name=Text("Overflow share of yearly dry-weather collection", "Overløp som andel av årlig tørrværsmengde"),
    description=Text(
        "Overflow as a share of the sewage collected in dry weather. With f = 1 it is a "
        "share of volume, normally an upper bound of the share of load.",
        "Overløp som andel av avløpet som samles inn i tørrvær. Med f = 1 er det en "
        "volumandel, normalt en øvre grense for andelen av forurensningen.",
    ),
    unit="%",
    polarity="lower_is_better",
    network="sewer",
    verdict="proxy",
    formula="100 · V_cso · f / (DWF · days)",
    inputs={"V_cso": "overflow_volume_m3", "f": "dilution_factor", "DWF": "dry_weather_flow_m3_d", "days": "days"},
    compute=compute,
    time_aggregation=Text("Annual.", "Årlig."),
    zone_aggregation=Text("Per agglomeration.", "Per tettbebyggelse."),
    sdg=Sdg(("6.3",)),
    eu=(
        Ref("Directive (EU) 2024/3019 Annex V, indicative objective"),
        Ref("2 % of the yearly collected load at dry-weather conditions", "U"),
    ),
    other=(Ref("Norwegian permits cap the yearly network loss, e.g. at 2.5–8 %"),),
    benchmarks=(
        Benchmark(
            Text("Indicative objective, unconfirmed", "Veiledende mål, ikke bekreftet"), 2.0, "<=", None, "U", "Directive (EU) 2024/3019"
        ),
    ),
    taxonomy=Taxonomy(
        ("Natural environment", "Water and waste"), (LOS + "vannforurensning",), "4-Outcome", ("time", "region"), ("Planet",)
    ),
    profile="prox",
    examples=(
        Example({"V_cso": 41000, "f": 1.0, "DWF": 6800, "days": 365}, 1.651894),
        Example({"V_cso": 41000, "f": 0.4, "DWF": 6800, "days": 365}, 0.660758),
    ),
    edge_cases=(Text("f is printed with the value.", "f skrives sammen med verdien."),),
    decimals=2,
)
