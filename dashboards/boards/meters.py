"""Meters and night flow: zone totals only; no household appears here."""

from dashboards.board import HERE, ZONE, Board, Panel, Query, Text

BOARD = Board(
    key="meters",
    title=Text("Målere og nattforbruk", "Meters and night flow"),
    variables=(ZONE,),
    since="now-30d",
    panels=(
        Panel(
            "timeseries", Text("Innløp, timemiddel", "Inflow, hourly mean"),
            (Query(f'SELECT mean("flow_m3h") FROM "inflow" WHERE {HERE} GROUP BY time(1h), "zone" fill(null)', "$tag_zone"),),
            "m3/h", 24, 9,
        ),
        Panel(
            "timeseries", Text("Laveste timeinnløp per døgn", "Lowest hourly inflow per day"),
            (Query(f'SELECT min("hour") FROM (SELECT mean("flow_m3h") AS "hour" FROM "inflow" WHERE {HERE} '
                   'GROUP BY time(1h), "zone" fill(none)) WHERE $timeFilter GROUP BY time(1d), "zone" fill(null)', "$tag_zone"),),
            "m3/h", steps=True,
        ),
        Panel(
            "timeseries", Text("Lekkasjeandel per måned (W01)", "Leakage share per month (W01)"),
            (Query("SELECT \"value\" FROM \"figure\" WHERE $timeFilter AND \"indicator\" = 'W01' AND \"span\" = 'month' GROUP BY \"zone\"", "$tag_zone"),),
            "percent", steps=True, thresholds=(("green", None), ("orange", 25), ("red", 35)),
        ),
        Panel(
            "timeseries", Text("Målere som har meldt seg", "Meters heard from"),
            (Query('SELECT last("meters_heard") FROM "platform" WHERE $timeFilter GROUP BY time($__interval) fill(previous)', "målere"),),
            width=24, height=6,
        ),
    ),
)  # fmt: skip
