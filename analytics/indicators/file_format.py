"""What an export format is, and helpers that several of them use."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from analytics.indicators.entry import Text
from analytics.indicators.release import Release

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time stamp of every member of a zip file: the same release gives the same bytes."""


@dataclass(frozen=True, slots=True)
class Format:
    """One file format. `write` turns a release into the bytes of a file whose name ends with `suffix`."""

    key: str
    name: Text
    suffix: str
    media_type: str
    write: Callable[[Release], bytes]


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[object]], delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    """Rows as CSV with \\r\\n line ends (RFC 4180); None is an empty field. Text that a spreadsheet would run gets an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return out.getvalue().encode(encoding)


def harmless(cell: object) -> object:
    """Names come from people: a text that begins like a formula is quoted for the spreadsheet."""
    if cell is None:
        return ""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def zip_bytes(files: Mapping[str, bytes]) -> bytes:
    """Files by name as a zip archive, byte for byte the same each time."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, files[name])
    return out.getvalue()
