"""Lists of sensors: read as people keep them, judged row by row, run twice without harm, exported and imported again."""

import pytest
from openpyxl import Workbook

from core.errors import ConfigError
from core.town import Sensor
from gateway.bulk import adopt, adoptable, announce, export, run
from gateway.chirpstack import NetworkDevice, NetworkServerUnavailable
from gateway.provisioning import ensure
from gateway.table import read_list, write_list
from tests.bench.bench_registration import rows
from tests.network.test_registration import EUI, KEY, OTHER, Place, place  # noqa: F401 - place is a fixture

NORWEGIAN = f"""Målepunkt;DevEUI;AppKey;Modell;Kum;Kumtype;Sone;Breddegrad;Lengdegrad;Dybde;Lokk;Merknad
kum-12;A8-17-58-FF-FE-0A-0B-0C;{KEY};elsys_elt2;OV-102;overflow_chamber;sone-1;60,7931;10,6912;2,4;støpejern;bratt
kum-13;{OTHER};{KEY};elsys_elt2;K-7;;;;;;;
"""


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def verdicts(place, listing, **options):  # noqa: F811
    return [(v.line, v.verdict) for v in run(place.registration, listing.rows, "kari", **options)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_a_norwegian_list_is_understood(place, tmp_path, encoding):  # noqa: F811
    listing = read_list(write(tmp_path / "liste.csv", NORWEGIAN, encoding))
    assert listing.columns["dev_eui"] == "DevEUI"
    assert listing.ignored == ("Merknad",)
    assert verdicts(place, listing, dry_run=True) == [(2, "new"), (3, "new")]
    assert place.registry.town().current == {}, "a dry run writes nothing"
    assert verdicts(place, listing) == [(2, "new"), (3, "new")]
    town = place.registry.town()
    sensor = town.current["kum-12"]
    assert (sensor.dev_eui, sensor.mounting.depth_m, sensor.mounting.cover) == (EUI, 2.4, "cast_iron")
    assert (town.position_of(sensor), town.zone_of(sensor), town.asset_of(sensor).kind) == (
        (60.7931, 10.6912),
        "sone-1",
        "overflow_chamber",
    )
    assert place.client.keys(EUI) == {"app_key": KEY.lower()}


def test_the_second_run_finds_everything_done(place, tmp_path):  # noqa: F811
    listing = read_list(write(tmp_path / "liste.csv", NORWEGIAN))
    verdicts(place, listing)
    revision = place.registry.town_revision()
    assert verdicts(place, listing) == [(2, "same"), (3, "same")]
    assert place.registry.town_revision() == revision


def test_a_run_cut_off_goes_on_where_it_stopped(place):  # noqa: F811
    part = run(place.registration, rows(250), "kari")
    for _ in range(30):
        next(part)
    part.close()
    found = {v.verdict for v in run(place.registration, rows(250), "kari")}
    assert found == {"new", "same"}
    assert len(place.registry.town().current) == 250
    assert len(list(place.fleet.all())) == 250


def test_each_row_stands_alone(place, tmp_path):  # noqa: F811
    place.registry.put(Sensor(id="kum-1", dev_eui="a81758fffe0a0b01", asset="K-7"), "test")
    text = f"""sensor,dev_eui,app_key,model,asset,latitude
ok,{EUI},{KEY},elsys_elt2,OV-101,
short,a81758fffe0a0b,{KEY},elsys_elt2,,
twice,{EUI},{KEY},elsys_elt2,,
badkey,a81758fffe0a0b02,1234,elsys_elt2,,
nomodel,a81758fffe0a0b03,{KEY},,,
unknown,a81758fffe0a0b04,{KEY},elsys,,
kum-1,a81758fffe0a0b05,{KEY},elsys_elt2,,
taken,a81758fffe0a0b01,{KEY},elsys_elt2,,
place,a81758fffe0a0b06,{KEY},elsys_elt2,OV-101,91
"""
    found = {v.sensor: v for v in run(place.registration, read_list(write(tmp_path / "l.csv", text)).rows, "kari")}
    assert {name: v.verdict for name, v in found.items()} == {
        "ok": "new", "short": "wrong", "twice": "conflict", "badkey": "wrong", "nomodel": "wrong", "unknown": "wrong",
        "kum-1": "conflict", "taken": "conflict", "place": "wrong"}  # fmt: skip
    assert "line 2" in found["twice"].text
    assert "--model" in found["nomodel"].text
    assert "latitude" in found["place"].text
    assert KEY not in repr(found)
    assert set(place.registry.town().current) == {"ok", "kum-1"}


def test_a_changed_cell_changes_the_sensor_and_an_empty_one_keeps_it(place, tmp_path):  # noqa: F811
    verdicts(place, read_list(write(tmp_path / "a.csv", NORWEGIAN)))
    text = f"sensor,dev_eui,name,interval_s\nkum-12,{EUI},Overløp ved brua,300\n"
    assert verdicts(place, read_list(write(tmp_path / "b.csv", text))) == [(2, "changed")]
    sensor = place.registry.town().current["kum-12"]
    assert (sensor.name, sensor.interval_s, sensor.asset, sensor.mounting.depth_m) == ("Overløp ved brua", 300.0, "OV-102", 2.4)
    assert place.client.device(EUI).name == "Overløp ved brua"
    assert place.client.keys(EUI) == {"app_key": KEY.lower()}


def test_the_export_is_importable(place, tmp_path):  # noqa: F811
    verdicts(place, read_list(write(tmp_path / "a.csv", NORWEGIAN)))
    town = place.registry.town()
    for name in ("out.csv", "out.xlsx"):
        write_list(export(town, place.fleet, with_keys=True), tmp_path / name)
        assert verdicts(place, read_list(tmp_path / name)) == [(2, "same"), (3, "same")]
    without = write_list(export(town), None)
    assert KEY.lower() not in without.lower()


def test_an_exported_town_moves_to_another_installation(place, tmp_path):  # noqa: F811
    verdicts(place, read_list(write(tmp_path / "a.csv", NORWEGIAN)))
    write_list(export(place.registry.town(), place.fleet, with_keys=True), tmp_path / "out.csv")
    (tmp_path / "other").mkdir()
    other = Place(tmp_path / "other")
    try:
        assert verdicts(other, read_list(tmp_path / "out.csv")) == [(2, "new"), (3, "new")]
        assert other.registry.town().current == place.registry.town().current
        assert other.client.keys(EUI) == {"app_key": KEY.lower()}
    finally:
        other.close()


def test_columns_can_be_mapped(place, tmp_path):  # noqa: F811
    path = write(tmp_path / "l.csv", f"Radio\tHemmelig\tDings\n{EUI}\t{KEY}\telsys_elt2\n")
    with pytest.raises(ConfigError, match="no column holds the DevEUI"):
        read_list(path)
    listing = read_list(path, {"Radio": "dev_eui", "Hemmelig": "app_key", "Dings": "model"})
    assert verdicts(place, listing) == [(2, "new")]
    with pytest.raises(ConfigError, match="did you mean 'dev_eui'"):
        read_list(path, {"Radio": "dev_eu"})
    with pytest.raises(ConfigError, match="no column 'Radi'"):
        read_list(path, {"Radi": "dev_eui"})


def test_a_workbook_reads_like_the_csv(tmp_path):
    book = Workbook()
    sheet = book.active
    for line in (["DevEUI", "AppKey", "Dybde"], [EUI, KEY, 2.5], [None, None, None], ["0000000000000001", KEY, 3]):
        sheet.append(line)
    book.save(tmp_path / "l.xlsx")
    assert [(r.line, r.values["dev_eui"], r.values["depth_m"]) for r in read_list(tmp_path / "l.xlsx").rows] == [
        (2, EUI, "2.5"), (4, "0000000000000001", "3")]  # fmt: skip
    (tmp_path / "no.xlsx").write_text("not a workbook")
    with pytest.raises(ConfigError, match="not an Excel workbook"):
        read_list(tmp_path / "no.xlsx")


def test_nothing_is_written_when_chirpstack_is_down(place):  # noqa: F811
    place.fleet.provision()
    place.down()
    with pytest.raises(NetworkServerUnavailable):
        list(run(place.registration, rows(3), "kari"))
    assert place.registry.town().current == {}


def test_devices_that_chirpstack_has_are_adopted_with_their_session(place):  # noqa: F811
    models = place.fleet.products
    elsewhere = ensure(place.client, [models["milesight_em500_pp"]], tenant="mjosa", application="old system")
    place.client.create_device(NetworkDevice(EUI, "Trykk Hunton", elsewhere.application_id, elsewhere.profiles["milesight_em500_pp"]))
    place.client.set_key(EUI, KEY)
    dev_addr = place.server.events.join(EUI)
    ((device, model),) = adoptable(place.fleet, place.registry.town())
    assert (device.dev_eui, model) == (EUI, "milesight_em500_pp")
    assert adopt(place.registration, device, model, "kari").verdict == "new"
    sensor = place.registry.town().current["Trykk Hunton"]
    assert (sensor.dev_eui, sensor.valid_from) == (EUI, float("-inf"))
    now = place.client.device(EUI)
    assert (now.application_id, now.tags["mjosa_sensor"]) == (elsewhere.application_id, "Trykk Hunton")
    assert (place.client.dev_addr(EUI), place.client.keys(EUI)) == (dev_addr, {"app_key": KEY.lower()})
    assert list(adoptable(place.fleet, place.registry.town())) == []


def test_a_town_from_a_file_is_announced_once(place):  # noqa: F811
    place.registry.put(Sensor(id="a", dev_eui=EUI, model="elsys_elt2", asset="K-7"), "test")
    place.registry.put(Sensor(id="wired", dev_eui="plc-7", model="elsys_elt2", asset="K-7"), "test")
    place.registry.put(Sensor(id="gone", dev_eui=OTHER, model="elsys_elt2", valid_to=1.0), "test")
    assert announce(place.registration) == 1
    assert announce(place.registration) == 0
    assert place.client.device(EUI).tags["mjosa_sensor"] == "a"
    assert not place.client.has_keys(EUI)
