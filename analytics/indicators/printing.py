"""Figures, their origin and comparisons on the terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from analytics.indicators.bands import Band
from analytics.indicators.compare import Change, Place
from analytics.indicators.compute import find
from analytics.indicators.entry import Indicator
from analytics.indicators.master import MASTER, MONTH_S
from analytics.indicators.release import period_name
from analytics.indicators.report.texts import number, unit_label
from core.model import IndicatorValue
from core.records import MasterValue
from core.timekeeping import iso


def print_json(data: Any) -> None:
    print(orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS, default=list).decode())


def print_values(found: Sequence[IndicatorValue], lang: str) -> None:
    table = Table("indicator", "zone", "period", "value", "95 %", "class", "weak on", "status", "rev.")
    for v in found:
        i = find(v.indicator)
        interval = "" if v.lower is None else f"{number(v.lower, i.decimals, lang)} – {number(v.upper, i.decimals, lang)}"
        shown = f"{number(v.value, i.decimals, lang)} {unit_label(v.unit, lang)}" if v.value is not None else v.reason or ""
        table.add_row(f"{v.indicator} {i.label(lang)}", v.zone, period_name(v.start, v.end), shown, interval, str(v.quality_class),
                      ", ".join(v.failed_principles), v.status, str(v.revision))  # fmt: skip
    Console().print(table)


def print_trace(tree: dict[str, Any]) -> None:
    console = Console()
    console.print(f"[bold]{tree['indicator']} {tree['zone']}[/bold] {tree['start']} – {tree['end']}: {tree['value']} {tree['unit']} "
                  f"(revision {tree['revision']})\n  = {tree['formula']}", highlight=False)  # fmt: skip
    for i in tree["inputs"]:
        origin = i.get("source") or f"{i['measuring_points']} measuring points"
        console.print(f"\n[bold]{i['symbol']}[/bold] {i['name']} = {i.get('value')}  ({origin})", highlight=False)
        for p in i["points"]:
            table = Table("day", "readings", "first", "last", "volume", title=f"{p['sensor']} ({p['dev_eui']}) {p['quantity']}")
            for d in p["days"]:
                table.add_row(d["day"], str(d["readings"]), str(d["first"]), str(d["last"]), str(d.get("volume", "")))
            console.print(table)
            for r in p["readings"]:
                console.print(f"    {r['at']}  {r['value']:g}  flag {r['flag']}  uplink {r['uplink']}", highlight=False)


def print_master(entered: Sequence[MasterValue], now: float) -> None:
    table = Table("name", "zone", "value", "unit", "valid from", "source", "age [months]")
    for v in entered:
        age = f"{(now - v.valid_from) / MONTH_S:.0f}" if math.isfinite(v.valid_from) else ""
        table.add_row(v.name, v.zone, f"{v.value:g}", MASTER[v.name].unit if v.name in MASTER else "", iso(v.valid_from), v.source, age)
    Console().print(table)


def print_comparison(entry: Indicator, places: Sequence[Place], changes: Mapping[str, Sequence[Change]], bands: Mapping[str, Band | None],
                     lang: str) -> None:  # fmt: skip
    """Places best first, then each zone's last change and its U4SSC band with the start and target that decide it."""
    table = Table("", "place", "period", "value", "source", title=f"{entry.label(lang)} [{unit_label(entry.unit, lang)}], best first")
    for p in places:
        name = p.name + ("" if p.certain else " (unverified)")
        table.add_row("●" if p.ours else "", name, p.period, number(p.value, entry.decimals, lang), p.source)
    Console().print(table)
    for zone, each in changes.items():
        for c in each[-1:]:
            print(f"{zone}: {c.earlier} → {c.later}: {c.difference:+.3g} ± {2 * c.u:.2g}" + ("" if c.certain else " (not certain)"))
    for zone, b in bands.items():
        if b:
            print(f"{zone}: {b.score:.1f} % of the way from {b.start:g} to {b.target:g}, U4SSC band {b.label}")
