"""Opening and migrating: up from every released schema with data in place, foreign databases refused, many writers at once."""

import contextlib
import json
import math
import sqlite3
import subprocess
import sys
import threading
import uuid
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from core.errors import Conflict, StoreRejected, StoreUnavailable
from core.model import Event
from core.records import Alarm, AuditEntry, MasterValue
from core.registry import Registry
from core.registry.database import connect, migrate
from core.registry.dump import dump, load
from core.registry.tables import metadata
from core.town import Sensor, Zone
from tests.registry.conftest import T0
from tests.stores.ports import free_port

RELEASED = sorted((Path(__file__).parent / "released").glob("*.json"))
ROOT = Path(__file__).parent.parent.parent


def test_the_migrations_build_the_schema_that_the_code_uses(url):
    engine = connect(url)
    migrate(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": False}), metadata) == []
    engine.dispose()


@pytest.mark.parametrize("released", RELEASED, ids=lambda p: p.stem)
def test_data_of_every_released_schema_comes_up(url, released):
    """`released/<revision>.json` holds rows as that release wrote them, by table."""
    engine = connect(url)
    migrate(engine, to=released.stem)
    then = sa.MetaData()
    then.reflect(engine)
    rows = json.loads(released.read_text())
    with engine.begin() as connection:
        for table, content in rows.items():
            connection.execute(sa.insert(then.tables[table]), content)
    engine.dispose()
    registry = Registry.open(url)
    town = registry.town()
    assert (town.utility.name, [s.id for s in town.sensors], [z.id for z in town.zones]) == ("Gjøvik", ["M1", "L1"], ["north", "south"])
    assert town.sensor_at("00000000000000a1", T0).asset == "house-1"
    assert [(e.id, e.revision) for e in registry.events.find(sensor="L1")] == [("e1", 3)]
    assert [(a.id, a.state, a.comments[0].text) for a in registry.alarms.find()] == [("a1", "acknowledged", "on my way")]
    assert [f.value for f in registry.figures.find(history=True)] == [12.0, 12.5]
    assert registry.master.at("population", "north", T0).value == 900.0
    assert registry.users.get("anna").roles == {"admin"}
    assert registry.keys.by_prefix("mj_ab")[0].name == "grafana"
    assert [m.id for m in registry.outbox.due(T0, 10)] == ["m1"]
    assert registry.audit.find()[0].subject == "M1"
    assert registry.documents.get("cursor") == {"seq": 5}
    assert registry.maintenance.find(T0, T0 + 1)[0].kind == "flushing"
    assert registry.commissionings.find()[0].verdict == "good"
    registry.close()


def test_every_migration_has_data_of_the_schema_it_left():
    revisions = {p.name.split("_")[0].removeprefix("v") for p in (ROOT / "core/registry/migrations/versions").glob("v*.py")}
    assert {p.stem for p in RELEASED} == revisions


def test_opening_twice_is_harmless(url):
    Registry.open(url).close()
    Registry.open(url).close()


def test_a_newer_database_is_refused(url):
    engine = connect(url)
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreRejected, match=r"'9999'.*newer Mjøsa"):
        migrate(engine)
    engine.dispose()


def test_a_database_of_something_else_is_refused_and_left_as_it_is(url):
    engine = connect(url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE wages (name varchar(9))"))
    with pytest.raises(StoreRejected, match="wages"):
        Registry.open(url)
    assert sa.inspect(engine).get_table_names() == ["wages"]
    engine.dispose()


def test_a_foreign_file_is_not_changed_by_a_byte(tmp_path):
    path = tmp_path / "other.db"
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE wages (name)")
    before = path.read_bytes()
    with pytest.raises(StoreRejected, match="wages"):
        Registry.open(f"sqlite:///{path}")
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["other.db"]


def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "not.db"
    path.write_bytes(b"sensor,quantity\n" * 1000)
    with pytest.raises(StoreRejected, match="not a database"):
        Registry.open(f"sqlite:///{path}")
    assert path.read_bytes() == b"sensor,quantity\n" * 1000


def test_nobody_there():
    with pytest.raises(StoreUnavailable, match="does not answer"):
        Registry.open(f"postgresql+psycopg://mjosa:secret-word@127.0.0.1:{free_port()}/mjosa")


def test_the_password_is_not_shown():
    with pytest.raises(StoreUnavailable) as refusal:
        Registry.open(f"postgresql+psycopg://mjosa:secret-word@127.0.0.1:{free_port()}/mjosa")
    assert "secret-word" not in str(refusal.value)


def test_a_reader_does_not_wait_for_a_writer(registry, url):
    other = connect(url)
    with other.begin() as writing:
        writing.execute(sa.text("DELETE FROM audit"))
        registry._town._checked = -10.0
        assert registry.town().sensors == ()
        assert registry.events.find() == []
    other.dispose()


def test_threads_write_at_once(registry):
    def work(name):
        for i in range(20):
            registry.audit.add(AuditEntry(T0 + i, name, "test", str(i)))
            registry.events.save(
                [Event("shared", "k", "d", (name,), None, None, T0, None, T0, 0.0, 0.0, 0.0, 1.0, details={"i": float(i)})]
            )

    threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(registry.audit.find()) == 80
    assert registry.events.get("shared").revision > 20


def test_processes_open_and_write_at_once(url):
    code = (
        "import sys; from core.registry import Registry; from core.records import AuditEntry\n"
        "r = Registry.open(sys.argv[1])\n"
        "for i in range(10): r.audit.add(AuditEntry(float(i), sys.argv[2], 'test', str(i)))\n"
        "r.close()"
    )
    workers = [subprocess.Popen([sys.executable, "-c", code, url, f"p{n}"], cwd=ROOT) for n in range(3)]
    assert [w.wait(60) for w in workers] == [0, 0, 0]
    registry = Registry.open(url)
    assert len(registry.audit.find()) == 30
    registry.close()


def test_a_dump_goes_from_either_database_into_either(registry, town, url, postgres_server, tmp_path):
    registry.import_town(town, "setup")
    registry.events.save([Event("e1", "k", "d", ("L1",), None, None, T0, None, T0, math.inf, 0.0, 0.0, 1.0)])
    registry.master.put(MasterValue("population", "north", 900.0, -math.inf, math.inf, "SSB", T0))
    count = dump(registry.engine, tmp_path / "dump.jsonl")
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_server.replace("+psycopg", "") + "postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    for other in (f"sqlite:///{tmp_path}/other.db", postgres_server + name):
        assert load(tmp_path / "dump.jsonl", other) == count
        back = Registry.open(other)
        assert back.town() == town
        assert back.events.find() == registry.events.find()
        assert back.master.all() == registry.master.all()
        assert back.audit.find() == registry.audit.find()
        back.audit.add(AuditEntry(T0, "anna", "test", "goes on"))
        with pytest.raises(Conflict, match="not empty"):
            load(tmp_path / "dump.jsonl", other)
        back.close()


def test_two_processes_change_the_town_at_once(url, town):
    """Each sees the other's change before its own, so none is lost and no device is placed twice."""
    ours = [Registry.open(url) for _ in range(3)]
    ours[0].import_town(town, "setup")
    refused = []

    def work(number, registry):
        for i in range(6):
            registry.put(Zone(id=f"zone-{number}-{i}"), f"p{number}")
            try:
                registry.put(Sensor(id=f"S{number}", dev_eui=f"{i:016x}", valid_from=T0 + i, valid_to=T0 + i + 1), f"p{number}")
            except Conflict:
                refused.append((number, i))

    threads = [threading.Thread(target=work, args=(n, r)) for n, r in enumerate(ours)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for registry in ours:
        registry._town._checked = -10.0
        now = registry.town()
        assert len(now.zones) == 2 + 18
        assert len([s for s in now.sensors if s.id.startswith("S")]) == 6
        assert registry.town_revision() == 1 + 18 + 6
        registry.close()
    assert len(refused) == 12


def test_two_processes_report_the_same_cause(url):
    ours = [Registry.open(url) for _ in range(3)]
    alarm = Alarm("", "one-cause", "overflow", "major", "open", None, None, (), (), T0, T0, T0)

    def work(number, registry):
        for i in range(5):
            registry.alarms.raise_(replace(alarm, id=f"a{number}-{i}", score=float(i), events=(f"e{number}",)))

    threads = [threading.Thread(target=work, args=(n, r)) for n, r in enumerate(ours)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ours[0].alarms.find()) == 1
    for registry in ours:
        registry.close()
