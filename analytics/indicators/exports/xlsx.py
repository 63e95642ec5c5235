"""Excel workbook: the figures, and a sheet that explains every indicator."""

import io
import zipfile
from datetime import UTC, datetime

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet

from analytics.indicators.entry import Text
from analytics.indicators.file_format import Format, harmless, zip_bytes
from analytics.indicators.metadata import describe
from analytics.indicators.release import Release, columns
from core.timekeeping import iso


def write(release: Release) -> bytes:
    """Sheets `figures`, `metadata` (one row per indicator) and `about`; missing values are empty cells."""
    book = Workbook()
    moment = datetime.fromtimestamp(release.made_at, UTC).replace(tzinfo=None)
    book.properties.created = book.properties.modified = moment
    book.properties.creator = release.publisher
    rows = [columns(release, v) for v in release.values]
    _fill(book.worksheets[0], "figures", rows)
    used = dict.fromkeys(v.indicator for v in release.values)
    _fill(book.create_sheet(), "metadata", [describe(key) for key in used])
    _fill(book.create_sheet(), "about", [{"publisher": release.publisher, "made_at": iso(release.made_at), "licence": release.licence,
                                          "privacy": "no cell under 5 households"}])  # fmt: skip
    out = io.BytesIO()
    book.save(out)
    return _without_clock(out.getvalue(), moment)


def _fill(sheet: Worksheet, title: str, rows: list[dict[str, object]]) -> None:
    sheet.title = title
    sheet.append(list(rows[0]) if rows else [])
    for row in rows:
        sheet.append([None if cell is None or cell == "" else harmless(cell) for cell in row.values()])
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    sheet.freeze_panes = "A2"


def _without_clock(data: bytes, moment: datetime) -> bytes:
    """openpyxl stamps the time of saving into the archive and its properties; the release's own time goes there instead."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    core = files["docProps/core.xml"].decode()
    start, end = core.index("<dcterms:modified"), core.index("</dcterms:modified>")
    stamp = core[start : core.index(">", start) + 1]
    files["docProps/core.xml"] = (core[:start] + stamp + moment.strftime("%Y-%m-%dT%H:%M:%SZ") + core[end:]).encode()
    return zip_bytes(files)


FORMAT = Format("xlsx", Text("Excel workbook", "Excel-arbeidsbok"), ".xlsx",
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", write)  # fmt: skip
