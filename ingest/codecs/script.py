"""One vendor script in QuickJS: compiled once per thread, run anew for each frame, under ChirpStack's limits.

Strict mode, 100 ms, capped memory, no I/O, `Buffer` there, nothing carried from one frame to the next. ChirpStack evaluates the
script as an ES module for every frame (chirpstack/src/codec/js/mod.rs); here it is the body of a strict function that is called
for every frame, which parses once and behaves the same.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import orjson
import quickjs

from core.errors import DecodeError
from ingest.codecs.diagnosis import Failure, explain
from ingest.codecs.tables import NAME, WRITTEN_TO, lift

TIME_LIMIT_S = 0.1
MEMORY_LIMIT_BYTES = 16 << 20
OWN_LINE = 100_000
"""Our own scripts are compiled below this line, so that a line in a stack trace tells whose it is."""
_BELOW = "\n" * OWN_LINE
ENTRIES = ("decodeUplink", "Decode", "Decoder", "decoder")
BytesShape = Literal["array", "base64", "hex"]

_STRICT_KINDS = ("ReferenceError", "TypeError", "SyntaxError")
"""What strict mode can be the cause of."""
_RUN, _LEAKED, _ENTRY = 0, 1, 2
_ATTEMPTS = 8
_HERE = Path(__file__).parent
_GLOBAL = re.compile(r"\b(?:globalThis|eval|Function|constructor)\b")
"""What can lead a script in strict mode to the global object."""
_IMPORT = re.compile(r"""(^[ \t]*|;[ \t]*)import\b\s*(?:([\w$*{][^'";]*?)\s*from\s*)?(["'])([^"'\n]+)\3[ \t]*;?""", re.MULTILINE)
_EXPORT_NAMED = re.compile(r"(^[ \t]*|[;}][ \t]*)export\s*\{([^}]*)\}[ \t]*;?", re.MULTILINE)
_EXPORT_DEFAULT = re.compile(r"(^[ \t]*|[;}][ \t]*)export\s+default\s+(?!(?:async\s+)?function\s*\*?\s*[\w$]|class\s+[\w$])", re.MULTILINE)
_EXPORT_DECLARED = re.compile(
    r"(^[ \t]*|[;}][ \t]*)export\s+(?:default\s+)?(?=const\b|let\b|var\b|function\b|class\b|async\b)", re.MULTILINE
)


class Script:
    """A codec's source, checked when made. `loose` is the compatibility switch: sloppy mode, console and require('buffer').

    Raises DecodeError where the script does not compile or has no decoding function.
    """

    def __init__(self, source: str, *, loose: bool = False, shape: BytesShape = "array") -> None:
        self.source = source.removeprefix("\ufeff")
        self.loose = loose
        self.shape: BytesShape = shape
        self._local = threading.local()
        self._lifts_tables = not loose
        self._explained: dict[str, str] = {}
        self.entry: str = self._call(_ENTRY, b"", 0, 0.0, {})

    def decode(self, payload: bytes, f_port: int, received_at: float, variables: Mapping[str, str]) -> dict[str, Any]:
        """The `data` object the codec returns; an older entry's array stands under `list`. NaN is `mapping.NOT_A_NUMBER` + "NaN".

        Raises DecodeError saying why where it loops, throws, returns errors or returns nothing.
        """
        text = self._call(_RUN, payload, f_port, received_at, variables)
        if text is None:
            raise DecodeError(f"the codec's {self.entry} returned nothing")
        result = orjson.loads(text)
        if not isinstance(result, dict):
            raise DecodeError(f"the codec's {self.entry} returned {text[:60]}, not an object")
        data = result.get("data")
        for part in (result, data if isinstance(data, dict) and self.entry != "decodeUplink" else {}):
            errors = part.get("errors")
            if errors:
                raise DecodeError("the codec reports: " + _joined(errors))
        if isinstance(data, list) and self.entry != "decodeUplink":
            return {"list": data}
        if not isinstance(data, dict) or not data:
            raise DecodeError(f"the codec's {self.entry} returned no data")
        return data

    def _call(self, job: int, payload: bytes, f_port: int, received_at: float, variables: Mapping[str, str]) -> Any:
        arguments = (
            orjson.dumps(list(payload)).decode(),
            f_port,
            received_at * 1000.0,
            orjson.dumps(dict(variables)).decode() if variables else "{}",
        )
        started = time.monotonic()
        for _ in range(_ATTEMPTS):
            try:
                return self._runner()(job, *arguments)
            except quickjs.JSException as error:
                failure = Failure.of(str(error), OWN_LINE)
                if failure.poisons:
                    self._local.__dict__.clear()
                if self._lifts_tables and failure.kind == "TypeError" and WRITTEN_TO.search(failure.message):
                    self._lifts_tables = False  # this script writes to its tables
                    self._local = threading.local()
                    continue
                # The limit counts processor time of all threads; only one used up by the clock on the wall is the codec's.
                if failure.interrupted and time.monotonic() - started < TIME_LIMIT_S:
                    continue
                raise DecodeError(self._explanation(failure, arguments)) from error
        raise DecodeError(explain(failure, self.source, (), False))

    def _runner(self) -> Any:
        """This thread's compiled script: (job, bytes as JSON, fPort, time in ms, variables as JSON) → JSON or None."""
        runner = getattr(self._local, "runner", None)
        if runner is None:
            runner = self._local.runner = compile_script(self.source, self.loose, self.shape, self._lifts_tables)
        return runner

    def _explanation(self, failure: Failure, arguments: tuple[Any, ...]) -> str:
        """In words; a failure in strict mode is tried in loose mode, once, to say whether the switch would help."""
        if failure.text not in self._explained:
            worth_a_try = not self.loose and failure.kind in _STRICT_KINDS
            leaked, runs_loose = self._try_loose(arguments) if worth_a_try else ((), False)
            if len(self._explained) > 100:
                self._explained.clear()
            self._explained[failure.text] = explain(failure, self.source, leaked, runs_loose)
        return self._explained[failure.text]

    def _try_loose(self, arguments: tuple[Any, ...]) -> tuple[tuple[str, ...], bool]:
        """The undeclared variables a frame creates in loose mode, and whether the frame decodes there."""
        try:
            runner = compile_script(self.source, True, self.shape)
            leaked = tuple(runner(_LEAKED, *arguments).split())
            runner(_ENTRY if arguments[0] == "[]" else _RUN, *arguments)
        except quickjs.JSException:
            return (), False
        return leaked, True


def compile_script(source: str, loose: bool, shape: BytesShape, lifts_tables: bool = False) -> Any:
    """A fresh context with the script in it. Raises quickjs.JSException where it does not compile."""
    context = quickjs.Context()
    context.set_memory_limit(MEMORY_LIMIT_BYTES)
    context.set_time_limit(TIME_LIMIT_S)
    for part in ("clock.js", "buffer.js"):
        context.eval(_own(part))
    found = ", ".join(f'{name}: typeof {name} === "undefined" ? undefined : {name}' for name in ENTRIES)
    mode = "" if loose else '"use strict";'
    body, tables = lift(as_function_body(source)) if lifts_tables else (as_function_body(source), [])
    make = context.eval(f"(function({NAME}){{return (function(){{{mode}{body}\n;return {{{found}}}}})}})")
    constants = context.eval(_BELOW + f"[{', '.join(tables)}]")
    commonjs = re.search(r"\b(?:module|exports)\b", body) is not None
    reaches_global = loose or commonjs or _GLOBAL.search(body) is not None
    names = context.parse_json(orjson.dumps(ENTRIES).decode())
    return context.eval(_own("runtime.js"))(make(constants), constants, names, shape, loose, commonjs, reaches_global)


def as_function_body(source: str) -> str:
    """The script without module syntax, line for line: imports become lookups, exports are dropped or noted in `exports`."""
    if not re.search(r"(?:^|[;}])[ \t]*(?:import|export)\b", source, re.MULTILINE):
        return source
    source = _IMPORT.sub(_import, source)
    source = _EXPORT_NAMED.sub(lambda m: f"{m[1]}Object.assign(exports, {{{_renamed(m[2], swap=True)}}});", source)
    source = _EXPORT_DEFAULT.sub(r"\1exports.default = ", source)
    return _EXPORT_DECLARED.sub(r"\1", source)


def _import(match: re.Match[str]) -> str:
    indent, what, _quote, name = match.groups()
    load = f'__load("{name}")'
    if what is None:
        return f"{indent}{load};"
    what = what.strip()
    if what.startswith("*"):
        return f"{indent}const {what.split()[-1]} = {load};"
    if what.startswith("{"):
        return f"{indent}const {_renamed(what)} = {load};"
    default, _, named = what.partition(",")
    extra = f" const {_renamed(named.strip())} = {load};" if named else ""
    return f"{indent}const {default.strip()} = {load}.default;{extra}"


def _renamed(names: str, swap: bool = False) -> str:
    """`a as b` → `a: b` (an import), or `b: a` (an export)."""
    return re.sub(r"([\w$]+)\s+as\s+([\w$]+)", r"\2: \1" if swap else r"\1: \2", names)


def _own(name: str) -> str:
    return _BELOW + (_HERE / name).read_text(encoding="utf-8")


def _joined(errors: Any) -> str:
    parts = errors if isinstance(errors, list) else [errors]
    return "; ".join(part if isinstance(part, str) else orjson.dumps(part).decode() for part in parts)
