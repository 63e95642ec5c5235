"""Indicators for people who report: the catalogue, the figures with their trace, every export format, DCAT and NGSI-LD."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from analytics.indicators import CATALOGUE
from analytics.indicators.formats import FORMATS, export
from analytics.indicators.publication import publish
from analytics.indicators.release import Release, period_name
from api import present
from api.answers import tagged
from api.context import Context, Ctx, as_json
from api.problems import Problem
from api.security.audit import note
from api.security.rights import Caller, needs
from api.services import base_url

router = APIRouter(tags=["indicators"])
See = Annotated[Caller, Depends(needs("see"))]
Export = Annotated[Caller, Depends(needs("export"))]


@router.get("/api/v1/catalogue")
def catalogue(request: Request, ctx: Ctx, who: See) -> Response:
    """Every indicator: names, unit, formula, mappings to SDG, U4SSC, ISO, KOSTRA and ESRS, benchmarks with their source."""
    return as_json({"items": [described(key) for key in CATALOGUE], "formats": [
        {"key": f.key, "name": {"nb": f.name.nb, "en": f.name.en}, "suffix": f.suffix} for f in FORMATS.values()]})  # fmt: skip


def described(key: str) -> dict[str, Any]:
    i = CATALOGUE[key]
    return {
        "key": i.key, "id": i.id, "name": {"nb": i.label("nb"), "en": i.label("en")},
        "description": {"nb": i.description.nb, "en": i.description.en}, "unit": i.unit, "polarity": i.polarity, "network": i.network,
        "verdict": i.verdict, "formula": i.formula, "inputs": dict(i.inputs), "decimals": i.decimals, "method_version": i.method_version,
        "sdg": {"targets": i.sdg.targets, "indicator": i.sdg.indicator, "relation": i.sdg.relation}, "u4ssc": i.u4ssc,
        "iso": [str(c) for c in i.iso], "kostra": i.kostra, "eu": [r.text for r in i.eu if r.status == "V"],
        "area": i.taxonomy.area, "evaluation": i.taxonomy.evaluation, "bottom_line": i.taxonomy.bottom_line,
        "benchmarks": [{"name": {"nb": b.name.nb, "en": b.name.en}, "value": b.value, "op": b.op, "year": b.year, "source": b.source}
                       for b in i.benchmarks if b.status == "V"],
    }  # fmt: skip


@router.get("/api/v1/publication")
def publication(ctx: Ctx, who: See, indicator: str | None = None, zone: str | None = None, lineage: bool = False) -> Response:
    """What may be published, newest revision of each figure, with its period's name. Small cells are held back. `lineage` adds what
    each figure was made of.
    """
    made = released(ctx)
    items = []
    for v in made.values:
        if indicator in (None, v.indicator) and zone in (None, v.zone):
            named = {**present.figure(v), "period": period_name(v.start, v.end), "zone_name": made.zone_name(v.zone)}
            items.append({**named, "lineage": dict(v.lineage)} if lineage else named)
    return as_json({"town_zone": made.town_zone, "items": items})


@router.get("/api/v1/exports/{key}")
def exported(key: str, ctx: Ctx, who: Export) -> Response:
    """All published figures in one format; /api/v1/catalogue lists the formats."""
    if key not in FORMATS:
        raise Problem(404, f"There is no format '{key}'; choose one of {', '.join(FORMATS)}")
    form = FORMATS[key]
    note(ctx.services, who, "export", key)
    name = f"mjosa-{ctx.town.utility.id}{form.suffix}"
    return Response(
        export(released(ctx), key), media_type=form.media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


@router.get("/catalog")
def catalog(request: Request, ctx: Ctx, who: Annotated[Caller, Depends(needs("public"))]) -> Response:
    """DCAT-AP-NO of what is published, as Turtle or JSON-LD by Accept. Open to everybody: metadata only."""
    turtle = "json" not in request.headers.get("accept", "")
    key, media = ("dcat_turtle", "text/turtle") if turtle else ("dcat_jsonld", "application/ld+json")
    return tagged(request, export(released(ctx), key), media)


@router.get("/ngsi-ld/v1/entities")
def entities(request: Request, ctx: Ctx, who: Export) -> Response:
    """Indicators as NGSI-LD entities of the Smart Data Models."""
    return tagged(request, export(released(ctx), "smart_data_models"), "application/ld+json")


def released(ctx: Context) -> Release:
    """Everything that may leave the house now; kept for a minute."""
    made: Release = ctx.remembered("release", 60.0, lambda: _release(ctx, base_url(ctx.services.settings)))
    return made


def _release(ctx: Context, base: str) -> Release:
    known = [v for v in ctx.services.registry.figures.find() if v.indicator in CATALOGUE]
    return publish(ctx.services.registry.documents, ctx.town, known, ctx.now(), base_url=base)
