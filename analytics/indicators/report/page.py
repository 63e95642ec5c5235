"""The report as one HTML file that needs nothing else: no scripts, no fonts or images from elsewhere."""

from __future__ import annotations

from html import escape as e
from typing import Any

from analytics.indicators.release import Release
from analytics.indicators.report.content import content

STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#1d2a33}
h1,h2,h3{color:#14364f;line-height:1.2}
h3{margin:0;font-size:1rem}
.grid{display:grid;gap:1rem;grid-template-columns:repeat(auto-fit,minmax(18rem,1fr))}
.card{border:1px solid #d0d7de;border-radius:.5rem;padding:1rem}
.big{font-size:2rem;font-weight:700;color:#14364f}
.small{font-size:.85rem;color:#4b5963;font-weight:400}
.badge{border-radius:.25rem;color:#fff;font-size:.8rem;padding:.1rem .45rem;white-space:nowrap}
.c1{background:#1b7f5c}.c2{background:#8f6100}.c3{background:#626a75}
table{border-collapse:collapse;width:100%;font-size:.9rem}
td,th{padding:.35rem .5rem;text-align:left;vertical-align:top}
tr:nth-child(even){background:#f5f7f9}
td.n{text-align:right;white-space:nowrap}
.scroll{overflow-x:auto}
svg{max-width:100%;height:auto}
.box{background:#eef4f8;border-radius:.5rem;padding:1rem}
@media print{body{margin:0}.card{break-inside:avoid}}
"""


def html(release: Release, year: int, language: str = "nb") -> bytes:
    """A complete page in UTF-8; every text from data is escaped."""
    d = content(release, year, language)
    t = {k: e(v) for k, v in d["t"].items()}
    zones = "".join(f"<h3>{e(z['name'])} <span class=small>{e(z['unit'])}</span></h3>{_zone_table(z, t)}" for z in d["zones"])
    notes = "".join(f"<p><strong>{t[k]}:</strong> {e('; '.join(d[k]))}.</p>" for k in ("assumptions", "lacking") if d[k])
    page = f"""<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>{t["title"]} {d["year"]} – {e(d["publisher"])}</title><style>{STYLE}</style></head><body>
<p class=small>{e(d["publisher"])} · {t["made"]} {e(d["made"])}</p>
<h1>{t["title"]} {d["year"]}: {t["subtitle"].lower()}</h1><p>{t["intro"]} {t["proxies"]}</p>
<h2>{t["headline"]}</h2><div class=grid>{"".join(_card(c, t) for c in d["cards"])}</div>
<h2>{t["all"]}</h2><div class=scroll>{_table(d["rows"], t)}</div>
<h2>{t["map"]}</h2><div role=img aria-label="{t["map_caption"]}">{d["map"]}</div><p class=small>{t["map_caption"]}</p>
<h2>{t["zones"]}</h2><div class=grid>{zones}</div>
<h2>{t["method"]}</h2><div class=box><p>{t["classes"]}</p><p>{t["ratios"]}</p><p>{t["privacy"]}</p>{notes}
<p class=small><a href="{e(d["licence"])}">{e(d["licence"])}</a></p></div></body></html>
"""
    return page.encode()


def _badge(row: dict[str, Any], t: dict[str, str]) -> str:
    return f'<span class="badge c{row["class"]}">{t["class"]} {row["class"]}</span>'


def _card(c: dict[str, Any], t: dict[str, str]) -> str:
    value = f"<span class=big>{e(c['value'])}</span> {e(c['unit'])}" if c["has_value"] else f"<span class=big>–</span> {e(c['why'])}"
    lines = [c["period"] + (f", {c['status']}" if c["status"] else ""), f"{c['interval']} (95 %)" if c["interval"] else "",
             f"{t['weak']} {c['failed']}" if c["failed"] else "", *c["benchmarks"], c["band"], c["progress"]]  # fmt: skip
    small = "".join(f"<div class=small>{e(line)}</div>" for line in lines if line)
    picture = f'<div role=img aria-label="{e(c["name"])} {e(c["trend_label"])}">{c["trend"]}</div>'
    words = f"<p class=small>{e(c['description'])}</p>"
    return f"<section class=card><h3>{e(c['name'])} {_badge(c, t)}</h3><div>{value}</div>{small}{picture}{words}</section>"


def _table(rows: list[dict[str, Any]], t: dict[str, str]) -> str:
    head = "".join(f"<th scope=col>{t[k]}</th>" for k in ("indicator", "value", "interval", "period", "class"))
    body = "".join(
        f"<tr><th scope=row>{r['id']} {e(r['name'])}<div class=small>{e(r['compare'] if r['has_value'] else r['why'])}</div></th>"
        f"<td class=n>{e(r['value'])} {e(r['unit'] if r['has_value'] else '')}</td><td class=n>{e(r['interval'])}</td>"
        f"<td>{e(r['period'])}</td><td>{_badge(r, t)}</td></tr>"
        for r in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _zone_table(z: dict[str, Any], t: dict[str, str]) -> str:
    rows = "".join(f"<tr><th scope=row>{e(r['zone'])}</th><td class=n>{e(r['value'])}</td><td>{_badge(r, t)}</td></tr>" for r in z["rows"])
    return f"<table>{rows}</table>"
