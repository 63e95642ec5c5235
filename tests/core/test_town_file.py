"""town.yaml: every mistake at once, each with its line; what is written is read back."""

import pytest

from core.errors import ConfigError
from core.town import Town
from core.town_file import load_town, save_town, unknown_fields

GOOD = """\
utility: {name: Testby, population: 100}
zones:
- {id: Z1, kind: dma}
assets:
- {id: OV1, kind: overflow_chamber, zone: Z1, position: [60.8, 10.7], crest_m: 1.2, weir: {kind: thin_plate, width_m: 2}}
sensors:
- {id: OV1-L, dev_eui: A81758FFFE012345, model: milesight_em500_swl, asset: OV1, quantities: [level_m], valid_from: 2026-01-01T00:00:00Z}
"""


def problems(tmp_path, text):
    (tmp_path / "town.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_town(tmp_path)
    return [p.removeprefix(f"{tmp_path}/") for p in caught.value.problems]


def test_a_town_is_read_with_its_references(tmp_path):
    (tmp_path / "town.yaml").write_text(GOOD, encoding="utf-8")
    town = load_town(tmp_path)
    sensor = town.sensors[0]
    assert sensor.dev_eui == "a81758fffe012345"
    assert town.zone_of(sensor) == "Z1"
    assert town.crest_of(sensor) == 1.2
    assert town.position_of(sensor) == (60.8, 10.7)
    assert sensor.valid_from == 1767225600.0
    assert town.sensor_at("a81758fffe012345", 1767225599.0) is None


def test_what_is_written_is_read_back(tmp_path):
    (tmp_path / "town.yaml").write_text(GOOD, encoding="utf-8")
    town = load_town(tmp_path)
    save_town(town, tmp_path / "again.yaml")
    assert load_town(tmp_path / "again.yaml") == town


def test_every_mistake_is_told_with_its_line(tmp_path):
    broken = GOOD.replace("zone: Z1, position", "zone: Z9, position").replace("[level_m]", "[levl_m]")
    assert problems(tmp_path, broken) == [
        "town.yaml:5: assets[0].zone: there is no zone 'Z9'; did you mean 'Z1'?",
        "town.yaml:7: sensors[0].quantities: there is no quantity 'levl_m'; did you mean 'level_m'?",
    ]


def test_values_out_of_range_are_told_with_their_line(tmp_path):
    assert problems(tmp_path, GOOD.replace("[60.8, 10.7]", "[160.8, 10.7]")) == [
        "town.yaml:5: assets[0].latitude: Input should be less than or equal to 90"
    ]


def test_a_device_in_two_places_at_once_is_a_mistake(tmp_path):
    twice = GOOD + "- {id: OTHER, dev_eui: a81758fffe012345, asset: OV1}\n"
    found = problems(tmp_path, twice)
    assert len(found) == 2
    assert "there twice at the same time" in found[0]


@pytest.mark.parametrize("text", ["utility: [", "- a\n- b\n", "\ttab: 1"])
def test_a_file_that_is_no_town_is_one_sentence(tmp_path, text):
    assert len(problems(tmp_path, text)) == 1


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load_town(tmp_path / "nowhere.yaml")


def test_spelling_mistakes_in_field_names_are_pointed_out():
    town = Town.model_validate({"utility": {"name": "T"}, "zones": [{"id": "Z", "populaton": 3}]})
    assert unknown_fields(town) == ["zones[0].populaton: not a known field; did you mean 'population'?"]


def test_either_id_or_dev_eui_is_enough(tmp_path):
    (tmp_path / "town.yaml").write_text("utility: T\nsensors:\n- {dev_eui: A81758FFFE012345}\n- {id: scada-7}\n", encoding="utf-8")
    assert [(s.id, s.dev_eui) for s in load_town(tmp_path).sensors] == [
        ("A81758FFFE012345", "a81758fffe012345"),
        ("scada-7", "scada-7"),
    ]
