"""SDMX-CSV 2.0 under the utility's own agency: never IAEG-SDGs', since these are no official figures."""

import re

from analytics.indicators.entry import Text
from analytics.indicators.file_format import Format, csv_bytes
from analytics.indicators.release import Release, observation_status, period_name, rounded

HEADER = (
    "STRUCTURE", "STRUCTURE_ID", "ACTION",
    "FREQ", "REPORTING_TYPE", "INDICATOR", "REF_AREA", "TIME_PERIOD", "OBS_VALUE", "UNIT_MEASURE", "OBS_STATUS",
    "LOWER_BOUND", "UPPER_BOUND", "QUALITY_CLASS", "NATURE", "COMMENT_OBS",
)  # fmt: skip
UNITS = {"%": "PT"}
NATURE = {"context": "LOCAL", "proxy": "LOCAL_PROXY", "component": "LOCAL_COMPONENT", "official": "OFFICIAL"}


def write(release: Release) -> bytes:
    """One observation per figure; a missing one has an empty OBS_VALUE, OBS_STATUS M and its reason as comment."""
    flow = f"{agency(release)}:DF_WATER_INDICATORS(1.0)"
    rows = []
    for v in release.values:
        period = period_name(v.start, v.end)
        rows.append((
            "dataflow", flow, "R", "AMD"[min(period.count("-"), 2)], "L", v.indicator, v.zone, period, rounded(v.value),
            UNITS.get(v.unit, v.unit), observation_status(v), rounded(v.lower), rounded(v.upper), v.quality_class,
            NATURE[release.of(v).sdg.relation], v.reason,
        ))  # fmt: skip
    return csv_bytes(HEADER, rows)


def agency(release: Release) -> str:
    """An SDMX agency id made of the publisher's name: letters, digits and underscores."""
    plain = release.publisher.upper()
    for letter, letters in (("Æ", "AE"), ("Ø", "OE"), ("Å", "AA")):
        plain = plain.replace(letter, letters)
    return re.sub(r"[^A-Z0-9]+", "_", plain).strip("_") or "UTILITY"


FORMAT = Format("sdmx_csv", Text("SDMX-CSV", "SDMX-CSV"), ".csv", "application/vnd.sdmx.data+csv; version=2.0.0", write)
