"""Device profiles for ChirpStack: its own message takes them, and their scripts are strict ES modules."""

import json
from pathlib import Path

import pytest
import quickjs
from chirpstack_api import api
from google.protobuf.json_format import ParseDict

from ingest.codecs.chirpstack import profile_of, script_of
from ingest.codecs.codec import load_codec
from ingest.device_model import native_models
from ingest.models import ModelLibrary

CODECS = Path(__file__).parent / "codecs"
SCRIPTED = sorted(p.parent.name for p in CODECS.glob("*/codec.js"))


@pytest.mark.parametrize("key", native_models())
def test_chirpstack_takes_every_native_profile(key):
    profile = ParseDict(json.loads(json.dumps(profile_of(native_models()[key]))), api.DeviceProfile())
    assert (profile.region, profile.supports_otaa, profile.tags["mjosa_model"]) == (0, True, key)
    assert profile.payload_codec_runtime == api.CodecRuntime.NONE
    assert profile.uplink_interval > 0


def test_measurements_are_named_and_counted():
    measurements = profile_of(native_models()["axioma_qalcosonic_w1"])["measurements"]
    assert measurements["volume_m3"] == {"name": "Volume index [m³]", "kind": "COUNTER"}
    assert measurements["temperature_c"]["kind"] == "GAUGE"
    nested = profile_of(load_codec(CODECS / "table_driven"))["measurements"]
    assert nested["pressure_value"] == {"name": "Pressure [bar]", "kind": "GAUGE"}


@pytest.mark.parametrize("style", SCRIPTED)
def test_an_exported_script_is_a_strict_module_with_decode_uplink(style):
    codec = load_codec(CODECS / style)
    script = script_of(codec)
    if codec.script.loose or codec.map_file.bytes != "array":
        assert script == ""
        return
    assert ParseDict(profile_of(codec), api.DeviceProfile()).payload_codec_script == script
    context = quickjs.Context()
    plain = "\n".join(line for line in script.splitlines() if not line.startswith("import "))
    context.module(plain + "\nglobalThis.found = typeof decodeUplink;")
    assert context.get("found") == "function" or "as decodeUplink" in script


def test_an_old_signature_gets_an_adapter():
    context = quickjs.Context()
    context.module(script_of(load_codec(CODECS / "ttn_v2_strings")) + "\nglobalThis.decode = decodeUplink;")
    assert context.eval("JSON.stringify(decode({bytes: [13, 10, 7, 233, 0, 0, 50, 1], fPort: 2}).data.Distance)") == '"2025"'
    context = quickjs.Context()
    context.module(script_of(load_codec(CODECS / "common_js")) + "\nglobalThis.decode = decodeUplink;")
    assert context.eval("decode({bytes: [1, 244, 1], fPort: 1}).data.flow") == 5


def test_every_model_of_a_library_has_a_profile(tmp_path):
    library = ModelLibrary(CODECS)
    for key in library.keys():  # noqa: SIM118
        assert profile_of(library.get(key))["tags"] == {"mjosa_model": key}
