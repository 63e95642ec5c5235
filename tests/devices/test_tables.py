"""Constant tables lifted out of a script: faster, and never visible in what the script gives."""

from pathlib import Path

import pytest

from core.errors import DecodeError
from ingest.codecs.script import Script
from ingest.codecs.tables import SHORTEST, lift

CODECS = Path(__file__).parent / "codecs"
ROWS = "".join(
    f"  0x{i:02x}: {{ type: 'Volume', unit: \"m3\", resolution: 1E-{i % 7}, on: true, /* {{ */ parts: [-{i}, null] }},\n" for i in range(40)
)
TABLE = "var TABLE = {\n" + ROWS + "};\n"
READS = TABLE + "function decodeUplink(input) { return { data: { row: TABLE[input.bytes[0]] } }; }"


def writes(statement: str) -> Script:
    return Script(
        TABLE + f"function decodeUplink(input) {{ {statement}; return {{ data: {{ n: TABLE[1].n || 0, unit: TABLE[2].unit }} }}; }}"
    )


def test_a_plain_table_is_lifted_line_for_line():
    body, tables = lift(READS)
    assert tables == [TABLE.removeprefix("var TABLE = ").removesuffix(";\n")]
    assert body.startswith("var TABLE = __tables[0]\n")
    assert body.count("\n") == READS.count("\n")
    assert Script(READS).decode(b"\x03", 1, 0, {}) == {
        "row": {"type": "Volume", "unit": "m3", "resolution": 0.001, "on": True, "parts": [-3, None]}
    }


@pytest.mark.parametrize("statement", ["TABLE[1].n = (TABLE[1].n || 0) + 1", "Object.assign(TABLE[1], {n: 1})", "TABLE[1] = {n: 1}"])
def test_a_script_that_writes_to_its_table_still_starts_anew_each_frame(statement):
    script = writes(statement)
    for _ in range(3):
        assert script.decode(b"\x01", 1, 0, {}) == {"n": 1, "unit": "m3"}


def test_a_type_error_of_the_scripts_own_is_still_told():
    with pytest.raises(DecodeError, match=r"'name' is read-only"):
        writes("const name = 1; name = 2").decode(b"\x01", 1, 0, {})


@pytest.mark.parametrize(
    "declaration",
    [
        "var T = {" + "a: f(1)," * 60 + "};", "var T = {" + "a: 1," * 60 + "}.a;", "var T = [" + "1, " * 100 + "].map(String);",
        "var T = {" + "a: `x`," * 60 + "};", "var T = {" + "a() {}," * 60 + "};", "var T = {" + "__proto__: null," * 30 + "};",
        "var T = {" + "a: b," * 60 + "};", "var T = {" + "a: 1," * 60, "  var T = {" + "a: 1," * 60 + "};", "var T = {a: 1};",
        "var T = {" + "a: 1," * 60 + "}, U = 1;", "var T = {" + "a: /x/," * 60 + "};", "var T = {" + "...a," * 60 + "};",
    ],
)  # fmt: skip
def test_anything_but_a_plain_table_stays(declaration):
    assert lift(declaration + "\nvar x;\n") == (declaration + "\nvar x;\n", [])


def test_a_table_without_semicolon_is_lifted_before_a_new_statement_only():
    literal = "{" + "a: 1," * (SHORTEST // 4) + "}"
    assert len(lift(f"var T = {literal}\n\nfunction f() {{}}\n")[1]) == 1
    assert len(lift(f"var T = {literal}\n// note\nvar x = 1;\n")[1]) == 1
    assert lift(f"var T = {literal}\n.a;\n")[1] == []
    assert lift(f"var T = {literal}\n[0];\n")[1] == []


def test_lines_in_messages_stay_the_same():
    with pytest.raises(DecodeError, match=r"\(line 44\)"):
        Script(TABLE + "function decodeUplink(input) {\n  throw new Error('here');\n}").decode(b"\x01", 1, 0, {})


@pytest.mark.parametrize("path", sorted(CODECS.glob("*/codec.js")), ids=lambda p: p.parent.name)
def test_every_style_is_the_same_with_a_lifted_table_before_it(path):
    source = path.read_text()
    body, tables = lift(TABLE + source)
    assert len(tables) == 1
    assert body.endswith(source[-40:])
