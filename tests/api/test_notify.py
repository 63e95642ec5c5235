"""Notifications: who is told when, and that a message leaves at least once through real servers of this machine."""

import asyncio
import json
import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from aiosmtpd.controller import Controller

from api.notify.channels import Smtp, slack, sms, smtp_from_url, teams, web_channels
from api.notify.messages import text
from api.notify.outbox import DOCUMENT, Notifier
from api.notify.rules import Recipient, Schedule, due
from core.errors import ConfigError
from core.records import Alarm, OutboxMessage
from tests.api.town import NOW

ALARM = Alarm("al-9", "water:x", "burst", "major", "open", "sentrum", None, ("PT-sentrum-1",), (), NOW - 300, NOW - 300, NOW - 300)
NIGHT = NOW + 13 * 3600
"""01:33 local time."""


def told(alarms, schedule, now, known=()):
    return [(d.occasion, d.recipient.target, d.not_before) for d in due(alarms, schedule, now, set(known))]


def recipient(**more):
    return Recipient(**{"channel": "webhook", "target": "http://127.0.0.1:1/", **more})


def test_severity_zone_and_kind_choose_the_recipient():
    schedule = Schedule(recipients=(
        recipient(target="all", severity="info"), recipient(target="critical", severity="critical"),
        recipient(target="elsewhere", zones=("hunndalen",)), recipient(target="leaks", kinds=("leak",)),
    ))  # fmt: skip
    assert told([ALARM], schedule, NOW) == [("raised", "all", NOW)]


def test_escalation_comes_only_when_nobody_has_acknowledged():
    schedule = Schedule(recipients=(recipient(target="first"), recipient(target="boss", after_s=900)))
    assert [t for _, t, _ in told([ALARM], schedule, NOW)] == ["first"]
    assert ("escalated", "boss", NOW + 700) in told([ALARM], schedule, NOW + 700)
    assert told([replace(ALARM, state="acknowledged")], schedule, NOW + 700) == []


def test_quiet_hours_hold_back_all_but_critical():
    alarm = replace(ALARM, raised_at=NIGHT - 60)
    schedule = Schedule(recipients=(recipient(target="asleep", quiet=(22, 7)),))
    ((_, _, at),) = told([alarm], schedule, NIGHT)
    assert at == 1_778_216_400.0  # 07:00 local time, 2026-05-08
    assert told([replace(alarm, severity="critical")], schedule, NIGHT)[0][2] == NIGHT


def test_history_is_not_news_and_shelved_is_silent():
    schedule = Schedule(recipients=(recipient(),))
    assert told([replace(ALARM, raised_at=NOW - 3 * 86_400)], schedule, NOW) == []
    assert told([replace(ALARM, shelved_until=NOW + 60)], schedule, NOW) == []
    assert told([replace(ALARM, ended_at=NOW - 10)], schedule, NOW) == []


def test_one_message_per_cause_and_one_when_it_is_over():
    schedule = Schedule(recipients=(recipient(),))
    first = list(due([ALARM], schedule, NOW, set()))
    known = {d.id for d in first}
    assert told([replace(ALARM, revision=7, score=9.0)], schedule, NOW + 60, known) == []
    over = list(due([replace(ALARM, ended_at=NOW + 100)], schedule, NOW + 120, known))
    assert [d.occasion for d in over] == ["recovered"]
    assert list(due([replace(ALARM, ended_at=NOW + 100)], schedule, NOW + 130, known | {over[0].id})) == []


def test_the_text_names_kind_place_and_time(world):
    said = text(ALARM, world.town, "raised", "nb", "http://mjosa")
    assert said.subject == "Alvorlig: Rørbrudd – Sentrum"
    assert "07.05.2026 12:28" in said.body
    assert "http://mjosa/?alarm=al-9" in said.body
    assert text(ALARM, world.town, "recovered", "en", "http://mjosa").subject == "Major: Over: Pipe burst – Sentrum"


class Mailbox:
    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.mails.append((envelope.rcpt_tos, envelope.content.decode()))
        return "250 taken"


@pytest.fixture
def mailbox():
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=0, loop=asyncio.new_event_loop())
    controller.port = _free_port()
    controller.start()
    yield box, controller.port
    controller.stop(no_assert=True)
    controller.loop.close()


def _free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def receiver(answers):
    """An HTTP server that answers with the given codes in turn and keeps what it was sent."""
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append((dict(self.headers), body))
            self.send_response(answers[min(len(got), len(answers)) - 1])
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", got
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_alarm_becomes_a_mail(world, mailbox):
    box, port = mailbox
    registry = world.services.registry
    registry.alarms.raise_(replace(ALARM, raised_at=NOW - 10, started_at=NOW - 10))
    registry.documents.put(DOCUMENT, Schedule(recipients=(recipient(channel="email", target="vakt@example.org"),)).model_dump(mode="json"))
    notifier = Notifier(registry, {"email": Smtp("127.0.0.1", port, tls="none")}, lambda: NOW, "http://mjosa")
    sent = notifier.turn()
    assert sent == len(box.mails) == 2  # al-1 (critical) and al-9
    assert notifier.turn() == 0
    to, mail = next(m for m in box.mails if "al-9" in m[1])
    assert to == ["vakt@example.org"]
    assert "Subject:" in mail


def test_a_refused_message_stays_with_its_reason_and_is_sent_later(world):
    registry, now = world.services.registry, [NOW]
    with receiver([500, 204]) as (address, got):
        registry.outbox.put(OutboxMessage("m1", "webhook", address, "subject", "body", NOW, NOW))
        notifier = Notifier(registry, web_channels(), lambda: now[0], "http://mjosa")
        assert notifier.turn() == 0
        waiting = registry.outbox.find(sent=False)[0]
        assert "500" in waiting.error
        assert notifier.turn() == 0, "it must wait before it tries again"
        now[0] = waiting.not_before + 1
        assert notifier.turn() == 1
    assert [json.loads(body)["id"] for _, body in got] == ["m1", "m1"]
    assert registry.outbox.find(sent=True)[0].sent_at == now[0]


def test_a_crash_after_sending_sends_again_with_the_same_id(world):
    """At least once: what was not marked as sent goes again, and the receiver can tell by the id."""
    registry = world.services.registry
    with receiver([200]) as (address, got):
        registry.outbox.put(OutboxMessage("m1", "webhook", address, "s", "b", NOW, NOW))
        web_channels()["webhook"].send(registry.outbox.find()[0])  # sent, then the process ended
        Notifier(registry, web_channels(), lambda: NOW, "http://mjosa").turn()
    assert [h["Idempotency-Key"] for h, _ in got] == ["m1", "m1"]


def test_shapes():
    m = OutboxMessage("m1", "x", "https://sms.example/send#+4799999999", "Kritisk: <b>", "linje 1\nlinje 2", NOW, NOW)
    assert teams(m)[0]["attachments"][0]["content"]["body"][0]["text"] == m.subject
    assert "&lt;b&gt;" in slack(m)[0]["text"]
    assert sms(m)[0]["to"] == "+4799999999"
    assert len(sms(replace(m, body="x" * 999))[0]["message"]) == 300


def test_plain_http_beyond_this_machine_is_refused():
    with pytest.raises(Exception, match="https"):
        web_channels()["webhook"].send(OutboxMessage("m", "webhook", "http://example.org/x", "s", "b", 0, 0))
    with pytest.raises(Exception, match="TLS"):
        Smtp("mail.example.org", tls="none").send(OutboxMessage("m", "email", "a@b.no", "s", "b", 0, 0))


def test_the_outbox_hides_secrets_in_addresses(world, client):
    admin = world.user(client, "admin")
    world.services.registry.outbox.put(OutboxMessage("m1", "slack", "https://hooks.example/T0/secret", "s", "b", NOW, NOW + 9e6))
    shown = admin.get("/api/v1/admin/outbox").json()["items"][0]
    assert shown["target"] == "https://hooks.example/…"
    put = admin.request("PUT", "/api/v1/admin/notifications", json={"recipients": [{"channel": "pigeon", "target": "x"}]})
    assert put.status_code == 422


def test_the_smtp_address():
    made = smtp_from_url("smtp://vakt:p%40ss@mail.example.org:2587?sender=mjosa@example.org")
    assert made == Smtp("mail.example.org", 2587, "mjosa@example.org", "vakt", "p@ss", "starttls")
    assert smtp_from_url("smtps://mail.example.org").port == 465
    with pytest.raises(ConfigError, match="smtp://"):
        smtp_from_url("mail.example.org")
