"""ChirpStack's device profile for a product, as plain data that `google.protobuf.json_format.ParseDict` takes into api.DeviceProfile."""

from __future__ import annotations

import re
from typing import Any

from core.quantities import QUANTITIES
from ingest.codecs.codec import Codec
from ingest.codecs.paths import compile_path
from ingest.models import MODEL_TAG, PROFILE_PREFIX, Decoder

_REVISION = {"1.0.2": "B", "1.0.3": "A", "1.0.4": "RP002_1_0_3", "1.1.0": "B"}
_STATUS_PER_DAY = 1
_COMMON_JS = "const module = { exports: {} }; const exports = module.exports; "
_ADAPTERS = {
    "Decode": "function decodeUplink(input) { return { data: Decode(input.fPort, input.bytes, input.variables) }; }",
    "Decoder": "function decodeUplink(input) { return { data: Decoder(input.bytes, input.fPort) }; }",
    "decoder": "function decodeUplink(input) { return { data: decoder(input.bytes, input.fPort) }; }",
}


def profile_of(model: Decoder) -> dict[str, Any]:
    """The template: LoRaWAN settings, measurements, and the codec script where there is one that runs in ChirpStack.

    Native models need no codec there: Mjøsa decodes the bytes. The tag `mjosa_model` leads back from the profile to the model.
    """
    script = script_of(model)
    return {
        "name": f"{PROFILE_PREFIX}{model.key}"[:100],
        "description": f"{model.vendor} {model.product}".strip(),
        "region": model.profile.region,
        "mac_version": "LORAWAN_" + model.profile.mac_version.replace(".", "_"),
        "reg_params_revision": _REVISION[model.profile.mac_version],
        "adr_algorithm_id": "default",
        "supports_otaa": model.profile.supports_otaa,
        "supports_class_b": model.profile.device_class == "B",
        "supports_class_c": model.profile.device_class == "C",
        "uplink_interval": round(model.profile.uplink_s),
        "device_status_req_interval": _STATUS_PER_DAY,
        "flush_queue_on_activate": False,
        "payload_codec_runtime": "JS" if script else "NONE",
        "payload_codec_script": script,
        "auto_detect_measurements": False,
        "measurements": measurements(model),
        "tags": {MODEL_TAG: model.key},
    }


def script_of(model: Decoder) -> str:
    """The codec for ChirpStack: empty for native models and for scripts that need loose mode, which ChirpStack lacks."""
    if not isinstance(model, Codec) or model.script is None or model.script.loose or model.map_file.bytes != "array":
        return ""
    source, entry = model.script.source, model.script.entry
    declared = re.search(rf"\b(?:function|const|let|var)\s+{entry}\b|\bas\s+{entry}\b", source) is not None
    before = _COMMON_JS if re.search(r"\b(?:module|exports)\b", source) else ""
    after = "" if declared else f"\nconst {entry} = module.exports.{entry} || module.exports;\n"
    return before + source + after + (f"\n{_ADAPTERS[entry]}\n" if entry in _ADAPTERS else "")


def measurements(model: Decoder) -> dict[str, dict[str, str]]:
    """{ChirpStack's key: {name, kind}}; its keys are a codec's nested names joined with `_`."""
    if not isinstance(model, Codec):
        return {q: _measurement(q) for q in model.measures}
    found = {}
    for rule in model.map_file.fields:
        steps = compile_path(rule.path) if rule.path else ()
        if steps and None not in steps:
            found["_".join(map(str, steps))] = _measurement(rule.quantity)
    return found


def _measurement(quantity: str) -> dict[str, str]:
    known = QUANTITIES[quantity]
    return {"name": f"{known.en} [{known.unit}]" if known.unit else known.en, "kind": "COUNTER" if known.counter else "GAUGE"}
