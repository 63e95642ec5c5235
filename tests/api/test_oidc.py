"""Sign-in through an OpenID provider that this test starts: authorisation code, PKCE, signed ID token, groups to roles."""

import base64
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from api.app import create_app
from api.security.oidc import Provider, roles_from_text
from core.errors import ConfigError
from tests.api.conftest import served
from tests.api.town import NOW


class Identity:
    """A small OpenID provider. `claims` change what the next ID token says; `key` what it is signed with."""

    def __init__(self):
        self.key = RSAKey.generate_key(2048, {"kid": "one"})
        self.published = [self.key.as_dict(private=False)]
        self.claims, self.codes = {}, {}
        identity = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                url = urlsplit(self.path)
                if url.path == "/.well-known/openid-configuration":
                    base = identity.issuer
                    self.tell({"issuer": base, "authorization_endpoint": f"{base}/authorize", "token_endpoint": f"{base}/token",
                               "jwks_uri": f"{base}/keys"})  # fmt: skip
                elif url.path == "/keys":
                    self.tell({"keys": identity.published})
                else:
                    asked = {k: v[0] for k, v in parse_qs(url.query).items()}
                    identity.codes["c1"] = asked
                    self.send_response(303)
                    self.send_header("location", f"{asked['redirect_uri']}?code=c1&state={asked['state']}")
                    self.end_headers()

            def do_POST(self):
                form = {k: v[0] for k, v in parse_qs(self.rfile.read(int(self.headers["content-length"])).decode()).items()}
                asked = identity.codes.pop(form.get("code"), None)
                digest = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
                if asked is None or asked["code_challenge"] != digest:
                    self.tell({"error": "invalid_grant"}, 400)
                    return
                claims = {"iss": identity.issuer, "aud": "mjosa", "sub": "u1", "exp": int(NOW + 600), "iat": int(NOW),
                          "nonce": asked["nonce"], "preferred_username": "kari@gjovik.example", "groups": ["va-drift"],
                          **identity.claims}  # fmt: skip
                token = jwt.encode({"alg": "RS256", "kid": "one"}, claims, identity.key)
                self.tell({"access_token": "a", "token_type": "Bearer", "id_token": token})

            def tell(self, data, status=200):
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(data).encode())

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def identity():
    made = Identity()
    yield made
    made.close()


@pytest.fixture
def browser(world, identity):
    roles = {"va-drift": frozenset({"operator"}), "va-leder": frozenset({"operator", "reporter"})}
    world.services.oidc = Provider(identity.issuer, "mjosa", "secret", roles)
    with served(create_app(world.services)) as address, httpx.Client(base_url=address, follow_redirects=True) as client:
        yield client


def test_groups_become_roles_at_each_sign_in(world, identity, browser):
    assert browser.get("/sign-in/oidc").status_code == 200
    assert browser.get("/api/v1/zones").status_code == 200
    assert browser.get("/api/v1/admin/users").status_code == 403
    assert world.services.registry.users.get("oidc:kari@gjovik.example").roles == {"operator"}
    identity.claims = {"groups": ["va-leder", "something else"]}
    browser.get("/sign-in/oidc")
    assert world.services.registry.users.get("oidc:kari@gjovik.example").roles == {"operator", "reporter"}


@pytest.mark.parametrize("claims", [
    {"groups": ["kantina"]}, {"groups": []}, {"aud": "another"}, {"iss": "http://evil.example"}, {"nonce": "stale"},
    {"exp": int(NOW - 600)},
])  # fmt: skip
def test_a_token_that_does_not_fit_lets_nobody_in(identity, browser, claims):
    identity.claims = claims
    assert browser.get("/sign-in/oidc").status_code == 403
    assert browser.get("/api/v1/zones").status_code == 401


def test_a_token_signed_by_somebody_else_lets_nobody_in(identity, browser):
    identity.key = RSAKey.generate_key(2048, {"kid": "one"})
    assert browser.get("/sign-in/oidc").status_code == 403


def test_a_forged_return_lets_nobody_in(browser):
    assert browser.get("/sign-in/oidc/back?code=c1&state=guess").status_code == 403
    assert browser.get("/api/v1/zones").status_code == 401


def test_groups_and_roles_as_a_setting():
    assert roles_from_text("va-drift=operator; CN=leder=operator,reporter") == {
        "va-drift": {"operator"}, "CN=leder": {"operator", "reporter"}}  # fmt: skip
    for wrong in ("va-drift", "va-drift=king", "=operator"):
        with pytest.raises(ConfigError):
            roles_from_text(wrong)
