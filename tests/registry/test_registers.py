"""Events, alarms, figures and the small registers."""

import math
from dataclasses import replace

import pytest

from core.errors import Conflict, NotFound
from core.model import Event, IndicatorValue
from core.records import (
    Alarm,
    AlarmState,
    ApiKey,
    AuditEntry,
    Comment,
    Commissioning,
    Maintenance,
    MasterValue,
    OutboxMessage,
    User,
)
from tests.registry.conftest import T0

EVENT = Event(
    "e1", "overflow", "overflow_level", ("L1", "L2"), "south", "weir-1", T0, T0 + 600, T0 + 5, 30.0, 7.5, 4.0, 0.98,
    location=(("p1", 0.75), ("p2", 0.25)), details={"depth_m": 0.12, "kind_of_weir": "broad", "missing_m": math.nan},
)  # fmt: skip
ALARM = Alarm("a1", "cause-1", "overflow", "major", "open", "south", "weir-1", ("L1",), ("e1",), T0, T0 + 60, T0 + 60, score=7.5)
FIGURE = IndicatorValue("sdg_6_4", "town", T0, T0 + 86_400, 12.5, 25.0, 2.0, "%", 2, 0.97, 12.0, 13.0, ("completeness",), (0.5, 0.25, 0.25))


def test_an_event_comes_back_whole(registry):
    assert registry.events.save([EVENT]) == [EVENT]
    found = registry.events.get("e1")
    assert math.isnan(found.details["missing_m"])
    assert replace(found, details={}) == replace(EVENT, details={})
    assert found.details["depth_m"] == 0.12


def test_saving_the_same_again_is_no_change_and_a_difference_raises_the_revision(registry):
    registry.events.save([EVENT])
    assert registry.events.save([EVENT]) == []
    changed = registry.events.save([replace(EVENT, end=T0 + 900), replace(EVENT, id="e2")])
    assert [(e.id, e.revision) for e in changed] == [("e1", 2), ("e2", 1)]
    assert registry.events.save([replace(EVENT, end=T0 + 900)]) == []
    assert registry.events.get("e1").end == T0 + 900


def test_events_are_found_by_overlap_newest_first(registry):
    spans = {"a": (0, 10), "b": (10, 20), "c": (20, None), "d": (5, 25)}
    registry.events.save([replace(EVENT, id=i, start=T0 + s, end=None if e is None else T0 + e) for i, (s, e) in spans.items()])

    def ids(**of):
        return [e.id for e in registry.events.find(**of)]

    assert ids() == ["c", "b", "d", "a"]
    assert ids(start=T0 + 10, end=T0 + 20) == ["b", "d"]
    assert ids(start=T0 + 30) == ["c"]
    assert ids(open_only=True) == ["c"]
    assert ids(limit=2) == ["c", "b"]
    assert ids(zone="south", kind="overflow", sensor="L2") == ["c", "b", "d", "a"]
    assert ids(zone="north") == ids(kind="burst") == ids(sensor="L3") == []


def test_a_withdrawn_event_is_found_no_more_and_can_come_back(registry):
    registry.events.save([EVENT])
    registry.events.withdraw(["e1"])
    assert registry.events.find() == []
    assert registry.events.get("e1").id == "e1"
    assert [e.revision for e in registry.events.save([EVENT])] == [2]
    assert [e.id for e in registry.events.find()] == ["e1"]
    with pytest.raises(NotFound, match="no event 'e9'"):
        registry.events.get("e9")


def test_one_alarm_per_cause_keeps_what_people_did(registry):
    registry.alarms.raise_(ALARM)
    registry.alarms.change("a1", AlarmState.ACKNOWLEDGED, "anna", T0 + 90, "on my way")
    registry.alarms.assign("a1", "bo", "anna", T0 + 91)
    again = registry.alarms.raise_(replace(ALARM, id="a2", severity="critical", events=("e1", "e2"), updated_at=T0 + 200))
    assert (again.id, again.state, again.assignee, again.severity, again.events) == ("a1", "acknowledged", "bo", "critical", ("e1", "e2"))
    assert again.comments == (Comment(T0 + 90, "anna", "on my way"),)
    assert again.acknowledged_at == T0 + 90
    assert len(registry.alarms.find()) == 1
    assert registry.alarms.raise_(replace(ALARM, severity="critical", events=("e1", "e2"), updated_at=T0 + 300)).revision == again.revision


def test_a_closed_alarm_stays_closed_while_its_cause_lasts(registry):
    registry.alarms.raise_(ALARM)
    registry.alarms.change("a1", AlarmState.CLOSED, "anna", T0 + 90)
    again = registry.alarms.raise_(replace(ALARM, updated_at=T0 + 500))
    assert (again.id, again.state) == ("a1", AlarmState.CLOSED)
    assert len(registry.alarms.find()) == 1


def test_a_cause_that_goes_on_after_the_closing_is_a_new_alarm(registry):
    registry.alarms.raise_(replace(ALARM, ended_at=T0 + 50))
    registry.alarms.change("a1", AlarmState.CLOSED, "anna", T0 + 90)
    assert registry.alarms.raise_(replace(ALARM, ended_at=T0 + 50)).state == AlarmState.CLOSED
    again = registry.alarms.raise_(replace(ALARM, ended_at=T0 + 200))
    assert (again.id, again.state) == ("a1-2", AlarmState.OPEN)
    assert registry.alarms.raise_(replace(ALARM, ended_at=T0 + 300)).id == "a1-2"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (["acknowledged", "in_progress", "resolved", "closed"], True),
        (["resolved", "in_progress"], True),
        (["closed", "open"], False),
        (["acknowledged", "open"], False),
        (["nonsense"], False),
    ],
)
def test_the_ways_an_alarm_can_go(registry, path, allowed):
    registry.alarms.raise_(ALARM)
    for state in path[:-1]:
        registry.alarms.change("a1", state, "anna", T0 + 90)
    if allowed:
        assert registry.alarms.change("a1", path[-1], "anna", T0 + 99).state == path[-1]
    else:
        with pytest.raises(Conflict, match="cannot become"):
            registry.alarms.change("a1", path[-1], "anna", T0 + 99)


def test_two_people_at_once(registry):
    revision = registry.alarms.raise_(ALARM).revision
    registry.alarms.change("a1", "acknowledged", "anna", T0, revision=revision)
    with pytest.raises(Conflict, match="changed by somebody else"):
        registry.alarms.change("a1", "resolved", "bo", T0, revision=revision)


def test_ending_shelving_feedback_and_audit(registry):
    registry.alarms.raise_(ALARM)
    assert registry.alarms.end("cause-1", T0 + 700).ended_at == T0 + 700
    assert registry.alarms.end("another", T0) is None
    registry.alarms.shelve("a1", T0 + 9000, "anna", T0)
    registry.alarms.comment("a1", "checked", "bo", T0)
    registry.alarms.feedback("a1", "false", "anna", T0)
    alarm = registry.alarms.get("a1")
    assert (alarm.shelved_until, alarm.feedback, alarm.comments[0].text, alarm.state) == (T0 + 9000, "false", "checked", "open")
    assert {e.action for e in registry.audit.find(subject="a1")} == {"alarm.shelve", "alarm.comment", "alarm.feedback"}
    with pytest.raises(Conflict, match="true, false or unknown"):
        registry.alarms.feedback("a1", "maybe", "anna")


def test_a_figure_that_changes_gets_a_revision_and_keeps_its_past(registry):
    assert registry.figures.save([FIGURE]) == [FIGURE]
    assert registry.figures.save([FIGURE]) == []
    assert [f.revision for f in registry.figures.save([replace(FIGURE, value=None, reason="too few")])] == [2]
    assert [f.value for f in registry.figures.find()] == [None]
    assert [(f.revision, f.value) for f in registry.figures.find(history=True)] == [(1, 12.5), (2, None)]
    assert registry.figures.find(indicator="other") == registry.figures.find(zone="north") == []
    assert registry.figures.find(start=T0 + 1) == registry.figures.find(end=T0 + 86_399) == []
    assert len(registry.figures.find(start=T0, end=T0 + 86_400)) == 1


def test_master_data_by_time_and_last_entry(registry):
    value = MasterValue("population", "north", 900.0, -math.inf, T0, "SSB", T0)
    newer = MasterValue("population", "north", 950.0, T0, math.inf, "SSB", T0 + 1)
    corrected = replace(newer, value=960.0, entered_at=T0 + 2)
    for v in (corrected, value, newer):
        registry.master.put(v)
    assert registry.master.at("population", "north", T0 - 1) == value
    assert registry.master.at("population", "north", T0) == corrected
    assert registry.master.at("population", "south", T0) is None
    assert registry.master.all() == [value, newer, corrected]


def test_planned_work_by_overlap(registry):
    work = Maintenance("w1", "flushing", T0, T0 + 100, ("north",), (), "note", "anna")
    registry.maintenance.add(work)
    assert registry.maintenance.find(T0 + 99, T0 + 200) == [work]
    assert registry.maintenance.find(T0 + 100, T0 + 200) == registry.maintenance.find(T0 - 9, T0) == []
    registry.maintenance.remove("w1")
    with pytest.raises(NotFound):
        registry.maintenance.remove("w1")


def test_users_and_keys(registry):
    user = User("anna", frozenset({"operator", "admin"}), "$argon2…", "anna@example.no")
    registry.users.put(user)
    assert registry.users.get("anna") == user
    assert registry.users.get("bo") is None
    registry.users.remove("anna")
    assert registry.users.all() == []
    key = ApiKey("k1", "mj_ab", "0" * 64, frozenset({"reporter"}), "grafana", None, "anna")
    registry.keys.put(key)
    assert registry.keys.by_prefix("mj_ab") == [key]
    registry.keys.used("k1", T0)
    registry.keys.revoke("k1")
    assert registry.keys.get("k1") == replace(key, last_used_at=T0, revoked=True)


def test_audit_is_found_by_what_is_asked(registry):
    for i, personal in enumerate((False, True, False)):
        registry.audit.add(AuditEntry(T0 + i, "anna", "meter.read", f"m{i}", {"rows": i}, personal, "127.0.0.1"))
    assert [e.subject for e in registry.audit.find()] == ["m2", "m1", "m0"]
    assert [e.subject for e in registry.audit.find(personal=True)] == ["m1"]
    assert [e.subject for e in registry.audit.find(start=T0 + 1, end=T0 + 2)] == ["m1"]
    assert [e.subject for e in registry.audit.find(action="meter.", limit=1)] == ["m2"]
    assert registry.audit.find(actor="bo") == []


def test_outbox_retries_until_sent(registry):
    message = OutboxMessage("m1", "mail", "a@example.no", "s", "b", T0, T0)
    assert registry.outbox.put(message)
    assert not registry.outbox.put(replace(message, body="other"))
    assert registry.outbox.due(T0 - 1, 10) == []
    assert registry.outbox.due(T0, 10) == [message]
    registry.outbox.failed("m1", "refused", T0 + 60)
    assert registry.outbox.due(T0 + 59, 10) == []
    assert registry.outbox.due(T0 + 60, 10)[0].attempts == 1
    registry.outbox.sent("m1", T0 + 61)
    assert registry.outbox.due(T0 + 99, 10) == []
    assert [m.sent_at for m in registry.outbox.find(sent=True)] == [T0 + 61]


def test_commissionings_and_documents(registry):
    record = Commissioning("c1", "L1", "00000000000000b1", T0, "anna", {"radio": {"verdict": "good", "rssi_dbm": -101.5}}, "good")
    registry.commissionings.put(record)
    assert registry.commissionings.find(sensor="L1") == [record]
    registry.commissionings.put(replace(record, signed_at=T0 + 1))
    assert registry.commissionings.get("c1").signed_at == T0 + 1
    assert registry.documents.get("cursor") is None
    registry.documents.put("cursor", {"seq": 5, "nested": [1, {"a": math.inf}]})
    assert registry.documents.get("cursor") == {"seq": 5, "nested": [1, {"a": math.inf}]}
    assert registry.documents.keys("cur") == ["cursor"]


def test_many_figures_at_once(registry):
    figures = [replace(FIGURE, zone=f"z{i}", start=T0 + 86_400 * i, end=T0 + 86_400 * (i + 1)) for i in range(300)]
    assert registry.figures.save(figures) == figures
    changed = [replace(f, value=1.0) if i % 3 == 0 else f for i, f in enumerate(figures)]
    assert [f.revision for f in registry.figures.save(changed)] == [2] * 100
    assert len(registry.figures.find()) == 300
    assert len(registry.figures.find(history=True)) == 400
    assert registry.figures.save([]) == []


def test_of_two_versions_in_one_list_the_last_stays(registry):
    registry.figures.save([FIGURE])
    saved = registry.figures.save([replace(FIGURE, value=1.0), replace(FIGURE, value=2.0)])
    assert [(f.value, f.revision) for f in saved] == [(2.0, 2)]
    assert [f.value for f in registry.figures.find(history=True)] == [12.5, 2.0]
