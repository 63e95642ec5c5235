"""SensorThings 1.1: the read profile over the small town."""

import pytest

from api.sta.filters import parse
from tests.api.town import NOW

STREAM = "/sta/v1.1/Datastreams('OV-1:level_m')/Observations"


def values(operator, path, **params):
    answer = operator.get(f"/sta/v1.1/{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_every_entity_set_answers_and_links_lead_somewhere(operator):
    for kind in (e["name"] for e in values(operator, "")["value"]):
        first = values(
            operator, kind, **{"$top": 1, **({"$filter": "phenomenonTime ge 2026-05-07T09:00:00Z"} if kind == "Observations" else {})}
        )
        entity = first["value"][0]
        for key, link in entity.items():
            if key.endswith("@iot.navigationLink") or key == "@iot.selfLink":
                path = link.split("/sta/v1.1")[1]
                assert operator.get(f"/sta/v1.1{path}", params={"$top": 1} if key != "@iot.selfLink" else {}).status_code == 200, link


def test_no_household_is_there(operator):
    things = values(operator, "Things", **{"$count": "true", "$top": 1000})
    assert things["@iot.count"] == 21
    assert not any(t["@iot.id"].startswith("VM") for t in things["value"])
    assert operator.get("/sta/v1.1/Things('VM-0001')").status_code == 404
    assert operator.get("/sta/v1.1/Datastreams('VM-0001:volume_m3')/Observations").status_code == 404


def test_pages_follow_each_other(operator):
    got, path, params = [], "Things", {"$top": 8, "$orderby": "@iot.id"}
    page = values(operator, path, **params)
    for _ in range(5):
        got += [t["@iot.id"] for t in page["value"]]
        if "@iot.nextLink" not in page:
            break
        page = operator.get(page["@iot.nextLink"].split("127.0.0.1")[1].partition("/")[2].join(["/", ""])).json()
    assert got == sorted(got)
    assert len(got) == len(set(got)) == 21


def test_expand_select_and_filter(operator):
    found = values(operator, "Things", **{"$filter": "startswith(name,'Trykk') and properties/zone eq 'sentrum'",
                                          "$expand": "Datastreams($select=name;$top=1),Locations", "$select": "name"})  # fmt: skip
    assert [t["name"] for t in found["value"]] == ["Trykk Sentrum 1", "Trykk Sentrum 2", "Trykk Sentrum 3"]
    assert found["value"][0]["Datastreams"] == [{"name": "Trykk Sentrum 1: Pressure"}]
    assert found["value"][0]["Locations"][0]["location"]["type"] == "Point"
    nested = values(operator, "Datastreams('OV-1:level_m')", **{"$expand": "Observations($top=2;$orderby=phenomenonTime desc),Thing"})
    assert nested["Thing"]["@iot.id"] == "OV-1"
    assert nested["Observations"][0]["phenomenonTime"] > nested["Observations"][1]["phenomenonTime"]


def test_observations_are_the_readings(operator, world):
    device = world.town.current["OV-1"].dev_eui
    stored = world.services.store.read([device], "level_m", NOW - 3600, NOW)[device]
    since = "2026-05-07T09:33:20Z"
    page = values(operator, STREAM.removeprefix("/sta/v1.1/"), **{"$filter": f"phenomenonTime ge {since}", "$count": "true"})
    assert [o["result"] for o in page["value"]] == stored.x.tolist()
    assert page["@iot.count"] == len(stored)
    high = values(operator, STREAM.removeprefix("/sta/v1.1/"), **{"$filter": f"phenomenonTime ge {since} and result gt {stored.x.mean()}"})
    assert [o["result"] for o in high["value"]] == [x for x in stored.x.tolist() if x > stored.x.mean()]
    one = values(operator, f"Observations('{page['value'][0]['@iot.id']}')")
    assert one["result"] == stored.x[0]


@pytest.mark.parametrize(("expression", "kept"), [
    ("a eq 1", True), ("a ne 1", False), ("a add 1 gt 1.5 and b eq 'x''y'", True), ("not (a eq 1) or length(b) eq 3", True),
    ("c/d ge 2 and missing eq null", True), ("missing gt 3", False), ("substringof('y',b)", True), ("a eq 'one'", False),
])  # fmt: skip
def test_filters(expression, kept):
    assert bool(parse(expression).test({"a": 1, "b": "x'y", "c": {"d": 2}})) is kept


def test_a_time_under_or_does_not_narrow_the_reading():
    assert parse("phenomenonTime ge 2026-01-01T00:00:00Z or result gt 1").since == float("-inf")
    assert parse("phenomenonTime ge 2026-01-01T00:00:00Z and result gt 1").since == 1_767_225_600.0
    assert parse("not (phenomenonTime ge 2026-01-01T00:00:00Z)").since == float("-inf")


@pytest.mark.parametrize("query", ["$filter=a eq", "$filter=(a eq 1", "$filter=%23", "$filter=fly(a)", "$top=many", "$sort=a",
                                   "$expand=Wings", "$count=maybe", "$orderby=a b c"])  # fmt: skip
def test_nonsense_is_a_problem_that_says_which(operator, query):
    answer = operator.get(f"/sta/v1.1/Things?{query}")
    assert answer.status_code == 400
    assert query.split("=")[0] in answer.json()["detail"] or "query option" in answer.json()["detail"]
