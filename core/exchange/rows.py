"""A CSV or Parquet file as numbered rows of text, a piece at a time, so that a file of any size fits."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from core.errors import ConfigError

PIECE_ROWS = 50_000
_DELIMITERS = ",;\t|"
Piece = tuple[Sequence[int], dict[str, list[Any]], float]
"""Line numbers, the columns asked for, and the share of the file read so far (0…1)."""


def pieces(path: Path, needed: Sequence[str], optional: Sequence[str] = ()) -> Iterator[Piece]:
    """Columns of a file in pieces. Raises ConfigError when it cannot be read or lacks a column."""
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            yield from _parquet(path, needed, optional)
        else:
            yield from _csv(path, needed, optional)
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read ({error.strerror or error})"]) from error
    except (pa.ArrowInvalid, csv.Error) as error:
        raise ConfigError([f"{path}: {error}"]) from error


def _csv(path: Path, needed: Sequence[str], optional: Sequence[str]) -> Iterator[Piece]:
    """Delimiter by the header; UTF-8 with or without a mark, else Windows-1252. A quoted cell may hold line breaks."""
    size = max(path.stat().st_size, 1)
    with path.open("rb") as raw, io.TextIOWrapper(raw, _encoding(path), newline="") as file:
        header = file.readline()
        delimiter = max(_DELIMITERS, key=header.count)
        names = next(csv.reader([header], delimiter=delimiter), [])
        places = _places(path, [name.strip() for name in names], needed, optional)
        reader = csv.reader(file, delimiter=delimiter)
        lines: list[int] = []
        columns: dict[str, list[Any]] = {name: [] for name in places}
        for cells in reader:
            if not any(cells):
                continue
            lines.append(reader.line_num + 1)
            for name, place in places.items():
                columns[name].append(cells[place] if place < len(cells) else "")
            if len(lines) == PIECE_ROWS:
                yield lines, columns, min(raw.tell() / size, 1.0)
                lines, columns = [], {name: [] for name in places}
        yield lines, columns, 1.0


def _parquet(path: Path, needed: Sequence[str], optional: Sequence[str]) -> Iterator[Piece]:
    """Rows are numbered from 1. Columns come as they are typed."""
    with parquet.ParquetFile(path) as file:
        places = _places(path, file.schema_arrow.names, needed, optional)
        total, done = max(file.metadata.num_rows, 1), 0
        for batch in file.iter_batches(PIECE_ROWS, columns=list(places)):
            yield (
                range(done + 1, done + 1 + batch.num_rows),
                {name: batch[name].to_pylist() for name in places},
                (done + batch.num_rows) / total,
            )
            done += batch.num_rows


def _places(path: Path, names: Sequence[str], needed: Sequence[str], optional: Sequence[str]) -> dict[str, int]:
    missing = [name for name in needed if name not in names]
    if missing:
        raise ConfigError([f"{path}: has no column '{name}'; it has {', '.join(names)}. Say which with --map" for name in missing])
    return {name: names.index(name) for name in dict.fromkeys([*needed, *(n for n in optional if n in names)])}


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(1 << 20)
    try:
        start.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return "utf-8-sig" if error.start > len(start) - 4 else "cp1252"
    return "utf-8-sig"
