"""docs/devices.md, made from what is registered: products, their options and bits, and how to add one."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from core.quantities import QUANTITIES
from ingest.codecs.map_file import Example, MapFile, Rule, When
from ingest.codecs.script import ENTRIES, MEMORY_LIMIT_BYTES, TIME_LIMIT_S
from ingest.codecs.units import units_of
from ingest.device_model import DeviceModel, native_models

_HEAD = """\
# Sensor products

Made by `python -m ingest.codecs.catalogue`; a test holds it current. `mjosa devices list`, `show KEY` and
`decode --model KEY --fport N HEX` tell the same on the command line.
"""

_ADDING = f"""\
## Adding a product by its vendor's codec

Vendors publish a JavaScript codec for ChirpStack or The Things Network. It runs in Mjøsa as it is; a map file says which of
its output fields is which quantity.

```
mjosa devices test vendor-codec.yaml                       # TTN's device repository: runs its examples
mjosa devices decode --codec codec.js --fport 2 0d0a07e9   # its output fields, to write the map by
mjosa devices add codec.js --map map.yaml                  # checks the script, the map and its examples, then keeps both
mjosa devices decode --model acme_aquaflow --fport 2 0d0a07e9
```

The two files are kept in `devices/<key>/` of the data folder as `codec.js` and `map.yaml` and may be edited there: a changed
file is read anew with the next frame, and its version tells old readings from new ones. Without `codec.js` the map reads the
`object` that ChirpStack decoded. An uplink finds its product by the registered sensor's model, else by the tag
`mjosa_model`, else by the name of its device profile. An object of a product nobody named is read if its fields have
canonical names, or by the map in `devices/object/`.

```yaml
vendor: Acme
product: AquaFlow 2
options: {{litres_per_pulse: 10}}          # defaults; a sensor's own options win, and reach the script as input.variables
fields:                                   # short form: quantity: path, or quantity: {{path, unit, …}}
  battery_v: {{path: status.battery, unit: mV}}
  volume_m3: {{path: pulses, unit: l, scale: litres_per_pulse}}
  pressure_bar: {{path: 'history[*].p', unit: kPa, time: 'history[*].ts'}}
  flow_m3h: {{path: 'flows[*]', unit: l/s, time: first_at, step_s: 900, newest: last}}
  contact: {{path: door, values: {{open: 1, closed: 0}}}}
examples:
  - {{bytes: 0d0a07e9, f_port: 2, gives: {{battery_v: 3.338}}}}
  - {{bytes: ff, f_port: 2, fails: unknown frame}}
```

### What a codec may and may not do

The rules are ChirpStack's: a codec that runs there runs here. What runs here only (the older entries, `module.exports`) is
adapted by `mjosa devices export-chirpstack`.

- Entries, in this order: {", ".join(f"`{name}`" for name in ENTRIES)}. `decodeUplink(input)` gets `input.bytes` (an array of
  numbers), `input.fPort`, `input.recvTime` (a Date) and `input.variables` (texts), and returns `{{data: {{…}}}}`. The older
  `Decode(fPort, bytes, variables)` and `Decoder(bytes, port)` return the data itself; arguments go by their names. An
  array they return stands under `list`.
- Strict mode. `Buffer` is there; `buffer`, `base64-js` and `ieee754` can be imported; `module.exports` and `exports` are read.
  There is no `console`, `require`, `fetch` or timer. Local time is UTC, as in
  ChirpStack's image.
- {TIME_LIMIT_S * 1000:.0f} ms for a frame and {MEMORY_LIMIT_BYTES >> 20} MB of memory.
- Each frame starts from nothing: variables a script sets do not live on.
- A frame becomes a dead letter, with the reason, where the codec loops, throws, returns `errors`, returns nothing, or gives NaN
  or text for a mapped field. `null` and absent fields are missing values; `warnings` are ignored, as in ChirpStack.

**Compatibility switch.** Scripts written for TTN's loose mode may assign to variables they never declare. Mjøsa names the
variables and lines. Repair the script, or set `loose: true` in the map (`devices add --loose`): it then runs in sloppy mode,
with a silent `console` and `require('buffer')`. It will still not run in ChirpStack, so `export-chirpstack` leaves it out.
`bytes: base64` (or `hex`) hands the payload over as text to scripts that expect it so.

### Map file
"""

_UNITS = """\
### Units

A quantity is kept in its canonical unit as a 64-bit float for ever; these source units are converted. `scale` and `offset`
follow the unit: value = (x · unit) · scale + offset; either may be a number or the name of an option.
"""

_NOTES = {
    "key": "the product's key; else the folder's name", "vendor": "shown in lists", "product": "shown in lists",
    "version": "of the map; a digest of the files is added", "source": "where the codec came from",
    "loose": "the compatibility switch", "bytes": "how `input.bytes` is given: array, base64, hex",
    "uplink_s": "usual seconds between uplinks", "mac_version": "LoRaWAN version", "device_class": "A, B or C",
    "options": "{name: number}, what must be known of one unit", "variables": "{name: text}, constant `input.variables`",
    "bounds": "{quantity: [lowest, highest]}; values outside are flagged as failed", "status": "{mask: meaning} of status_bits",
    "fields": "the rules, below", "examples": "frames and what they give",
    "at_least_one": "a frame without any mapped field is a dead letter",
    "quantity": "canonical name", "path": "`a.b`, `a[0]`, `a['b c']`, `list[*].x` for every element", "constant": "instead of path",
    "unit": "of the source; else the canonical one", "scale": "number, or an option's name", "offset": "number, or an option's name",
    "values": "{text or number: number}", "time": "path of the time of measurement: Unix s, Unix ms, or ISO 8601",
    "time_zone": "of times that name none: UTC or Europe/Oslo", "age": "age when sent: number or path", "age_unit": "s, ms, min, h, d",
    "step_s": "seconds between the elements of a list without times of their own; `time` is then the first one's",
    "newest": "which end of such a list: first or last", "base": "path of the index that the elements are differences from",
    "base_unit": "its unit, where it differs",
    "f_port": "the rule counts on these ports only", "when": "the rule counts only where this holds (or all of a list)",
    "missing": "values that stand for none, such as 65535 or NaN", "required": "a frame without it is a dead letter",
    "suspect": "where this holds the value is flagged suspect",
    "equals": "this value", "differs": "any other value", "one_of": "one of a list", "above": "more than this", "below": "less than this",
    "exists": "true: is there; false: is not",
    "object": "instead of bytes, where ChirpStack decodes", "gives": "{quantity: value}, the newest of each", "fails": "part of the reason",
}  # fmt: skip

_EXAMPLE_NOTES = {"bytes": "the payload in hexadecimal, in quotes", "f_port": "its port"}


def devices_page() -> str:
    """The whole page, Markdown."""
    models = native_models().values()
    parts = [_HEAD, "## Native models\n", _overview(models), *map(_section, models), _ADDING]
    for title, kind in (("the file", MapFile), ("a rule of `fields`", Rule), ("`when` and `suspect`", When), ("`examples`", Example)):
        notes = _NOTES | (_EXAMPLE_NOTES if kind is Example else {})
        fields = [(f"`{field.alias or name}`", notes[name], _default(field.default)) for name, field in kind.model_fields.items()]
        parts.append(f"**{title}**\n\n" + _table(("field", "meaning", "default"), fields))
    parts.append(_UNITS)
    rows = [(f"`{q.name}`", q.en, ", ".join(units_of(q.name)), f"{q.low:g} to {q.high:g}") for q in QUANTITIES.values()]
    parts.append(_table(("quantity", "", "units", "physical bounds"), rows))
    return "\n".join(parts)


def _overview(models: Iterable[DeviceModel]) -> str:
    rows = [
        (f"`{m.key}`", m.vendor, m.product, ", ".join(m.measures), _profile(m), str(len(m.vectors)))
        for m in models
    ]  # fmt: skip
    return _table(("model", "vendor", "product", "quantities", "LoRaWAN", "published frames"), rows)


def _profile(model: DeviceModel) -> str:
    p = model.profile
    return f"{p.mac_version}, class {p.device_class}, {p.uplink_s / 60:g} min"


def _section(model: DeviceModel) -> str:
    text = sys.modules[model.decode.__module__].__doc__ or ""
    lines = [f"### {model.key}\n", text.strip(), ""]
    if model.options:
        lines.append("- defaults: " + ", ".join(f"`{name}` {value:g}" for name, value in model.options.items()))
    if model.bounds:
        lines.append("- span: " + ", ".join(f"{q} {low:g} to {high:g}" for q, (low, high) in model.bounds.items()))
    if model.status:
        lines.append("- status_bits: " + ", ".join(f"0x{mask:02x} {meaning}" for mask, meaning in model.status.items()))
    lines += [f"- fPort {v.f_port} `{v.payload}` ({v.source})" for v in model.vectors]
    return "\n".join(lines) + "\n"


def _default(value: object) -> str:
    text = "" if value is None or type(value).__name__ == "PydanticUndefinedType" else str(value)
    return "" if text in ("()", "{}", "") else f"`{text}`"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(devices_page())
