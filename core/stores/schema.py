"""docs/stores.md: what the stores hold, written from what the code uses. `python -m core.stores.schema > docs/stores.md`."""

from __future__ import annotations

import sqlalchemy as sa

from core.quantities import QUANTITIES, TABLES
from core.registry.tables import metadata
from core.retention import DataClass, Policy

_HELD: dict[DataClass, str] = {
    DataClass.HOUSEHOLD_METERS: "readings of every device that was ever on a household's meter point (not its radio values)",
    DataClass.OTHER_METERS: "readings of other devices with a volume index",
    DataClass.NETWORK_SENSORS: "readings of everything else",
    DataClass.RADIO: "signal strength and signal to noise, of every device",
    DataClass.RAW_UPLINKS: "raw frames in the uplink log; they hold household readings too, so they are not kept longer",
}
_TEXT = """# Stores

Made by `python -m core.stores.schema`; a test holds it current.

Readings live in a time-series store, everything else in the registry. `core.store.SeriesStore` is the contract of the first;
`tests/stores/test_contract.py` runs over every adapter. Identity is (sensor, quantity, measured_at): writing again changes nothing,
of two values the last written stays, and a write tells which windows it touched.

| `MJOSA_STORE_URL` | store | for |
|---|---|---|
| `duckdb:` or `duckdb:PATH` | one DuckDB file | embedded: a laptop, a small utility, every test |
| `influxdb://host:8086`, `influxdbs://host` | InfluxDB 2.7 or newer, or 3 | production |
| `mjosa://host:8080`, `mjosas://host` | the store of a running Mjøsa, over HTTP | commands beside `mjosa up` |
| `memory:` | numpy arrays | evaluation, tests; keeps nothing |

## DuckDB

`readings(series INTEGER, t DOUBLE, x DOUBLE, flag UTINYINT, uplink BIGINT, origin UTINYINT)` with the dictionary
`series(id, sensor, quantity)`; `t` is Unix seconds UTC, a missing value is NaN with flag 9. There is no primary key: rows newer than
the newest of their series are appended, the others are looked up first, restricted to the batch's times. `compact` clusters each 30
days by series and time. A write is durable when it returns (write-ahead log, synced). One process holds the file; a second one is
told so. A file that is not ours, or damaged, is refused and left as it is. Readers never wait for a writer.

## InfluxDB

Line protocol in through `/api/v2/write` (synchronous, gzip, at most 5,000 lines), InfluxQL out through `/query`, never Flux: the subset
that 1.x, 2.x and 3 share. One measurement per quantity table:

{measurements}

Tags: `dev_eui` (percent-encoded where it is not plain), `quantity`, `zone` (the zone at the time of the first write; a row that is there
keeps it). Fields: `value` float, `flag` integer, `uplink` integer (its place in the uplink log), `origin` integer (which clock), and
`void` integer: 1 where the value is missing. Types never change. Times are nanoseconds.

429 and 503 are waited for as long as `Retry-After` asks (at most 30 s, four tries), then the write is reported as not possible now and
stays in the uplink log. Lines that InfluxDB refuses are found by halving the batch, and named; the others are stored. `mjosa init`
makes the bucket, its retention, the database mapping that InfluxQL needs, and a token that reads and writes this bucket only.
InfluxDB 3 cannot delete single rows: there, retention by class and `mjosa privacy erase` are refused, use the bucket's retention.

## Registry

SQLite (`registry.db` in the data folder) or PostgreSQL (`MJOSA_DATABASE_URL=postgresql+psycopg://…`), the same tables, migrated when
opened. What is searched is a column; the record itself is JSON in `body`. Every row belongs to a `utility`.

{tables}

A sensor's row is one placement: the device at a measuring point on an asset in [valid_from, valid_to). Moving or swapping closes one
and opens the next, so history stays on the asset it was measured at, and `core.points.read_points` joins a point's devices again.

## Roll-ups

`analytics.rollup.Rollups` keeps 15-minute, hourly and local-day buckets by month until a write touches them (`Written.touched`), then
reads them again: late data is always in. Volumes come from the cumulative index. A fall of at most 0.1 m³ is reverse flow. A fall
from above 90 % to below 10 % of the register, with a flow of at most Q4, is a rollover. Across a registered exchange the volume is
closing − last + first − opening. Any other fall is a reset, and a rise above Q4 implausible: not known. A gap longer than 72 hours
covers nothing.

## Retention and privacy

{retention}

Days are a utility's choice (`mjosa retention set household_meters=400`), not a law. `mjosa retention apply --dry-run` counts first.
A reader without the meter role gets zone totals (`core.privacy.zone_totals`): at least 10 meters in each figure and none more than half of
it; k can be set down to 5, never lower. `mjosa privacy export METERPOINT DIR` gives a person everything that is kept, `mjosa privacy erase
METERPOINT` removes it; both are in the access log.

## History in and out

`mjosa import FILE.csv|parquet --map time=Tid --map sensor=Måler --map value=Verdi --map quantity:level_m` for one value a row, or
`--map L1/level_m=Column` for each column of a wide file. Times without a zone are local; a decimal comma is understood; bad rows and
duplicates are named by line. `--events` takes a list of overflow events (place, start, end, volume_m3). `mjosa export` writes what import
takes back. `mjosa backup DIR` copies everything while everything runs: Parquet, JSON lines, the uplink log, with checksums;
`mjosa restore DIR` checks them and fills an empty Mjøsa, on either kind of registry and any store.
"""


def document() -> str:
    """The whole page."""
    measured = [(f"`{name}`", ", ".join(f"`{q.name}`" for q in QUANTITIES.values() if q.table == name)) for name in TABLES]
    tables = [(f"`{t.name}`", ", ".join(_key(t)), ", ".join(c.name for c in t.columns if not c.primary_key and c.name != "body"))
              for t in sorted(metadata.tables.values(), key=lambda t: t.name)]  # fmt: skip
    kept = [(f"`{name}`", _HELD[name], "for ever" if days is None else f"{days} days") for name, days in Policy().days.items()]
    return _TEXT.format(
        measurements=_rows(("measurement", "quantities"), measured),
        tables=_rows(("table", "key", "columns"), tables),
        retention=_rows(("class", "what", "kept"), kept),
    )


def _key(table: sa.Table) -> list[str]:
    return [column.name for column in table.primary_key.columns]


def _rows(head: tuple[str, ...], rows: list[tuple[str, ...]] | list[tuple[str, str]] | list[tuple[str, str, str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows))


if __name__ == "__main__":
    print(document(), end="")
