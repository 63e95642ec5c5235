"""DCAT-AP-NO 3 as Turtle: the same graph as the JSON-LD."""

import json
from collections.abc import Iterator
from typing import Any

from analytics.indicators.entry import Text
from analytics.indicators.exports.dcat_jsonld import CONTEXT, graph
from analytics.indicators.file_format import Format
from analytics.indicators.release import Release


def write(release: Release) -> bytes:
    lines = [f"@prefix {prefix}: <{uri}> ." for prefix, uri in CONTEXT.items()]
    for node in graph(release):
        lines += ["", *_statements(node)]
    return ("\n".join(lines) + "\n").encode()


def _statements(node: dict[str, Any]) -> Iterator[str]:
    """A node, and after it the nodes it holds."""
    inner = []
    pairs = [f"a {node['@type']}"]
    for predicate, values in node.items():
        if predicate.startswith("@"):
            continue
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, dict) and "@type" in value and "@id" in value:
                inner.append(value)
            pairs.append(f"{predicate} {_object(value)}")
    yield f"<{node['@id']}> " + " ;\n    ".join(pairs) + " ."
    for value in inner:
        yield from _statements(value)


def _object(value: dict[str, str] | str) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if "@id" in value:
        return f"<{value['@id']}>"
    if "@language" in value:
        return f"{_quoted(value['@value'])}@{value['@language']}"
    return f"{_quoted(value['@value'])}^^{value['@type']}"


def _quoted(text: str) -> str:
    """A Turtle string: JSON's escapes are Turtle's too."""
    return json.dumps(text, ensure_ascii=False)


FORMAT = Format("dcat_turtle", Text("DCAT-AP-NO (Turtle)", "DCAT-AP-NO (Turtle)"), ".ttl", "text/turtle", write)
