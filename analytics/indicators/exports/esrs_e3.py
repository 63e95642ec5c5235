"""ESRS E3-4: water consumption as a table of data points, each with its measured, extrapolated and estimated share (AR 29).

The mapping is data, since the names of the data points change with the simplification of the standard.
"""

from dataclasses import dataclass

from analytics.indicators.entry import Status, Text
from analytics.indicators.file_format import Format, csv_bytes
from analytics.indicators.metadata import sure
from analytics.indicators.release import Release, period_name, rounded
from core.model import IndicatorValue

HEADER = (
    "datapoint",
    "name",
    "period",
    "zone",
    "unit",
    "value",
    "measured_share",
    "extrapolated_share",
    "estimated_share",
    "quality_class",
    "note",
)


@dataclass(frozen=True, slots=True)
class DataPoint:
    """One data point, and the part of an indicator (value, numerator or denominator) that fills it."""

    code: str
    name: str
    indicator: str | None
    part: str
    unit: str
    status: Status
    note: str = ""


POINTS = (
    DataPoint("E3-4 28(a)", "Total water consumption", "W07", "numerator", "m³", "V", "authorised use, without losses"),
    DataPoint("E3-4 28(b)", "Water consumption in areas at water risk", None, "value", "m³", "V", "needs a water-risk map"),
    DataPoint("E3-4 28(c)", "Water recycled and reused", None, "value", "m³", "V", "not measured"),
    DataPoint("E3-4 28(d)", "Water stored and changes in storage", None, "value", "m³", "U", "not measured"),
    DataPoint("E3-4 AR 32", "Water withdrawals (voluntary)", "W14", "numerator", "m³", "V", "own sources"),
    DataPoint("E2/E3 context", "Overflow volume", "S03", "value", "m³", "V"),
    DataPoint("E3-4 29", "Water intensity: value added per m³ (inverse)", "W15", "value", "NOK/m³", "U"),
)


def write(release: Release) -> bytes:
    """A row per data point and period of the whole town; an empty value says why in its note."""
    rows = []
    for period in sorted({(v.start, v.end) for v in release.values}):
        values = {v.indicator: v for v in release.values if (v.start, v.end) == period and v.zone == release.town_zone}
        rows += [_row(release, p, period, values.get(p.indicator or "")) for p in POINTS]
    return csv_bytes(HEADER, rows)


def _row(release: Release, point: DataPoint, period: tuple[float, float], v: IndicatorValue | None) -> tuple[object, ...]:
    number = rounded(getattr(v, point.part)) if v is not None and v.value is not None else None
    shares = v.shares if v is not None and number is not None else (None, None, None)
    note = "; ".join(filter(None, (point.note, (v.reason or "") if v is not None else "not computed")))
    return (sure(point.code, point.status), point.name, period_name(*period), release.town_zone, point.unit, number, *map(rounded, shares),
            v.quality_class if v is not None else 3, note)  # fmt: skip


FORMAT = Format("esrs_e3", Text("ESRS E3-4 table", "ESRS E3-4-tabell"), ".csv", "text/csv; charset=utf-8", write)
