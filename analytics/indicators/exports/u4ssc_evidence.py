"""What a U4SSC verifier asks about each uploaded figure: source, period, counts, quality."""

from analytics.indicators.entry import Text
from analytics.indicators.exports.u4ssc import HEADER, newest
from analytics.indicators.file_format import Format, csv_bytes
from analytics.indicators.metadata import refs
from analytics.indicators.release import Release, period_name, rounded
from core.model import IndicatorValue


def write(release: Release) -> bytes:
    """The upload's columns and one more, `evidence`, in words."""
    return csv_bytes(
        (*HEADER, "evidence"), [(release.of(v).u4ssc, "main", rounded(v.value), _evidence(release, v)) for v in newest(release)], ";"
    )


def _evidence(release: Release, v: IndicatorValue) -> str:
    i = release.of(v)
    interval = f"{v.lower:.4g}–{v.upper:.4g}" if v.lower is not None and v.upper is not None else "not known"
    return (
        f"{release.publisher}, {period_name(v.start, v.end)}: {i.formula}; numerator {v.numerator:.6g}, denominator {v.denominator:.6g}; "
        f"unit {v.unit}; 95 % interval {interval}; completeness {v.completeness:.0%}; quality class {v.quality_class}"
        f"{'; failed: ' + ', '.join(v.failed_principles) if v.failed_principles else ''}; {refs(i.other)}".rstrip("; ")
    )


FORMAT = Format("u4ssc_evidence", Text("U4SSC evidence for the verifier", "U4SSC-dokumentasjon"), ".csv", "text/csv; charset=utf-8", write)
