"""Every store adapter, by name; one loop of contract tests runs over them."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from core.store import SeriesStore
from core.stores.duckdb import DuckDBStore
from core.stores.influx import InfluxStore
from core.stores.memory import MemoryStore
from core.stores.remote import PATH, RemoteStore, handle
from tests.stores.influx_server import bucket, influxd

TOKEN = "only-for-this-test"


@contextmanager
def memory(folder: Path) -> Iterator[SeriesStore]:
    yield MemoryStore()


@contextmanager
def duckdb(folder: Path) -> Iterator[SeriesStore]:
    store = DuckDBStore(folder / "readings.duckdb")
    yield store
    store.close()


@contextmanager
def served(store: SeriesStore) -> Iterator[str]:
    """The store behind a real HTTP server on loopback, as a running `mjosa up` offers it."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            allowed = self.path == PATH and self.headers.get("Authorization") == f"Bearer {TOKEN}"
            answer = handle(store, body) if allowed else b"not allowed"
            self.send_response(200 if allowed else 403)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def remote(folder: Path) -> Iterator[SeriesStore]:
    with duckdb(folder) as held, served(held) as url:
        store = RemoteStore(url, TOKEN)
        yield store
        store.close()


@pytest.fixture(scope="session")
def influx_server(tmp_path_factory):
    """(url, token, org) of the real server that MJOSA_TEST_INFLUX_URL names, else of Debian's influxd behind its v2 write path."""
    if "MJOSA_TEST_INFLUX_URL" in os.environ:
        yield tuple(os.environ[f"MJOSA_TEST_INFLUX_{name}"] for name in ("URL", "TOKEN", "ORG"))
        return
    with influxd(tmp_path_factory.mktemp("influx")) as url:
        yield url, "a-token", "mjosa"


@pytest.fixture
def influx_bucket(influx_server):
    """A bucket of its own."""
    with bucket(*influx_server) as name:
        yield name


ADAPTERS = {"memory": memory, "duckdb": duckdb, "remote": remote, "influx": None}


@pytest.fixture(params=sorted(ADAPTERS))
def store(request, tmp_path) -> Iterator[SeriesStore]:
    if request.param == "influx":
        server, name = request.getfixturevalue("influx_server"), request.getfixturevalue("influx_bucket")
        adapter = InfluxStore(*server, name)
        yield adapter
        adapter.close()
        return
    with ADAPTERS[request.param](tmp_path) as adapter:
        yield adapter
