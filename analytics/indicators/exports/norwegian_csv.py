"""The tidy CSV as a Norwegian Excel opens it by a double click: semicolon, decimal comma, byte order mark."""

from analytics.indicators.entry import Text
from analytics.indicators.file_format import Format, csv_bytes
from analytics.indicators.release import Release, columns


def write(release: Release) -> bytes:
    rows = [columns(release, v) for v in release.values]
    return csv_bytes(list(rows[0]) if rows else ["indicator"], [[_comma(c) for c in r.values()] for r in rows], ";", "utf-8-sig")


def _comma(cell: object) -> object:
    return str(cell).replace(".", ",") if isinstance(cell, float) else cell


FORMAT = Format("norwegian_csv", Text("CSV for a Norwegian Excel", "CSV for norsk Excel"), ".csv", "text/csv; charset=utf-8", write)
