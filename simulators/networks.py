"""Writes Mjøsby's hydraulic models, `town/network.inp` (EPANET) and `town/sewer.inp` (SWMM), from the plan in `layout`.

Run `python -m simulators.networks` after changing the plan; a test holds the files current. Both files are CC0.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from simulators import layout, meters
from simulators.layout import (
    CHAMBERS,
    DISTRICTS,
    PUMP_M3H,
    TANK_AREA_M2,
    TANK_BOTTOM_M,
    TANK_MAX_M,
    Chamber,
    District,
    elevation_m,
    lat_lon,
)

FOLDER = Path(__file__).parent / "town"
NETWORK = FOLDER / "network.inp"
SEWER = FOLDER / "sewer.inp"
PUMP_DESIGN = (560.0, 282.0)
"""m³/h at m of head; EPANET draws the curve through this point, shut-off at 4/3 of the head."""
EMITTER_EXPONENT = 0.5
GROUPS = 3
"""Demand patterns per district: neighbours' habits go together, the far side of town has its own."""
TRUNK = {
    "TC": (0.0, 150.0), "TN": (-150.0, 1_900.0), "TS": (-150.0, -1_700.0), "TI": (350.0, -3_600.0), "TV": (-2_100.0, 650.0),
    "TH": (-3_050.0, -150.0),
}  # fmt: skip
TRUNK_PIPES = (("HB", "TH", 450), ("TH", "TV", 450), ("TV", "TC", 400), ("TC", "TN", 300), ("TC", "TS", 350), ("TS", "TI", 250))
FEED_M = 500.0
DIAMETERS_MM = {
    "N": (200, 150, (80, 100, 125)), "C": (200, 150, (80, 100, 125)), "S": (200, 150, (80, 100, 125)), "V": (150, 125, (80, 100)),
    "H": (100, 80, (63, 80)), "I": (150, 125, (100, 125)),
}  # fmt: skip
"""Feed behind the inlet valve, main streets, other streets."""
FED_BY = {"N": "TN", "C": "TC", "S": "TS", "V": "TV", "H": "TH", "I": "TI"}
"""The trunk junction in front of each district's inlet valve."""


def junction_weights(d: District) -> dict[str, float]:
    """Share of the district's use at each junction; adds up to 1."""
    rng = np.random.default_rng(ord(d.code))
    weight = rng.lognormal(0, 0.4, d.rows * d.columns)
    return dict(zip(d.junctions(), (weight / weight.sum()).tolist(), strict=True))


def group_of(d: District) -> dict[str, int]:
    """The demand pattern (0 … GROUPS − 1) of each junction: bands from north to south."""
    return {node: int(node[1]) * GROUPS // d.rows for node in d.junctions()}


@cache
def pipes(code: str) -> dict[str, tuple[str, str, float, int]]:
    """{"P-N00-N01": (from, to, length [m], diameter [mm])}: the district's grid with some streets missing, all of it connected."""
    d = next(d for d in DISTRICTS if d.code == code)
    rng = np.random.default_rng(100 + ord(code))
    nodes, found = d.junctions(), {}
    main_row = d.rows // 2
    for r in range(d.rows):
        for c in range(d.columns):
            here = f"{code}{r}{c}"
            for there, spine in ((f"{code}{r}{c + 1}", r == main_row), (f"{code}{r + 1}{c}", c == 0)):
                if there not in nodes:
                    continue
                east = there[1] == here[1]
                keep = spine or not east or rng.uniform() < 0.7
                length = d.spacing_m * rng.uniform(1.02, 1.25)
                diameter = DIAMETERS_MM[code][1] if spine else int(rng.choice(DIAMETERS_MM[code][2]))
                if keep:
                    found[f"P-{here}-{there}"] = (here, there, round(float(length), 1), diameter)
    return found


def emitter_per_node(d: District) -> float:
    """Background leakage of each junction as an EPANET emitter [m³/h per m^0.5], at the valve's head."""
    head = [max(d.head_m - 2 - elevation_m(x, y), 5.0) for x, y in d.junctions().values()]
    return d.background_m3h / float(sum(h**EMITTER_EXPONENT for h in head))


def epanet() -> str:
    """The water network as an EPANET 2.2 input file."""
    parts: dict[str, list[str]] = {name: [] for name in ("JUNCTIONS", "PIPES", "VALVES", "EMITTERS", "PATTERNS", "COORDINATES", "DEMANDS")}
    for name, (x, y) in TRUNK.items():
        parts["JUNCTIONS"].append(f"{name} {elevation_m(x, y):.2f} 0")
        _place(parts, name, x, y)
    for a, b, diameter in TRUNK_PIPES:
        (xa, ya), (xb, yb) = (TRUNK.get(n, (layout.RESERVOIR.x, layout.RESERVOIR.y)) for n in (a, b))
        parts["PIPES"].append(f"T-{a}-{b} {a} {b} {max(math.hypot(xa - xb, ya - yb) * 1.1, 60):.1f} {diameter} 120 0 Open")
    for d in DISTRICTS:
        _district(parts, d)
    _place(parts, "VV", layout.SOURCE.x, layout.SOURCE.y)
    _place(parts, "HB", layout.RESERVOIR.x, layout.RESERVOIR.y)
    width = math.sqrt(4 * TANK_AREA_M2 / math.pi)
    sections = {
        "TITLE": ["Mjoesby water network, fictional. CC0 1.0. Written by simulators/networks.py"],
        "JUNCTIONS": parts["JUNCTIONS"], "RESERVOIRS": [f"VV {layout.LAKE_M}"],
        "TANKS": [f"HB {TANK_BOTTOM_M} 3.6 0.3 {TANK_MAX_M} {width:.3f} 0"],
        "PIPES": parts["PIPES"], "PUMPS": ["PU VV TC HEAD PUMP"], "VALVES": parts["VALVES"],
        "CURVES": [f"PUMP {PUMP_DESIGN[0]} {PUMP_DESIGN[1]}"], "PATTERNS": parts["PATTERNS"], "EMITTERS": parts["EMITTERS"],
        "CONTROLS": ["LINK PU OPEN IF NODE HB BELOW 2.6", "LINK PU CLOSED IF NODE HB ABOVE 4.4"],
        "TIMES": ["Duration 24:00", "Hydraulic Timestep 0:15", "Pattern Timestep 1:00", "Report Timestep 0:15"],
        "OPTIONS": ["Units CMH", "Headloss H-W", f"Emitter Exponent {EMITTER_EXPONENT}", "Accuracy 0.0001", "Trials 100"],
        "COORDINATES": parts["COORDINATES"],
    }  # fmt: skip
    return "".join(f"[{name}]\n" + "\n".join(rows) + "\n\n" for name, rows in sections.items()) + "[END]\n"


def _district(parts: dict[str, list[str]], d: District) -> None:
    """Junctions, grid, inlet valve and 24-hour patterns of one district."""
    weights, groups, emitter = junction_weights(d), group_of(d), emitter_per_node(d)
    home, work = meters.habit("home")[24:48], meters.habit("business")[24:48]
    mean = meters.mean_use_m3h(d)
    day = (d.households * meters.expected_household_lph(d.id) / 1_000 * home + meters.BUSINESS_M3H[d.id] * work) / mean
    for node, (x, y) in d.junctions().items():
        parts["JUNCTIONS"].append(f"{node} {elevation_m(x, y):.2f} {mean * weights[node]:.5f} {pattern_id(d, groups[node])}")
        parts["EMITTERS"].append(f"{node} {emitter:.6f}")
        _place(parts, node, x, y)
    for g in range(GROUPS):
        hours = [f"{v:.4f}" for v in day]
        parts["PATTERNS"] += [f"{pattern_id(d, g)} " + " ".join(hours[i : i + 8]) for i in range(0, 24, 8)]
    for name, (a, b, length, diameter) in pipes(d.code).items():
        parts["PIPES"].append(f"{name} {a} {b} {length} {diameter} 100 0 Open")
    x, y = d.junctions()[d.inlet]
    ground, before = elevation_m(x, y), f"IN-{d.code}"
    parts["JUNCTIONS"].append(f"{before} {ground:.2f} 0")
    _place(parts, before, x - 40, y)
    tx, ty = TRUNK[FED_BY[d.code]]
    parts["PIPES"].append(f"T-{before} {FED_BY[d.code]} {before} {max(math.hypot(tx - x, ty - y), 40):.1f} 250 120 0 Open")
    parts["JUNCTIONS"].append(f"UT-{d.code} {ground:.2f} 0")
    _place(parts, f"UT-{d.code}", x - 20, y)
    parts["VALVES"].append(f"INN-{d.code} {before} UT-{d.code} 250 PRV {d.head_m - ground:.2f} 0")
    parts["PIPES"].append(f"F-{d.code} UT-{d.code} {d.inlet} {FEED_M:.0f} {DIAMETERS_MM[d.code][0]} 110 0 Open")


def pattern_id(d: District, group: int) -> str:
    return f"USE-{d.code}{group}"


def _place(parts: dict[str, list[str]], name: str, x: float, y: float) -> None:
    latitude, longitude = lat_lon(x, y)
    parts["COORDINATES"].append(f"{name} {longitude} {latitude}")


LAKE_STAGE_M = layout.LAKE_M + 0.3
OUTLET_POWER = 1.6
"""Throttled flow grows with head^1.6, as in a part-full pipe."""
WEIR_SI = {"thin_plate": 1.83, "broad": 1.48, "side": 1.40, "rounded": 2.05, "v_notch": 1.38, "roof": 2.30}
"""Q = C·b·h^1.5 [m³/s], b in m; a 90° notch Q = C·h^2.5. The true coefficient of each weir differs by up to 8 %."""
WELL_M = 6.0
SLOPE, MANNING = 0.002, 0.015
PIPES_M = (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2)
PUMP_START_M, PUMP_STOP_M = 1.4, 0.6


def true_weir_coefficient(c: Chamber) -> float:
    return float(WEIR_SI[c.weir] * (1 + np.random.default_rng([7, CHAMBERS.index(c)]).uniform(-0.08, 0.08)))


@cache
def inverts() -> dict[str, float]:
    """Invert of each chamber and well [m above the sea]: from the lowest chamber up the trunks, 2 ‰ and a step of 0.3 m."""
    found = {"ro-08": LAKE_STAGE_M + 0.5}
    places = {c.id: (c.x, c.y) for c in CHAMBERS} | {p.id: (p.x, p.y) for p in layout.STATIONS}
    for station in PUMP_M3H:
        found[station] = LAKE_STAGE_M - 1.6
    while len(found) < len(places):
        for c in CHAMBERS:
            if c.id not in found and c.downstream in found:
                (xa, ya), (xb, yb) = places[c.id], places[c.downstream]
                below = found[c.downstream] + (2.2 if c.downstream in PUMP_M3H else 0.3)
                found[c.id] = below + SLOPE * math.hypot(xa - xb, ya - yb)
    return found


def swmm() -> str:
    """The sewers as a SWMM 5.2 input file: chambers with throttle and weir, trunks, pumping stations, catchments. m³/s."""
    parts: dict[str, list[str]] = {name: [] for name in _SWMM_SECTIONS}
    parts["TITLE"] = ["Mjoesby sewers, fictional. CC0 1.0. Written by simulators/networks.py"]
    parts["OPTIONS"] = [f"{k} {v}" for k, v in _SWMM_OPTIONS.items()]
    for gauge in layout.RAIN_GAUGES:
        parts["RAINGAGES"].append(f"{gauge.id} INTENSITY 0:05 1.0 TIMESERIES DRY")
    parts["TIMESERIES"] = ["DRY 0:00 0", "DRY 0:05 0"]
    for c in CHAMBERS:
        _chamber(parts, c)
    for station, capacity in PUMP_M3H.items():
        parts["STORAGE"].append(f"{station} {inverts()[station]:.3f} {WELL_M} 1.0 FUNCTIONAL 0 0 16")
        parts["PUMPS"].append(f"P-{station} {station} ro-08 C-{station} ON 0 0")
        parts["CURVES"].append(f"C-{station} PUMP2 {WELL_M} {capacity / 3_600:.6f}")
    parts["OUTFALLS"].append(f"{layout.PLANT.id} {inverts()['ro-08'] - 1.5:.3f} FREE NO")
    return "".join(f"[{name}]\n" + "\n".join(rows) + "\n\n" for name, rows in parts.items() if rows)


_SWMM_SECTIONS = ("TITLE", "OPTIONS", "RAINGAGES", "SUBCATCHMENTS", "SUBAREAS", "INFILTRATION", "JUNCTIONS", "STORAGE", "OUTFALLS",
                  "CONDUITS",
                  "PUMPS", "WEIRS", "OUTLETS", "XSECTIONS", "CURVES", "TIMESERIES", "COORDINATES")  # fmt: skip
_SWMM_OPTIONS = {
    "FLOW_UNITS": "CMS", "INFILTRATION": "HORTON", "FLOW_ROUTING": "DYNWAVE", "LINK_OFFSETS": "DEPTH", "START_DATE": "01/01/2026",
    "START_TIME": "00:00:00", "REPORT_START_DATE": "01/01/2026", "REPORT_START_TIME": "00:00:00", "END_DATE": "01/01/2030",
    "END_TIME": "00:00:00", "REPORT_STEP": "24:00:00", "WET_STEP": "00:05:00", "DRY_STEP": "01:00:00", "ROUTING_STEP": "20",
    "VARIABLE_STEP": "0", "INERTIAL_DAMPING": "PARTIAL", "SURCHARGE_METHOD": "SLOT", "HEAD_TOLERANCE": "0.0005", "MAX_TRIALS": "20",
    "THREADS": "1", "ALLOW_PONDING": "NO",
}  # fmt: skip


def _chamber(parts: dict[str, list[str]], c: Chamber) -> None:
    """Chamber, its own catchment, throttle and trunk to the next, weir to the lake (through a manhole where tail-water is measured)."""
    bottom, manhole = inverts()[c.id], manhole_below(c)
    gauge = layout.GAUGE_OF[c.catchment]
    parts["SUBCATCHMENTS"].append(f"S-{c.id} {gauge} {c.id} {c.area_ha} 92 {math.sqrt(c.area_ha * 10_000) / 2:.1f} 0.8 0")
    parts["SUBAREAS"].append(f"S-{c.id} 0.014 0.2 0.8 4 25 OUTLET")
    parts["INFILTRATION"].append(f"S-{c.id} 40 6 4 3 0")
    parts["STORAGE"].append(f"{c.id} {bottom:.3f} {c.depth_m} 0.1 FUNCTIONAL 0 0 {c.storage_m2}")
    factor = c.throttle_m3h / 3_600 / (c.crest_m + 0.15) ** OUTLET_POWER
    parts["JUNCTIONS"].append(f"{manhole} {bottom - 0.15:.3f} 3 0.05 5 0")
    parts["OUTLETS"].append(f"T-{c.id} {c.id} {manhole} 0 FUNCTIONAL/HEAD {factor:.6f} {OUTLET_POWER} NO")
    _trunk(parts, c, manhole, bottom)
    target = f"ut-{c.id}"
    width = 1.0 if c.weir == "v_notch" else c.width_m
    shape, height = ("TRIANGULAR", 1.5) if c.weir == "v_notch" else ("RECT_OPEN", 1.5)
    kind = "V-NOTCH" if c.weir == "v_notch" else "TRANSVERSE"
    parts["WEIRS"].append(f"W-{c.id} {c.id} {target} {kind} {c.crest_m} {true_weir_coefficient(c):.4f} NO 0")
    parts["XSECTIONS"].append(f"W-{c.id} {shape} {height} {3.0 if c.weir == 'v_notch' else width} 0 0")
    if c.tail_water:
        parts["JUNCTIONS"].append(f"{target} {bottom + c.crest_m - 0.6:.3f} 3 0 5 0")
        parts["CONDUITS"].append(f"U-{c.id} {target} lake-{c.id} 40 0.013 0 0 0")
        parts["XSECTIONS"].append(f"U-{c.id} CIRCULAR 0.45 0 0 0")
        parts["OUTFALLS"].append(f"lake-{c.id} {bottom + c.crest_m - 0.85:.3f} FREE NO")
    else:
        parts["OUTFALLS"].append(f"{target} {bottom + c.crest_m - 1.0:.3f} FREE NO")


def manhole_below(c: Chamber) -> str:
    """The node behind the throttle: the manhole with a sensor where there is one."""
    return next((m for m, above in layout.MANHOLE_FROM.items() if above == c.id), f"m-{c.id}")


def _full_pipe_m3h(diameter_m: float) -> float:
    """Manning: what a pipe at SLOPE carries just full."""
    return float(3_600 / MANNING * math.pi * diameter_m**2 / 4 * (diameter_m / 4) ** (2 / 3) * SLOPE**0.5)


def _trunk(parts: dict[str, list[str]], c: Chamber, manhole: str, bottom: float) -> None:
    places = {x.id: (x.x, x.y) for x in (*CHAMBERS, *layout.STATIONS, layout.PLANT)}
    (xa, ya), (xb, yb) = places[c.id], places[c.downstream]
    diameter = next(d for d in PIPES_M if _full_pipe_m3h(d) > 1.25 * c.throttle_m3h)
    drop = 2.0 if c.downstream in PUMP_M3H else 0.05
    parts["CONDUITS"].append(f"L-{c.id} {manhole} {c.downstream} {max(math.hypot(xa - xb, ya - yb), 60):.1f} {MANNING} 0 {drop} 0")
    parts["XSECTIONS"].append(f"L-{c.id} CIRCULAR {diameter} 0 0 0")


def write() -> Iterator[Path]:
    """Write both files anew."""
    FOLDER.mkdir(exist_ok=True)
    NETWORK.write_text(epanet(), encoding="ascii")
    yield NETWORK
    SEWER.write_text(swmm(), encoding="ascii")
    yield SEWER


if __name__ == "__main__":
    for path in write():
        print(path.name)
