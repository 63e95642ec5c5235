"""Mjøsby as the registry knows it: zones, assets, sensors. The network is always the same; `scale` says how many water meters report."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Iterator

import numpy as np

from core.town import Asset, BaseStation, Mounting, Sensor, Town, Utility, Weir, Zone
from simulators import layout
from simulators.layout import CHAMBERS, DISTRICTS, PERSONS_PER_HOME, Chamber, District, Place, elevation_m, lat_lon, outline

HYDRAULIC_MODEL = "network.inp"
MASTER_AS_OF = "2026-01-01T00:00:00Z"
TOWN_MASTER = {
    "population_municipality": 30_000.0, "other_authorised_m3": 9_000.0, "apparent_losses_m3": 12_000.0, "wwtp_total_m3": 3_100_000.0,
    "wwtp_compliant_m3": 3_040_000.0, "available_resource_m3": 9.0e9, "environmental_flow_m3": 6.5e9, "gross_value_added_nok": 9.4e9,
}  # fmt: skip
"""Figures of the town that no sensor tells; made up, of a size that fits 30 000 people on a large lake."""
PREFIX = {
    "milesight": "24e124", "decentlab": "70b3d57b", "keller": "009d6b00", "vegapuls": "8c1f6432",
    "axioma": "70b3d5e7", "kamstrup": "0004a30b",
}  # fmt: skip
"""How dev_euis of a vendor begin (the rest is made up)."""
PRESSURE_MODELS: tuple[tuple[str, int, dict[str, float]], ...] = (
    ("milesight_em500_pp", 900, {}),
    ("decentlab_pr26", 600, {"pmin_bar": 0.0, "pmax_bar": 16.0}),
    ("keller_adt1", 900, {}),
)
WEIR_GEOMETRY = {"thin_plate": 0.40, "broad": 0.45, "side": 0.45, "v_notch": 0.35, "rounded": 0.6, "roof": 0.4}
"""Crest above the channel bed [m] by kind of weir."""


def build_town(seed: int = 1, scale: float = 0.04) -> Town:
    """Mjøsby with `scale` · 13 000 water meters (at least ten in each zone). The seed places the meters."""
    assets = [*_water_assets(), *_sewer_assets(), *_other_assets()]
    sensors = [*_water_sensors(), *_sewer_sensors(), *_rain_sensors()]
    for asset, sensor in _meters(seed, scale):
        assets.append(asset)
        sensors.append(sensor)
    utility = {"id": "mjosby", "name": "Mjøsby kommune", "population": layout.POPULATION, "master_as_of": MASTER_AS_OF}
    return Town(
        utility=Utility.model_validate(utility),
        base_stations=tuple(_base_station(p) for p in layout.BASE_STATIONS), zones=tuple(_zones(scale)), assets=tuple(assets),
        sensors=tuple(sensors), hydraulic_model=HYDRAULIC_MODEL,
    )  # fmt: skip


def with_sensors(town: Town, sensors: Iterable[Sensor]) -> Town:
    """The town with other sensors. (A model_copy would keep the old town's cached look-ups.)"""
    return Town(**{name: getattr(town, name) for name in Town.model_fields if name != "sensors"}, sensors=tuple(sensors))


def dev_eui(model: str, point: str) -> str:
    """A made-up EUI that always belongs to the same measuring point."""
    prefix = PREFIX.get(model.split("_")[0], "a8404100")
    return prefix + f"{zlib.crc32(point.encode()) * 2_654_435_761 % 16**10:010x}"[len(prefix) - 6 :]


def weir_of(chamber: Chamber) -> Weir:
    kind = chamber.weir
    return Weir.model_validate({
        "kind": kind, "width_m": None if kind == "v_notch" else chamber.width_m, "crest_height_m": WEIR_GEOMETRY[kind],
        "channel_width_m": round(chamber.width_m * 1.25, 2) if kind in ("thin_plate", "v_notch") else None,
        "notch_angle_deg": 90.0 if kind == "v_notch" else None,
    })  # fmt: skip


def _zones(scale: float) -> Iterator[Zone]:
    """The town, its DMAs and its sewer catchments, with the master data that indicators need."""
    unmetered = {d.id: _unmetered_persons(d, scale) for d in DISTRICTS}
    meters_total = {key: float(homes + works) for key, (homes, works) in meter_counts(scale).items()}
    foul = {key: 24 * sum(c.foul_m3h for c in CHAMBERS if c.catchment == key) for key, *_ in layout.CATCHMENTS}
    yield _zone("mjosby", "Mjøsby", "town", outline(-800, -600, 2_500, 4_400), population=layout.POPULATION, parent=None,
                households=sum(d.households for d in DISTRICTS), connections=sum(d.connections for d in DISTRICTS),
                mains_km=sum(d.mains_km for d in DISTRICTS), private_pipe_km=sum(d.private_pipe_km for d in DISTRICTS),
                master={"unmetered_persons": sum(unmetered.values()), "meters_total": sum(meters_total.values()),
                        "sewer_km": sum(km for *_, km in layout.CATCHMENTS), "dry_weather_flow_m3_d": sum(foul.values()),
                        **TOWN_MASTER})  # fmt: skip
    for d in DISTRICTS:
        yield _zone(d.id, d.name, "dma", outline(d.x, d.y, (d.columns / 2) * d.spacing_m, (d.rows / 2) * d.spacing_m),
                    population=d.population, households=d.households, connections=d.connections, mains_km=d.mains_km,
                    private_pipe_km=d.private_pipe_km,
                    master={"unmetered_persons": unmetered[d.id], "meters_total": meters_total[d.id]})  # fmt: skip
    for key, name, box, people, sewer_km in layout.CATCHMENTS:
        yield _zone(key, name, "sewer", outline(*box), population=people,
                    master={"sewer_km": sewer_km, "dry_weather_flow_m3_d": foul[key]})  # fmt: skip


def _zone(key: str, name: str, kind: str, polygon: tuple[tuple[float, float], ...], **more: object) -> Zone:
    return Zone.model_validate({"id": key, "name": name, "kind": kind, "parent": "mjosby", "polygon": polygon, **more})


def _unmetered_persons(d: District, scale: float) -> float:
    """People without a meter, holiday homes counted by how much they are used."""
    homes = d.households - min(meter_counts(scale)[d.id][0], d.households)
    return float(round(homes * PERSONS_PER_HOME * (1 - 0.75 * d.holiday)))


def _water_assets() -> Iterator[Asset]:
    yield _asset(layout.SOURCE, "source", model_element="VV", diameter_m=0.5)
    yield _asset(layout.RESERVOIR, "reservoir", model_element="HB", depth_m=0.0)
    for d in DISTRICTS:
        inlet = d.junctions()[d.inlet]
        yield _asset(Place(f"inn-{d.code.lower()}", f"Vannkum innløp {d.name}", *inlet, d.id), "zone_inlet", model_element=f"INN-{d.code}",
                     diameter_m=0.25, depth_m=1.8)  # fmt: skip
        for node in pressure_nodes(d):
            place = Place(f"vk-{node.lower()}", f"Vannkum {d.name} {node}", *d.junctions()[node], d.id)
            yield _asset(place, "junction", model_element=node, depth_m=1.9, diameter_m=0.15)


def pressure_nodes(d: District) -> list[str]:
    """The junctions with a pressure sensor: spread over the grid, the inlet among them."""
    nodes = list(d.junctions())
    chosen = {nodes[round(i * (len(nodes) - 1) / (d.pressure_points - 1))] for i in range(d.pressure_points - 1)}
    return sorted({*list(chosen)[: d.pressure_points - 1], d.inlet} | chosen)


def _sewer_assets() -> Iterator[Asset]:
    yield _asset(layout.PLANT, "treatment_plant")
    for p in layout.STATIONS:
        yield _asset(p, "pumping_station", depth_m=4.0, surcharge_m=2.4)
    for c in CHAMBERS:
        place = Place(c.id, f"Overløp {c.name}", c.x, c.y, c.catchment, c.downstream)
        yield _asset(place, "overflow_chamber", depth_m=c.depth_m, crest_m=c.crest_m, weir=weir_of(c), diameter_m=0.6)  # fmt: skip
        if c.tail_water:
            yield _asset(Place(f"{c.id}-ut", f"Utløp {c.name}", c.x + 25, c.y, c.catchment), "other", depth_m=c.depth_m)
    for p in layout.MANHOLES:
        yield _asset(p, "manhole", depth_m=2.6, diameter_m=0.5, surcharge_m=0.5)


def _other_assets() -> Iterator[Asset]:
    for p in layout.RAIN_GAUGES:
        yield _asset(p, "rain_station")


def _asset(p: Place, kind: str, **more: object) -> Asset:
    latitude, longitude = lat_lon(p.x, p.y)
    return Asset.model_validate({
        "id": p.id, "name": p.name, "kind": kind, "zone": p.zone, "latitude": latitude, "longitude": longitude,
        "downstream": p.downstream, **more,
    })  # fmt: skip


def _sensor(asset: str, model: str, quantities: tuple[str, ...], interval_s: float, *, point: str | None = None, **more: object) -> Sensor:
    point = point or asset
    return Sensor.model_validate({
        "id": point, "dev_eui": dev_eui(model, point), "model": model, "asset": asset, "quantities": quantities, "interval_s": interval_s,
        "join_eui": "4d6a6f7361000001", **more,
    })  # fmt: skip


def _below(depth_m: float, cover: str = "cast_iron") -> Mounting:
    return Mounting.model_validate({"depth_m": depth_m, "cover": cover})


def _water_sensors() -> Iterator[Sensor]:
    yield _sensor("vv-mjosby", "milesight_em300_di", ("volume_m3", "battery_pct"), 900, name="Produksjon vannverket", zone="mjosby",
                  options={"litres_per_pulse": 1_000.0})  # fmt: skip
    yield _sensor(
        "hb-hogda", "milesight_em500_swl", ("level_m", "battery_pct"), 900, name="Nivå høydebasseng", mounting=_below(0.5, "concrete")
    )
    for d in DISTRICTS:
        asset = f"inn-{d.code.lower()}"
        yield _sensor(asset, "milesight_em300_di", ("volume_m3", "battery_pct"), 900, name=f"Innløp {d.name}",
                      options={"litres_per_pulse": 100.0}, mounting=_below(1.2))  # fmt: skip
        for i, node in enumerate(pressure_nodes(d)):
            model, interval_s, options = PRESSURE_MODELS[i % len(PRESSURE_MODELS)]
            yield _sensor(f"vk-{node.lower()}", model, ("pressure_bar",), interval_s, point=f"tr-{node.lower()}",
                          name=f"Trykk {d.name} {node}", options=options, mounting=_below(1.3))  # fmt: skip


def _sewer_sensors() -> Iterator[Sensor]:
    for c in CHAMBERS:
        mounting = _below(0.4)
        if c.radar:
            yield _sensor(c.id, "vegapuls_air", ("level_m", "distance_m"), 900, point=f"{c.id}-niva", name=f"Nivå {c.name}",
                          reference_m=c.depth_m - 0.4, mounting=mounting)  # fmt: skip
        else:
            yield _sensor(c.id, "milesight_em500_swl", ("level_m", "battery_pct"), 900, point=f"{c.id}-niva", name=f"Nivå {c.name}",
                          mounting=mounting)  # fmt: skip
        if c.wet_contact:
            yield _sensor(c.id, "milesight_em300_zld", ("contact", "battery_pct"), 900, point=f"{c.id}-kontakt",
                          name=f"Kontakt {c.name}", mounting=_below(1.0))  # fmt: skip
        if c.tail_water:
            yield _sensor(f"{c.id}-ut", "milesight_em500_swl", ("level_m", "battery_pct"), 900, point=f"{c.id}-undervann",
                          name=f"Undervann {c.name}", mounting=mounting)  # fmt: skip
    for p in layout.STATIONS:
        yield _sensor(p.id, "vegapuls_air", ("level_m", "distance_m"), 300, point=f"{p.id}-niva", name=f"Nivå {p.name}", reference_m=3.5,
                      mounting=_below(0.3, "plastic"))  # fmt: skip
    for p in layout.MANHOLES:
        yield _sensor(p.id, "milesight_em400_mud", ("level_m", "distance_m", "temperature_c"), 900, point=f"{p.id}-niva",
                      name=f"Nivå {p.name}", reference_m=2.2, mounting=_below(0.4))  # fmt: skip


def _rain_sensors() -> Iterator[Sensor]:
    for p in layout.RAIN_GAUGES:
        yield _sensor(p.id, "decentlab_tbrg", ("rain_mm", "rain_total_mm"), 600, name=p.name, zone="mjosby")


def meter_counts(scale: float) -> dict[str, tuple[int, int]]:
    """{district id: (household meters, business meters)} at a scale: 85 % households, spread as the connections are."""
    total = round(layout.METERS_IN_TOWN * scale)
    all_homes, all_businesses = sum(d.households for d in DISTRICTS), sum(d.businesses for d in DISTRICTS)
    return {
        d.id: (max(8, round(total * 0.85 * d.households / all_homes)), max(2, round(total * 0.15 * d.businesses / all_businesses)))
        for d in DISTRICTS
    }


def _meters(seed: int, scale: float) -> Iterator[tuple[Asset, Sensor]]:
    rng, number = np.random.default_rng([seed, 11]), 0
    for d in DISTRICTS:
        homes, businesses = meter_counts(scale)[d.id]
        homes, businesses = min(homes, d.households), min(businesses, d.businesses)
        nodes = list(d.junctions().items())
        holiday = round(homes * d.holiday)
        for i in range(homes + businesses):
            number += 1
            node, (x, y) = nodes[int(rng.integers(len(nodes)))]
            angle, distance = rng.uniform(0, 2 * math.pi), d.spacing_m * 0.45 * math.sqrt(rng.uniform())
            household = i < homes
            kind = ("Fritidsbolig" if i < holiday else "Bolig") if household else "Næring"
            place = Place(f"mp-{number:05d}", f"{kind} {number}", x + distance * math.cos(angle), y + distance * math.sin(angle), d.id)
            asset = _asset(place, "meter_point", household=household, model_element=node)
            mounting = _below(0.8, "plastic") if rng.uniform() < 0.2 else _below(1.0, "concrete")
            yield asset, _sensor(asset.id, "axioma_qalcosonic_w1", ("volume_m3", "status_bits"), 3_600, point=f"vm-{number:05d}",
                                 mounting=mounting)  # fmt: skip


def _base_station(p: Place) -> BaseStation:
    latitude, longitude = lat_lon(p.x, p.y)
    return BaseStation(id=p.id, name=p.name, latitude=latitude, longitude=longitude, altitude_m=round(elevation_m(p.x, p.y) + 20, 1))
