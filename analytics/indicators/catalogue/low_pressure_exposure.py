"""W10: Low-pressure exposure."""

from analytics.indicators.entry import LOS, Example, Indicator, Inputs, Parts, Sdg, Taxonomy, Text


def compute(v: Inputs) -> Parts:
    """100 · low_conn_h / conn_h"""
    return Parts(v["low_conn_h"], v["conn_h"], 100)


INDICATOR = Indicator(
    key="low_pressure_exposure",
    id="W10",
    name=Text("Low-pressure exposure", "Andel abonnenttimer med lavt vanntrykk"),
    description=Text("Share of connection-hours with a pressure below the minimum.", "Andel abonnenttimer med trykk under minstekravet."),
    unit="%",
    polarity="lower_is_better",
    network="water",
    verdict="sensors_plus_master",
    formula="100 · low_conn_h / conn_h",
    inputs={"low_conn_h": "low_pressure_connection_hours", "conn_h": "observed_connection_hours"},
    compute=compute,
    time_aggregation=Text("Hours are summed.", "Timene summeres."),
    zone_aggregation=Text("Connection-hours are summed.", "Abonnenttimer summeres."),
    sdg=Sdg(("6.1",)),
    taxonomy=Taxonomy(("Water and waste",), (LOS + "vann-og-avlop",), "4-Outcome", ("time", "region", "groups"), ("People",)),
    profile="evt",
    examples=(Example({"low_conn_h": 11388, "conn_h": 56940000}, 0.02),),
    edge_cases=(
        Text("Below 5 m there is a risk of back-suction: a separate alarm.", "Under 5 m er det fare for tilbakesuging: eget varsel."),
    ),
    parameters={"p_min_m": 20.0},
    validity=(0.0, 100.0),
    decimals=2,
)
