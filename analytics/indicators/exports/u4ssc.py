"""U4SSC upload: `indicator;dataseries;data`, the newest figure of the whole town for every KPI that we can fill."""

from analytics.indicators.entry import Text
from analytics.indicators.file_format import Format, csv_bytes
from analytics.indicators.release import Release, rounded
from core.model import IndicatorValue

HEADER = ("indicator", "dataseries", "data")


def write(release: Release) -> bytes:
    """Exactly three columns; a figure we do not have is left out. Proxies are left out too: an upload has no room for the word."""
    return csv_bytes(HEADER, [(release.of(v).u4ssc, "main", rounded(v.value)) for v in newest(release)], ";")


def newest(release: Release) -> list[IndicatorValue]:
    """The latest value of each U4SSC indicator of the whole town."""
    found: dict[str, IndicatorValue] = {}
    for v in sorted(release.values, key=lambda v: v.end):
        indicator = release.of(v)
        if (
            indicator.u4ssc
            and not indicator.u4ssc_context
            and not indicator.is_proxy
            and v.zone == release.town_zone
            and v.value is not None
        ):
            found[v.indicator] = v
    return list(found.values())


FORMAT = Format("u4ssc", Text("U4SSC upload", "U4SSC-opplasting"), "csv", "text/csv; charset=utf-8", write)
