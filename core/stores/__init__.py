"""Adapters of core.store.SeriesStore. A store URL comes in, an open store goes out; only `mjosa.py` calls this."""

from __future__ import annotations

from pathlib import Path

from core.errors import ConfigError
from core.store import SeriesStore
from core.stores.duckdb import DuckDBStore
from core.stores.line_protocol import ZoneOf
from core.stores.memory import MemoryStore
from core.stores.remote import RemoteStore

_INFLUX = {"influxdb": "http", "influxdbs": "https"}
_REMOTE = {"mjosa": "http", "mjosas": "https"}


def open_store(url: str, data_dir: Path, *, token: str | None = None, org: str = "mjosa", bucket: str = "mjosa",
               zone_of: ZoneOf | None = None) -> SeriesStore:  # fmt: skip
    """Open the store that a URL names.

    `duckdb:` (readings.duckdb in data_dir) or `duckdb:PATH`; `influxdb://host:8086` or `influxdbs://host` with token, org,
    bucket and `zone_of(dev_eui, t)`; `mjosa://host:8080` or `mjosas://host`, a running Mjøsa's own store, with an
    administrator's key as token; `memory:`. Raises ConfigError for any other.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "duckdb":
        return DuckDBStore(Path(rest) if rest else data_dir / "readings.duckdb")
    if scheme == "memory":
        return MemoryStore()
    if scheme in _REMOTE:
        return RemoteStore(f"{_REMOTE[scheme]}:{rest}", token or "")
    if scheme in _INFLUX:
        from core.stores.influx import InfluxStore  # only production pays for loading the client

        return InfluxStore(f"{_INFLUX[scheme]}:{rest}", token or "", org, bucket, zone_of=zone_of)
    raise ConfigError([f"MJOSA_STORE_URL: '{url}' is none of duckdb:, duckdb:PATH, influxdb://host:8086, influxdbs://host, memory:"])
