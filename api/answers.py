"""The same table as JSON, CSV, Arrow or Parquet, by the Accept header, with an ETag."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from api.problems import Problem
from core.model import Floats

JSON = "application/json"
CSV = "text/csv"
ARROW = "application/vnd.apache.arrow.stream"
PARQUET = "application/vnd.apache.parquet"
FORMATS = {"json": JSON, "csv": CSV, "arrow": ARROW, "parquet": PARQUET}
ENDINGS = {v: k for k, v in FORMATS.items()}


def wanted(request: Request, offered: Iterable[str] = tuple(FORMATS.values())) -> str:
    """The media type to answer with: `?format=` first, then Accept by quality, JSON when anything will do. Raises 406."""
    offered = list(offered)
    if name := request.query_params.get("format"):
        if FORMATS.get(name) in offered:
            return FORMATS[name]
        raise Problem(406, f"format: '{name}' is not one of {', '.join(ENDINGS[o] for o in offered)}")
    accept = request.headers.get("accept", "*/*") or "*/*"
    ranked = sorted((_quality(part) for part in accept.split(",")), key=lambda p: -p[1])
    for kind, quality in ranked:
        if quality <= 0:
            continue
        for media in offered:
            if kind in ("*/*", media, media.split("/")[0] + "/*"):
                return media
    raise Problem(406, f"This can be had as {', '.join(offered)}")


def _quality(part: str) -> tuple[str, float]:
    kind, _, rest = part.strip().partition(";")
    for parameter in rest.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name == "q":
            try:
                return kind.strip(), float(value)
            except ValueError:
                return kind.strip(), 0.0
    return kind.strip(), 1.0


def iso_times(t: Floats) -> list[str]:
    """Unix seconds as ISO 8601 UTC to the millisecond, all at once."""
    moments = (np.round(np.asarray(t) * 1000.0)).astype("datetime64[ms]")
    return [text + "Z" for text in np.datetime_as_string(moments).tolist()]


def tagged(request: Request, body: bytes, media: str, headers: Mapping[str, str] | None = None) -> Response:
    """The body with its ETag, or 304 when the caller has it already."""
    tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    more = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Accept, Authorization, Cookie", **(headers or {})}
    known = {t.strip().removeprefix("W/") for t in request.headers.get("if-none-match", "").split(",")}
    if tag in known or "*" in known:
        return Response(status_code=304, headers=more)
    return Response(body, media_type=media, headers=more)


@dataclass(frozen=True)
class Table:
    """Chunks of equal columns; `schema` names and types them."""

    name: str
    schema: pa.Schema
    chunks: Callable[[], Iterator[Mapping[str, Any]]]

    def batches(self) -> Iterator[pa.RecordBatch]:
        for chunk in self.chunks():
            yield pa.RecordBatch.from_arrays([pa.array(chunk[f.name], f.type, from_pandas=True) for f in self.schema], schema=self.schema)


def stream(table: Table, media: str) -> Response:
    """CSV, Arrow or Parquet, written chunk by chunk as it is read."""
    headers = {"Content-Disposition": f'attachment; filename="{table.name}.{ENDINGS[media]}"', "Vary": "Accept"}
    return StreamingResponse(_WRITERS[media](table), media_type=media, headers=headers)


class _Sink(io.RawIOBase):
    """A file that hands over what was written to it since last asked."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._at = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        self._at += len(data)
        return len(data)

    def tell(self) -> int:
        return self._at

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _through(open_writer: Callable[[Any, pa.Schema], Any]) -> Callable[[Table], Iterator[bytes]]:
    def write(table: Table) -> Iterator[bytes]:
        sink = _Sink()
        with open_writer(sink, table.schema) as writer:
            for batch in table.batches():
                writer.write_batch(batch)
                if data := sink.taken():
                    yield data
        yield sink.taken()

    return write


def _parquet(sink: Any, schema: pa.Schema) -> Any:
    return pq.ParquetWriter(sink, schema, compression="zstd")


_WRITERS: dict[str, Callable[[Table], Iterator[bytes]]] = {
    CSV: _through(pa_csv.CSVWriter),
    ARROW: _through(pa.ipc.new_stream),
    PARQUET: _through(_parquet),
}


def json_bytes(data: Any) -> bytes:
    return orjson.dumps(data, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS, default=str)
