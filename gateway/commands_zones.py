"""`mjosa zones`: zones and their assets from the command line."""

from __future__ import annotations

import typer

from core.town import Asset, Zone
from gateway.cli import JsonFlag, actor, made, opened, show

app = typer.Typer(no_args_is_help=True, help="Zones and their assets.")


@app.command("list")
def zones_list(ctx: typer.Context, json_: JsonFlag = False) -> None:
    """Every zone, with its assets and sensors counted."""
    with opened(ctx) as registration:
        town = registration.registry.town()
    show([
        {"zone": z.id, "name": z.name, "kind": z.kind, "parent": z.parent, "population": z.population,
         "assets": sum(a.zone == z.id for a in town.assets), "sensors": sum(town.zone_of(s) == z.id for s in town.current.values())}
        for z in town.zones
    ], json_)  # fmt: skip


@app.command("put")
def zones_put(ctx: typer.Context, zone: str, name: str = "", kind: str = "dma", parent: str | None = None, population: int | None = None,
              json_: JsonFlag = False) -> None:  # fmt: skip
    """Add a zone, or change the one of this name; what is not given stays."""
    with opened(ctx) as registration:
        known = registration.registry.town().zone_by_id.get(zone)
        given = {"name": name, "parent": parent, "population": population, **({"kind": kind} if known is None or kind != "dma" else {})}
        base = known.model_dump(exclude_defaults=True) if known else {}
        new = made(Zone, {**base, **{k: v for k, v in given.items() if v not in (None, "")}, "id": zone})
        registration.registry.put(new, actor())
    show([new.model_dump(mode="json", include={"id", "name", "kind", "parent", "population"})], json_)


@app.command("asset")
def zones_asset(ctx: typer.Context, asset: str, zone: str | None = None, kind: str | None = None, name: str | None = None,
                latitude: float | None = None, longitude: float | None = None, depth_m: float | None = None,
                crest_m: float | None = None, json_: JsonFlag = False) -> None:  # fmt: skip
    """Add an asset, or change the one of this name; what is not given stays."""
    given = {"zone": zone, "kind": kind, "name": name, "latitude": latitude, "longitude": longitude, "depth_m": depth_m, "crest_m": crest_m}
    with opened(ctx) as registration:
        known = registration.registry.town().asset_by_id.get(asset)
        base = known.model_dump(exclude_defaults=True) if known else {}
        new = made(Asset, {**base, **{k: v for k, v in given.items() if v is not None}, "id": asset})
        registration.registry.put(new, actor())
    show([new.model_dump(mode="json", exclude_defaults=True)], json_)
