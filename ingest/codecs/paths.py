"""Places in a codec's output: `a.b`, `a[0]`, `a['b c']`, and `list[*].x` for every element."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Step = str | int | None
"""A key, an index, or None for every element (`[*]`)."""
_STEP = re.compile(r"""(?:^|\.)([^.\[\]]+)|\[(?:(-?\d+)|(\*)|(['"])(.*?)\4)\]""")
MISSING = object()


def compile_path(text: str) -> tuple[Step, ...]:
    """The steps of a path. Raises ValueError where it is none."""
    steps: list[Step] = []
    position = 0
    for match in _STEP.finditer(text):
        if match.start() != position:
            break
        name, index, every, _quote, quoted = match.groups()
        steps.append(name if name is not None else int(index) if index is not None else None if every else quoted)
        position = match.end()
    if position != len(text) or not steps:
        raise ValueError(f"'{text}' is no path; write fields with dots and list places with brackets, such as history[*].value")
    return tuple(steps)


def look_up(data: Any, steps: Sequence[Step], chosen: Sequence[int | str] = ()) -> Any:
    """The value at a path, its `[*]` steps taken from `chosen` in order; MISSING where there is none."""
    every = iter(chosen)
    for step in steps:
        place = next(every, None) if step is None else step
        if place is None:
            return MISSING
        data = _step(data, place)
        if data is MISSING:
            return MISSING
    return data


def expand(data: Any, steps: Sequence[Step]) -> Iterator[tuple[tuple[int | str, ...], Any]]:
    """Every (places taken at `[*]`, value) of a path; missing values are left out."""
    for i, step in enumerate(steps):
        if step is None:
            for place in _places(data):
                for rest, value in expand(_step(data, place), steps[i + 1 :]):
                    yield (place, *rest), value
            return
        data = _step(data, step)
        if data is MISSING:
            return
    yield (), data


def _step(data: Any, place: int | str) -> Any:
    if isinstance(data, dict) and isinstance(place, str):
        return data.get(place, MISSING)
    if isinstance(data, Mapping):
        return data.get(str(place), MISSING)
    if isinstance(data, Sequence) and not isinstance(data, str) and isinstance(place, int) and -len(data) <= place < len(data):
        return data[place]
    return MISSING


def _places(data: Any) -> Sequence[int | str]:
    if isinstance(data, Mapping):
        return list(data)
    return range(len(data)) if isinstance(data, Sequence) and not isinstance(data, str) else ()


def leaves(data: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(path, value) of every value in a decoded object, written as a map file wants it."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            plain = re.fullmatch(r"[^.\[\]]+", str(key)) is not None
            yield from leaves(value, (f"{path}.{key}" if path else str(key)) if plain else f"{path}['{key}']")
    elif isinstance(data, Sequence) and not isinstance(data, str):
        for i, value in enumerate(data):
            yield from leaves(value, f"{path}[{i}]")
    else:
        yield path, data
