"""Who gets in, and what they may do."""

import re

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from api import app as application
from api.security.rights import RIGHTS, right_of
from api.security.sessions import hash_password, one_time_link
from core.errors import StoreUnavailable
from core.records import Role, User
from tests.api.town import NOW


def routes():
    """(method, path, right) of every route of the application itself."""
    found = []
    for router in (*application.ROUTERS, *application._field()):
        for route in router.routes:
            assert isinstance(route, APIRoute), f"{route} is not a plain route: the rights check does not see it"
            found += [(method, route.path, right_of(route)) for method in sorted(route.methods)]
    return found


@pytest.mark.parametrize("role", [None, *Role])
def test_every_route_lets_in_exactly_the_roles_of_its_right(world, client, role):
    """Deny by default, over the application's own list of routes."""
    person = world.user(client, role) if role else None
    for method, path, right in routes():
        if (path == "/api/v1/stream" and role) or path == "/sign-out":
            continue  # the one would never end, the other ends the session: their own tests hold them
        filled = re.sub(r"\{[^}]*\}", "none", path)
        answer = (person or client).request(method, filled)
        allowed = right == "public" or (role is not None and role in RIGHTS[right])
        denied = answer.status_code == (403 if role else 401) and "application/problem+json" in answer.headers.get("content-type", "")
        if right == "public":
            assert answer.status_code < 500, f"{role} {method} {path}: {answer.status_code}"
        else:
            assert denied is not allowed, f"{role} {method} {path} ({right}): {answer.status_code} {answer.text[:200]}"


def test_a_route_without_a_right_stops_the_start(world, monkeypatch):
    careless = APIRouter()
    careless.add_api_route("/open", lambda: "everything")
    monkeypatch.setattr(application, "ROUTERS", (*application.ROUTERS, careless))
    with pytest.raises(RuntimeError, match="/open"):
        application.create_app(world.services)


def test_a_change_needs_the_csrf_token(operator):
    refused = operator.post("/api/v1/alarms/al-1/acknowledge", csrf=False)
    assert refused.status_code == 403
    assert "X-CSRF-Token" in refused.json()["detail"]


def test_keys_are_hashed_scoped_and_expire(world, client):
    good, old = world.key(Role.REPORTER), world.key(Role.REPORTER, expires_at=NOW - 1)
    kept = str(world.services.registry.keys.all())
    assert good not in kept
    assert client.get("/api/v1/zones", headers={"authorization": f"Bearer {good}"}).status_code == 200
    assert client.get("/api/v1/zones", headers={"authorization": f"Bearer {old}"}).status_code == 401
    assert client.get("/api/v1/zones", headers={"authorization": f"Bearer {good}x"}).status_code == 401
    denied = client.post("/api/v1/alarms/al-1/acknowledge", headers={"authorization": f"Bearer {good}"})
    assert denied.status_code == 403


def test_the_printed_link_signs_in_once(world, client):
    link = one_time_link(world.services.registry, world.services.clock, str(client.base_url))
    first = client.get(link)
    assert (first.status_code, first.headers["location"]) == (303, "/")
    assert "HttpOnly" in first.headers["set-cookie"]
    assert client.get("/api/v1/zones").status_code == 200
    client.cookies.clear()
    assert client.get(link).status_code == 403


def test_passwords(world, client):
    world.services.registry.users.put(User("kari", frozenset({Role.OPERATOR}), hash_password("riktig hest batteri")))
    assert client.post("/sign-in", data={"name": "kari", "password": "feil"}).status_code == 403
    assert client.post("/sign-in", data={"name": "ola", "password": "feil"}).status_code == 403
    assert client.post("/sign-in", data={"name": "kari", "password": "riktig hest batteri"}).status_code == 303
    assert client.get("/api/v1/zones").status_code == 200
    elsewhere = client.post(
        "/sign-in", data={"name": "kari", "password": "riktig hest batteri"}, headers={"origin": "https://evil.example"}
    )
    assert elsewhere.status_code == 403


def test_sign_out_ends_every_session(world, client, operator):
    assert operator.post("/sign-out").status_code == 204
    assert operator.get("/api/v1/zones").status_code == 401


def test_a_forged_or_old_session_is_nobody(world, client, operator):
    assert client.get("/api/v1/zones", headers={"cookie": "mjosa_session=eyJ1IjoiYWRtaW4ifQ.abc"}).status_code == 401
    world.services.clock = world.app.state.context.sessions.clock = lambda: NOW + 13 * 3600
    assert operator.get("/api/v1/zones").status_code == 401


def test_guessing_is_slowed_down(world, client):
    codes = [client.post("/sign-in", data={"name": "kari", "password": str(i)}).status_code for i in range(12)]
    assert codes[0] == 403
    assert codes[-1] == 429


def test_household_readings_need_their_own_role_and_are_written_down(world, client, operator):
    refused = operator.get("/api/v1/sensors/VM-0001/readings")
    assert refused.status_code == 403
    assert "meter_reader" in refused.json()["detail"]
    reader = world.user(client, Role.METER_READER)
    assert reader.get("/api/v1/sensors/VM-0001/readings").status_code == 200
    entry = next(e for e in world.services.registry.audit.find() if e.personal)
    assert (entry.actor, entry.subject, entry.action) == ("meter_reader", "VM-0001", "readings.read")


def test_headers_limits_and_no_stack_trace(world, operator, client):
    answer = operator.get("/")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-frame-options"] == "DENY"
    assert client.post("/sign-in", content=b"x" * 2_000_001).status_code == 413
    world.services.registry.town = lambda: 1 / 0
    broken = operator.get("/api/v1/zones")
    assert broken.status_code == 500
    assert "ZeroDivision" not in broken.text
    assert "Traceback" not in broken.text


def test_too_many_requests_wait(world, operator):
    codes = {operator.get("/api/v1/zones").status_code for _ in range(world.services.limits.burst + 1)}
    assert codes == {200, 429}


def test_pages_send_strangers_to_sign_in(client):
    answer = client.get("/overflows")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?to=/overflows")


def test_a_registry_that_is_away_is_told_as_such(world, client):
    def away(prefix):
        raise StoreUnavailable("the database does not answer; nothing was lost")

    key = world.key(Role.OPERATOR)
    world.services.registry.keys.by_prefix = away
    answer = client.get("/api/v1/zones", headers={"authorization": f"Bearer {key}"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "does not answer" in answer.json()["detail"]
