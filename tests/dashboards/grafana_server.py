"""A server that speaks Grafana's documented HTTP API of folders, permissions, boards and versions on loopback, and is as strict.

https://grafana.com/docs/grafana/latest/developers/http_api/: `dashboard`, `dashboard_versions`, `folder`, `folder_permissions`.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "glsa_only-for-this-test"
Answer = tuple[int, Any]
_SAVE_KEYS = {"dashboard", "folderUid", "folderId", "message", "overwrite", "refresh"}


@dataclass
class Grafana:
    """What it holds. `saves` and `writes` count what changed something; `versions_as_list` answers as before Grafana 11."""

    datasources: set[str] = field(default_factory=lambda: {"mjosa-influxdb"})
    folders: dict[str, str] = field(default_factory=dict)
    permissions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    boards: dict[str, dict[str, Any]] = field(default_factory=dict)
    history: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)
    provisioned: set[str] = field(default_factory=set)
    writes: int = 0
    versions_as_list: bool = False
    before_save: Callable[[str], None] = lambda uid: None

    def keep(self, board: dict[str, Any], home: str, message: str = "") -> dict[str, Any]:
        """Save without any question, as somebody in the browser does."""
        uid = board["uid"]
        version = self.boards[uid]["version"] + 1 if uid in self.boards else 1
        number = self.boards[uid]["id"] if uid in self.boards else len(self.boards) + 1
        self.boards[uid], self.homes[uid] = {**board, "id": number, "version": version}, home
        self.history.setdefault(uid, []).insert(0, {"id": version, "version": version, "message": message, "createdBy": "somebody"})
        return self.boards[uid]

    def save(self, asked: dict[str, Any]) -> Answer:
        board = asked.get("dashboard")
        if not isinstance(board, dict) or not board.get("title") or not set(asked) <= _SAVE_KEYS:
            return 400, {"message": "bad request data"}
        uid = board.get("uid", "")
        if len(uid) > 40 or not re.fullmatch(r"[a-zA-Z0-9_-]+", uid):
            return 400, {"message": "uid contains illegal characters"}
        if uid in self.provisioned:
            return 400, {"message": "Cannot save provisioned dashboard"}
        if asked.get("folderUid") and asked["folderUid"] not in self.folders:
            return 400, {"message": "folder not found"}
        self.before_save(uid)
        there = self.boards.get(uid)
        if board.get("id") and (there is None or there["id"] != board["id"]):
            return 404, {"message": "Dashboard not found", "status": "not-found"}
        if there is not None and not asked.get("overwrite") and board.get("version") != there["version"]:
            return 412, {"message": "The dashboard has been changed by someone else", "status": "version-mismatch"}
        self.writes += 1
        kept = self.keep(board, asked.get("folderUid", ""), asked.get("message", ""))
        return 200, {"id": kept["id"], "uid": uid, "url": f"/d/{uid}/x", "status": "success", "version": kept["version"], "slug": "x"}

    def board(self, uid: str) -> Answer:
        if uid not in self.boards:
            return 404, {"message": "Dashboard not found"}
        meta = {"provisioned": uid in self.provisioned, "folderUid": self.homes[uid], "version": self.boards[uid]["version"]}
        return 200, {"dashboard": self.boards[uid], "meta": meta}

    def versions(self, uid: str, limit: int) -> Answer:
        if uid not in self.boards:
            return 404, {"message": "Dashboard not found"}
        found = self.history[uid][:limit]
        return 200, found if self.versions_as_list else {"continueToken": "", "versions": found}

    def folder(self, uid: str) -> Answer:
        if uid not in self.folders:
            return 404, {"message": "folder not found", "status": "not-found"}
        return 200, {"id": 1, "uid": uid, "title": self.folders[uid], "version": 1}

    def make_folder(self, asked: dict[str, Any]) -> Answer:
        if not asked.get("title"):
            return 400, {"message": "folder title cannot be empty"}
        if asked["uid"] in self.folders:
            return 409, {"message": "a folder with the same name already exists"}
        self.writes += 1
        self.folders[asked["uid"]] = asked["title"]
        self.permissions[asked["uid"]] = [{"role": "Viewer", "permission": 1}, {"role": "Editor", "permission": 2},
                                          {"userId": 1, "userLogin": "admin", "permission": 4}]  # fmt: skip
        return self.folder(asked["uid"])

    def permit(self, uid: str, asked: dict[str, Any]) -> Answer:
        if uid not in self.folders or not isinstance(asked.get("items"), list):
            return 400, {"message": "bad request data"}
        for item in asked["items"]:
            who = [key for key in ("role", "teamId", "userId") if item.get(key)]
            if len(who) != 1 or item.get("permission") not in (1, 2, 4) or item.get("role") == "Admin":
                return 400, {"message": "bad permission item"}
        self.writes += 1
        self.permissions[uid] = asked["items"]
        return 200, {"message": "Folder permissions updated"}

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> Answer:
        routes: list[tuple[str, str, Callable[..., Answer]]] = [
            ("POST", r"/api/dashboards/db", lambda: self.save(body)),
            ("GET", r"/api/dashboards/uid/([^/]+)", self.board),
            ("GET", r"/api/dashboards/uid/([^/]+)/versions", lambda uid: self.versions(uid, int(query.get("limit", ["1000"])[0]))),
            ("GET", r"/api/folders/([^/]+)", self.folder),
            ("POST", r"/api/folders", lambda: self.make_folder(body)),
            ("GET", r"/api/folders/([^/]+)/permissions", lambda uid: (200, self.permissions[uid])),
            ("POST", r"/api/folders/([^/]+)/permissions", lambda uid: self.permit(uid, body)),
            ("GET", r"/api/datasources/uid/([^/]+)", lambda uid: (200 if uid in self.datasources else 404, {"uid": uid, "message": "?"})),
        ]
        for verb, pattern, call in routes:
            if verb == method and (match := re.fullmatch(pattern, path)):
                return call(*match.groups())
        return 404, {"message": "Not found"}


@contextmanager
def serving(grafana: Grafana) -> Iterator[str]:
    """Its address until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # an answer leaves in one piece

        def _do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            text = self.rfile.read(length)
            parts = urlsplit(self.path)
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                code, content = 401, {"message": "Invalid API key"}
            elif length and self.headers.get("Content-Type", "").split(";")[0] != "application/json":
                code, content = 415, {"message": "unsupported media type"}
            else:
                code, content = grafana.answer(self.command, parts.path, parse_qs(parts.query), json.loads(text) if text else None)
            answer = json.dumps(content).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json; charset=UTF-8")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PUT = do_DELETE = _do

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
