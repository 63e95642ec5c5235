from pathlib import Path

from core.stores.schema import document

PAGE = Path(__file__).parent.parent.parent / "docs" / "stores.md"


def test_the_page_is_what_the_code_uses():
    assert PAGE.read_text(encoding="utf-8") == document(), "run python -m core.stores.schema > docs/stores.md"
