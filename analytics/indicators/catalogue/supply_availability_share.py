"""W09: Drinking water available when needed."""

from analytics.indicators.entry import LOS, Example, Indicator, Inputs, Parts, Sdg, Taxonomy, Text


def compute(v: Inputs) -> Parts:
    """100 · ok_person_days / person_days"""
    return Parts(v["ok_person_days"], v["person_days"], 100)


INDICATOR = Indicator(
    key="supply_availability_share",
    id="W09",
    name=Text("Drinking water available when needed", "Drikkevann tilgjengelig ved behov"),
    description=Text(
        "Share of person-days with water pressure above the minimum for at least 12 hours. "
        "One part of 6.1.1; quality and access on the premises are not in it.",
        "Andel persondøgn med vanntrykk over minstekravet i minst 12 timer. Én del "
        "av 6.1.1; vannkvalitet og tilgang i boligen inngår ikke.",
    ),
    unit="%",
    polarity="higher_is_better",
    network="water",
    verdict="component",
    formula="100 · ok_person_days / person_days",
    inputs={"ok_person_days": "ok_person_days", "person_days": "observed_person_days"},
    compute=compute,
    time_aggregation=Text("Person-days are summed.", "Persondøgn summeres."),
    zone_aggregation=Text("Person-days are summed.", "Persondøgn summeres."),
    sdg=Sdg(("6.1",), "component", "6.1.1", "SH_H2O_SAFE"),
    u4ssc="EC: I: WS: 2C",
    u4ssc_context=True,
    taxonomy=Taxonomy(
        ("Health, social services and welfare", "Water and waste"),
        (LOS + "vann-og-avlop",),
        "4-Outcome",
        ("time", "region", "groups"),
        ("People",),
    ),
    profile="prox",
    examples=(Example({"ok_person_days": 10199860, "person_days": 10220000}, 99.802935),),
    edge_cases=(
        Text(
            "Never labelled SDG 6.1.1: quality and on-premises parts are missing.",
            "Merkes aldri som FN-indikator 6.1.1: kvalitet og tilgang i boligen mangler.",
        ),
    ),
    parameters={"p_min_m": 20.0, "hours_per_day": 12.0},
    validity=(0.0, 100.0),
    decimals=2,
)
