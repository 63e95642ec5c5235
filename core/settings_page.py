"""docs/settings.md, made from the settings themselves: `python -m core.settings_page`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

from pydantic import SecretStr

from core.settings import Settings

_HEAD = """# Settings

Every setting is a `MJOSA_*` variable or a key in `mjosa.toml` (path in `MJOSA_CONFIG`); the environment wins. `MJOSA_X_FILE`
reads `MJOSA_X` from a file, for secrets. `mjosa check-config` tells every mistake at once.

| variable | default | what it is |
|---|---|---|
"""


def page() -> str:
    """The whole page as Markdown."""
    rows = [f"| `MJOSA_{name.upper()}` | {_default(field)} | {_words(field)} |" for name, field in Settings.model_fields.items()]
    return _HEAD + "\n".join(rows) + "\n"


def _default(field: Any) -> str:
    if SecretStr in (field.annotation, *get_args(field.annotation)):
        return "none (secret)"
    value = field.get_default(call_default_factory=True)
    return "none" if value is None or value == {} else f"`{value}`" if value != "" else "empty"


def _words(field: Any) -> str:
    """Its docstring, and the choices it has."""
    choices = [str(a) for a in get_args(field.annotation) if isinstance(a, str)]
    text = re.sub(r"\s+", " ", field.description or "").replace("|", "\\|")
    return " ".join(filter(None, [text, f"One of {', '.join(choices)}." if choices else ""]))


if __name__ == "__main__":
    Path("docs/settings.md").write_text(page(), encoding="utf-8")
