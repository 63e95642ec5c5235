"""What a board is made of, on top of grafana-foundation-sdk: bilingual text, InfluxQL queries, and the panels we use.

InfluxQL only (the dialect that InfluxDB 1.x, 2.x and 3 share). Every query, panel and variable names the one fixed
datasource uid, so that a provisioned board opens with data on a new server.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from grafana_foundation_sdk.builders import barchart, geomap, stat, table, timeseries
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common, dashboard

DATASOURCE = dashboard.DataSourceRef(type_val="influxdb", uid="mjosa-influxdb")
Language = Literal["nb", "en"]
LANGUAGES: tuple[Language, ...] = ("nb", "en")


class Text(NamedTuple):
    """The same words in both languages."""

    nb: str
    en: str

    def of(self, language: Language) -> str:
        return self.nb if language == "nb" else self.en


NO_TEXT = Text("", "")


class Query(NamedTuple):
    """One InfluxQL query; `$timeFilter`, `$__interval` and board variables are Grafana's. `alias` names its series."""

    influxql: str
    alias: str = ""
    shape: Literal["time_series", "table"] = "time_series"


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel, language still open. Grafana's grid is 24 wide; `thresholds` are (colour, from value)."""

    kind: Literal["timeseries", "stat", "table", "map", "bars"]
    title: Text
    queries: tuple[Query, ...]
    unit: str = "short"
    width: int = 12
    height: int = 8
    description: Text = NO_TEXT
    thresholds: tuple[tuple[str, float | None], ...] = ()
    steps: bool = False
    link: str = ""
    decimals: int | None = None


@dataclass(frozen=True, slots=True)
class Variable:
    """A drop-down filled by an InfluxQL query; `all` offers every value at once."""

    name: str
    label: Text
    influxql: str
    all: bool = True


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard. `key` equals the file's name and ends its uid, which never changes."""

    key: str
    title: Text
    panels: tuple[Panel, ...]
    variables: tuple[Variable, ...] = ()
    since: str = "now-7d"
    refresh: str = "1m"
    annotations: bool = True
    tags: tuple[str, ...] = field(default=("mjosa",))


ZONE = Variable("zone", Text("Sone", "Zone"), 'SHOW TAG VALUES FROM "sensor" WITH KEY = "zone"')
SENSOR = Variable("sensor", Text("Sensor", "Sensor"), 'SHOW TAG VALUES FROM "sensor" WITH KEY = "dev_eui" WHERE "zone" =~ /^$zone$/')
HERE = '$timeFilter AND "zone" =~ /^$zone$/'
EVENTS = 'SELECT "title", "text", "end_ms" FROM "event" WHERE $timeFilter'
GOOD = '"flag" <= 3'
"""Values that are neither failed nor missing (QARTOD)."""


def uid(board: Board, language: Language) -> str:
    return f"mjosa-{board.key.replace('_', '-')}-{language}"


def render(board: Board, language: Language) -> dict[str, Any]:
    """The board as Grafana's own JSON."""
    made = builders.Dashboard(board.title.of(language)).uid(uid(board, language)).tags([*board.tags, language])
    made.timezone("Europe/Oslo").time(board.since, "now").refresh(board.refresh).week_start("monday").readonly()
    made.tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
    for variable in board.variables:
        made.with_variable(_variable(variable, language))
    made.link(
        builders.DashboardLink("Mjøsa")
        .type(dashboard.DashboardLinkType.DASHBOARDS)
        .tags(["mjosa", language])
        .as_dropdown(True)
        .keep_time(True)
    )
    x = y = row = 0
    for i, panel in enumerate(board.panels, 1):
        if x + panel.width > 24:
            x, y, row = 0, y + row, 0
        made.with_panel(_panel(panel, language).id(i).grid_pos(dashboard.GridPos(h=panel.height, w=panel.width, x=x, y=y)))
        x, row = x + panel.width, max(row, panel.height)
    data: dict[str, Any] = json.loads(json.dumps(made.build(), cls=JSONEncoder))
    if board.annotations:
        data["annotations"] = {"list": [_annotations(language)]}
    return data


class InfluxQL(Dataquery):
    """A query as Grafana's InfluxDB datasource keeps it."""

    def __init__(self, query: Query, ref: str) -> None:
        self.query, self.ref = query, ref

    def to_json(self) -> dict[str, Any]:
        return {
            "refId": self.ref, "datasource": {"type": DATASOURCE.type_val, "uid": DATASOURCE.uid}, "rawQuery": True,
            "query": self.query.influxql, "resultFormat": self.query.shape, "alias": self.query.alias,
        }  # fmt: skip


class _Made(Builder[Any]):
    """Something finished where the SDK wants a builder."""

    def __init__(self, made: Any) -> None:
        self._made = made

    def build(self) -> Any:
        return self._made


def _panel(panel: Panel, language: Language) -> Any:
    made = _MAKERS[panel.kind](panel)
    made.title(panel.title.of(language)).description(panel.description.of(language)).datasource(DATASOURCE).unit(panel.unit)
    made.no_value("Ingen data" if language == "nb" else "No data")
    made.targets([_Made(InfluxQL(q, chr(ord("A") + i))) for i, q in enumerate(panel.queries)])
    if panel.decimals is not None:
        made.decimals(panel.decimals)
    if panel.thresholds:
        steps = [dashboard.Threshold(value=value, color=colour) for colour, value in panel.thresholds]
        made.thresholds(builders.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(steps))
    if panel.link:
        title = "Åpne i Mjøsa" if language == "nb" else "Open in Mjøsa"
        made.data_links([builders.DashboardLink(title).url(panel.link).target_blank(True)])
    return made


def _timeseries(panel: Panel) -> Any:
    made = timeseries.Panel().line_width(1.5).fill_opacity(8).show_points(common.VisibilityMode.NEVER).span_nulls(7_200_000.0)
    made.line_interpolation(common.LineInterpolation.STEP_AFTER if panel.steps else common.LineInterpolation.LINEAR)
    return made


def _stat(panel: Panel) -> Any:
    return stat.Panel().color_mode(common.BigValueColorMode.BACKGROUND if panel.thresholds else common.BigValueColorMode.VALUE)


_NO_TILES = common.MapLayerOptions(type_val="xyz", name="none", config={"url": ""})


def _map(panel: Panel) -> Any:
    """No background tiles: positions only, so that nothing is asked from outside."""
    layer = common.MapLayerOptions(
        type_val="markers", name="sensors", config={"showLegend": True, "style": {"size": {"fixed": 6}, "color": {"field": "state"}}},
        location=common.FrameGeometrySource(mode=common.FrameGeometrySourceMode.COORDS, latitude="latitude", longitude="longitude"),
        tooltip=True,
    )  # fmt: skip
    made = geomap.Panel().basemap(_Made(_NO_TILES)).layers([_Made(layer)])
    return made.view(geomap.MapViewConfig().id("fit").all_layers(True).padding(10))


_MAKERS: dict[str, Callable[[Panel], Any]] = {
    "timeseries": _timeseries,
    "stat": _stat,
    "map": _map,
    "table": lambda panel: table.Panel(),
    "bars": lambda panel: barchart.Panel(),
}


def _variable(variable: Variable, language: Language) -> Any:
    made = builders.QueryVariable(variable.name).label(variable.label.of(language)).datasource(DATASOURCE).query(variable.influxql)
    made.refresh(dashboard.VariableRefresh.ON_DASHBOARD_LOAD).sort(dashboard.VariableSort.ALPHABETICAL_ASC)
    return made.include_all(True).multi(True).all_value(".*") if variable.all else made


def _annotations(language: Language) -> dict[str, Any]:
    """Events, from start to end, on every time axis. (The SDK's annotation type has no room for an InfluxQL query.)"""
    return {
        "name": "Hendelser" if language == "nb" else "Events", "enable": True, "iconColor": "#d9480f",
        "datasource": {"type": DATASOURCE.type_val, "uid": DATASOURCE.uid}, "query": EVENTS, "titleColumn": "title",
        "textColumn": "text", "timeEndColumn": "end_ms",
    }  # fmt: skip


def every_query(boards: Sequence[Board]) -> list[tuple[str, str]]:
    """(where, InfluxQL) of every panel and variable: what the tests run against a real server."""
    found = [(f"{b.key} / {p.title.en}", q.influxql) for b in boards for p in b.panels for q in p.queries]
    found.append(("annotations", EVENTS))
    return found + [(f"{b.key} / ${v.name}", v.influxql) for b in boards for v in b.variables]
