"""YAML with the line on which every part begins, so that a mistake is told with its place."""

from __future__ import annotations

from typing import Any

import yaml

Place = tuple[str | int, ...]
"""Keys and indices from the top to one part of a document."""


def parse_with_lines(text: str) -> tuple[Any, dict[Place, int]]:
    """The data, and the line (from 1) of each part. Raises yaml.YAMLError."""
    loader = yaml.CSafeLoader(text) if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader(text)
    node = loader.get_single_node()
    lines: dict[Place, int] = {}
    if node is None:
        return None, lines
    _note(node, (), lines)
    return loader.construct_document(node), lines


def line_of(lines: dict[Place, int], place: Place) -> int:
    """The line of a part, or of the nearest part around it."""
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place, 1)


def dotted(place: Place) -> str:
    """`fields[0].unit` for ("fields", 0, "unit")."""
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in place).lstrip(".")


def _note(node: yaml.Node, place: Place, lines: dict[Place, int]) -> None:
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            _note(value, (*place, key.value), lines)
            lines[(*place, key.value)] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            _note(value, (*place, i), lines)
