"""Sensor fleet and radio: who is silent, whose battery ends, who hears badly."""

from dashboards.board import HERE, SENSOR, ZONE, Board, Panel, Query, Text

BOARD = Board(
    key="fleet",
    title=Text("Sensorflåte og radio", "Sensor fleet and radio"),
    variables=(ZONE, SENSOR),
    annotations=False,
    panels=(
        Panel(
            "table", Text("Sensorer", "Sensors"),
            (Query('SELECT last("name") AS "name", last("state") AS "state", last("last_seen_ms") AS "seen", last("rssi_dbm") AS "rssi", '
                   'last("snr_db") AS "snr", last("battery_pct") AS "battery" FROM "sensor" WHERE "zone" =~ /^$zone$/ GROUP BY "dev_eui"', shape="table"),),
            width=24, height=12,
        ),
        Panel(
            "timeseries", Text("Signalstyrke", "Signal strength"),
            (Query(f'SELECT mean("value") FROM "radio" WHERE {HERE} AND "dev_eui" =~ /^$sensor$/ AND "quantity" = \'rssi_dbm\' '
                   'GROUP BY time($__interval), "dev_eui" fill(null)', "$tag_dev_eui"),),
            "dBm",
        ),
        Panel(
            "timeseries", Text("Signal/støy", "Signal to noise"),
            (Query(f'SELECT mean("value") FROM "radio" WHERE {HERE} AND "dev_eui" =~ /^$sensor$/ AND "quantity" = \'snr_db\' '
                   'GROUP BY time($__interval), "dev_eui" fill(null)', "$tag_dev_eui"),),
            "dB",
        ),
        Panel(
            "timeseries", Text("Batteri", "Battery"),
            (Query(f'SELECT last("value") FROM "battery" WHERE {HERE} AND "dev_eui" =~ /^$sensor$/ '
                   'GROUP BY time($__interval), "dev_eui", "quantity" fill(null)', "$tag_dev_eui $tag_quantity"),),
            width=24,
        ),
    ),
)  # fmt: skip
