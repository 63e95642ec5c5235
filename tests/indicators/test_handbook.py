"""docs/indicators.md says what the code does."""

from analytics.indicators import CATALOGUE
from analytics.indicators.formats import FORMATS
from analytics.indicators.handbook import TARGET, page


def test_the_handbook_is_current():
    assert TARGET.read_text(encoding="utf-8") == page(), "run python -m analytics.indicators.handbook"


def test_everything_registered_is_in_it():
    text = page()
    assert all(f"### {key} " in text for key in CATALOGUE)
    assert all(f"| `{key}` |" in text for key in FORMATS)


def test_nothing_unverified_stands_as_certain():
    text = page()
    for line in text.splitlines():
        if "2 % of the yearly collected load" in line or "Art. 21, monitoring" in line or "37122:2019 23.4" in line:
            assert "(unverified)" in line
