"""U4SSC upload: `indicator;dataseries;data`, the newest yearly figure of the whole town for every KPI that we can fill."""

from analytics.indicators.compute import whole_year
from analytics.indicators.entry import Indicator, Text
from analytics.indicators.file_format import Format, csv_bytes
from analytics.indicators.release import Release, rounded
from core.model import IndicatorValue

HEADER = ("indicator", "dataseries", "data")


def write(release: Release) -> bytes:
    """Exactly three columns; a figure we do not have is left out. Proxies are left out too: an upload has no room for the word."""
    return csv_bytes(HEADER, [(release.of(v).u4ssc, "main", rounded(v.value)) for v in newest(release)], ";")


def newest(release: Release) -> list[IndicatorValue]:
    """The latest whole-year value of each U4SSC indicator of the whole town."""
    yearly = [v for v in release.values if v.zone == release.town_zone and v.value is not None and whole_year(v.start, v.end)]
    return list({v.indicator: v for v in sorted(yearly, key=lambda v: v.end) if _uploaded(release.of(v))}.values())


def _uploaded(indicator: Indicator) -> bool:
    return indicator.u4ssc is not None and not indicator.u4ssc_context and not indicator.is_proxy


FORMAT = Format("u4ssc", Text("U4SSC upload", "U4SSC-opplasting"), ".csv", "text/csv; charset=utf-8", write)
