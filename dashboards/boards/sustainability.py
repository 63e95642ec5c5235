"""Sustainability: the same figures as the API, each with its quality class."""

from dashboards.board import Board, Panel, Query, Text

_MONTH = "\"span\" = 'month' AND \"zone\" = 'town'"


def _figure(key: str, nb: str, en: str, unit: str, decimals: int = 1) -> Panel:
    query = f'SELECT last("value") FROM "figure" WHERE "indicator" = \'{key}\' AND {_MONTH}'
    return Panel("stat", Text(f"{nb} ({key})", f"{en} ({key})"), (Query(query),), unit, 6, 4, decimals=decimals)


BOARD = Board(
    key="sustainability",
    title=Text("Bærekraft", "Sustainability"),
    since="now-2y",
    refresh="15m",
    annotations=False,
    panels=(
        _figure("W01", "Lekkasjeandel", "Leakage share", "percent"),
        _figure("S02", "Overløpstimer per punkt", "Overflow hours per point", "h"),
        _figure("S01", "Overløp per punkt (12/24)", "Overflows per point (12/24)", "short"),
        _figure("X01", "Datakompletthet", "Measurement completeness", "percent"),
        Panel(
            "timeseries", Text("Utvikling per måned", "Trend by month"),
            (Query("SELECT \"value\" FROM \"figure\" WHERE $timeFilter AND \"span\" = 'month' AND \"zone\" = 'town' "
                   "AND \"indicator\" =~ /W01|X01|W10|S08/ GROUP BY \"indicator\"", "$tag_indicator"),),
            "percent", 24, 9, steps=True,
        ),
        Panel(
            "table", Text("Alle indikatorer, siste måned", "All indicators, latest month"),
            (Query('SELECT last("value") AS "value", last("unit") AS "unit", last("lower") AS "lower", last("upper") AS "upper", '
                   'last("quality_class") AS "class", last("completeness") AS "completeness", last("status") AS "status", '
                   f'last("reason") AS "reason" FROM "figure" WHERE {_MONTH} GROUP BY "indicator"', shape="table"),),
            width=24, height=14,
            description=Text("Klasse 1–3 etter KS/SSB; en lokal tilnærming er aldri det offisielle tallet.",
                             "Class 1–3 by KS/SSB; a local proxy is never the official figure."),
        ),
    ),
)  # fmt: skip
