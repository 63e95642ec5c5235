"""Pressure zone: is the pressure where it should be, and does the inflow agree."""

from dashboards.board import GOOD, HERE, SENSOR, ZONE, Board, Panel, Query, Text

BOARD = Board(
    key="pressure_zone",
    title=Text("Trykksone", "Pressure zone"),
    variables=(ZONE, SENSOR),
    panels=(
        Panel(
            "timeseries", Text("Trykk", "Pressure"),
            (Query(f'SELECT mean("value") FROM "pressure" WHERE {HERE} AND "dev_eui" =~ /^$sensor$/ AND {GOOD} '
                   'GROUP BY time($__interval), "dev_eui" fill(null)', "$tag_dev_eui"),),
            "pressurebar", 24, 10, thresholds=(("red", None), ("green", 2.0)),
        ),
        Panel(
            "timeseries", Text("Laveste trykk per time", "Lowest pressure per hour"),
            (Query(f'SELECT min("value") FROM "pressure" WHERE {HERE} AND {GOOD} GROUP BY time(1h), "zone" fill(null)', "$tag_zone"),),
            "pressurebar", thresholds=(("red", None), ("green", 2.0)),
        ),
        Panel(
            "timeseries", Text("Innløp til sonen", "Inflow to the zone"),
            (Query(f'SELECT mean("flow_m3h") FROM "inflow" WHERE {HERE} GROUP BY time($__interval), "dev_eui" fill(null)',
                   "$tag_dev_eui"),),
            "m3/h",
        ),
        Panel(
            "table", Text("Trykkhendelser", "Pressure events"),
            (Query('SELECT "kind", "asset", "score", "threshold", "duration_s", "id" FROM "event" WHERE $timeFilter AND "zone" =~ /^$zone$/ '
                   "AND \"kind\" =~ /pressure|burst|leak/ ORDER BY time DESC LIMIT 50", shape="table"),),
            width=24,
        ),
    ),
)  # fmt: skip
