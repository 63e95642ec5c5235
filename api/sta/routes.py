"""SensorThings 1.1, read profile: entity sets, single entities, navigation, and $filter $expand $top $skip $orderby $count $select."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, Any
from urllib.parse import urlencode

import numpy as np
from fastapi import APIRouter, Depends, Request, Response

from api.context import Ctx, as_json
from api.problems import Problem
from api.security.rights import Caller, needs
from api.sta.entities import NAVIGATION, Entities
from api.sta.filters import Filter, parse
from core.model import Series

router = APIRouter(prefix="/sta/v1.1", tags=["SensorThings"])
See = Annotated[Caller, Depends(needs("see"))]
SEGMENT = re.compile(r"(\w+)(?:\('([^']*)'\)|\(([^)']+)\))?")
MOST = 1000
EXPAND_MOST = 100


@dataclass(frozen=True)
class Options:
    """The query options of one collection, or of one $expand."""

    top: int = 100
    skip: int = 0
    count: bool = False
    filter: Filter | None = None
    orderby: tuple[tuple[str, bool], ...] = ()
    select: tuple[str, ...] = ()
    expand: tuple[tuple[str, Options], ...] = ()


@router.get("")
@router.get("/", include_in_schema=False)
def index(request: Request, who: See) -> Response:
    base = _base(request)
    conformance = [f"http://www.opengis.net/spec/iot_sensing/1.1/req/{part}" for part in ("datamodel", "resource-path", "request-data")]
    return as_json({"value": [{"name": kind, "url": f"{base}/{kind}"} for kind in NAVIGATION],
                    "serverSettings": {"conformance": conformance}})  # fmt: skip


@router.get("/{path:path}")
def resource(path: str, request: Request, ctx: Ctx, who: See) -> Response:
    """`Things`, `Things('PT-1')`, `Things('PT-1')/Datastreams`, `Datastreams('PT-1:pressure_bar')/Observations?$top=10` …"""
    options = read_options(dict(request.query_params))
    entities = Entities(ctx, _base(request))
    kind, keys = _resolve(entities, path)
    if isinstance(keys, str):
        found = next(iter(_entities(entities, kind, keys)), None)
        if found is None:
            raise Problem(404, f"There is no {kind}('{keys}')")
        return as_json(_finish(entities, kind, found, options))
    values, total = _collection(entities, kind, keys, options)
    answer: dict[str, Any] = {"@iot.count": total} if options.count else {}
    if options.skip + options.top < total:
        query = {**dict(request.query_params), "$skip": str(options.skip + options.top), "$top": str(options.top)}
        answer["@iot.nextLink"] = f"{_base(request)}/{path}?{urlencode(query)}"
    return as_json({**answer, "value": [_finish(entities, kind, v, options) for v in values]})


def _base(request: Request) -> str:
    return f"{str(request.base_url).rstrip('/')}/sta/v1.1"


def _resolve(entities: Entities, path: str) -> tuple[str, str | tuple[str, str] | None]:
    """(entity set, key) for one entity; (set, None) for a whole set; (set, (parent set, parent key)) for a navigated set."""
    kind, key, parent = "", "", None
    for depth, part in enumerate(p for p in path.strip("/").split("/") if p):
        match = SEGMENT.fullmatch(part)
        if match is None or depth > 6:
            raise Problem(404, f"'{part[:80]}' is not a SensorThings path")
        name, given = match[1], match[2] or match[3] or ""
        if depth == 0:
            if name not in NAVIGATION:
                raise Problem(404, f"There is no entity set {name}; there are {', '.join(NAVIGATION)}")
            kind, key = name, given
            continue
        if not key or name not in NAVIGATION[kind]:
            raise Problem(404, f"{kind} has no {name}")
        if next(iter(_entities(entities, kind, key)), None) is None:
            raise Problem(404, f"There is no {kind}('{key}')")
        parent, kind = (kind, key), NAVIGATION[kind][name]
        key = given or (_single(entities, parent, kind) if not name.endswith("s") or name == "FeatureOfInterest" else "")
    if not kind:
        raise Problem(404, "Name an entity set")
    return kind, key or parent


def _single(entities: Entities, parent: tuple[str, str], kind: str) -> str:
    found = next(entities.related(*parent, kind), None)
    if found is None:
        raise Problem(404, f"{parent[0]}('{parent[1]}') has none")
    return str(found["@iot.id"])


def _entities(entities: Entities, kind: str, key: str) -> Iterable[dict[str, Any]]:
    if kind != "Observations":
        return (e for e in entities.all(kind) if e["@iot.id"] == key)
    stream, _, moment = key.rpartition("@")
    if not moment.isdigit() or len(moment) > 15:
        return ()
    t = int(moment) / 1000.0
    return (
        row for name, series in entities.observations([stream], t - 0.0005, t + 0.0005) for row in entities.observation_rows(name, series)
    )


def _collection(entities: Entities, kind: str, parent: tuple[str, str] | None, o: Options) -> tuple[list[dict[str, Any]], int]:
    """(the page, how many there are in all)."""
    if kind == "Observations":
        return _observations(entities, parent, o)
    rows = list(entities.related(*parent, kind) if parent else entities.all(kind))
    if o.filter is not None:
        rows = [r for r in rows if o.filter.test(r)]
    return _sorted(rows, o.orderby)[o.skip : o.skip + o.top], len(rows)


def _observations(entities: Entities, parent: tuple[str, str] | None, o: Options) -> tuple[list[dict[str, Any]], int]:
    keys = entities.streams(*parent) if parent else [d["@iot.id"] for d in entities.all("Datastreams")]
    if len(keys) > 50 and (o.filter is None or not math.isfinite(o.filter.since)):
        raise Problem(400, "Ask for the observations of one Datastream, or give $filter=phenomenonTime ge …")
    chosen = o.filter or Filter(lambda _: True, only_time=True)
    now = entities.ctx.now()
    since = chosen.since if math.isfinite(chosen.since) else 0.0
    until = chosen.until if math.isfinite(chosen.until) else now + 86_400.0
    newest = (("phenomenonTime", True),)
    if len(keys) == 1 and chosen.only_time and o.orderby in ((), newest, (("phenomenonTime", False),)):
        for key, series in entities.observations(keys, since, until):
            order = np.arange(len(series))[:: -1 if o.orderby == newest else 1][o.skip : o.skip + o.top]
            page = Series(series.sensor, series.quantity, series.t[order], series.x[order], series.flag[order], series.uplink[order])
            return entities.observation_rows(key, page), len(series)
    rows = [r for key, series in entities.observations(keys, since, until) for r in entities.observation_rows(key, series)]
    rows = [r for r in rows if chosen.test(r)]
    return _sorted(rows, o.orderby)[o.skip : o.skip + o.top], len(rows)


def _sorted(rows: list[dict[str, Any]], orderby: tuple[tuple[str, bool], ...]) -> list[dict[str, Any]]:
    """By each property in turn; missing values first."""
    for name, descending in reversed(orderby):
        path = ["@iot.id" if p == "id" else p for p in name.split("/")]

        def value(row: Any, path: list[str] = path) -> tuple[int, Any]:
            for part in path:
                row = row.get(part) if isinstance(row, dict) else None
            return (0, "") if row is None else (1, row) if isinstance(row, int | float) else (2, str(row))

        rows = sorted(rows, key=value, reverse=descending)
    return rows


def _finish(entities: Entities, kind: str, entity: dict[str, Any], o: Options) -> dict[str, Any]:
    """Expanded and selected."""
    out = dict(entity)
    for name, inner in o.expand:
        if name not in NAVIGATION[kind]:
            raise Problem(400, f"$expand: {kind} has no {name}; it has {', '.join(NAVIGATION[kind])}")
        target = NAVIGATION[kind][name]
        values, total = _collection(entities, target, (kind, entity["@iot.id"]), inner)
        told = [_finish(entities, target, v, inner) for v in values]
        out.pop(f"{name}@iot.navigationLink")
        out[name] = told if name.endswith("s") else (told[0] if told else None)
        if inner.count:
            out[f"{name}@iot.count"] = total
    if o.select:
        kept = {*o.select, *(name for name, _ in o.expand)} | ({"@iot.id"} if "id" in o.select else set())
        out = {k: v for k, v in out.items() if k in kept}
    return out


def read_options(query: dict[str, str], depth: int = 0) -> Options:
    """Raises a 400 that names the option."""
    unknown = [k for k in query if k not in ("$top", "$skip", "$count", "$filter", "$orderby", "$select", "$expand", "$resultFormat")]
    if unknown or depth > 3:
        raise Problem(400, f"'{unknown[0]}' is not a query option" if unknown else "$expand: nested too deeply")
    names = tuple(n.strip() for n in query.get("$select", "").split(",") if n.strip())
    order = []
    for part in (p.split() for p in query.get("$orderby", "").split(",") if p.strip()):
        if len(part) > 2 or (len(part) == 2 and part[1] not in ("asc", "desc")):
            raise Problem(400, "$orderby: write a property, then asc or desc")
        order.append((part[0], part[-1] == "desc"))
    count = query.get("$count", "false")
    if count not in ("true", "false"):
        raise Problem(400, "$count: true or false")
    made = Options(_whole(query, "$top", 100, MOST), _whole(query, "$skip", 0, 10**9), count == "true",
                   parse(query["$filter"]) if query.get("$filter") else None, tuple(order), names,
                   tuple(_expansions(query.get("$expand", ""), depth)))  # fmt: skip
    return replace(made, top=min(made.top, EXPAND_MOST)) if depth else made


def _whole(query: dict[str, str], name: str, otherwise: int, most: int) -> int:
    text = query.get(name, str(otherwise))
    if not text.isascii() or not text.isdigit() or len(text) > 10:
        raise Problem(400, f"{name}: a whole number, not '{text[:40]}'")
    return min(int(text), most)


def _expansions(text: str, depth: int) -> list[tuple[str, Options]]:
    """`Datastreams($top=1;$expand=Observations($top=1)),Locations` and `Datastreams/Observations`."""
    found: list[tuple[str, Options]] = []
    for part in _split(text, ","):
        name, _, rest = part.strip().partition("(")
        if rest and not rest.endswith(")"):
            raise Problem(400, "$expand: a ) is missing")
        inner = {p.partition("=")[0].strip(): p.partition("=")[2] for p in _split(rest[:-1], ";")}
        name, _, below = name.strip().partition("/")
        if below:
            inner["$expand"] = below
        found.append((name, read_options(inner, depth + 1)))
    return found


def _split(text: str, mark: str) -> list[str]:
    """At marks outside parentheses and quotes."""
    parts, depth, quoted, start = [], 0, False, 0
    for i, c in enumerate(text):
        quoted ^= c == "'"
        depth += 0 if quoted else (c == "(") - (c == ")")
        if c == mark and depth == 0 and not quoted:
            parts.append(text[start:i])
            start = i + 1
    return [p for p in (*parts, text[start:]) if p.strip()]
