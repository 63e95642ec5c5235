"""Large constant tables of a script, lifted out of what is evaluated for every frame.

Vendors' M-Bus and text tables make up most of some codecs; building them anew cost more than the decoding. A table is lifted
only where it is a plain literal (strings, numbers, names of true, false, null) at the start of a line. It is kept frozen: a script
that writes to it fails, and is then run without this (`Script`).
"""

from __future__ import annotations

import re

SHORTEST = 200
"""Characters below which a literal is not worth lifting."""
NAME = "__tables"
WRITTEN_TO = re.compile(r"(?:is read-only|object is not extensible|could not delete property)$")
"""How QuickJS says that a script writes to a frozen table."""

_DECLARED = re.compile(r"^(?:var|let|const)[ \t]+[\w$]+[ \t]*=[ \t\r\n]*(?=[{\[])", re.MULTILINE)
_TOKEN = re.compile(
    r"""(?P<skip>\s+|//[^\n]*|/\*.*?\*/)
      | (?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
      | (?P<number>0[xX][\da-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w$]))
      | (?P<key>[A-Za-z_$][\w$]*)(?=\s*:)
      | (?P<word>(?:true|false|null)(?![\w$]))
      | (?P<sign>[-+,:])
      | (?P<open>[{\[])
      | (?P<close>[}\]])""",
    re.VERBOSE | re.DOTALL,
)
_ENDS = re.compile(r"[ \t]*(?:;|\r?\n\s*(?:var|let|const|function|async|class|/[/*]|$))")


def lift(source: str) -> tuple[str, list[str]]:
    """The script with its tables replaced by `__tables[i]`, line for line, and the tables' literals."""
    tables: list[str] = []
    parts: list[str] = []
    done = 0
    for match in _DECLARED.finditer(source):
        end = _literal_end(source, match.end())
        if match.start() < done or end is None or end - match.end() < SHORTEST or not _ENDS.match(source, end):
            continue
        literal = source[match.end() : end]
        parts += [source[done : match.end()], f"{NAME}[{len(tables)}]", "\n" * literal.count("\n")]
        tables.append(literal)
        done = end
    return "".join(parts) + source[done:], tables


def _literal_end(source: str, position: int) -> int | None:
    """Where a plain literal that begins here ends; None where it is anything but plain."""
    depth = 0
    while True:
        token = _TOKEN.match(source, position)
        if token is None or token["key"] == "__proto__":
            return None
        position = token.end()
        depth += bool(token["open"]) - bool(token["close"])
        if depth == 0:
            return position
