"""Platform health: is Mjøsa itself well."""

from dashboards.board import Board, Panel, Query, Text


def _line(nb: str, en: str, fields: tuple[str, ...], unit: str = "short") -> Panel:
    queries = tuple(Query(f'SELECT mean("{f}") FROM "platform" WHERE $timeFilter GROUP BY time($__interval) fill(null)', f) for f in fields)
    return Panel("timeseries", Text(nb, en), queries, unit)


BOARD = Board(
    key="platform",
    title=Text("Plattformens helse", "Platform health"),
    annotations=False,
    since="now-24h",
    panels=(
        _line("Uplinker per minutt", "Uplinks per minute", ("uplinks_per_minute",)),
        _line("Forsinkelse", "Lag", ("lag_s",), "s"),
        _line("Feilmeldinger i kø", "Dead letters", ("dead_letters",)),
        _line("Duplikater", "Duplicates", ("duplicates",)),
        _line("Loggens størrelse", "Uplink log size", ("log_bytes",), "bytes"),
        _line("Ledig disk", "Free disk", ("free_bytes",), "bytes"),
    ),
)
