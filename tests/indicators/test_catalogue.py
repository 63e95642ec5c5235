"""Every entry of the catalogue: its worked examples, its texts in both languages, its classification, its inputs."""

import ast
import math
from pathlib import Path

import pytest

from analytics.indicators import CATALOGUE
from analytics.indicators.entry import BOTTOM_LINES, DEVELOPMENT_AREAS, DISTRIBUTIONS, EVALUATIONS
from analytics.indicators.inputs import MEASURED
from analytics.indicators.master import MASTER
from analytics.indicators.uncertainty import sensitivities, standard

ENTRIES = list(CATALOGUE.values())
ids = [e.id for e in ENTRIES]


def test_there_are_27_in_the_usual_order():
    assert ids == [f"W{i:02}" for i in range(1, 16)] + [f"S{i:02}" for i in range(1, 11)] + ["X01", "X02"]


@pytest.mark.parametrize("entry", ENTRIES, ids=ids)
def test_worked_examples(entry):
    assert entry.examples
    for example in entry.examples:
        assert entry.compute(example.inputs).value == pytest.approx(example.expect, rel=1e-6)


@pytest.mark.parametrize("entry", ENTRIES, ids=ids)
def test_every_symbol_has_a_source_and_an_example(entry):
    for symbol, name in entry.inputs.items():
        assert name == "days" or name in MEASURED or name in MASTER, f"{symbol}: nothing gives {name}"
    for example in entry.examples:
        assert set(example.inputs) == set(entry.inputs)


@pytest.mark.parametrize("entry", ENTRIES, ids=ids)
def test_texts_are_there_in_both_languages_and_differ(entry):
    texts = [entry.name, entry.description, entry.time_aggregation, entry.zone_aggregation, *entry.edge_cases]
    texts += [b.name for b in entry.benchmarks]
    for text in texts:
        assert text.en
        assert text.nb
        assert text.en != text.nb
    assert entry.description.nb.endswith(".")


@pytest.mark.parametrize("entry", ENTRIES, ids=ids)
def test_classification_uses_the_vocabulary(entry):
    t = entry.taxonomy
    assert set(t.area) <= set(DEVELOPMENT_AREAS)
    assert t.evaluation in EVALUATIONS
    assert set(t.distribution) <= set(DISTRIBUTIONS)
    assert set(t.bottom_line) <= set(BOTTOM_LINES)
    assert all(uri.startswith("https://psi.norge.no/los/ord/") for uri in t.los)
    assert entry.sdg.targets
    assert (entry.sdg.indicator is not None) == (entry.sdg.relation != "context")


@pytest.mark.parametrize("entry", ENTRIES, ids=ids)
@pytest.mark.parametrize("language", ["nb", "en"])
def test_a_proxy_says_so_in_its_label(entry, language):
    marked = any(word in entry.label(language) for word in ("lokal tilnærming", "local proxy", "lokal delindikator", "local component"))
    assert marked == (entry.sdg.relation != "context")


def test_a_zero_or_unknown_denominator_gives_no_value():
    for entry in ENTRIES:
        if entry.compute(entry.examples[0].inputs).denominator != 1.0:
            assert entry.compute(dict.fromkeys(entry.inputs, 0.0)).value is None
    assert CATALOGUE["W14"].compute({"W": 1.0, "R": 5.0, "EF": 7.0}).value is None
    assert CATALOGUE["S02"].compute({"hours": math.nan, "points": 3.0}).value is None


def test_the_leakage_index_knows_the_limits_of_its_formula():
    inside = {"CARL_m3_d": 2100, "Lm": 120, "Nc": 6500, "Lp": 97.5, "P": 45}
    assert CATALOGUE["W04"].outside(inside) == ""
    assert (
        CATALOGUE["W04"].outside(inside | {"Nc": 1200, "P": 110})
        == "connections ≤ 5000, ≤ 20 connections per km, pressure outside 25–100 m"
    )


def test_leakage_share_has_the_interval_of_the_worked_example():
    """2.90 Mm³ in, U 2 %; metered 1.15 Mm³, U 2 %; unmetered 0.7154 Mm³, U 15 %; other 0.029 Mm³, U 50 %: ± 4.035 pp at k = 2."""
    entry = CATALOGUE["W01"]
    values = dict(entry.examples[0].inputs)
    u = {"V_in": 0.01 * 2_900_000, "V_exp": 0.0, "V_met": 0.01 * 1_150_000, "V_unm": 0.075 * 715_400, "V_oth": 0.25 * 29_000}
    assert 2 * standard(sensitivities(entry.compute, values), u) == pytest.approx(4.035, abs=5e-4)


def test_the_assumption_of_180_litres_moves_the_leakage_share_to_27_6():
    values = dict(CATALOGUE["W01"].examples[0].inputs) | {"V_unm": 14_000 * 180 * 365 / 1000}
    assert CATALOGUE["W01"].compute(values).value == pytest.approx(27.6, abs=0.05)


def test_entries_are_pure():
    for path in Path("analytics/indicators/catalogue").glob("[!_]*.py"):
        imported = {n.module for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.ImportFrom)}
        assert imported == {"analytics.indicators.entry"}
