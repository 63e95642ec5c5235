"""Scripts in the styles met in the field, each with its map and what its frames must give or how they must fail."""

import concurrent.futures
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import ConfigError, DecodeError
from core.model import Uplink
from core.quantities import QUANTITIES
from ingest.codecs.checking import check_path
from ingest.codecs.codec import load_codec
from ingest.codecs.script import ENTRIES, Script

FOLDER = Path(__file__).parent / "codecs"
STYLES = sorted(path.name for path in FOLDER.iterdir())
ENDLESS = {"loops", "eats_memory"}


@pytest.mark.parametrize("style", STYLES)
def test_style_runs_or_fails_as_documented(style):
    checks = check_path(FOLDER / style)
    assert len(checks) > 1, "a codec without examples proves nothing"
    assert [f"{c.what}: {c.problem}" for c in checks if c.problem is not None] == []


@pytest.mark.parametrize("style", sorted(set(STYLES) - ENDLESS))
@settings(max_examples=25, deadline=None)
@given(payload=st.binary(max_size=60), f_port=st.integers(0, 255))
def test_any_bytes_give_samples_or_a_decode_error(style, payload, f_port):
    codec = CODECS[style]
    uplink = Uplink("", "", 0, f_port, payload, None, None, None, 0.0, object={"measurements": {"p": payload.hex()}})
    try:
        samples = replace(codec, uplink=uplink).read(payload, f_port)
    except DecodeError:
        return
    for s in samples:
        assert s.quantity in QUANTITIES
        assert type(s.value) is float
        assert s.value - s.value == 0.0, "finite"


CODECS = {style: load_codec(FOLDER / style) for style in STYLES}


def test_a_thread_of_its_own_for_each_context():
    codec = CODECS["tagged_es5"]
    payload = bytes.fromhex("01755c037b0a00")
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: codec.read(payload, 85)[1].value, range(600)))
    assert found == [0.1] * 600


def test_a_codec_that_once_looped_still_reads_the_next_frame():
    codec = CODECS["loops"]
    for _ in range(3):
        with pytest.raises(DecodeError, match="100 ms"):
            codec.read(b"\x02", 1)
        assert codec.read(b"\x01\x01", 1)[0].value == 2.0


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_entry_is_found_as_function_and_as_constant(entry):
    body = "(a, b) { return { data: { n: 1 }, n: 1 }; }"
    arrow = "(a, b) => ({ data: { n: 1 }, n: 1 })"
    for source in (f"function {entry}{body}", f"const {entry} = {arrow};", f"exports.{entry} = {arrow}", f"globalThis.{entry} = {arrow}"):
        script = Script(source)
        assert script.entry == entry
        assert script.decode(b"\x01", 1, 0.0, {})["n"] == 1


def test_decode_takes_its_arguments_by_their_names():
    assert Script("function Decode(fPort, bytes) { return { n: bytes[0], p: fPort }; }").decode(b"\x07", 3, 0.0, {}) == {"n": 7, "p": 3}
    assert Script("function Decode(bytes, fPort) { return { n: bytes[0], p: fPort }; }").decode(b"\x07", 3, 0.0, {}) == {"n": 7, "p": 3}
    assert Script("function Decoder(port, payload) { return { n: payload[0], p: port }; }").decode(b"\x07", 3, 0.0, {}) == {"n": 7, "p": 3}


def test_input_is_chirpstacks():
    script = Script("""function decodeUplink(input) {
      return { data: { keys: Object.keys(input).sort().join(), array: Array.isArray(input.bytes), date: input.recvTime instanceof Date,
                       at: input.recvTime.getTime(), name: input.variables.depth } };
    }""")
    data = script.decode(b"\x01\x02", 9, 1_700_000_000.5, {"depth": "2.5"})
    assert data == {"keys": "bytes,fPort,recvTime,variables", "array": True, "date": True, "at": 1_700_000_000_500, "name": "2.5"}


def test_no_way_out():
    for name in ("console", "require", "process", "fetch", "setTimeout", "std", "os", "XMLHttpRequest", "WebAssembly"):
        assert Script(f"function decodeUplink() {{ return {{ data: {{ t: typeof {name} }} }}; }}").decode(b"\x01", 1, 0, {}) == {
            "t": "undefined"
        }
    with pytest.raises(DecodeError, match="could not load module 'fs'"):
        Script("import fs from 'fs';\nfunction decodeUplink() {}")


def test_a_script_that_does_not_compile_says_where():
    with pytest.raises(DecodeError, match=r"does not compile: .* \(line 3\)"):
        Script("function decodeUplink(input) {\n  return {\n    data: }\n}")
    with pytest.raises(DecodeError, match=r"Octal literals are not allowed in strict mode \(line 1\)\. It runs in loose mode"):
        Script("var x = 010; function decodeUplink() { return { data: { x: x } }; }")
    with pytest.raises(DecodeError, match="copied out of JSON"):
        Script(r"function decodeUplink(input) {\n var a = 1;\n var b = 2;\n return { data: { a: a } };\n}")
    with pytest.raises(DecodeError, match="no decodeUplink"):
        Script("function decodePayload(bytes) {}")


def test_buffer_does_what_nodes_does():
    """Each expression's value under Node 20, by its documentation (nodejs.org/docs/latest-v20.x/api/buffer.html)."""
    cases = {
        "Buffer.from('héllo').toString('hex')": "68c3a96c6c6f",
        "Buffer.from('68c3a96c6c6f', 'hex').toString()": "héllo",
        "Buffer.from('€𝄞').toString('base64')": "4oKs8J2Eng==",
        "Buffer.from('4oKs8J2Eng==', 'base64').toString('utf8')": "€𝄞",
        "Buffer.from([255, 254]).toString('base64url')": "__4",
        "Buffer.from('__4', 'base64').toJSON().data.join()": "255,254",
        "Buffer.from([0xff]).toString('utf8')": "\ufffd",
        "Buffer.from('ab', 'latin1').toString('binary')": "ab",
        "Buffer.from('hi', 'utf16le').toString('hex')": "68006900",
        "Buffer.from([1,2,3,4]).readUInt16LE(1)": 770,
        "Buffer.from([1,2,3,4]).readUint16BE(1)": 515,
        "Buffer.from([255,255,255,254]).readInt32BE()": -2,
        "Buffer.from([255,255,255,254]).readUInt32BE(0)": 4294967294,
        "Buffer.from([0x3f,0xc0,0,0]).readFloatBE(0)": 1.5,
        "Buffer.from([0,0,0,0,0,0,0xf8,0x3f]).readDoubleLE(0)": 1.5,
        "String(Buffer.from([1,0,0,0,0,0,0,0]).readBigUInt64LE())": "1",
        "Buffer.from([0x80,0,1]).readIntBE(0, 3)": -8388607,
        "Buffer.from([1,0,0,0,0,1]).readUIntLE(0, 6)": 1099511627777,
        "Buffer.from([1,2,3]).slice(1).toString('hex')": "0203",
        "Buffer.from([1,2,3]).subarray(-1)[0]": 3,
        "Buffer.isBuffer(Buffer.from([1]).slice(0)) && Buffer.from([1]) instanceof Uint8Array": True,
        "Buffer.concat([Buffer.from([1]), Buffer.from([2, 3])]).length": 3,
        "Buffer.alloc(3, 7).toString('hex')": "070707",
        "new Buffer([1, 2]).length + Buffer('ff', 'hex').length": 3,
        "Buffer.from([1, 2]).equals(new Uint8Array([1, 2]))": True,
        "Buffer.byteLength('é')": 2,
        "Buffer.from([5,6,7]).indexOf(7) + (Buffer.from('abc').includes('bc') ? 10 : 0)": 12,
        "(() => { const b = Buffer.alloc(4); b.writeInt16BE(-2, 1); return b.toString('hex'); })()": "00fffe00",
        "(() => { const b = Buffer.alloc(4); b.write('hi', 1); return b.toString('ascii', 1, 3); })()": "hi",
        "Buffer.from([1,2,3,4]).swap16().toString('hex')": "02010403",
        "[...Buffer.from([1, 2]).entries()].join(';')": "0,1;1,2",
        "Buffer.from([3, 1, 2]).map((x) => x * 2).join()": "6,2,4",
        "JSON.stringify(Buffer.from([1]))": '{"type":"Buffer","data":[1]}',
    }
    listed = ", ".join(cases)
    data = Script(f"function decodeUplink() {{ return {{ data: {{ all: [{listed}] }} }}; }}").decode(b"\x01", 1, 0, {})
    assert dict(zip(cases, data["all"], strict=True)) == cases


def test_a_folder_with_mistakes_names_each_with_its_line(tmp_path):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "map.yaml").write_text("fields:\n  pressure_bar: {path: p, unit: kpaa}\n  volum_m3: {path: x, pth: y}\n")
    with pytest.raises(ConfigError) as caught:
        load_codec(tmp_path / "bad")
    lines = [problem.split("map.yaml:")[1] for problem in caught.value.problems]
    assert lines == [
        "2: fields[0]: 'kpaa' is no unit of pressure_bar (bar); did you mean 'kPa'?",
        "3: fields[1].pth: not a known field; did you mean 'path'?",
        "3: fields[1].quantity: there is no quantity 'volum_m3'; did you mean 'volume_m3'?",
    ]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Oslo", "America/New_York"])
def test_local_time_in_a_codec_is_utc_wherever_the_server_is(zone, monkeypatch):
    expressions = {
        "new Date(2024, 6, 1, 12, 30).getTime()": 1719837000000,
        "new Date('2024-07-01T12:30:00').getTime()": 1719837000000,
        "new Date('2024-07-01 12:30:00').toISOString()": "2024-07-01T12:30:00.000Z",
        "new Date('2024-07-01T12:30:00+02:00').getTime()": 1719829800000,
        "new Date('2024-07-01').getHours()": 0,
        "Date.parse('2024-07-01T12:30:00Z')": 1719837000000,
        "new Date(input.recvTime).getHours()": 22,
        "input.recvTime.getTimezoneOffset()": 0,
        "(() => { const d = new Date(0); d.setHours(5); return d.getTime(); })()": 18000000,
        "input.recvTime instanceof Date": True,
        "String(new Date(0)).slice(0, 24)": "Thu Jan 01 1970 00:00:00",
        "isNaN(new Date('nonsense'))": True,
    }
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        listed = ", ".join(expressions)
        script = Script(f"function decodeUplink(input) {{ return {{ data: {{ all: [{listed}] }} }}; }}")
        data = script.decode(b"\x01", 1, 1_700_000_000, {})
    finally:
        monkeypatch.undo()
        time.tzset()
    assert dict(zip(expressions, data["all"], strict=True)) == expressions
