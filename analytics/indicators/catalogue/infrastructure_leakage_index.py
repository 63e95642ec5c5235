"""W04: Infrastructure leakage index (ILI)."""

from analytics.indicators.entry import LOS, Benchmark, Example, Indicator, Inputs, Parts, Ref, Sdg, Taxonomy, Text


def compute(v: Inputs) -> Parts:
    """1000 · CARL_m3_d / ((18 · Lm + 0.8 · Nc + 25 · Lp) · P)"""
    unavoidable_l_d = (18 * v["Lm"] + 0.8 * v["Nc"] + 25 * v["Lp"]) * v["P"]
    return Parts(v["CARL_m3_d"], unavoidable_l_d, 1000)


def outside(v: Inputs) -> str:
    """Published limits of the formula: over 5000 connections, over 20 per km, 25–100 m."""
    limits = (("connections ≤ 5000", v["Nc"] <= 5000), ("≤ 20 connections per km", v["Nc"] <= 20 * v["Lm"]),
              ("pressure outside 25–100 m", not 25 <= v["P"] <= 100))  # fmt: skip
    return ", ".join(words for words, broken in limits if broken)


INDICATOR = Indicator(
    key="infrastructure_leakage_index",
    id="W04",
    name=Text("Infrastructure leakage index (ILI)", "Infrastrukturlekkasjeindeks (ILI)"),
    description=Text(
        "Current real losses divided by the unavoidable losses of a network of this "
        "length, pressure and number of connections (Lambert's formula).",
        "Dagens lekkasje delt på den uunngåelige lekkasjen for et nett med samme lengde, trykk og antall tilknytninger (Lamberts formel).",
    ),
    unit="1",
    polarity="lower_is_better",
    network="water",
    verdict="sensors_plus_master",
    formula="1000 · CARL_m3_d / ((18 · Lm + 0.8 · Nc + 25 · Lp) · P)",
    inputs={
        "CARL_m3_d": "real_losses_m3_d",
        "Lm": "mains_km",
        "Nc": "service_connections",
        "Lp": "private_pipe_km",
        "P": "mean_pressure_m",
    },
    compute=compute,
    outside=outside,
    time_aggregation=Text("Annual; a rolling twelve months is shown as provisional.", "Årlig; løpende tolv måneder vises som foreløpig."),
    zone_aggregation=Text(
        "Recomputed from summed losses and summed unavoidable losses, each zone at its own pressure.",
        "Beregnes på nytt av summert lekkasje og summert uunngåelig lekkasje, hver sone med sitt eget trykk.",
    ),
    sdg=Sdg(("6.4", "9.4")),
    eu=(
        Ref("Directive (EU) 2020/2184 Art. 4(3)"),
        Ref("Reg. (EU) 2023/2486 Annex I 2.1: ILI ≤ 2.0"),
        Ref("Reg. (EU) 2021/2139 5.1: ILI ≤ 1.5"),
    ),
    benchmarks=(
        Benchmark(
            Text("EU taxonomy, operating an existing system", "EU-taksonomien, drift av eksisterende system"),
            2.0,
            "<=",
            None,
            "V",
            "Reg. (EU) 2023/2486",
        ),
        Benchmark(Text("EU taxonomy, climate act", "EU-taksonomien, klimarettsakten"), 1.5, "<=", None, "V", "Reg. (EU) 2021/2139"),
    ),
    taxonomy=Taxonomy(("Water and waste",), (LOS + "vann-og-avlop",), "3-Output", ("time", "region"), ("Planet", "Prosperity")),
    profile="vol",
    examples=(Example({"CARL_m3_d": 2100, "Lm": 120, "Nc": 6500, "Lp": 97.5, "P": 45}, 4.76312),),
    edge_cases=(
        Text(
            "Under 5000 connections, 20 connections per km or outside 25–100 m the formula "
            "leaves its published limits: class 2 at best, and said so.",
            "Under 5000 tilknytninger, 20 tilknytninger per km eller utenfor 25–100 m er formelen "
            "utenfor sine publiserte grenser: høyst klasse 2, og det opplyses.",
        ),
        Text("With intermittent supply, time under pressure counts.", "Ved periodevis forsyning regnes tid under trykk."),
    ),
    decimals=2,
)
