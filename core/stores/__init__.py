"""Adapters of core.store.SeriesStore. A store URL comes in, an open store goes out; only `mjosa.py` calls this."""

from __future__ import annotations

from pathlib import Path

from core.errors import ConfigError
from core.store import SeriesStore
from core.stores.duckdb import DuckDBStore
from core.stores.memory import MemoryStore


def open_store(url: str, data_dir: Path) -> SeriesStore:
    """`duckdb:` (readings.duckdb in data_dir), `duckdb:PATH`, or `memory:`. Raises ConfigError for any other."""
    scheme, _, rest = url.partition(":")
    if scheme == "duckdb":
        return DuckDBStore(Path(rest) if rest else data_dir / "readings.duckdb")
    if scheme == "memory":
        return MemoryStore()
    raise ConfigError([f"MJOSA_STORE_URL: '{url}' is none of duckdb:, duckdb:PATH, memory:"])
