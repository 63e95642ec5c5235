"""Mjøsby on paper: a fictional town on the west shore of Mjøsa. Tables of what lies where; no randomness, nothing seeded.

Local plan coordinates are metres east (x) and north (y) of 60.80° N 10.69° E. The shore runs along x = 1 500 m at 123 m above the
sea, and the hill rises 45 m per km to the west.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

ORIGIN = (60.80, 10.69)
SHORE_X_M, LAKE_M = 1_500.0, 123.0
METERS_IN_TOWN = 13_000
POPULATION = 30_000
HOME_SIZES = (0.22, 0.28, 0.18, 0.20, 0.12)
"""Shares of homes with 1 … 5 people."""
PERSONS_PER_HOME = 2.72


@dataclass(frozen=True, slots=True)
class District:
    """A DMA: a grid of rows × columns junctions around (x, y), fed through one inlet whose valve holds `head_m`.

    Master data: people, households, business connections, connections, km of mains and of private pipe.
    `background_m3h` is the leakage that is always there, `holiday` the share of households that are holiday homes.
    """

    code: str
    id: str
    name: str
    x: float
    y: float
    rows: int
    columns: int
    spacing_m: float
    head_m: float
    population: int
    households: int
    businesses: int
    connections: int
    mains_km: float
    private_pipe_km: float
    background_m3h: float
    pressure_points: int
    holiday: float = 0.0

    def junctions(self) -> dict[str, tuple[float, float]]:
        """{"N00": (x, y)} row by row from the north-west corner."""
        left, top = self.x - (self.columns - 1) * self.spacing_m / 2, self.y + (self.rows - 1) * self.spacing_m / 2
        return {
            f"{self.code}{r}{c}": (left + c * self.spacing_m, top - r * self.spacing_m)
            for r in range(self.rows)
            for c in range(self.columns)
        }

    @property
    def inlet(self) -> str:
        """The junction behind the inlet valve: the middle of the western edge."""
        return f"{self.code}{self.rows // 2}0"


DISTRICTS = (
    District("N", "dma-nord", "Nordbyen", 500, 2_000, 6, 5, 300, 232, 8_250, 2_990, 330, 2_350, 41.0, 36.0, 15.0, 8),
    District("C", "dma-sentrum", "Sentrum", 600, 150, 5, 5, 260, 226, 8_000, 2_900, 760, 1_650, 29.0, 19.0, 13.0, 8),
    District("S", "dma-sor", "Sørbyen", 500, -1_800, 6, 5, 300, 232, 7_390, 2_720, 290, 2_250, 38.0, 34.0, 14.0, 8),
    District("V", "dma-vest", "Vestlia", -1_300, 700, 5, 5, 320, 318, 4_900, 1_770, 130, 1_580, 31.0, 27.0, 10.0, 7),
    District("H", "dma-hogda", "Høgda", -2_700, -300, 4, 4, 350, 384, 1_080, 540, 50, 480, 17.0, 12.0, 4.0, 4, 0.35),
    District("I", "dma-brua", "Brua næringspark", 1_000, -3_700, 4, 4, 300, 206, 380, 130, 390, 310, 12.0, 5.0, 5.0, 5),
)
DISTRICT = {d.id: d for d in DISTRICTS}


@dataclass(frozen=True, slots=True)
class Chamber:
    """A sewer overflow: sewer with throttle, weir to the lake. Levels in m above the chamber's invert.

    `area_ha` is impervious area draining here, `foul_m3h` the mean foul flow of its own catchment, `throttle_m3h` what
    passes on to `downstream`, `storage_m2` the free surface while filling.
    """

    id: str
    name: str
    catchment: str
    x: float
    y: float
    area_ha: float
    foul_m3h: float
    throttle_m3h: float
    crest_m: float
    weir: str
    width_m: float
    storage_m2: float
    downstream: str
    depth_m: float = 3.2
    tail_water: bool = False
    wet_contact: bool = False
    radar: bool = False


CHAMBERS = (
    Chamber("ro-01", "Nordstranda", "avlop-nord", 1_150, 2_850, 1.4, 9, 75, 0.62, "side", 1.00, 14, "ro-02", radar=True),
    Chamber("ro-02", "Bekkevegen", "avlop-nord", 1_080, 2_350, 1.7, 14, 150, 0.70, "broad", 0.80, 18, "ro-03", wet_contact=True),
    Chamber("ro-03", "Skolegata", "avlop-nord", 1_180, 1_850, 0.7, 11, 215, 0.75, "thin_plate", 0.90, 16, "ro-04", tail_water=True),
    Chamber("ro-04", "Fergelandet", "avlop-nord", 1_300, 1_350, 1.0, 9, 290, 0.80, "side", 1.35, 20, "ps-nord", radar=True),
    Chamber("ro-05", "Kirkegata", "avlop-sentrum", 650, 700, 1.5, 16, 105, 0.60, "broad", 0.70, 12, "ro-07", wet_contact=True),
    Chamber("ro-06", "Storgata", "avlop-sentrum", 500, 250, 0.6, 18, 275, 0.85, "thin_plate", 0.70, 15, "ro-07"),
    Chamber("ro-07", "Torget", "avlop-sentrum", 950, 200, 0.9, 21, 500, 0.90, "side", 1.55, 25, "ro-08", tail_water=True, radar=True),
    Chamber("ro-08", "Brygga", "avlop-sentrum", 1_330, 50, 1.0, 10, 1_600, 1.00, "rounded", 1.80, 140, "ra-mjosby", tail_water=True,
            wet_contact=True),
    Chamber("ro-09", "Sørstranda", "avlop-sor", 1_280, -1_000, 1.0, 10, 300, 0.80, "side", 1.35, 20, "ps-sor", radar=True),
    Chamber("ro-10", "Idrettsvegen", "avlop-sor", 1_120, -1_500, 1.3, 13, 220, 0.72, "broad", 0.90, 16, "ro-09"),
    Chamber("ro-11", "Møllergata", "avlop-sor", 1_050, -2_050, 1.6, 12, 140, 0.66, "thin_plate", 0.80, 15, "ro-10", wet_contact=True),
    Chamber("ro-12", "Brua", "avlop-sor", 1_150, -3_400, 1.2, 8, 65, 0.58, "v_notch", 1.2, 12, "ro-11", tail_water=True),
    Chamber("ro-13", "Vestlivegen", "avlop-vest", -300, 500, 0.6, 9, 165, 0.66, "broad", 0.70, 13, "ro-06", radar=True),
    Chamber("ro-14", "Åsvegen", "avlop-vest", -1_050, 750, 1.0, 10, 105, 0.60, "side", 0.80, 12, "ro-13", wet_contact=True),
    Chamber("ro-15", "Høgdavegen", "avlop-vest", -1_900, 250, 0.45, 7, 50, 0.55, "thin_plate", 0.55, 10, "ro-14"),
)  # fmt: skip
CHAMBER = {c.id: c for c in CHAMBERS}


@dataclass(frozen=True, slots=True)
class Place:
    """Something at a point: a pumping station, a manhole, a rain gauge, a mast."""

    id: str
    name: str
    x: float
    y: float
    zone: str | None = None
    downstream: str | None = None


STATIONS = (
    Place("ps-nord", "Pumpestasjon nord", 1_380, 1_000, "avlop-nord", "ro-08"),
    Place("ps-sor", "Pumpestasjon sør", 1_370, -600, "avlop-sor", "ro-08"),
)
PUMP_M3H = {"ps-nord": 330.0, "ps-sor": 340.0}
PLANT = Place("ra-mjosby", "Renseanlegget", 1_420, -300, "avlop-sentrum")
MANHOLES = (
    Place("kum-n1", "Kum Bekkevegen 12", 1_110, 2_600, "avlop-nord", "ro-02"),
    Place("kum-n2", "Kum Skolegata 3", 1_130, 2_100, "avlop-nord", "ro-03"),
    Place("kum-n3", "Kum Fergevegen 8", 1_240, 1_600, "avlop-nord", "ro-04"),
    Place("kum-c1", "Kum Kirkegata 20", 800, 450, "avlop-sentrum", "ro-07"),
    Place("kum-c2", "Kum Strandgata 1", 1_150, 120, "avlop-sentrum", "ro-08"),
    Place("kum-s1", "Kum Idrettsvegen 5", 1_080, -1_800, "avlop-sor", "ro-10"),
    Place("kum-s2", "Kum Sørvegen 31", 1_200, -1_250, "avlop-sor", "ro-09"),
    Place("kum-v1", "Kum Åsvegen 44", -700, 640, "avlop-vest", "ro-13"),
)
MANHOLE_FROM = {"kum-n1": "ro-01", "kum-n2": "ro-02", "kum-n3": "ro-03", "kum-c1": "ro-05", "kum-c2": "ro-07",
                "kum-s1": "ro-11", "kum-s2": "ro-10", "kum-v1": "ro-14"}  # fmt: skip
"""The chamber whose throttled flow passes the manhole."""
RAIN_GAUGES = (
    Place("regn-nord", "Nedbør Nordbyen", 700, 2_300),
    Place("regn-sentrum", "Nedbør rådhuset", 750, 100),
    Place("regn-vest", "Nedbør Høgda", -2_500, 0),
)
GAUGE_OF = {"avlop-nord": "regn-nord", "avlop-sentrum": "regn-sentrum", "avlop-sor": "regn-sentrum", "avlop-vest": "regn-vest"}
BASE_STATIONS = (
    Place("0016c001f1500101", "Rådhuset", 800, 150),
    Place("0016c001f1500102", "Høgda basseng", -3_000, -100),
    Place("0016c001f1500103", "Nordåsen", 200, 2_600),
    Place("0016c001f1500104", "Sørberget", 100, -2_200),
    Place("0016c001f1500105", "Renseanlegget", 1_400, -320),
)
RESERVOIR = Place("hb-hogda", "Høgda høydebasseng", -3_150, -100, "dma-hogda")
SOURCE = Place("vv-mjosby", "Mjøsby vannverk", 1_450, 900)
CATCHMENTS = (
    ("avlop-nord", "Avløpsfelt nord", (1_150, 2_100, 700, 1_500), 8_250, 52.0),
    ("avlop-sentrum", "Avløpsfelt sentrum", (900, 200, 900, 900), 8_000, 44.0),
    ("avlop-sor", "Avløpsfelt sør", (1_000, -2_250, 700, 1_850), 7_880, 50.0),
    ("avlop-vest", "Avløpsfelt vest", (-1_400, 400, 1_700, 1_100), 5_870, 39.0),
)
"""id, name, (x, y, half width, half height), people, km of sewers."""
TANK_BOTTOM_M, TANK_AREA_M2, TANK_MAX_M = 386.0, 1_000.0, 5.0


def elevation_m(x: float, y: float) -> float:
    """Ground above the sea, with gentle knolls."""
    return LAKE_M + 3 + 0.045 * (SHORE_X_M - x) + 4 * math.sin(x / 410) * math.cos(y / 530)


def lat_lon(x: float, y: float) -> tuple[float, float]:
    """Degrees, to about a decimetre."""
    latitude = ORIGIN[0] + y / 111_400
    return round(latitude, 6), round(ORIGIN[1] + x / (111_320 * math.cos(math.radians(ORIGIN[0]))), 6)


def outline(x: float, y: float, half_width: float, half_height: float) -> tuple[tuple[float, float], ...]:
    """An eight-cornered zone as (latitude, longitude) pairs."""
    corners = ((-1, -0.6), (-0.6, -1), (0.6, -1), (1, -0.6), (1, 0.6), (0.6, 1), (-0.6, 1), (-1, 0.6))
    return tuple(lat_lon(x + a * half_width, y + b * half_height) for a, b in corners)
