"""Registries found by folder: one module, one entry, and its key is the file's name."""

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any


def collect(package: ModuleType, attribute: str) -> dict[str, Any]:
    """{key: module.attribute} for every public module of a package, sorted by key.

    Raises RuntimeError where a module lacks the attribute or its key differs from the file's name: a half-written
    entry must not vanish in silence.
    """
    found = {}
    for module in sorted(iter_modules(package.__path__), key=lambda m: m.name):
        if module.name.startswith("_"):
            continue
        entry = getattr(import_module(f"{package.__name__}.{module.name}"), attribute, None)
        if entry is None or entry.key != module.name:
            raise RuntimeError(f"{package.__name__}/{module.name}.py must define {attribute} with key='{module.name}'")
        found[entry.key] = entry
    return found
