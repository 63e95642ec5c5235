"""Choosing codes of a dimension with the words of PxWeb's API: `*`, `a,b`, `2*`, `top(5)`, `bottom(2)`, `from(2020)`, `range(a,b)`."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping, Sequence

from core.errors import NotFound

_WORDS: dict[str, Callable[[Sequence[str], Sequence[str]], list[str]]] = {
    "top": lambda codes, a: list(codes[-int(a[0]) :]) if int(a[0]) > 0 else [],
    "bottom": lambda codes, a: list(codes[: int(a[0])]),
    "from": lambda codes, a: [c for c in codes if c >= a[0]],
    "to": lambda codes, a: [c for c in codes if c <= a[0]],
    "range": lambda codes, a: [c for c in codes if a[0] <= c <= a[1]],
}


def choose(codes: Mapping[str, Sequence[str]], selection: Mapping[str, str]) -> dict[str, list[str]]:
    """The chosen codes of each dimension, in the dimension's own order; a dimension not named keeps all of them.

    `top(n)` takes the n last, as PxWeb does: time ascends, and the newest are wanted. Raises NotFound naming what matches nothing.
    """
    unknown = set(selection) - set(codes)
    if unknown:
        raise NotFound(f"there is no dimension '{min(unknown)}': choose among {', '.join(codes)}")
    return {d: _chosen(d, list(c), selection[d]) if d in selection else list(c) for d, c in codes.items()}


def _chosen(dimension: str, codes: list[str], expression: str) -> list[str]:
    wanted: set[str] = set()
    for part in re.findall(r"\w+\([^)]*\)|[^,]+", expression):
        call = re.fullmatch(r"(\w+)\((.*)\)", part.strip())
        try:
            found = _WORDS[call[1].lower()](codes, [a.strip() for a in call[2].split(",")]) if call else fnmatch.filter(codes, part.strip())
        except (KeyError, ValueError, IndexError) as error:
            raise NotFound(f"'{part}' is no selection of {dimension}: write codes, *, top(5), from(2020) or range(a,b)") from error
        if not found:
            raise NotFound(f"'{part}' matches nothing of {dimension}")
        wanted.update(found)
    return [c for c in codes if c in wanted]
