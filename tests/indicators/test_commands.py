"""mjosa kpi and mjosa report, as a person types them, over a real registry and store."""

import csv
import io
import json
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import typer
from typer.testing import CliRunner

from analytics import commands_kpi
from core.errors import ConfigError, NotFound
from core.registry import Registry
from core.settings import Settings
from tests.indicators.town import END, filled, overflow, town

NOW = END + 10 * 86400.0


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    registry = Registry.open(f"sqlite:///{tmp_path_factory.mktemp('kpi') / 'registry.db'}")
    registry.import_town(town(), "test")
    registry.events.save([overflow("cso1", 5, 9, 120.0)])
    yield SimpleNamespace(store=filled(), registry=registry, clock=lambda: NOW)
    registry.close()


@pytest.fixture(scope="module")
def mjosa(system):
    @contextmanager
    def opened(settings):
        yield system

    root = typer.Typer()
    root.add_typer(commands_kpi.app, name="kpi")
    root.command("report")(commands_kpi.report)
    commands_kpi.use(opened)

    def run(*arguments, code=0):
        result = CliRunner().invoke(root, arguments, obj=Settings(language="nb"))
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result.stdout

    run("kpi", "values", "--period", "2026-05", "--fresh", "--json")
    return run


def test_list_and_show_the_catalogue(mjosa):
    assert "Andel av vannleveransen til lekkasje" in " ".join(mjosa("kpi", "list", "--json").split())
    assert len(json.loads(mjosa("kpi", "list", "--json"))) == 27
    assert json.loads(mjosa("kpi", "show", "w01", "--json"))["kostra"] == "KOSVREGLekkVann0000"
    assert "(unverified)" in json.loads(mjosa("kpi", "show", "S04", "--json"))["eu"]
    with pytest.raises(NotFound, match="kpi list"):
        mjosa("kpi", "show", "W99")


def test_values_are_kept_and_found(mjosa):
    found = json.loads(mjosa("kpi", "values", "--period", "2026-05", "-i", "W01", "--json"))
    assert {v["zone"]: round(v["value"], 3) for v in found} == {"A": 58.333, "B": 37.5, "town": 50.0}
    assert "58,3" in mjosa("kpi", "values", "--period", "2026-05", "-i", "W01")
    with pytest.raises(ConfigError, match="is not a period"):
        mjosa("kpi", "values", "--period", "may")


def test_trace_leads_to_readings_and_their_uplinks_and_is_logged(mjosa, system):
    tree = json.loads(mjosa("kpi", "trace", "W01", "2026-05", "A", "--json"))
    by_symbol = {i["symbol"]: i for i in tree["inputs"]}
    inlet = by_symbol["V_in"]["points"][0]
    assert (inlet["sensor"], by_symbol["V_met"]["measuring_points"]) == ("s-inA", 5)
    assert sum(d["volume"] for d in inlet["days"]) == pytest.approx(by_symbol["V_in"]["value"])
    assert {"at", "value", "flag", "uplink"} <= set(inlet["readings"][0])
    entry = next(e for e in system.registry.audit.find() if e.action == "kpi trace")
    assert entry.personal
    assert len(entry.details["sensors"]) == 5
    assert "s-inA" in mjosa("kpi", "trace", "W01", "2026-05", "A")
    with pytest.raises(NotFound, match="--fresh"):
        mjosa("kpi", "trace", "W01", "2026-03", "A")


def test_verify_finds_every_value_right_and_then_the_one_that_is_not(mjosa, system):
    assert json.loads(mjosa("kpi", "verify", "--json"))["wrong"] == []
    kept = system.registry.figures.find(indicator="W01", zone="A")[0]
    forged = kept.__class__(**{f: getattr(kept, f) for f in kept.__dataclass_fields__} | {"value": 12.0})
    system.registry.figures.save([forged])
    wrong = json.loads(mjosa("kpi", "verify", "--json", code=1))["wrong"]
    assert {(w["indicator"], w["zone"]) for w in wrong} == {("W01", "A")}
    assert any("differ from the formula" in w["problem"] for w in wrong)
    assert any("published 12, now 58.3333" in w["problem"] for w in wrong)
    mjosa("kpi", "values", "--period", "2026-05", "--fresh", "--json")
    assert json.loads(mjosa("kpi", "verify", "--json"))["wrong"] == []


def test_export_to_terminal_and_file(mjosa, tmp_path):
    rows = list(csv.DictReader(io.StringIO(mjosa("kpi", "export", "tidy_csv", "--period", "2026-05"))))
    assert len(rows) == len({(r["indicator"], r["zone"]) for r in rows})
    mjosa("kpi", "export", "xlsx", "--out", str(tmp_path / "x.xlsx"))
    assert (tmp_path / "x.xlsx").stat().st_size > 5000
    cube = json.loads(mjosa("kpi", "export", "json_stat", "--select", "indicator=W01", "--select", "zone=town"))
    assert cube["value"] == [pytest.approx(50.0)]
    with pytest.raises(NotFound, match="tidy_csv"):
        mjosa("kpi", "export", "word")


def test_master_data_by_file_moves_the_figure(mjosa, system, tmp_path):
    file = tmp_path / "master.csv"
    file.write_text("name;zone;value;valid_from;source\nmains_km;A;2,5;2026-01-01;kart\n", encoding="utf-8")
    mjosa("kpi", "master", str(file))
    assert [v["value"] for v in json.loads(mjosa("kpi", "master", "--json")) if v["name"] == "mains_km"] == [2.5]
    mjosa("kpi", "values", "--period", "2026-05", "--fresh", "--json")
    assert system.registry.figures.find(indicator="W03", zone="A")[0].revision == 2
    assert "dry_weather_flow_m3_d" in mjosa("kpi", "master", "--missing")


def test_compare_ranks_zones_benchmarks_and_neighbours(mjosa, tmp_path):
    other = tmp_path / "nabo.csv"
    other.write_text("zone,year,value\nNaboby,2025,20.5\n", encoding="utf-8")
    found = json.loads(mjosa("kpi", "compare", "W01", "--others", str(other), "--json"))
    names = [p["name"] for p in found["places"]]
    assert names.index("Naboby") < names.index("National goal for 2033") < names.index("B") < names.index("A")
    assert found["bands"]["town"]["label"] == "66–95 %"


def test_report_writes_pdf_html_and_the_same_figures_as_csv(mjosa, tmp_path):
    files = json.loads(mjosa("report", "--year", "2026", "--out", str(tmp_path), "--json"))["files"]
    assert [f.rpartition("/")[2] for f in files] == ["mjosa-2026-nb.pdf", "mjosa-2026-nb.html", "mjosa-2026.csv"]
    before = [(tmp_path / f.rpartition("/")[2]).read_bytes() for f in files]
    mjosa("report", "--year", "2026", "--out", str(tmp_path), "--json")
    assert [(tmp_path / f.rpartition("/")[2]).read_bytes() for f in files] == before
    with pytest.raises(ConfigError, match="neither nb nor en"):
        mjosa("report", "--year", "2026", "--lang", "sv", "--out", str(tmp_path))
