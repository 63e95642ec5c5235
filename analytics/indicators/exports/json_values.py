"""JSON: the figures with numerator, denominator and lineage, and the metadata of every indicator in them."""

import orjson

from analytics.indicators.entry import Text
from analytics.indicators.file_format import Format
from analytics.indicators.metadata import describe
from analytics.indicators.release import Release, columns, rounded
from core.timekeeping import iso


def write(release: Release) -> bytes:
    """{publisher, made_at, licence, indicators: {id: metadata}, values: [row + numerator, denominator, lineage]}."""
    used = dict.fromkeys(v.indicator for v in release.values)
    values = [
        columns(release, v) | {"numerator": rounded(v.numerator), "denominator": rounded(v.denominator),
                               "failed_principles": list(v.failed_principles), "reason": v.reason, "lineage": dict(v.lineage)}
        for v in release.values
    ]  # fmt: skip
    document = {"publisher": release.publisher, "made_at": iso(release.made_at), "licence": release.licence,
                "indicators": {key: describe(key) for key in used}, "values": values}  # fmt: skip
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS) + b"\n"


FORMAT = Format("json_values", Text("JSON", "JSON"), ".json", "application/json", write)
