"""`mjosa migrate`, `alive`, `init`: from DuckDB and SQLite into influxd and PostgreSQL, and what a fresh stack needs."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
import httpx
import numpy as np
import psycopg
import pytest
import typer
from chirpstack_api import api
from google.protobuf.empty_pb2 import Empty
from typer.testing import CliRunner

from core.commands_stack import OLD_AFTER_S, Process, alive, migrate_command
from core.errors import Conflict, NotFound, StoreUnavailable
from core.heartbeat import Heartbeat
from core.migrate_data import Ends, migrate
from core.model import Event, Readings
from core.records import AuditEntry
from core.registry import Registry
from core.settings import Settings
from core.stores.duckdb import DuckDBStore
from core.stores.influx import InfluxStore
from core.town import Asset, BaseStation, Sensor, Town, Utility, Zone
from core.town_file import save_town
from dashboards.mirror import Mirror
from gateway.admin import replace_default_password
from gateway.chirpstack import ChirpStack
from gateway.commands_init import command as init_command
from ingest.device_model import native_models
from simulators.network_server import StandIn
from tests.processes import free_port
from tests.registry.postgres import postgres
from tests.stores.influx_server import bucket, influxd

T0 = 1_780_000_000.0
DEVICES = [f"{i:016x}" for i in range(1, 6)]
TOWN = Town(
    utility=Utility(id="gjovik", name="Gjøvik"),
    base_stations=(BaseStation(id="0016c001ff10a001", name="Mast", latitude=60.8, longitude=10.7),),
    zones=(Zone(id="north", kind="dma"),),
    assets=tuple(Asset(id=f"A{i}", kind="pipe", zone="north") for i in range(5)),
    sensors=tuple(Sensor(id=f"S{i}", dev_eui=d, asset=f"A{i}", quantities=("pressure_bar",)) for i, d in enumerate(DEVICES)),
)  # fmt: skip


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    with influxd(tmp_path_factory.mktemp("influx")) as url, postgres(tmp_path_factory.mktemp("postgres")) as databases:
        yield url, databases


@pytest.fixture
def old(tmp_path):
    """The data folder of an embedded Mjøsa: pressure and signal strength of five sensors, one value missing, an event, an audit entry."""
    folder = tmp_path / "old"
    registry = Registry.open(f"sqlite:///{folder}/registry.db", clock=lambda: T0)
    registry.import_town(TOWN, "setup")
    registry.events.save([Event(id="e1", kind="burst", detector="pressure_burst", sensors=("S1",), zone="north", asset="A1", start=T0,
                                end=T0 + 600, onset=T0, onset_uncertainty_s=60, score=9.0, threshold=6.0, completeness=1.0)])  # fmt: skip
    registry.audit.add(AuditEntry(T0, "somebody", "test", "everything"))
    registry.close()
    store = DuckDBStore(folder / "readings.duckdb")
    t = T0 + 600 * np.arange(2_000.0)
    for i, device in enumerate(DEVICES):
        x = np.sin(t / 7_000) + i
        x[7] = np.nan
        flag = np.where(np.isnan(x), 9, 1).astype(np.uint8)
        store.write(Readings.of_series(device, "pressure_bar", t, x, flag))
        store.write(Readings.of_series(device, "rssi_dbm", t[::6], np.full(len(t[::6]), -100.0)))
    (folder / "uplinks").mkdir()
    (folder / "uplinks" / "uplinks-000001.sqlite").write_bytes(b"a log")
    yield folder, store
    store.close()


@contextmanager
def ends(old, servers, tmp_path, kind=InfluxStore):
    """Both ends and what reads the target; a bucket and a database of their own."""
    folder, store = old
    url, databases = servers
    with bucket(url, "a-token", "mjosa") as name, psycopg.connect(databases.replace("+psycopg", "") + "postgres", autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        target = kind(url, "a-token", "mjosa", name, zone_of=lambda device, t: "north")

        def refill():
            registry = Registry.open(databases + name)
            Mirror(target, registry, lambda: T0, "http://127.0.0.1:8080").refill()
            registry.close()

        yield Ends(store, folder, target, databases + name, tmp_path / "new", refill), (url, name)
        target.close()


def everything(store):
    found = {}
    for c in store.coverage():
        rows = store.rows([c.sensor], c.quantity, 0, 9e9)
        found[c.sensor, c.quantity] = (rows.t.tolist(), np.nan_to_num(rows.x, nan=-999).tolist(), rows.flag.tolist(), rows.uplink.tolist(),
                                       rows.origin.tolist())  # fmt: skip
    return found


def test_everything_arrives_and_a_second_run_finds_it_there(old, servers, tmp_path):
    with ends(old, servers, tmp_path) as (both, (url, name)):
        shares = []
        moved = migrate(both, shares.append)
        assert (moved.series, moved.already_there, moved.readings, moved.files) == (10, 0, 5 * 2_000 + 5 * 334, 1)
        assert shares == sorted(shares)
        assert shares[-1] == 1.0
        assert everything(both.target) == everything(both.source)
        registry = Registry.open(both.target_registry)
        assert registry.town() == TOWN
        assert [e.id for e in registry.events.find()] == ["e1"]
        assert "test" in {a.action for a in registry.audit.find()}
        registry.audit.add(AuditEntry(T0 + 1, "x", "after", "x"))
        registry.close()
        assert (tmp_path / "new" / "uplinks" / "uplinks-000001.sqlite").read_bytes() == b"a log"
        shown = httpx.post(f"{url}/query", data={"db": name, "q": 'SELECT "title" FROM "event"'}).json()["results"][0]["series"][0]
        assert len(shown["values"]) == 1
        with pytest.raises(Conflict, match="audit"):  # the new side has gone on living
            migrate(both)


def test_a_migration_that_was_broken_off_goes_on(old, servers, tmp_path):
    class Tired(InfluxStore):
        """The real store, out of reach after its first batch until `rested`."""

        written, rested = 0, False

        def write(self, readings):
            self.written += 1
            if self.written > 1 and not self.rested:
                raise StoreUnavailable("InfluxDB is away")
            return super().write(readings)

    with ends(old, servers, tmp_path, Tired) as (both, _):
        with pytest.raises(StoreUnavailable):
            migrate(both)
        both.target.rested = True
        again = migrate(both)
        assert (again.series, again.already_there, again.readings) == (10, 5, 5 * 334)
        assert everything(both.target) == everything(both.source)


def test_a_log_that_has_taken_uplinks_is_not_overwritten(old, servers, tmp_path):
    with ends(old, servers, tmp_path) as (both, _):
        (both.target_dir / "uplinks").mkdir(parents=True)
        (both.target_dir / "uplinks" / "uplinks-000001.sqlite").write_bytes(b"another log")
        with pytest.raises(Conflict, match="uplinks holds other things"):
            migrate(both)
        assert not both.target.coverage()
        assert (both.target_dir / "uplinks" / "uplinks-000001.sqlite").read_bytes() == b"another log"


def test_what_is_not_a_data_folder_is_said(old, servers, tmp_path):
    with ends(old, servers, tmp_path) as (both, _):
        (both.source_dir / "registry.db").rename(both.source_dir / "elsewhere.db")
        with pytest.raises(NotFound, match="name the data folder"):
            migrate(both)


def test_the_migrate_command_prints_the_counts(old, servers, tmp_path):
    @contextmanager
    def opened(settings, folder):
        assert folder == old[0]
        with ends(old, servers, tmp_path) as (both, _):
            yield both

    app = typer.Typer()
    app.command()(migrate_command(opened))
    done = CliRunner().invoke(app, [str(old[0]), "--json"], obj=Settings(data_dir=tmp_path), catch_exceptions=False)
    assert json.loads(done.stdout)["readings"] == 5 * 2_000 + 5 * 334


def ask(process, settings):
    app = typer.Typer()
    app.command()(alive)
    done = CliRunner().invoke(app, [process], obj=settings)
    return done.exit_code, done.stdout.strip()


@pytest.mark.parametrize("process", [Process.INGEST, Process.ANALYSE])
def test_a_process_is_well_as_long_as_its_heart_beats(process, tmp_path):
    settings = Settings(data_dir=tmp_path)
    assert ask(process, settings) == (1, f"{process} has never been well on {tmp_path}")
    now = time.time()
    Heartbeat(tmp_path, process, lambda: now).beat({"lag_s": 1.0})
    assert ask(process, settings) == (0, f"{process} is well")
    Heartbeat(tmp_path, process, lambda: now - OLD_AFTER_S[process] - 10).beat()
    assert ask(process, settings)[0] == 1
    (tmp_path / f"heartbeat-{process}.json").write_text("half a")
    assert ask(process, settings)[0] == 1


def test_serve_is_well_when_it_says_it_is_ready(tmp_path):
    answers = [200, 503]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            assert self.path == "/ready"
            self.send_response(answers.pop(0))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    settings = Settings(data_dir=tmp_path, port=server.server_port)
    assert ask("serve", settings) == (0, "serve is well")
    assert ask("serve", settings)[0] == 1
    server.shutdown()
    thread.join()
    server.server_close()
    code, said = ask("serve", Settings(data_dir=tmp_path, port=free_port()))
    assert code == 1
    assert "nobody answers" in said


class Users(api.UserServiceServicer, api.InternalServiceServicer):
    """ChirpStack's users: one administrator with the password ChirpStack comes with."""

    def __init__(self):
        self.passwords = {"admin": "admin", "somebody": "x"}

    def Login(self, request, context):  # noqa: N802 – the service's own name
        if self.passwords.get(request.email) != request.password:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "invalid username or password")
        return api.LoginResponse(jwt="a")

    def List(self, request, context):  # noqa: N802 – the service's own name
        return api.ListUsersResponse(total_count=2, result=[api.UserListItem(id=n, email=n) for n in self.passwords][request.offset :])

    def UpdatePassword(self, request, context):  # noqa: N802 – the service's own name
        assert dict(context.invocation_metadata())["authorization"] == "Bearer a-key"
        self.passwords[request.user_id] = request.password
        return Empty()


def test_the_password_everybody_knows_is_replaced_once():
    users, server = Users(), grpc.server(ThreadPoolExecutor(2))
    api.add_UserServiceServicer_to_server(users, server)
    api.add_InternalServiceServicer_to_server(users, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with ChirpStack(f"127.0.0.1:{port}", "a-key") as client:
        assert replace_default_password(client, "first")
        assert users.passwords == {"admin": "first", "somebody": "x"}
        assert not replace_default_password(client, "second")
        assert users.passwords["admin"] == "first"
    server.stop(0).wait()


def test_init_prepares_every_part_and_again_changes_nothing(tmp_path):
    prepared, town = [], tmp_path / "town.yaml"
    save_town(TOWN, town)
    (tmp_path / "token").write_text("operator\n")
    with StandIn(tmp_path / "server") as server:
        settings = Settings(data_dir=tmp_path, chirpstack_url=server.address, chirpstack_token=server.token,
                            store_url="influxdb://127.0.0.1:1", influx_token="t")  # fmt: skip

        def prepare(given, token):
            prepared.append(token)
            return "bucket made"

        app = typer.Typer()
        app.command()(init_command(prepare, lambda given: Registry.open(f"sqlite:///{tmp_path}/registry.db"), native_models))

        def run():
            words = ["--influx-admin-token", str(tmp_path / "token"), "--town", str(town), "--json"]
            done = CliRunner().invoke(app, words, obj=settings, catch_exceptions=False)
            return [(s["part"], s["done"]) for s in json.loads(done.stdout)]

        first = run()
        assert first[:2] == [("store", "bucket made"), ("registry", "5 sensors of Gjøvik")]
        assert any("0016c001ff10a001" in str(done) or "Mast" in str(done) for _, done in first[2:])
        assert run()[1:] == [("registry", "it has a town already, which stays"),
                             ("network server", "tenant, application, profiles and base stations are right")]  # fmt: skip
        assert prepared == ["operator", "operator"]
