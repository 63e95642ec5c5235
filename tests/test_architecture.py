"""The import table of docs/design: data flows down, imports only go down to core, and mjosa.py alone sees everything."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "core": set(),
    "gateway": {"core"},
    "ingest": {"core"},
    "analytics": {"core"},
    "simulators": {"core", "ingest"},
    "api": {"core", "gateway", "ingest", "analytics"},
    "dashboards": {"core", "analytics"},
}
DETECTOR_IMPORTS = {"numpy", "math", "dataclasses", "collections", "typing", "__future__", "core", "analytics"}


def imports(path: Path) -> set[str]:
    """Dotted names a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
    return names


def files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_imports_only_go_down(folder):
    ours = set(MAY_IMPORT) | {"mjosa", "tests"}
    for path in files(folder):
        roots = {name.split(".")[0] for name in imports(path)} & ours
        assert roots <= MAY_IMPORT[folder] | {folder}, f"{path.relative_to(ROOT)} imports {roots - MAY_IMPORT[folder] - {folder}}"


def test_only_the_composition_root_chooses_a_store():
    for folder in MAY_IMPORT:
        for path in files(folder):
            chosen = {name for name in imports(path) if name.startswith("core.stores")}
            assert not chosen or path.is_relative_to(ROOT / "core" / "stores"), f"{path.relative_to(ROOT)} imports {chosen}"


def test_detectors_are_pure():
    for path in files("analytics/detectors"):
        roots = {name.split(".")[0] for name in imports(path)}
        assert roots <= DETECTOR_IMPORTS, f"{path.relative_to(ROOT)} imports {roots - DETECTOR_IMPORTS}"


def test_no_module_cycles_within_a_folder():
    for folder in MAY_IMPORT:
        graph = {_module(p): {n for n in imports(p) if n.startswith(folder + ".")} for p in files(folder)}
        for start in graph:
            assert start not in _reach(graph, start), f"{start} imports itself through others"


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _reach(graph: dict[str, set[str]], start: str) -> set[str]:
    seen, todo = set(), list(graph.get(start, ()))
    while todo:
        module = todo.pop()
        if module not in seen:
            seen.add(module)
            todo += graph.get(module, ())
    return seen
