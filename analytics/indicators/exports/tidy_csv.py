"""Tidy CSV: one row per figure, comma, point, UTF-8."""

from analytics.indicators.entry import Text
from analytics.indicators.file_format import Format, csv_bytes
from analytics.indicators.release import Release, columns


def write(release: Release) -> bytes:
    """One row per figure, columns named by `columns`; a missing value is an empty field."""
    rows = [columns(release, v) for v in release.values]
    return csv_bytes(list(rows[0]) if rows else ["indicator"], [list(r.values()) for r in rows])


FORMAT = Format("tidy_csv", Text("CSV (comma)", "CSV (komma)"), ".csv", "text/csv; charset=utf-8", write)
