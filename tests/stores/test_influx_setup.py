"""Setting up InfluxDB 2, against a server on loopback that keeps organisations, buckets, mappings and tokens as its HTTP API describes."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from core.errors import ConfigError, StoreUnavailable
from core.stores.influx_setup import set_up
from tests.stores.ports import free_port

ORG_ID = "0123456789abcdef"


class V2:
    """Organisation `mjosa`, reached with the token `admin`."""

    def __init__(self):
        self.buckets, self.mappings, self.tokens = [], [], []

    def answer(self, method, path, asked, body, token):
        if token != "Token admin":
            return 401, {"code": "unauthorized", "message": "unauthorized access"}
        found = re.fullmatch(r"/api/v2/(orgs|buckets|dbrps|authorizations)(?:/(\w+))?", path)
        noun, key = found.groups()
        return getattr(self, f"{method.lower()}_{noun}")(asked, body, key)

    def get_orgs(self, asked, _, __):
        return 200, {"orgs": [{"id": ORG_ID, "name": "mjosa"}] if asked.get("org") == "mjosa" else []}

    def get_buckets(self, asked, _, __):
        return 200, {"buckets": [b for b in self.buckets if b["name"] == asked["name"]]}

    def post_buckets(self, _, body, __):
        self.buckets.append({"id": f"b{len(self.buckets)}", **body})
        return 201, self.buckets[-1]

    def patch_buckets(self, _, body, key):
        bucket = next(b for b in self.buckets if b["id"] == key)
        bucket["retentionRules"] = body["retentionRules"]
        return 200, bucket

    def get_dbrps(self, asked, _, __):
        return 200, {"content": [m for m in self.mappings if m["database"] == asked["db"] and m["bucketID"] == asked["bucketID"]]}

    def post_dbrps(self, _, body, __):
        self.mappings.append({"id": "m", **body})
        return 201, self.mappings[-1]

    def get_authorizations(self, _, __, ___):
        return 200, {"authorizations": self.tokens}

    def post_authorizations(self, _, body, __):
        self.tokens.append({"id": "t", "token": "secret-of-bucket", **body})
        return 201, self.tokens[-1]


@pytest.fixture
def v2():
    state = V2()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self):
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = {k: v[0] for k, v in parse_qs(parts.query).items()}
            status, said = state.answer(self.command, parts.path, asked, json.loads(body) if body else None, self.headers["Authorization"])
            content = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = handle_any

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", state
    server.shutdown()
    thread.join()
    server.server_close()


def test_everything_missing_is_made_with_a_token_that_can_do_no_more(v2):
    url, state = v2
    made = set_up(url, "admin", "mjosa", "readings", retention_days=400)
    assert (made.bucket_id, made.made_bucket, made.made_mapping, made.token) == ("b0", True, True, "secret-of-bucket")
    assert state.buckets[0]["retentionRules"] == [{"everySeconds": 400 * 86_400, "type": "expire"}]
    mapping = {k: state.mappings[0][k] for k in ("bucketID", "database", "retention_policy", "default", "orgID")}
    assert mapping == {"bucketID": "b0", "database": "readings", "retention_policy": "autogen", "default": True, "orgID": ORG_ID}
    resource = {"type": "buckets", "id": "b0", "orgID": ORG_ID}
    assert state.tokens[0]["permissions"] == [{"action": "read", "resource": resource}, {"action": "write", "resource": resource}]


def test_a_second_time_changes_only_the_retention(v2):
    url, state = v2
    set_up(url, "admin", "mjosa", "readings", retention_days=400)
    again = set_up(url, "admin", "mjosa", "readings")
    assert (again.made_bucket, again.made_mapping, again.token) == (False, False, None)
    assert (len(state.buckets), len(state.mappings), len(state.tokens)) == (1, 1, 1)
    assert state.buckets[0]["retentionRules"] == [{"everySeconds": 0, "type": "expire"}]


def test_what_stands_in_the_way_is_said(v2):
    url, _ = v2
    with pytest.raises(ConfigError, match="no organisation 'another'"):
        set_up(url, "admin", "another", "readings")
    with pytest.raises(ConfigError, match="unauthorized access"):
        set_up(url, "wrong", "mjosa", "readings")
    with pytest.raises(StoreUnavailable, match="does not answer"):
        set_up(f"http://127.0.0.1:{free_port()}", "admin", "mjosa", "readings")
