"""Finding the decoder of an uplink: sensor, tag, profile name, ChirpStack's own object; and codecs that change on disk."""

import os
import shutil
from pathlib import Path

import pytest

from core.errors import DecodeError
from core.model import Uplink
from core.town import Sensor
from ingest.codecs.codec import MAP_NAME, SCRIPT_NAME
from ingest.models import MODEL_TAG, ModelLibrary, as_key

CODECS = Path(__file__).parent / "codecs"


def uplink(**changes) -> Uplink:
    base = {"dev_eui": "0011223344556677", "dev_addr": "", "f_cnt": 1, "f_port": 85, "payload": bytes.fromhex("01755c037b0a00")}
    base |= dict.fromkeys(("time", "gateway_time", "server_time")) | {"received_at": 0.0}
    return Uplink(**{**base, **changes})


def sensor(model: str) -> Sensor:
    return Sensor(id="p1", dev_eui="0011223344556677", model=model)


@pytest.fixture
def folder(tmp_path) -> Path:
    shutil.copytree(CODECS / "tagged_es5", tmp_path / "acme_pressure")
    shutil.copytree(CODECS / "object_only", tmp_path / "acme_object")
    return tmp_path


def test_sensor_then_tag_then_profile_name():
    library = ModelLibrary()
    assert library.find(sensor("milesight_em500_pp"), uplink(tags={MODEL_TAG: "niab_level"})).key == "milesight_em500_pp"
    assert library.find(None, uplink(tags={MODEL_TAG: "niab_level"}, profile_name="vegapuls_air")).key == "niab_level"
    assert library.find(None, uplink(profile_name="mjosa vegapuls_air")).key == "vegapuls_air"
    assert library.find(None, uplink(profile_name="Milesight EM500-PP")).key == "milesight_em500_pp"
    with pytest.raises(DecodeError, match="none registered"):
        library.find(None, uplink())
    with pytest.raises(DecodeError, match="'acme_9000' is not known"):
        library.find(sensor("acme_9000"), uplink())


def test_a_codec_in_the_folder_reads_frames(folder):
    model = ModelLibrary(folder).find(sensor("acme_pressure"), uplink())
    assert model.version.startswith("1+")
    assert [(s.quantity, s.value) for s in model.read(uplink().payload, 85)] == [("battery_pct", 92.0), ("pressure_bar", 0.1)]
    assert set(ModelLibrary(folder).keys()) > {"acme_pressure", "acme_object", "vegapuls_air"}


def test_the_object_chirpstack_decoded_is_mapped(folder):
    decoded = uplink(object={"measurements": {"p": 520.0, "leak": "off"}})
    model = ModelLibrary(folder).find(sensor("acme_object"), decoded)
    assert [(s.quantity, s.value) for s in model.read(b"\x01", 1)] == [("pressure_bar", 5.2), ("contact", 0.0)]
    with pytest.raises(DecodeError, match="sent no decoded object"):
        ModelLibrary(folder).find(sensor("acme_object"), uplink()).read(b"\x01", 1)


def test_an_unknown_products_object_is_read_by_canonical_names():
    model = ModelLibrary().find(None, uplink(object={"pressure_bar": 4.5, "inner": {"level_m": "0.7"}, "colour": "blue"}))
    assert model.key == "object"
    assert [(s.quantity, s.value) for s in model.read(b"\x01", 1)] == [("pressure_bar", 4.5), ("level_m", 0.7)]
    with pytest.raises(DecodeError, match="no mapped field among colour"):
        ModelLibrary().find(None, uplink(object={"colour": "blue"})).read(b"\x01", 1)


def test_a_folder_named_object_says_how_unknown_objects_are_read(folder):
    shutil.copytree(CODECS / "object_only", folder / "object")
    model = ModelLibrary(folder).find(sensor("unheard_of"), uplink(object={"measurements": {"p": 100.0}}))
    assert [(s.quantity, s.value) for s in model.read(b"\x01", 1)] == [("pressure_bar", 1.0)]


def test_a_known_model_is_preferred_to_the_object():
    model = ModelLibrary().find(sensor("milesight_em500_pp"), uplink(object={"pressure_bar": 99.0}))
    assert model.read(uplink().payload, 85)[1].value == 0.1


def test_a_changed_codec_is_read_anew_under_another_version(folder):
    library = ModelLibrary(folder)
    before = library.get("acme_pressure")
    assert library.get("acme_pressure") is before
    path = folder / "acme_pressure" / MAP_NAME
    path.write_text("fields: {battery_v: {path: battery, scale: 0.04}}")
    os.utime(path, ns=(1, 1))
    after = library.get("acme_pressure")
    assert after.version != before.version
    assert [s.quantity for s in after.read(uplink().payload, 85)] == ["battery_v"]


def test_a_broken_codec_makes_dead_letters_until_it_is_repaired(folder):
    library = ModelLibrary(folder)
    script = folder / "acme_pressure" / SCRIPT_NAME
    good = script.read_text()
    script.write_text("function decodeUplink(input) {")
    with pytest.raises(DecodeError, match="acme_pressure: the codec does not compile"):
        library.find(sensor("acme_pressure"), uplink()).read(uplink().payload, 85)
    script.write_text(good)
    assert len(library.find(sensor("acme_pressure"), uplink()).read(uplink().payload, 85)) == 2
    shutil.rmtree(folder / "acme_pressure")
    assert library.get("acme_pressure") is None


def test_a_native_key_cannot_be_replaced(folder):
    shutil.copytree(CODECS / "tagged_es5", folder / "niab_level")
    assert ModelLibrary(folder).get("niab_level").vendor == "NIAB"


def test_a_key_is_never_a_path(folder):
    shutil.copytree(CODECS / "tagged_es5", folder.parent / "outside")
    assert ModelLibrary(folder).get("../outside") is None


def test_names_become_keys():
    assert as_key("Acme AquaFlow 2 (EU)") == "acme_aquaflow_2_eu"


def test_options_reach_the_script_as_variables(tmp_path):
    shutil.copytree(CODECS / "chirpstack_v3", tmp_path / "meter")
    codec = ModelLibrary(tmp_path).get("meter")
    found = {s.quantity: s.value for s in codec.read(bytes.fromhex("00000102"), 2, {"litres_per_pulse": 2.5})}
    assert found == {"pulses": 258.0, "volume_m3": pytest.approx(0.645), "flow_m3h": pytest.approx(0.005)}
