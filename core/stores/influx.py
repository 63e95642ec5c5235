"""The production store: InfluxDB 2 (and 3) through influxdb-client. Line protocol in, InfluxQL out, never Flux.

Rows go in by the v2 write API, one request of at most 5,000 lines at a time, and come back as columns of CSV through `/query`.
Identity needs no key: InfluxDB overwrites a point with the same tags and time. Because the zone is a tag, a row that is
already there keeps the zone it was first written with, so a replay after a move or a redrawn zone makes no second row.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import RLock
from typing import Any

import httpx
import influxdb_client
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.client.write_api import SYNCHRONOUS
from urllib3.exceptions import HTTPError

from core.errors import StoreRejected, StoreUnavailable
from core.model import Floats, Reading, Readings, Series, concatenate
from core.quantities import QUANTITIES, TABLES
from core.store import Buckets, Coverage, Written
from core.stores.batch import Batch, Key, bucketed, only, prepare, report, whole
from core.stores.influx_csv import by_sensor, ints, keys, parse, texts, values
from core.stores.line_protocol import ZoneOf, decoded, encoded, lines, nanoseconds, seconds, table

MAX_LINES = 5_000
_api: Any = influxdb_client  # its annotations are incomplete
_SENSORS_AT_ONCE = 200
_MAX_TRIES = 4
_MAX_WAIT_S = 30.0
_MAX_SPLITS = 2_000
_TOO_BUSY = (429, 503)
_LINES_REFUSED = (400, 413, 422)


class InfluxStore:
    """Implements core.store.SeriesStore. `zone_of(dev_eui, t)` fills the zone tag of new rows.

    The newest time of each series is remembered, so that rows beyond it are written without a question; of other rows
    InfluxDB is asked first, which is how the store can tell what is new, changed or the same. With several writers the
    stored rows are still exact, only these counts may call a row new that another writer has just written.
    """

    def __init__(self, url: str, token: str, org: str, bucket: str, *, zone_of: ZoneOf | None = None, timeout_s: float = 30.0,
                 sleep: Callable[[float], None] = time.sleep) -> None:  # fmt: skip
        self.url, self._org, self._bucket = url.rstrip("/"), org, bucket
        self._zone_of, self._sleep, self._lock = zone_of, sleep, RLock()
        self._client = _api.InfluxDBClient(url=self.url, token=token, org=org, timeout=int(timeout_s * 1000), enable_gzip=True)
        self._lines = self._client.write_api(write_options=SYNCHRONOUS)
        headers = {"Accept": "application/csv", "Authorization": f"Token {token}"}
        self._http = httpx.Client(base_url=self.url, headers=headers, timeout=timeout_s)
        self._newest: dict[Key, float] | None = None

    def write(self, readings: Readings) -> Written:
        batch = prepare(readings)
        with self._lock:
            newest = self._known()
            there = self._there(batch, newest)
            new, changed, void, zones = self._compare(batch, there)
            rows = np.flatnonzero(new | changed).tolist()
            refused = self._send(lines(batch, rows, void, zones))
            for i in rows:
                key = batch.keys[batch.code[i]]
                newest[key] = max(newest.get(key, -np.inf), float(batch.t[i]))
        if refused:
            bad = [rows[i] for i in refused]
            new[bad] = changed[bad] = False
            raise _refusal(readings, batch, new, changed, {rows[i]: why for i, why in refused.items()})
        return report(batch, new, changed)

    def rows(self, sensors: Sequence[str], quantity: str, start: float, end: float) -> Readings:
        return concatenate([whole(s, quantity, rows) for s, rows in self._select(sensors, quantity, start, end, ("origin",))])

    def read(self, sensors: Sequence[str], quantity: str, start: float, end: float) -> dict[str, Series]:
        found = {sensor: Series.empty(sensor, quantity) for sensor in sensors}
        for sensor, rows in self._select(sensors, quantity, start, end):
            found[sensor] = Series(sensor, quantity, *rows)
        return found

    def _select(
        self, sensors: Sequence[str], quantity: str, start: float, end: float, more: Sequence[str] = ()
    ) -> Iterable[tuple[str, list[npt.NDArray[Any]]]]:
        """Each sensor's t, x, flag, uplink and what more is asked."""
        names = list(dict.fromkeys(sensors)) if quantity in QUANTITIES else []
        for low in range(0, len(names), _SENSORS_AT_ONCE):
            some = names[low : low + _SENSORS_AT_ONCE]
            where = f"{_any_of('dev_eui', map(encoded, some))} AND quantity = '{quantity}' AND {_between(start, end)}"
            wanted = ", ".join(("value", "flag", "uplink", "void", "dev_eui", *more))
            columns = self._query(f'SELECT {wanted} FROM "{QUANTITIES[quantity].table}" WHERE {where}')
            yield from by_sensor(columns, more)

    def latest(self, sensors: Sequence[str] | None = None, quantity: str | None = None) -> list[Reading]:
        found: dict[Key, Reading] = {}
        for tables in self._tables(quantity):
            columns = self._query(f"SELECT last(flag) AS flag, value, uplink, origin, void FROM {tables} GROUP BY dev_eui, quantity")
            if columns is None:
                continue
            x, t = values(columns), seconds(ints(columns, "time"))
            rows = zip(keys(columns), t, x, ints(columns, "flag"), ints(columns, "uplink"), ints(columns, "origin"), strict=True)
            for key, at, value, flag, uplink, origin in rows:
                found[key] = Reading(key[0], key[1], float(at), float(value), int(flag), int(uplink), int(origin))
        return [found[key] for key in only(quantity, found, sensors)]

    def aggregate(self, sensors: Sequence[str], quantity: str, edges: Floats) -> dict[str, Buckets]:
        series = self.read(sensors, quantity, float(edges[0]), float(edges[-1]))
        return {sensor: bucketed(sensor, quantity, s.t, s.x, s.flag, edges) for sensor, s in series.items()}

    def coverage(self, sensors: Sequence[str] | None = None) -> list[Coverage]:
        firsts, lasts, counts = self._selected("first"), self._selected("last"), self._counts()
        return [Coverage(*key, firsts[key], lasts[key], counts[key]) for key in only(None, counts, sensors)]

    def delete(self, *, sensors: Sequence[str] | None = None, quantities: Sequence[str] | None = None,
               before: float | None = None, dry_run: bool = False) -> int:  # fmt: skip
        """InfluxDB 3 cannot delete single rows: there this raises StoreRejected, and retention is the bucket's own."""
        if sensors is None and quantities is None and before is None:
            raise StoreRejected("delete needs at least one condition: sensors, quantities or before")
        until = "" if before is None or before == np.inf else f" AND time < {nanoseconds(np.array([before]))[0]}"
        with self._lock:
            counts = self._counts(until)
            gone = [key for key in only(None, counts, sensors) if quantities is None or key[1] in quantities]
            if not dry_run:
                for key in gone:
                    where = f"dev_eui = '{encoded(key[0])}' AND quantity = '{key[1]}'{until}"
                    self._query(f'DELETE FROM "{table(key)}" WHERE {where}')
                self._newest = None
        return sum(counts[key] for key in gone)

    def compact(self) -> None:
        """InfluxDB compacts by itself."""

    def size(self) -> Mapping[str, float]:
        """InfluxDB does not tell what a bucket takes on disk: NaN."""
        return {"rows": float(sum(self._counts().values())), "bytes": np.nan, "bytes_per_reading": np.nan}

    def write_lines(self, lines: Sequence[str]) -> None:
        """Other points than readings, as line protocol; StoreRejected names the first that InfluxDB does not take."""
        refused = self._send(list(lines))
        for i, why in refused.items():
            raise StoreRejected(f"InfluxDB at {self.url} refuses '{lines[i][:120]}': {why}")

    def remove(self, measurement: str, tag: str, values: Sequence[str]) -> None:
        """Delete the points of another measurement whose tag has one of these values."""
        for low in range(0, len(values), _SENSORS_AT_ONCE):
            self._query(f'DELETE FROM "{measurement}" WHERE {_any_of(tag, values[low : low + _SENSORS_AT_ONCE])}')

    def close(self) -> None:
        self._lines.close()
        self._client.close()
        self._http.close()

    def _known(self) -> dict[Key, float]:
        if self._newest is None:
            self._newest = self._selected("last")
        return self._newest

    def _there(self, batch: Batch, newest: Mapping[Key, float]) -> dict[tuple[str, str, int], tuple[float, int, str | None]]:
        """(dev_eui, quantity, ns) → (value, flag, zone) of the batch's rows that InfluxDB may already have."""
        last = np.array([newest.get(key, -np.inf) for key in batch.keys])
        old = np.flatnonzero(batch.t <= last[batch.code]) if len(batch) else np.empty(0, np.intp)
        found: dict[tuple[str, str, int], tuple[float, int, str | None]] = {}
        for name in sorted({table(batch.keys[c]) for c in np.unique(batch.code[old])}):
            rows = old[[table(batch.keys[c]) == name for c in batch.code[old]]]
            ns, devices = nanoseconds(batch.t[rows]), sorted({batch.keys[c][0] for c in batch.code[rows]})
            where = f"time >= {ns.min()} AND time <= {ns.max()}"
            for low in range(0, len(devices), _SENSORS_AT_ONCE):
                some = _any_of("dev_eui", map(encoded, devices[low : low + _SENSORS_AT_ONCE]))
                columns = self._query(f'SELECT value, flag, void, dev_eui, quantity, zone FROM "{name}" WHERE {where} AND {some}')
                if columns is not None:
                    names = (texts(columns, c) for c in ("dev_eui", "quantity", "zone"))
                    for dev, quantity, zone, at, x, flag in zip(
                        *names, ints(columns, "time").tolist(), values(columns).tolist(), ints(columns, "flag").tolist(), strict=True
                    ):
                        found[decoded(dev), quantity, at] = (x, flag, None if not zone else decoded(zone))
        return found

    def _compare(
        self, batch: Batch, there: Mapping[tuple[str, str, int], tuple[float, int, str | None]]
    ) -> tuple[Any, Any, Any, list[str | None]]:
        """Masks of rows that are new, changed, and standing in for a missing value; and each row's zone."""
        new, changed, void = np.ones(len(batch), bool), np.zeros(len(batch), bool), np.zeros(len(batch), bool)
        zones: list[str | None] = []
        ns = nanoseconds(batch.t).tolist()
        for i, (code, at) in enumerate(zip(batch.code.tolist(), ns, strict=True)):
            sensor, quantity = batch.keys[code]
            old = there.get((sensor, quantity, at))
            if old is None:
                zones.append(self._zone_of(sensor, float(batch.t[i])) if self._zone_of else None)
                continue
            new[i], void[i] = False, old[0] != old[0]
            same_x = old[0] == batch.x[i] or (void[i] and np.isnan(batch.x[i]))
            changed[i] = not same_x or old[1] != batch.flag[i]
            zones.append(old[2])
        return new, changed, void, zones

    def _send(self, all_lines: list[str]) -> dict[int, str]:
        """Write lines; those refused, by place, with InfluxDB's reason."""
        refused: dict[int, str] = {}
        budget = _MAX_SPLITS
        pieces = [(low, min(low + MAX_LINES, len(all_lines))) for low in range(0, len(all_lines), MAX_LINES)][::-1]
        while pieces:
            low, high = pieces.pop()
            reason = self._post("\n".join(all_lines[low:high]))
            budget -= 1
            if reason is not None and (high - low == 1 or budget < 0):
                refused.update(dict.fromkeys(range(low, high), reason))
            elif reason is not None:
                middle = (low + high) // 2
                pieces += [(middle, high), (low, middle)]
        return refused

    def _post(self, text: str) -> str | None:
        """One request; None when it was taken whole, the reason when lines in it were not. Waits as long as InfluxDB asks, a few times."""
        for attempt in range(_MAX_TRIES):
            try:
                self._lines.write(self._bucket, self._org, text)
                return None
            except InfluxDBError as error:
                status = getattr(error, "status", None)
                message = str(error.message or error)[:300]
                if status in _LINES_REFUSED:
                    return message
                if status not in _TOO_BUSY or attempt == _MAX_TRIES - 1:
                    raise StoreUnavailable(self._excuse(status, message)) from error
                self._sleep(_wait_s(error.retry_after, attempt))
            except (HTTPError, OSError) as error:
                raise StoreUnavailable(f"InfluxDB at {self.url} does not answer: {error}") from error
        return None

    def _excuse(self, status: int | None, message: str) -> str:
        advice = {
            401: "the token in MJOSA_INFLUX_TOKEN is not accepted", 403: "the token may not write to this bucket",
            404: f"there is no organisation '{self._org}' with bucket '{self._bucket}': run `mjosa init`",
        }  # fmt: skip
        return f"InfluxDB at {self.url} answered {status}: {advice.get(status or 0, message)}"

    def _query(self, text: str) -> Any:
        """The columns that a statement answers with, None where it answers with nothing."""
        form = {"db": self._bucket, "q": text, "epoch": "ns"}
        try:
            answer = self._http.post("/query", data=form)
        except httpx.HTTPError as error:
            raise StoreUnavailable(f"InfluxDB at {self.url} does not answer: {error}") from error
        if answer.is_success:
            return None if not answer.content.strip() else self._parsed(answer.content)
        message = answer.text.strip().splitlines()[-1][:300] if answer.text.strip() else answer.reason_phrase
        if answer.status_code in (400, 405, 422):
            raise StoreRejected(f"InfluxDB at {self.url} cannot do this: {message}")
        raise StoreUnavailable(self._excuse(answer.status_code, message))

    def _parsed(self, content: bytes) -> Any:
        try:
            return parse(content)
        except pa.ArrowInvalid as error:
            raise StoreUnavailable(f"{self.url}/query answered something that is not InfluxDB's CSV: {error}") from error

    def _tables(self, quantity: str | None = None) -> Iterable[str]:
        """One list of measurements per statement; InfluxDB 3 limits how much one may touch."""
        return [f'"{QUANTITIES[quantity].table}"'] if quantity in QUANTITIES else [f'"{name}"' for name in TABLES]

    def _selected(self, selector: str) -> dict[Key, float]:
        """The time of each series' first or last row."""
        found: dict[Key, float] = {}
        for name in self._tables():
            columns = self._query(f"SELECT {selector}(flag) AS flag FROM {name} GROUP BY dev_eui, quantity")
            if columns is not None:
                found.update(zip(keys(columns), seconds(ints(columns, "time")).tolist(), strict=True))
        return found

    def _counts(self, until: str = "") -> dict[Key, int]:
        found: dict[Key, int] = {}
        for name in self._tables():
            where = f" WHERE time >= {np.iinfo(np.int64).min + 10}{until}" if until else ""
            columns = self._query(f"SELECT count(flag) AS count FROM {name}{where} GROUP BY dev_eui, quantity")
            if columns is not None:
                found.update(zip(keys(columns), ints(columns, "count").tolist(), strict=True))
        return {key: count for key, count in found.items() if count}


def _any_of(tag: str, values: Iterable[str]) -> str:
    """A condition on a tag; one regular expression is far quicker for InfluxDB than many comparisons."""
    listed = list(values)
    if len(listed) == 1:
        return f"{tag} = '{listed[0]}'"
    return f"{tag} =~ /^({'|'.join(re.escape(v) for v in listed)})$/"


def _between(start: float, end: float) -> str:
    limits = np.clip(np.array([start, end]), -9.2e9, 9.2e9)
    low, high = nanoseconds(limits)
    return f"time >= {low} AND time < {high}"


def _wait_s(retry_after: str | None, attempt: int) -> float:
    try:
        asked = float(retry_after) if retry_after else 2.0**attempt
    except ValueError:
        asked = 2.0**attempt
    return min(max(asked, 0.0), _MAX_WAIT_S)


def _refusal(readings: Readings, batch: Batch, new: Any, changed: Any, reasons: Mapping[int, str]) -> StoreRejected:
    """Names the rows, of the batch as it was handed in, that InfluxDB refused, with its words for the first."""
    place = {row: i for i, row in enumerate(zip(readings.sensor.tolist(), readings.quantity.tolist(), readings.t.tolist(), strict=True))}
    rows = {place[(*batch.keys[batch.code[i]], float(batch.t[i]))] for i in reasons}
    try:
        written = report(batch, new, changed)
    except StoreRejected as error:
        rows, written = {*rows, *error.rows}, error.written
    why = next(iter(reasons.values()))
    return StoreRejected(f"InfluxDB refused {len(rows)} of {len(readings)} readings ({why}); the others are stored", sorted(rows), written)
