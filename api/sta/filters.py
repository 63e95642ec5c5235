"""OData filter expressions as SensorThings 1.1 uses them: parsed into a function of an entity. Source: OGC 18-088, §9.3.3.5."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from api.problems import Problem
from core.timekeeping import unix

Test = Callable[[Mapping[str, Any]], Any]
TOKEN = re.compile(
    r"\s*(?:(?P<time>\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?)|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
    r"|(?P<text>'(?:[^']|'')*')|(?P<name>[A-Za-z_@][\w.@]*(?:/[A-Za-z_@][\w.@]*)*)|(?P<mark>[(),]))"
)
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq, "ne": operator.ne, "gt": operator.gt, "ge": operator.ge, "lt": operator.lt, "le": operator.le,
}  # fmt: skip
ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv, "mod": operator.mod,
}  # fmt: skip
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "substringof": lambda a, b: a in b, "contains": lambda a, b: b in a, "startswith": lambda a, b: a.startswith(b),
    "endswith": lambda a, b: a.endswith(b), "length": len, "tolower": lambda a: a.lower(), "toupper": lambda a: a.upper(),
    "trim": lambda a: a.strip(), "concat": lambda a, b: a + b, "indexof": lambda a, b: a.find(b), "round": lambda a: math.floor(a + 0.5),
    "floor": math.floor, "ceiling": math.ceil,
}  # fmt: skip
DEEPEST = 40
STEP_S = 0.0005
"""Half of what an observation's time resolves: turns > into ≥."""


@dataclass(frozen=True)
class Filter:
    """`test(entity)` is true where the entity stays; `since`/`until` bound phenomenonTime [Unix s] where the expression says so."""

    test: Test
    since: float = -math.inf
    until: float = math.inf
    only_time: bool = False


def parse(text: str) -> Filter:
    """Raises a 400 that names what could not be read."""
    reader = _Reader(text)
    test = reader.either(0)
    if reader.peek() is not None:
        raise Problem(400, f"$filter: '{reader.peek()}' is not expected there")
    return Filter(test, reader.since, reader.until, reader.only_time and not reader.loose)


class _Reader:
    """Recursive descent: or, and, not, comparison, sum, product, value."""

    def __init__(self, text: str) -> None:
        self.tokens, self.at = list(_tokens(text)), 0
        self.since, self.until, self.loose, self.only_time = -math.inf, math.inf, False, True

    def peek(self) -> str | None:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else None

    def take(self, word: str) -> bool:
        if self.at < len(self.tokens) and self.tokens[self.at] in (("name", word), ("mark", word)):
            self.at += 1
            return True
        return False

    def either(self, depth: int) -> Test:
        if depth > DEEPEST:
            raise Problem(400, "$filter: nested too deeply")
        bounds = (self.since, self.until)
        left = self.both(depth)
        if self.take("or"):
            self.loose, (self.since, self.until) = True, bounds
            right = self.either(depth + 1)
            self.since, self.until = bounds
            return lambda e, a=left, b=right: bool(a(e)) or bool(b(e))  # type: ignore[misc]
        return left

    def both(self, depth: int) -> Test:
        left = self.negated(depth)
        while self.take("and"):
            right = self.negated(depth)
            left = lambda e, a=left, b=right: bool(a(e)) and bool(b(e))  # type: ignore[misc]  # noqa: E731
        return left

    def negated(self, depth: int) -> Test:
        if self.take("not"):
            bounds, self.loose = (self.since, self.until), True
            inner = self.negated(depth + 1) if depth < DEEPEST else self.either(DEEPEST + 1)
            self.since, self.until = bounds
            return lambda e: not inner(e)
        return self.comparison(depth)

    def comparison(self, depth: int) -> Test:
        first = self.at
        left = self.term(depth)
        word = self.peek()
        if word in COMPARE and self.tokens[self.at][0] == "name":
            self.at += 1
            middle = self.at
            right = self.term(depth)
            self._bound(self.tokens[first : middle - 1], word or "", self.tokens[middle : self.at])
            compare = COMPARE[word or ""]
            return lambda e: _safely(compare, left(e), right(e))
        if first + 1 == self.at:
            self.only_time = False
        return left

    def term(self, depth: int) -> Test:
        left = self.value(depth)
        while (word := self.peek()) in ARITHMETIC and self.tokens[self.at][0] == "name":
            self.at += 1
            right, act = self.value(depth), ARITHMETIC[word or ""]
            left = lambda e, a=left, b=right, f=act: _safely(f, a(e), b(e))  # type: ignore[misc]  # noqa: E731
        return left

    def value(self, depth: int) -> Test:
        if self.at >= len(self.tokens):
            raise Problem(400, "$filter: ends too early")
        kind, text = self.tokens[self.at]
        if self.take("("):
            inner = self.either(depth + 1)
            if not self.take(")"):
                raise Problem(400, "$filter: a ) is missing")
            return inner
        self.at += 1
        if kind == "name" and self.take("("):
            return self._call(text, depth)
        if kind == "name":
            return _property(text)
        if kind == "mark":
            raise Problem(400, f"$filter: '{text}' is not expected there")
        literal = _literal(kind, text)
        return lambda _: literal

    def _call(self, name: str, depth: int) -> Test:
        if name not in FUNCTIONS:
            raise Problem(400, f"$filter: there is no function {name}; there are {', '.join(FUNCTIONS)}")
        self.only_time = False
        arguments: list[Test] = []
        while not self.take(")"):
            arguments.append(self.either(depth + 1))
            if not self.take(",") and self.peek() != ")":
                raise Problem(400, "$filter: a ) is missing")
        act = FUNCTIONS[name]
        return lambda e: _safely(act, *(a(e) for a in arguments))

    def _bound(self, left: list[tuple[str, str]], word: str, right: list[tuple[str, str]]) -> None:
        """A plain comparison of phenomenonTime narrows what must be read."""
        if len(left) == len(right) == 1 and left[0][1] in ("phenomenonTime", "resultTime") and right[0][0] == "time":
            t = float(_literal(*right[0]))
            if word in ("gt", "ge", "eq"):
                self.since = max(self.since, t + (STEP_S if word == "gt" else 0.0))
            if word in ("lt", "le", "eq"):
                self.until = min(self.until, t + (0.0 if word == "lt" else STEP_S))
            self.only_time = self.only_time and word != "ne"
        else:
            self.only_time = False


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at, text = [], 0, text.strip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise Problem(400, f"$filter: cannot read '{text[at : at + 20]}'")
        found.append((str(match.lastgroup), match[str(match.lastgroup)]))
        at = match.end()
    if len(found) > 500:
        raise Problem(400, "$filter: too long")
    return found


def _literal(kind: str, text: str) -> Any:
    if kind == "time":
        try:
            return unix(text if "T" in text else f"{text}T00:00:00Z")
        except (ValueError, OverflowError) as error:
            raise Problem(400, f"$filter: {error}") from error
    return float(text) if kind == "number" else text[1:-1].replace("''", "'")


def _property(path: str) -> Test:
    if path in ("true", "false", "null"):
        constant = {"true": True, "false": False, "null": None}[path]
        return lambda _: constant
    names = ["@iot.id" if n == "id" else n for n in path.split("/")]

    def read(entity: Mapping[str, Any]) -> Any:
        found: Any = entity
        for name in names:
            found = found.get(name) if isinstance(found, Mapping) else None
        if isinstance(found, str) and names[-1] in ("phenomenonTime", "resultTime"):
            return unix(found.split("/")[0])
        return found

    return read


def _safely(act: Callable[..., Any], *values: Any) -> Any:
    """Comparing what does not compare (null, text with number) is false, not an error."""
    try:
        return act(*values)
    except (TypeError, AttributeError, ZeroDivisionError, ValueError, OverflowError):
        return False
