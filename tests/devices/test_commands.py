"""`mjosa devices …` as a person uses it."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from core.errors import ConfigError, Conflict, DecodeError, NotFound
from core.settings import Settings
from ingest.codecs.catalogue import devices_page
from ingest.commands_devices import app
from ingest.device_model import meanings, native_models

CODECS = Path(__file__).parent / "codecs"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(tmp_path):
    settings = Settings(data_dir=tmp_path)

    def call(*arguments: str, exit_code: int = 0):
        result = CliRunner().invoke(app, [str(a) for a in arguments], obj=settings)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == exit_code, result.output
        return result.output

    return call


def test_the_page_of_products_is_current():
    assert (ROOT / "docs" / "devices.md").read_text(encoding="utf-8") == devices_page(), "run python -m ingest.codecs.catalogue"


def test_list_and_show(run):
    listed = json.loads(run("list", "--json"))
    assert {m["key"] for m in listed} == set(native_models())
    assert "Qalcosonic" in run("list")
    shown = json.loads(run("show", "milesight_em500_pp", "--json"))
    assert shown["bounds"] == {"pressure_bar": "-1 to 16"}
    assert "fPort 85 01755c037b0a00" in run("show", "milesight_em500_pp")
    with pytest.raises(NotFound, match="did you mean milesight_em500_pp"):
        run("show", "em500_pp")


def test_decode_one_frame(run):
    assert "92" in run("decode", "--model", "milesight_em500_pp", "--fport", "85", "01755C037B0A00")
    samples = json.loads(run("decode", "-m", "axioma_qalcosonic_w1", "-p", "103", "43b1315d88", "--json"))
    assert samples == [{"quantity": "status_bits", "value": 0x8800, "at": "2019-07-19T12:02:11Z", "age_s": 0.0, "flag": 2}]
    metered = run("decode", "-m", "elsys_elt2", "-p", "5", "0b0001e240", "-o", "litres_per_pulse=100", "--json")
    assert [s["value"] for s in json.loads(metered)] == [123456.0, 12345.6]
    missing = json.loads(run("decode", "-m", "niab_level", "cc0fffff", "--json"))[2]
    assert (missing["value"], missing["flag"]) == (None, 9)
    with pytest.raises(DecodeError, match="not hexadecimal"):
        run("decode", "-m", "niab_level", "xyz")
    with pytest.raises(DecodeError, match="4 bytes"):
        run("decode", "-m", "niab_level", "cc")


def test_a_script_not_added_yet_shows_its_fields(run):
    shown = run("decode", "--codec", CODECS / "table_driven" / "codec.js", "02032b0003806797810c2b")
    assert "pressure.value: 0.0125732421875" in shown
    listed = run("decode", "--codec", CODECS / "tagged_es5" / "codec.js", "-p", "85", "20ce9e7446630a00")
    assert "history[0].pressure: 10" in listed
    with pytest.raises(DecodeError, match="never declared"):
        run("decode", "--codec", CODECS / "sloppy_strict" / "codec.js", "-p", "5", "0100c6")
    assert "temperature: 19.8" in run("decode", "--codec", CODECS / "sloppy_strict" / "codec.js", "--loose", "-p", "5", "0100c6")


def test_status_bits_are_told_in_words(run):
    assert "160 (burst)" in run("decode", "-m", "axioma_qalcosonic_w1", "-p", "100", "0ea0355da0302935000000000000000000")
    assert meanings(native_models()["axioma_qalcosonic_w1"].status, 0xA0) == ("burst",)
    assert meanings(native_models()["axioma_qalcosonic_w1"].status, 0x24) == ("low_battery", "leak")
    assert meanings(native_models()["axioma_qalcosonic_w1"].status, 0) == ()


def test_add_then_decode(run, tmp_path):
    source = CODECS / "table_driven"
    assert "acme_probe: reads pressure_bar" in run("add", source / "codec.js", "--map", source / "map.yaml", "--key", "acme_probe")
    assert (tmp_path / "devices" / "acme_probe" / "codec.js").read_bytes() == (source / "codec.js").read_bytes()
    assert "3.115" in run("decode", "-m", "acme_probe", "-p", "1", "02032b0003806797810c2b")
    with pytest.raises(Conflict, match="--replace"):
        run("add", source / "codec.js", "--map", source / "map.yaml", "--key", "acme_probe")
    run("add", source / "codec.js", "--map", source / "map.yaml", "--key", "acme_probe", "--replace")
    with pytest.raises(Conflict, match="never changes meaning"):
        run("add", source / "codec.js", "--map", source / "map.yaml", "--key", "niab_level", "--replace")


def test_add_a_map_alone(run):
    assert "from ChirpStack's object" in run("add", "--map", CODECS / "object_only" / "map.yaml")
    assert "example_decoded_by_chirpstack" in {m["key"] for m in json.loads(run("list", "--json"))}


def test_add_loose(run, tmp_path):
    source = CODECS / "sloppy_strict" / "codec.js"
    mapped = tmp_path / "map.yaml"
    mapped.write_text(
        "fields: {air_temperature_c: temperature}\nexamples: [{bytes: 0100c6070e0a, f_port: 5, gives: {air_temperature_c: 19.8}}]\n"
    )
    with pytest.raises(ConfigError, match="assigns to 'i', which is never declared"):
        run("add", source, "--map", mapped, "--key", "box")
    run("add", source, "--map", mapped, "--key", "box", "--loose")
    assert "19.8" in run("decode", "-m", "box", "-p", "5", "0100c6070e0a")


def test_nothing_is_written_for_a_codec_that_is_not_sound(run, tmp_path):
    bad = tmp_path / "map.yaml"
    bad.write_text("key: acme\nfields:\n  pressure_bar: {path: p, unit: furlong}\n")
    with pytest.raises(ConfigError, match=r"map\.yaml:3: fields\[0\]: 'furlong' is no unit"):
        run("add", CODECS / "table_driven" / "codec.js", "--map", bad)
    bad.write_text(
        "key: acme\nfields: {pressure_bar: pressure.value}\nexamples: [{bytes: 02032b0003806797810c2b, gives: {pressure_bar: 9}}]\n"
    )
    with pytest.raises(ConfigError, match=r"gives pressure_bar = 0\.0125732, expected 9"):
        run("add", CODECS / "table_driven" / "codec.js", "--map", bad)
    assert not (tmp_path / "devices").exists()


def test_test_runs_examples_of_ttns_device_repository(run, tmp_path):
    shutil.copy(CODECS / "errors_warnings" / "codec.js", tmp_path / "pls2-l.js")
    page = tmp_path / "pls2-l-codec.yaml"
    page.write_text("""
uplinkDecoder:
  fileName: pls2-l.js
  examples:
    - description: level
      input: {fPort: 15, bytes: [0x01, 0xE8, 0x00, 0x00, 0xD6, 0x00, 0x00, 0x22]}
      output: {data: {level: 214, batteryVoltage: 3.4}}
    - description: as hexadecimal text
      input: {fPort: 15, bytes: 01E80000D6000022, recvTime: 2024-01-01T00:00:00Z}
      output: {data: {level: 214, batteryVoltage: 3.4}}
    - description: port
      input: {fPort: 1, bytes: [1]}
      output: {errors: ["Unknown FPort: please use fPort 15"]}
""")
    assert run("test", page).count("ok  ") == 4
    page.write_text(page.read_text().replace("level: 214", "level: 215", 1))
    assert "data.level is 214, expected 215" in run("test", page, exit_code=1)


def test_test_a_script_alone_and_a_folder(run, tmp_path):
    assert "Decoder" in run("test", CODECS / "ttn_v2_strings" / "codec.js")
    assert "FAIL" not in run("test", CODECS / "returns_nothing")
    (tmp_path / "codec.js").write_text("function decodeUplink(input) { return 1 +; }")
    assert "does not compile" in run("test", tmp_path / "codec.js", exit_code=1)


def test_export_writes_one_profile_for_each_model(run, tmp_path):
    out = tmp_path / "profiles"
    run("export-chirpstack", "--out", out)
    assert {p.stem for p in out.iterdir()} == set(native_models())
    profile = json.loads((out / "vegapuls_air.json").read_text())
    assert (profile["region"], profile["mac_version"]) == ("EU868", "LORAWAN_1_0_3")
