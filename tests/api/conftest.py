"""A whole application over MemoryStore and SQLite, asked through a real port of 127.0.0.1."""

import socket
import threading
import time
from contextlib import contextmanager

import httpx
import pytest
import uvicorn

from api.app import create_app
from api.security.sessions import COOKIE, new_key
from core.records import ApiKey, Role, User
from tests.api.town import NOW, build


class Browser:
    """A signed-in user: cookie and CSRF token on every request."""

    def __init__(self, client, app, user):
        self._client, self.user = client, user
        sessions = app.state.context.sessions
        self._cookie = sessions.open(user)
        self._csrf = sessions.csrf(self._cookie)

    def request(self, method, path, csrf=True, **more):
        headers = {"cookie": f"{COOKIE}={self._cookie}", **({"x-csrf-token": self._csrf} if csrf else {}), **more.pop("headers", {})}
        return self._client.request(method, path, headers=headers, **more)

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, **more):
        return self.request("POST", path, **more)


class World:
    """The services, the town and an application over them."""

    def __init__(self, folder, **more):
        self.services, self.town = build(folder, days=3, **more)
        self.app = create_app(self.services)

    def user(self, client, *roles, name=None):
        user = User(name or "-".join(sorted(roles)) or "nobody", frozenset(roles))
        self.services.registry.users.put(user)
        return Browser(client, self.app, user)

    def key(self, *roles, expires_at=None):
        text, prefix, digest = new_key()
        self.services.registry.keys.put(ApiKey(prefix, prefix, digest, frozenset(roles), "program", expires_at, "test"))
        return text


@pytest.fixture
def world(tmp_path):
    found = World(tmp_path)
    yield found
    found.services.registry.close()


@pytest.fixture
def client(world):
    with served(world.app) as address, httpx.Client(base_url=address) as made:
        yield made


@pytest.fixture
def operator(world, client):
    return world.user(client, Role.OPERATOR)


@contextmanager
def served(app, port=None):
    """The application behind a real port of 127.0.0.1: its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", port or 0))
        port = probe.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


__all__ = ["NOW", "Browser", "World", "httpx", "served"]
