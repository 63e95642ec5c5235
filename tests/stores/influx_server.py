"""Debian's influxd 1.6 on loopback. It lacks the v2 write path and buckets, so a small server in front maps those on to `/write`."""

import json
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
from influxdb_client import InfluxDBClient

from core.stores.influx_setup import set_up
from tests.stores.ports import free_port

CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:{backup}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
[monitor]
  store-enabled = false
[logging]
  level = "error"
"""


@contextmanager
def influxd(folder: Path) -> Iterator[str]:
    """The address of the server in front of a fresh influxd."""
    port = free_port()
    config = folder / "influxdb.conf"
    config.write_text(CONFIG.format(folder=folder, port=port, backup=free_port()))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["influxd", "-config", str(config)], stdout=log, stderr=log)
    try:
        _await(f"http://127.0.0.1:{port}/ping", process)
        with mapped(f"http://127.0.0.1:{port}") as (url, _):
            yield url
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def mapped(upstream: str, answers: list[tuple[int, dict[str, str], bytes]] | None = None) -> Iterator[tuple[str, list[dict]]]:
    """A v2 face for influxd 1.6: (its address, the writes it saw). `answers` are given to the next writes instead of passing them on."""
    seen: list[dict] = []
    answers = [] if answers is None else answers

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            parts = urlsplit(self.path)
            if parts.path == "/api/v2/write":
                asked = {key: value[0] for key, value in parse_qs(parts.query).items()}
                seen.append({**asked, "headers": dict(self.headers), "body": body})
                if answers:
                    return self.answer(*answers.pop(0))
                target = f"/write?db={asked['bucket']}&precision={asked['precision'][0]}"
            else:
                target = self.path
            kept = {k: v for k, v in self.headers.items() if k in ("Content-Encoding", "Content-Type", "Accept")}
            answer = client.post(upstream + target, content=body, headers=kept)
            content = answer.content
            if answer.is_error and target.startswith("/write"):
                content = json.dumps({"code": "invalid", "message": answer.json().get("error", answer.text)}).encode()
            return self.answer(answer.status_code, {}, content)

        def answer(self, status, headers, content):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content if status != 204 else b"")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    with httpx.Client(timeout=30) as client:
        yield f"http://127.0.0.1:{server.server_port}", seen
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def bucket(url: str, token: str, org: str) -> Iterator[str]:
    """A bucket of its own: on a real server made as `mjosa init` does, on influxd 1.6 a database."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    if httpx.get(f"{url}/api/v2/buckets", headers={"Authorization": f"Token {token}"}).status_code == httpx.codes.OK:
        set_up(url, token, org, name)
        yield name
        with InfluxDBClient(url=url, token=token, org=org) as client:
            buckets = client.buckets_api()
            buckets.delete_bucket(buckets.find_bucket_by_name(name))
        return
    httpx.post(f"{url}/query", data={"q": f"CREATE DATABASE {name}"}).raise_for_status()
    yield name
    httpx.post(f"{url}/query", data={"q": f"DROP DATABASE {name}"}).raise_for_status()


def _await(url: str, process: subprocess.Popen) -> None:
    for _ in range(200):
        try:
            httpx.get(url)
            return
        except httpx.TransportError:
            assert process.poll() is None, "influxd ended at once"
            time.sleep(0.1)
    raise AssertionError("influxd did not come up within 20 s")
