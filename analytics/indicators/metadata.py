"""An indicator's metadata as flat text fields in both languages: what files, pages and documents print about it."""

from __future__ import annotations

from analytics.indicators.compute import find
from analytics.indicators.entry import Indicator, Ref, Status

DOUBT = {"V": "", "U": " (unverified)", "P": " (proposal)"}


def sure(text: str, status: Status) -> str:
    """The text, with a mark where we are not sure of it."""
    return text + DOUBT[status]


def describe(key: str) -> dict[str, object]:
    """One row per indicator, every field text; what is unverified or a proposal says so."""
    i = find(key)
    return {
        "indicator": i.id,
        "slug": i.key,
        "name_en": i.label("en"),
        "name_nb": i.label("nb"),
        "description_en": i.description.en,
        "description_nb": i.description.nb,
        "unit": i.unit,
        "polarity": i.polarity,
        "formula": i.formula,
        "inputs": ", ".join(f"{s} = {n}" for s, n in i.inputs.items()),
        "time_aggregation_en": i.time_aggregation.en,
        "time_aggregation_nb": i.time_aggregation.nb,
        "zone_aggregation_en": i.zone_aggregation.en,
        "zone_aggregation_nb": i.zone_aggregation.nb,
        "sdg_targets": ", ".join(i.sdg.targets),
        "sdg_indicator": i.sdg.indicator or "",
        "sdg_relation": i.sdg.relation,
        "u4ssc": (i.u4ssc or "") + (" (context)" if i.u4ssc_context else ""),
        "iso": "; ".join(sure(str(c), c.status) for c in i.iso),
        "kostra": i.kostra or "",
        "eu": refs(i.eu),
        "other": refs(i.other),
        "benchmarks": "; ".join(
            sure(f"{b.name.en}: {'' if b.op == '=' else b.op + ' '}{b.value:g} [{b.source}]", b.status) for b in i.benchmarks
        ),
        "development_area": ", ".join(i.taxonomy.area),
        "los": ", ".join(i.taxonomy.los),
        "evaluation": i.taxonomy.evaluation,
        "distribution": ", ".join(i.taxonomy.distribution),
        "bottom_line": ", ".join(i.taxonomy.bottom_line),
        "quality_profile": i.profile,
        "method_version": i.method_version,
        "edge_cases_en": " ".join(e.en for e in i.edge_cases),
        "edge_cases_nb": " ".join(e.nb for e in i.edge_cases),
    }


def refs(items: tuple[Ref, ...]) -> str:
    return "; ".join(sure(r.text, r.status) for r in items)


def mapped(i: Indicator) -> str:
    """Where else the figure is asked for, in one line."""
    parts = [f"U4SSC {i.u4ssc}" + (" (context)" if i.u4ssc_context else "")] if i.u4ssc else []
    parts += [sure(str(c), c.status) for c in i.iso]
    parts += [f"KOSTRA: {i.kostra}"] if i.kostra else []
    return "; ".join([*parts, *(sure(r.text, r.status) for r in i.eu)])
