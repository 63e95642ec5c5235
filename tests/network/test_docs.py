"""docs/field.md holds the tables that the code makes."""

from pathlib import Path

import pytest

from gateway.commissioning import CHECKS
from gateway.commissioning_texts import NAMES, limits_table
from gateway.downlink import commands_table
from gateway.table import columns_table

DOCS = Path(__file__).parents[2] / "docs" / "field.md"


@pytest.mark.parametrize("table", [limits_table, columns_table, commands_table])
def test_the_table_is_current(table):
    assert table() in DOCS.read_text(encoding="utf-8"), f"put the answer of {table.__name__}() into docs/field.md"


def test_every_check_has_a_name():
    assert list(NAMES) == list(CHECKS)
