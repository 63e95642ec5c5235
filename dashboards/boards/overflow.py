"""Overflow: hours, 12/24 count, volume, beside the rain."""

from dashboards.board import GOOD, HERE, ZONE, Board, Panel, Query, Text

_WHERE = '$timeFilter AND "zone" =~ /^$zone$/ AND "kind" = \'overflow\''
BOARD = Board(
    key="overflow",
    title=Text("Overløp", "Overflows"),
    variables=(ZONE,),
    since="now-30d",
    panels=(
        Panel("stat", Text("Hendelser", "Events"), (Query(f'SELECT count("score") FROM "event" WHERE {_WHERE}'),), width=6, height=4),
        Panel(
            "stat", Text("Timer", "Hours"), (Query(f'SELECT sum("duration_s") / 3600 FROM "event" WHERE {_WHERE}'),), "h", 6, 4, decimals=1
        ),
        Panel("stat", Text("Volum", "Volume"), (Query(f'SELECT sum("volume_m3") FROM "event" WHERE {_WHERE}'),), "m3", 6, 4, decimals=0),
        Panel(
            "stat", Text("Døgntelling 12/24 per punkt, siste måned", "12/24 count per point, latest month"),
            (Query("SELECT last(\"value\") FROM \"figure\" WHERE \"indicator\" = 'S01' AND \"span\" = 'month' AND \"zone\" = 'town'"),),
            width=6, height=4, decimals=1,
        ),
        Panel(
            "timeseries", Text("Nivå i overløp", "Level in overflow chambers"),
            (Query(f'SELECT max("value") FROM "level" WHERE {HERE} AND "quantity" = \'level_m\' AND {GOOD} GROUP BY time($__interval), "dev_eui" fill(null)',
                   "$tag_dev_eui"),),
            "lengthm", 24, 10,
        ),
        Panel(
            "timeseries", Text("Nedbør per time", "Rain per hour"),
            (Query(f'SELECT sum("value") FROM "rain" WHERE $timeFilter AND "quantity" = \'rain_mm\' AND {GOOD} GROUP BY time(1h), "dev_eui" fill(0)',
                   "$tag_dev_eui"),),
            "lengthmm", 24, 6, steps=True,
        ),
        Panel(
            "table", Text("Overløpshendelser", "Overflow events"),
            (Query(f'SELECT "asset", "duration_s", "volume_m3", "severity", "id" FROM "event" WHERE {_WHERE} ORDER BY time DESC LIMIT 100',
                   shape="table"),),
            width=24, height=10,
        ),
    ),
)  # fmt: skip
