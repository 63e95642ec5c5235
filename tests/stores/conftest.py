"""Every store adapter, by name; one loop of contract tests runs over them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.store import SeriesStore
from core.stores.duckdb import DuckDBStore
from core.stores.memory import MemoryStore

ADAPTERS: dict[str, Callable[[Path], SeriesStore]] = {
    "memory": lambda folder: MemoryStore(),
    "duckdb": lambda folder: DuckDBStore(folder / "readings.duckdb"),
}


@pytest.fixture(params=sorted(ADAPTERS))
def store(request, tmp_path) -> Iterator[SeriesStore]:
    adapter = ADAPTERS[request.param](tmp_path)
    yield adapter
    adapter.close()
