"""Operations: what is wrong now, where, since when."""

from dashboards.board import ZONE, Board, Panel, Query, Text

ALARM = "${__data.fields.url:raw}"
BOARD = Board(
    key="operations",
    title=Text("Drift", "Operations"),
    variables=(ZONE,),
    since="now-24h",
    panels=(
        Panel(
            "stat", Text("Åpne alarmer", "Open alarms"), (Query('SELECT last("open") AS "open" FROM "platform"'),), width=4, height=4,
            thresholds=(("green", None), ("orange", 1), ("red", 5)),
        ),
        Panel(
            "stat", Text("Alvorlige", "Critical"), (Query('SELECT last("critical") AS "critical" FROM "platform"'),), width=4, height=4,
            thresholds=(("green", None), ("red", 1)),
        ),
        Panel(
            "stat", Text("Sensorer i live", "Sensors alive"), (Query('SELECT last("alive_pct") AS "alive" FROM "platform"'),), "percent",
            width=4, height=4, thresholds=(("red", None), ("orange", 90), ("green", 97)), decimals=1,
        ),
        Panel(
            "stat", Text("Uplinker per minutt", "Uplinks per minute"),
            (Query('SELECT last("uplinks_per_minute") AS "uplinks" FROM "platform"'),), width=4, height=4, decimals=0,
        ),
        Panel(
            "stat", Text("Forsinkelse", "Lag"), (Query('SELECT last("lag_s") AS "lag" FROM "platform"'),), "s", width=4, height=4,
            thresholds=(("green", None), ("orange", 60), ("red", 600)),
        ),
        Panel(
            "stat", Text("Feilmeldinger i kø", "Dead letters"), (Query('SELECT last("dead_letters") AS "dead" FROM "platform"'),), width=4,
            height=4, thresholds=(("green", None), ("orange", 1)),
        ),
        Panel(
            "map", Text("Sensorer", "Sensors"),
            (Query('SELECT last("latitude") AS "latitude", last("longitude") AS "longitude", last("state") AS "state", last("name") AS "name" '
                   'FROM "sensor" WHERE "zone" =~ /^$zone$/ GROUP BY "dev_eui"', shape="table"),),
            width=12, height=14,
        ),
        Panel(
            "table", Text("Alarmer", "Alarms"),
            (Query('SELECT "kind", "severity", "state", "asset", "title", "score", "url" FROM "alarm" WHERE $timeFilter '
                   'AND "zone" =~ /^$zone$/ ORDER BY time DESC LIMIT 50', shape="table"),),
            width=12, height=14, link=ALARM,
        ),
        Panel(
            "timeseries", Text("Hendelser per døgn", "Events per day"),
            (Query('SELECT count("score") FROM "event" WHERE $timeFilter AND "zone" =~ /^$zone$/ GROUP BY time(1d), "kind" fill(0)', "$tag_kind"),),
            width=24, steps=True,
        ),
    ),
)  # fmt: skip
