"""Why a script failed, in words that tell the reader what to change and where."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

LIMIT_TEXT = "100 ms"
SWITCH = "or set 'loose: true' in its map file"
_ABSENT = {
    "console", "require", "process", "setTimeout", "setInterval", "clearTimeout", "fetch", "XMLHttpRequest", "window", "document",
    "util", "TextDecoder", "TextEncoder", "Intl", "__dirname",
}  # fmt: skip
_HELPED = {"console", "require"}
_FRAME = re.compile(r"<input>:(\d+):(\d+)")


@dataclass(frozen=True, slots=True)
class Failure:
    """A QuickJS exception taken apart: kind (ReferenceError …, "" for a thrown value), message, line in the script (0: unknown)."""

    kind: str
    message: str
    line: int

    @classmethod
    def of(cls, text: str, own_line: int) -> Failure:
        head, _, stack = text.partition("\n    at ")
        kind, colon, message = head.strip().partition(": ")
        lines = [int(m[1]) for m in _FRAME.finditer(stack)]
        line = next((n for n in lines if n <= own_line), 0)
        if colon and re.fullmatch(r"[A-Z]\w*Error|Error", kind):
            return cls(kind, message, line)
        return cls("", head.removesuffix("\nundefined").strip(), line)

    @property
    def text(self) -> str:
        return f"{self.kind}: {self.message} @{self.line}"

    @property
    def interrupted(self) -> bool:
        return self.kind == "InternalError" and self.message.startswith("interrupted")

    @property
    def poisons(self) -> bool:
        """The engine itself gave up: its context is not used again."""
        return self.kind == "InternalError" or (not self.kind and self.message in ("null", ""))


def explain(failure: Failure, source: str, leaked: Sequence[str], runs_loose: bool) -> str:
    """One sentence. `leaked`: undeclared variables the frame sets in loose mode; `runs_loose`: whether it decodes there."""
    at = f"line {failure.line}" if failure.line else "the codec"
    if failure.interrupted:
        return f"the codec did not finish within {LIMIT_TEXT}, where ChirpStack stops it too ({at}): it loops"
    if failure.poisons:
        return f"the codec ran out of memory ({at})"
    if failure.kind == "RangeError" and "call stack" in failure.message:
        return f"the codec calls itself without end ({at})"
    if failure.kind == "ReferenceError":
        return _reference(failure, source, leaked, runs_loose, at)
    what = f"{failure.kind}: {failure.message}" if failure.kind else failure.message
    if failure.kind == "SyntaxError":
        if source.count("\\n") > source.count("\n") + 3:
            return "the codec does not compile: it has \\n where its lines should end; it was copied out of JSON, take the plain file"
        return f"the codec does not compile: {failure.message} ({at})" + _loose_hint(runs_loose)
    return f"the codec threw '{what}' ({at})" + _loose_hint(runs_loose)


def _reference(failure: Failure, source: str, leaked: Sequence[str], runs_loose: bool, at: str) -> str:
    missing = re.fullmatch(r"'?([\w$]+)'? is not defined", failure.message)
    if missing is None:
        return f"{at}: {failure.message}"
    name = missing[1]
    if name in _ABSENT:
        hint = SWITCH if name in _HELPED and runs_loose else "its author must remove it"
        return f"{at} uses '{name}', which does not exist in ChirpStack's codecs: remove it, {hint}"
    if name in leaked or _assigned_at(source, name) == failure.line != 0:
        others = [other for other in leaked if other != name]
        more = "; so are " + ", ".join(_placed(source, other) for other in others) if others else ""
        return (
            f"{at} assigns to '{name}', which is never declared{more}. TTN's loose mode allows that, strict mode (ChirpStack 4.17 and "
            f"later) does not: declare it with 'let {name};', {SWITCH}"
        )
    return f"{at} uses '{name}', which does not exist" + _loose_hint(runs_loose)


def _placed(source: str, name: str) -> str:
    line = _assigned_at(source, name)
    return f"'{name}' (line {line})" if line else f"'{name}'"


def _assigned_at(source: str, name: str) -> int:
    """The first line that assigns to a name, 0 where none does."""
    assignment = re.compile(
        rf"(?<![\w$.]){re.escape(name)}\s*(?:=(?!=)|[-+*/|&^]=|<<=|>>=|\+\+|--|\b(?:in|of)\b)|(?:\+\+|--){re.escape(name)}\b"
    )
    return next((n for n, line in enumerate(source.splitlines(), 1) if assignment.search(line)), 0)


def _loose_hint(runs_loose: bool) -> str:
    return f". It runs in loose mode, as on TTN: repair it, {SWITCH}" if runs_loose else ""
