"""W08: Hours of water supply interruption per household."""

from analytics.indicators.entry import LOS, Example, Indicator, Inputs, Iso, Parts, Sdg, Taxonomy, Text


def compute(v: Inputs) -> Parts:
    """hh_hours / HH"""
    return Parts(v["hh_hours"], v["HH"])


INDICATOR = Indicator(
    key="supply_interruption_hours",
    id="W08",
    name=Text("Hours of water supply interruption per household", "Timer avbrudd i vannforsyningen per husholdning"),
    description=Text(
        "Hours without water, weighted by the households hit, over all households. Planned and unplanned count equally.",
        "Timer uten vann, vektet med berørte husholdninger, delt på alle husholdninger. Planlagte og ikke-planlagte avbrudd teller likt.",
    ),
    unit="h/household/yr",
    polarity="lower_is_better",
    network="water",
    verdict="sensors_plus_master",
    formula="hh_hours / HH",
    inputs={"hh_hours": "interrupted_household_hours", "HH": "households"},
    compute=compute,
    time_aggregation=Text(
        "Hours are summed; an interruption is split where the period ends.", "Timene summeres; et avbrudd deles der perioden slutter."
    ),
    zone_aggregation=Text("Household-hours over households, both summed.", "Husholdningstimer over husholdninger, begge summert."),
    sdg=Sdg(("6.1", "11.5")),
    iso=(Iso("37120", 2014, "21.6"), Iso("37120", 2018, "23.6", "U")),
    kostra="Gjennomsnittlig årlig avbruddstid (tabell 04936, avsluttet 2016)",
    taxonomy=Taxonomy(("Water and waste",), (LOS + "vann-og-avlop",), "4-Outcome", ("time", "region", "groups"), ("People",)),
    profile="evt",
    examples=(Example({"hh_hours": 3216, "HH": 13500}, 0.238222),),
    edge_cases=(
        Text("A silent sensor is not an interruption.", "En taus sensor er ikke et avbrudd."),
        Text("A boil-water advisory is entered by the operator.", "Kokevarsel registreres av operatøren."),
    ),
    parameters={"interruption_bar": 0.5},
    per_year=True,
    decimals=2,
)
