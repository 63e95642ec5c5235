"""Sensor lists as people keep them: CSV or XLSX, with their own column names, to and from rows of Mjøsa's columns."""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import ConfigError

COLUMNS = {
    "sensor": ("id", "sensor id", "sensorid", "målepunkt", "end device id", "point"),
    "dev_eui": ("deveui", "device eui", "eui", "end device eui"),
    "name": ("navn", "device name", "enhetsnavn"),
    "model": ("modell", "product", "produkt", "device profile", "type"),
    "app_key": ("appkey", "application key", "root key", "nøkkel", "key"),
    "nwk_key": ("nwkkey", "network key"),
    "join_eui": ("joineui", "app eui", "appeui"),
    "asset": ("asset id", "objekt", "kum", "anlegg", "lokasjon", "location"),
    "asset_kind": ("asset type", "objekttype", "kumtype"),
    "asset_name": ("objektnavn",),
    "zone": ("sone", "dma"),
    "latitude": ("lat", "breddegrad", "bredde"),
    "longitude": ("lon", "lng", "long", "lengdegrad", "lengde"),
    "depth_m": ("dybde", "depth", "dybde m"),
    "cover": ("lokk", "kumlokk"),
    "interval_s": ("interval", "intervall", "sendeintervall"),
    "quantities": ("quantity", "størrelse", "måler", "measures"),
    "reference_m": ("reference", "referanse", "nullnivå"),
    "crest_m": ("crest", "overløpskant", "terskel"),
    "valid_from": ("from", "montert", "mounted", "fra"),
    "options": ("innstillinger",),
}
"""Our column → other names it goes by (nb, en, The Things Stack, ChirpStack)."""
KEY_COLUMNS = ("app_key", "nwk_key")
_XLSX_MAX_ROWS = 200_000


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list; `line` counts from 1 with the heading, as the spreadsheet shows it. Values by our columns, never empty."""

    line: int
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Listing:
    """A list as read: its rows, which of its columns became which of ours, and which were not understood."""

    rows: tuple[Row, ...]
    columns: Mapping[str, str]
    ignored: tuple[str, ...]


def read_list(path: Path, mapping: Mapping[str, str] | None = None) -> Listing:
    """Rows of a .csv (comma, semicolon or tab; UTF-8 or Windows-1252) or .xlsx (first sheet).

    `mapping` {their column: ours} goes before the known names. Raises ConfigError for a file or column that cannot be used.
    """
    lines = _xlsx(path) if path.suffix.lower() in (".xlsx", ".xlsm") else _csv(path)
    heading = lines[0] if lines else []
    columns, problems = _columns(heading, mapping or {})
    if "dev_eui" not in columns.values():
        problems.append(
            f"{path}:1: no column holds the DevEUI; found {', '.join(heading) or 'nothing'}. Say which with --map 'COLUMN=dev_eui'"
        )
    if problems:
        raise ConfigError(problems)
    rows = []
    for number, line in enumerate(lines[1:], 2):
        values = {columns[h]: v.strip() for h, v in zip(heading, line, strict=False) if h in columns and v.strip()}
        if values:
            rows.append(Row(number, values))
    return Listing(tuple(rows), {ours: theirs for theirs, ours in columns.items()}, tuple(h for h in heading if h and h not in columns))


def write_list(rows: Iterable[Mapping[str, str]], path: Path | None, columns: Sequence[str] = tuple(COLUMNS)) -> str:
    """The rows as CSV text, written to `path` (.csv, or .xlsx) where one is given."""
    rows = list(rows)
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, extrasaction="ignore", restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    if path is not None and path.suffix.lower() == ".xlsx":
        from openpyxl import Workbook

        book = Workbook(write_only=True)
        sheet = book.create_sheet("sensors")
        for line in [list(columns), *([row.get(c, "") for c in columns] for row in rows)]:
            sheet.append(line)
        book.save(path)
    elif path is not None:
        path.write_text(out.getvalue(), encoding="utf-8-sig")
    return out.getvalue()


def columns_table() -> str:
    """The columns as a Markdown table, for docs/field.md."""
    lines = ["| column | also known as |", "|---|---|"]
    return "\n".join([*lines, *(f"| `{ours}` | {', '.join(names)} |" for ours, names in COLUMNS.items())])


def _columns(heading: Sequence[str], mapping: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """{their column: ours} and what is wrong with the mapping."""
    known = {_plain(name): ours for ours, names in COLUMNS.items() for name in (ours, *names)}
    problems = [f"--map {theirs}={ours}: the file has no column '{theirs}'" for theirs, ours in mapping.items() if theirs not in heading]
    for ours in mapping.values():
        if ours not in COLUMNS:
            near = difflib.get_close_matches(ours, COLUMNS, 1)
            problems.append(f"--map …={ours}: there is no such column" + (f"; did you mean '{near[0]}'?" if near else ""))
    columns: dict[str, str] = {}
    for theirs in (*(h for h in heading if h in mapping), *(h for h in heading if h not in mapping)):
        ours = mapping.get(theirs, known.get(_plain(theirs), ""))
        if ours and ours not in columns.values():
            columns[theirs] = ours
    return columns, problems


def _plain(name: str) -> str:
    return re.sub(r"[^a-zæøå0-9]", "", name.lower())


def _csv(path: Path) -> list[list[str]]:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read ({error.strerror})"]) from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", "replace")
    heading = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=heading.count)
    return [[cell.strip() for cell in line] for line in csv.reader(io.StringIO(text), delimiter=delimiter)]


def _xlsx(path: Path) -> list[list[str]]:
    import zipfile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (OSError, zipfile.BadZipFile, InvalidFileException, KeyError) as error:
        raise ConfigError([f"{path}: is not an Excel workbook that can be read"]) from error
    try:
        sheet = book.worksheets[0]
        return [[_cell(v) for v in line] for line in sheet.iter_rows(values_only=True, max_row=_XLSX_MAX_ROWS)]
    finally:
        book.close()


def _cell(value: object) -> str:
    """A cell as text. A number that Excel made of an all-digit EUI or key has lost digits, and is caught by its length later."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
