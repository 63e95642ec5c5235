"""docs/indicators.md, written out of the code: `python -m analytics.indicators.handbook`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from analytics.indicators.bands import BOUNDS
from analytics.indicators.compute import CATALOGUE, FINAL_AFTER_DAYS
from analytics.indicators.entry import Indicator
from analytics.indicators.formats import FORMATS
from analytics.indicators.master import MASTER, MasterItem
from analytics.indicators.metadata import mapped, refs, sure
from analytics.indicators.privacy import DOMINANT, K
from analytics.indicators.quality import (
    COMPLETENESS_MIN,
    COMPLETENESS_NULL,
    ESTIMATED_MAX,
    MASTER_NULL_AGE_MONTHS,
    POINTS_MEETING_MIN,
    PUBLISH_WITHIN_DAYS,
    RELATIVE_U_MAX,
    ZONE_RESIDUAL_MAX,
)

TARGET = Path(__file__).parents[2] / "docs" / "indicators.md"
INTRO = """# Indicators

This page is made from `analytics/indicators`; a test holds it current (`python -m analytics.indicators.handbook` writes it).

No official SDG 6 or 11 indicator can be computed from sensors alone. Every link to a goal is a *component*, a *proxy* or *context*, and
every name of a component or proxy says so. What is marked *unverified* was not found in a public source; what is marked *proposal* is ours.

## How a figure is made

1. Readings become daily roll-ups per measuring point (local days of Europe/Oslo). A meter index is interpolated at midnight; a gap longer
   than three sampling intervals is shared out by time and tagged *extrapolated*; where no reading follows, the meter's own mean rate
   stands in, tagged *estimated*. Rollover, exchange and back-flow are told apart.
2. Inputs are summed over the zones and days of the period. A zone's inlets are assets of kind `zone_inlet`; a transfer names the zone it
   takes water from, `from_zone: Z1`, or has its `downstream` asset in another zone. An asset of kind `source` is an inlet where its zone
   has none. The kilometres a point watches are `monitored_km` on the sensor or its asset.
3. The formula gives numerator, denominator and value. Ratios are never averaged: parts are summed, then divided.
4. The uncertainty of every input is propagated (GUM, first order, k = 2). Inputs of one kind share their cause, so theirs add linearly.
5. The quality class is worked out per value. A value that cannot be stood for is null with a reason, never 0, never carried forward.
6. Figures are *provisional* until {final} days after the period, then *final*; late data or new master data raises the revision and the
   old one is kept. An unfinished period is worked out until the last midnight.

The whole town is published under the id of its zone of kind `town`, else the utility's id. `mjosa kpi trace W01 2026-05 ZONE` leads from
a value to the raw uplinks; `mjosa kpi verify` works every published value out again.
"""


def page() -> str:
    """The whole document as Markdown."""
    parts = [INTRO.format(final=FINAL_AFTER_DAYS), _quality(), _overview(), "## Each indicator\n", *map(_entry, CATALOGUE.values()),
             _master(), _formats(), _privacy(), _progress()]  # fmt: skip
    return "\n".join(parts)


def _quality() -> str:
    u = RELATIVE_U_MAX["vol"]
    return f"""## Quality classes

The classes are those of the taxonomy of KS and Statistics Norway, on the five output principles of the European Statistical System's
quality framework. The numeric limits are proposals.

| class | when |
|---|---|
| 1 | relevance: an SDG target; accuracy: completeness ≥ {COMPLETENESS_MIN:.0%} (of {POINTS_MEETING_MIN:.0%} of \
the points, too, where events are counted), estimated share ≤ {ESTIMATED_MAX:.0%}, no \
calibration run out, expanded uncertainty ≤ {u:.0%} of a volumetric figure; timeliness: first published within \
{PUBLISH_WITHIN_DAYS} days, master data dated and at most 12 months old; coherence: not a proxy, zones within \
{ZONE_RESIDUAL_MAX:.0%} of the whole; accessibility: both languages, open file, licence |
| 2 | one of them fails, and is named |
| 3 | an input is missing, completeness < {COMPLETENESS_NULL:.0%}, master data over {MASTER_NULL_AGE_MONTHS:.0f} months old, \
nothing to divide by, or a result outside what is possible: the value is null |
"""


def _overview() -> str:
    rows = [f"| {i.id} | {i.label('en')} / {i.label('nb')} | {i.unit} | {' '.join(i.sdg.targets)} | {i.sdg.relation} | {i.profile} |"
            for i in CATALOGUE.values()]  # fmt: skip
    return "\n".join(
        [f"## The {len(rows)} indicators\n", "| id | name | unit | targets | relation | profile |", "|---|---|---|---|---|---|", *rows, ""]
    )


def _entry(i: Indicator) -> str:
    return "\n".join(["### " + i.id + " " + i.label("en"), "", *(f"- {line}" for line in _lines(i)), ""])


def _lines(i: Indicator) -> Iterator[str]:
    yield f"**{i.label('nb')}.** {i.description.nb}"
    yield i.description.en
    yield f"`{i.formula}` [{i.unit}], {i.polarity.replace('_', ' ')}; " + ", ".join(f"{s} = `{n}`" for s, n in i.inputs.items())
    yield f"Over time: {i.time_aggregation.en} Over zones: {i.zone_aggregation.en}"
    official = f" of {i.sdg.indicator}" if i.sdg.indicator else ""
    yield f"Goal: {', '.join(i.sdg.targets)} ({i.sdg.relation}{official})"
    yield f"Taxonomy: {i.taxonomy.evaluation}; {', '.join(i.taxonomy.area)}; {', '.join(i.taxonomy.bottom_line)}"
    if elsewhere := "; ".join(filter(None, (mapped(i), refs(i.other)))):
        yield f"Elsewhere: {elsewhere}"
    for b in i.benchmarks:
        yield sure(f"Benchmark: {b.name.en}: {'' if b.op == '=' else b.op + ' '}{b.value:g} {i.unit} [{b.source}]", b.status)
    if i.parameters:
        yield "Parameters (proposal): " + ", ".join(f"{k} = {v:g}" for k, v in i.parameters.items())
    yield from (edge.en for edge in i.edge_cases)


def _master() -> str:
    rows = [f"| `{m.name}` | {m.text.en} / {m.text.nb} | {m.unit} | {m.kind} | {_default(m)} |" for m in MASTER.values()]
    return "\n".join([MASTER_TEXT, "| name | what | unit | kind | default |", "|---|---|---|---|---|", *rows, ""])


def _default(m: MasterItem) -> str:
    return f"{m.default:g} ({m.default_source})" if m.default is not None else ""


MASTER_TEXT = """## Master data

Entered with validity and source by `mjosa kpi master FILE` (YAML or CSV), by API, or in town.yaml: a zone's own fields and its
`master` mapping, the utility's `master` mapping for the whole town, dated by `master_as_of`. Undated figures fail timeliness.
`mjosa kpi master --missing` prints a file to fill in.
"""


def _formats() -> str:
    rows = [f"| `{key}` | {f.name.en} | {f.suffix} | {f.media_type} |" for key, f in FORMATS.items()]
    return "\n".join(["## Export formats\n", "`mjosa kpi export FORMAT --period 2026 --out FILE`; all are made of the same release.\n",
                      "| key | format | file | media type |", "|---|---|---|---|", *rows, ""])  # fmt: skip


def _privacy() -> str:
    return f"""## Privacy

Household meters are personal data. A published figure that rests on them covers at least {K} households, none with over
{DOMINANT:.0%} of the volume; no two published figures of a period differ by fewer than {K} households, in one publication or against
an earlier one (a ledger keeps what is out); what remains of a whole when its published parts are subtracted has at least {K}
households, else the smallest part is held back too.
"""


def _progress() -> str:
    bands = ", ".join(label for _, _, label in BOUNDS)
    return f"""## Progress and comparison

Progress towards a target follows Open SDG (Statistics Canada): the compound yearly growth achieved over that needed; ≥ 95 %
on track, ≥ 60 % acceleration needed, ≥ 0 limited, else deterioration; without a target the limits are 1.5, 0.5 and 0 % a year.
U4SSC's bands are {bands} of the way from start to target; the start decides the band, so both are printed.
`mjosa kpi compare W01 --others FILE` ranks zones, benchmarks and other municipalities' values (JSON-stat 2.0 or CSV).
"""


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
