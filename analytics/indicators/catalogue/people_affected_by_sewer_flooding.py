"""S10: People affected by sewer or storm-water flooding."""

from analytics.indicators.entry import LOS, Example, Indicator, Inputs, Parts, Sdg, Taxonomy, Text


def compute(v: Inputs) -> Parts:
    """100000 · affected / pop"""
    return Parts(v["affected"], v["pop"], 100_000)


INDICATOR = Indicator(
    key="people_affected_by_sewer_flooding",
    id="S10",
    name=Text("People affected by sewer or storm-water flooding", "Berørte av kloakk- eller overvannsoversvømmelse"),
    description=Text(
        "Persons directly affected by sewer or storm-water flooding. Persons come from the "
        "incident register alone; sensors only date and place the event.",
        "Personer direkte berørt av kloakk- eller overvannsoversvømmelse. Personene "
        "kommer bare fra hendelsesregisteret; sensorene gir kun tid og sted.",
    ),
    unit="per 100 000",
    polarity="lower_is_better",
    network="sewer",
    verdict="proxy",
    formula="100000 · affected / pop",
    inputs={"affected": "affected_persons", "pop": "population_municipality"},
    compute=compute,
    time_aggregation=Text("Summed.", "Summeres."),
    zone_aggregation=Text("Summed; cells under 5 persons are suppressed.", "Summeres; celler med under 5 personer skjules."),
    sdg=Sdg(("11.5", "13.1", "1.5"), "proxy", "11.5.1", "VC_DSR_DAFF"),
    u4ssc="SC: SH: SA: 1C",
    u4ssc_context=True,
    taxonomy=Taxonomy(("Safety and preparedness",), (LOS + "flomvarsel",), "5-Impact", ("time", "region", "groups"), ("People",)),
    profile="prox",
    examples=(Example({"affected": 12, "pop": 30000}, 40.0),),
    edge_cases=(Text("Never inferred from level sensors.", "Utledes aldri fra nivåsensorer."),),
)
