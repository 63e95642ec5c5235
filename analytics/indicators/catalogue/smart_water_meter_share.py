"""W11: Smart water meters."""

from analytics.indicators.entry import LOS, Benchmark, Example, Indicator, Inputs, Iso, Parts, Sdg, Taxonomy, Text


def compute(v: Inputs) -> Parts:
    """100 · smart_live / meters"""
    return Parts(v["smart_live"], v["meters"], 100)


INDICATOR = Indicator(
    key="smart_water_meter_share",
    id="W11",
    name=Text("Smart water meters", "Smarte vannmålere"),
    description=Text(
        "Water meters heard remotely at least once in the last 30 days of the period, as a share of all water meters.",
        "Vannmålere som er fjernavlest minst én gang de siste 30 dagene i perioden, som andel av alle vannmålere.",
    ),
    unit="%",
    polarity="higher_is_better",
    network="water",
    verdict="sensors_plus_master",
    formula="100 · smart_live / meters",
    inputs={"smart_live": "live_smart_meters", "meters": "meters_total"},
    compute=compute,
    time_aggregation=Text("The value at the end of the period.", "Verdien ved periodens slutt."),
    zone_aggregation=Text("Both are summed over zones.", "Begge summeres over sonene."),
    sdg=Sdg(("6.4", "9.4")),
    u4ssc="EC: ICT: WS: 1C",
    iso=(Iso("37122", 2019, "23.4", "U"),),
    kostra="Andel av husholdningsabonnentene som har installert vannmåler (alle typer måler)",
    benchmarks=(
        Benchmark(
            Text("Norwegian households with any meter 2023", "Norske husholdninger med måler (alle typer) 2023"),
            38.7,
            "=",
            2023,
            "V",
            "SSB, Kommunal vannforsyning",
        ),
    ),
    taxonomy=Taxonomy(("Digitalisation", "Water and waste"), (LOS + "vann-og-avlop",), "1-Input", ("time", "region"), ("Prosperity",)),
    profile="reg",
    examples=(Example({"smart_live": 4650, "meters": 6200}, 75.0),),
    edge_cases=(Text("Meters that are installed but silent are counted apart.", "Målere som er montert, men tause, telles for seg."),),
    validity=(0.0, 100.0),
)
