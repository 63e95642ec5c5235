"""docs/detectors.md, made from the detectors themselves."""

from __future__ import annotations

from dataclasses import fields

from analytics.detector import Detector
from analytics.scan import detectors

_HEAD = """# Detectors

Made by `python -m analytics.catalogue_page > docs/detectors.md`; a test keeps it current. How to add one: write one file in
`analytics/detectors/` that ends in `DETECTOR = Detector(key=<file name>, …)`; `detect(arrays, params)` gets one place as numpy arrays
and returns findings. `tests/analytics/test_every_detector.py` then tests it, and this page lists it.

The utility states how many false alarms per week it tolerates in the whole town (`utility.false_alarms_per_week`). Tests that
chance can set off get a share of it; facts (a level over a crest, a silent sensor) need none. Thresholds of the former are
calibrated on each series' own past. `start` of such an event is when it was known, `onset` when it began.

"""


def page() -> str:
    """The whole page."""
    rows = ["| detector | finds | looks at | share of the budget | method |", "|---|---|---|---|---|"]
    for d in detectors().values():
        looks = ", ".join(f"`{q}`" for q in (*(i.replace("|", "` or `") for i in d.inputs), *d.optional))
        share = f"{d.budget_share:.0%}" if d.budget_share else "fact"
        rows.append(f"| `{d.key}` {d.title} | {', '.join(d.kinds)} | {looks} per {d.scope} | {share} | {d.source} |")
    return _HEAD + "\n".join(rows) + "\n" + "".join(_section(d) for d in detectors().values())


def _section(d: Detector) -> str:
    defaults = d.params()
    lines = [f"\n## {d.key}\n", f"{d.title}. {(d.detect.__doc__ or '').strip().splitlines()[0]}", ""]
    lines += ["| parameter | default |", "|---|---|"]
    lines += [f"| `{f.name}` | {getattr(defaults, f.name)} |" for f in fields(d.params)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
