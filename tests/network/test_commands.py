"""`mjosa sensors` and `mjosa zones` beside a running stand-in."""

import json

import pytest
from typer.testing import CliRunner

from core.errors import ConfigError, NotFound
from core.registry import Registry
from core.settings import Settings
from core.town import Sensor
from gateway import commands
from gateway.chirpstack import ChirpStack
from gateway.connect import open_registration
from gateway.provisioning import ensure
from gateway.registration import Entry, Keys
from ingest.device_model import native_models
from simulators.network_server import StandIn
from tests.network.test_bulk import NORWEGIAN
from tests.network.test_registration import EUI, KEY, OTHER, TOWN


@pytest.fixture
def mjosa(tmp_path):
    """Runs a command as mjosa.py would; (exit code, standard output, standard error)."""
    commands.use(native_models)
    settings = Settings(data_dir=tmp_path)
    registry = Registry.open(commands.database_url(settings))
    registry.import_town(TOWN, "test")
    registry.close()

    def run(*arguments, group=commands.app):
        result = CliRunner().invoke(group, list(arguments), obj=settings)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    with StandIn(tmp_path / "network"):
        yield run


def test_import_list_export(mjosa, tmp_path):
    (tmp_path / "liste.csv").write_text(NORWEGIAN)
    code, out, said = mjosa("import", str(tmp_path / "liste.csv"), "--dry-run")
    assert code == 0
    assert "2 new (nothing written)" in said
    assert "Merknad" in said
    code, out, _ = mjosa("import", str(tmp_path / "liste.csv"), "--json")
    assert (code, json.loads(out)["counts"]) == (0, {"new": 2})
    listed = json.loads(mjosa("list", "--json")[1])
    assert {(r["sensor"], r["zone"], r["waiting"]) for r in listed} == {("kum-12", "sone-1", None), ("kum-13", None, None)}
    assert KEY.lower() not in mjosa("export")[1].lower()
    assert mjosa("export", str(tmp_path / "out.csv"), "--with-keys")[0] == 0
    assert json.loads(mjosa("import", str(tmp_path / "out.csv"), "--json")[1])["counts"] == {"same": 2}


def test_a_bad_row_makes_exit_code_1(mjosa, tmp_path):
    (tmp_path / "l.csv").write_text(f"dev_eui,app_key,model\n{EUI},{KEY},elsys_elt2\n1234,{KEY},elsys_elt2\n")
    code, out, _ = mjosa("import", str(tmp_path / "l.csv"))
    assert code == 1
    assert "1234" in out


def test_a_life_of_a_sensor(mjosa, tmp_path):
    (tmp_path / "key").write_text(KEY)
    key = ("--key-file", str(tmp_path / "key"))
    start, later, last = "2026-05-01T08:00:00Z", "2026-05-02T08:00:00Z", "2026-05-03T08:00:00Z"
    out = mjosa("register", "kum-12", EUI, "--model", "elsys_elt2", "--asset", "OV-101", "--at", start, *key, "--json")[1]
    assert json.loads(out)["status"] == "done"
    assert KEY not in out
    mjosa("calibrate", "kum-12", "distance_m", "--offset", "0.02", "--at", later)
    mjosa("move", "kum-12", "K-7", "--at", later)
    mjosa("swap", "kum-12", OTHER, "--at", last, *key)
    mjosa("retire", "kum-12", "--at", "2026-05-04T08:00:00Z")
    (row,) = json.loads(mjosa("list", "--json")[1])
    assert (row["dev_eui"], row["asset"], row["retired"]) == (OTHER, "K-7", True)


def test_zones_and_assets(mjosa):
    mjosa("put", "sone-2", "--name", "Hunndalen", "--population", "4200", group=commands.zones_app)
    mjosa("asset", "VK-9", "--zone", "sone-2", "--kind", "manhole", "--depth-m", "2.5", group=commands.zones_app)
    mjosa("put", "sone-2", "--name", "Hunndalen sør", group=commands.zones_app)
    found = {z["zone"]: z for z in json.loads(mjosa("list", "--json", group=commands.zones_app)[1])}
    assert (found["sone-2"]["name"], found["sone-2"]["population"], found["sone-2"]["assets"]) == ("Hunndalen sør", 4200, 1)


def test_without_a_network_server_it_says_so(mjosa, tmp_path):
    (tmp_path / "network" / "network_server.json").unlink()

    with pytest.raises(NotFound, match="MJOSA_CHIRPSTACK_URL"):
        mjosa("adopt")


def test_a_sensor_is_told_something(mjosa, tmp_path):
    (tmp_path / "l.csv").write_text(f"sensor,dev_eui,app_key,model\nkum-1,{EUI},{KEY},milesight_em500_swl\n")
    mjosa("import", str(tmp_path / "l.csv"))
    (sent,) = json.loads(mjosa("tell", "kum-1", "interval_s", "600", "--json")[1])
    assert sent["state"] == "waiting"
    mjosa("tell-raw", "kum-1", "85", "ff10ff")
    assert [t["command"] for t in json.loads(mjosa("told", "kum-1", "--json")[1])] == ["raw ff10ff", "interval_s"]
    with pytest.raises(ConfigError, match="not hexadecimal"):
        mjosa("tell-raw", "kum-1", "85", "zz")


def test_a_tenants_own_key_works_with_the_tenants_id(tmp_path):
    registry = Registry.open(f"sqlite:///{tmp_path}/registry.db")
    registry.import_town(TOWN, "test")
    with StandIn(tmp_path / "elsewhere") as server, ChirpStack(server.address, server.token) as admin:
        made = ensure(admin, [], tenant="vann")
        settings = Settings(data_dir=tmp_path, chirpstack_url=f"http://{server.address}", chirpstack_tenant=made.tenant_id,
                            chirpstack_token=server.create_api_key("mjosa", made.tenant_id))  # fmt: skip
        registration = open_registration(settings, registry, native_models())
        sensor = Sensor(id="kum-1", dev_eui=EUI, model="elsys_elt2", asset="K-7", valid_from=1.0)
        assert registration.register(Entry("x", sensor, Keys(KEY)), "kari").status == "done"
        assert admin.device(EUI).application_id == made.application_id
        registration.fleet.client.close()
    registry.close()
