"""W03: Real losses per km of main."""

from analytics.indicators.entry import LOS, Benchmark, Example, Indicator, Inputs, Parts, Ref, Sdg, Taxonomy, Text


def compute(v: Inputs) -> Parts:
    """CARL_m3 / (Lm · days)"""
    return Parts(v["CARL_m3"], v["Lm"] * v["days"])


INDICATOR = Indicator(
    key="real_losses_per_km",
    id="W03",
    name=Text("Real losses per km of main", "Lekkasje per km ledning"),
    description=Text(
        "Real losses of the water network per kilometre of main and day.",
        "Lekkasje fra vannledningsnettet per kilometer hovedledning og døgn.",
    ),
    unit="m³/km/d",
    polarity="lower_is_better",
    network="water",
    verdict="sensors_plus_master",
    formula="CARL_m3 / (Lm · days)",
    inputs={"CARL_m3": "real_losses_m3", "Lm": "mains_km", "days": "days"},
    compute=compute,
    time_aggregation=Text(
        "Losses and kilometre-days are summed, then divided.", "Lekkasje og kilometerdøgn summeres hver for seg før det divideres."
    ),
    zone_aggregation=Text("Both are summed over zones.", "Begge summeres over sonene."),
    sdg=Sdg(("6.4",)),
    other=(Ref("Norsk Vann quotes 4.3 m³ per m and year for 2018, i.e. 11.8 m³/km/d"),),
    benchmarks=(
        Benchmark(Text("Norway 2018 (Norsk Vann)", "Norge 2018 (Norsk Vann)"), 11.8, "=", 2018, "V", "Norsk Vann; own conversion"),
    ),
    taxonomy=Taxonomy(("Water and waste",), (LOS + "vann-og-avlop",), "3-Output", ("time", "region"), ("Planet",)),
    profile="vol",
    examples=(Example({"CARL_m3": 766500, "Lm": 120, "days": 365}, 17.5),),
    edge_cases=(Text("The length of mains leaves service pipes out.", "Ledningslengden omfatter ikke stikkledninger."),),
)
