"""The boards of `dashboards/json` to a Grafana that is not fed by files: compared first, and only what is ours is ever replaced.

A board's version in Grafana carries a message with the digest of what was pushed. Where the newest version's message is not
ours, somebody has worked on the board in the browser: it is left alone until told otherwise. Boards with other uids, in our
folders or elsewhere, are never touched; a board that was moved stays where it was moved to.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import niquests
from grafana_client import api as grafana_api
from grafana_client.client import GrafanaClientError, GrafanaException

from core.errors import Conflict, MjosaError, NotFound

_api: Any = grafana_api.GrafanaApi  # it has no annotations
BOARDS = Path(__file__).parent / "json"
FOLDERS: Mapping[str, str] = {"nb": "Mjøsa", "en": "Mjøsa (English)"}
"""Language → title; the folder's uid is `mjosa-nb`, `mjosa-en`."""
DATASOURCE = "mjosa-influxdb"
VIEW = 1
READERS: Mapping[str, int] = {"Viewer": VIEW, "Editor": VIEW}
"""Boards are code, so editors, too, only look; they work on copies of their own."""
OURS = "mjosa "
_GIVEN_BY_GRAFANA = ("id", "version")
_TIMEOUT_S = 20.0


class GrafanaError(MjosaError):
    """Grafana does not answer, or refuses."""


class State(StrEnum):
    """What a board in Grafana is, compared with the file. `provisioned`: fed by files, which Grafana does not let us replace."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    EDITED = "edited by hand"
    PROVISIONED = "provisioned"


@dataclass(frozen=True, slots=True)
class Compared:
    """One board: `difference` is a unified diff from Grafana's to ours; `version` and `folder` are Grafana's, None where it is new."""

    uid: str
    title: str
    language: str
    state: State
    difference: tuple[str, ...]
    version: int | None
    folder: str | None
    board: Mapping[str, Any]


@contextmanager
def connect(url: str, token: str) -> Iterator[Any]:
    """A client with a service account's token, for the length of the block."""
    grafana = _api.from_url(url, credential=token, timeout=_TIMEOUT_S)
    try:
        yield grafana
    finally:
        grafana.client.s.close()


def compare(grafana: Any, folder: Path = BOARDS) -> list[Compared]:
    """Every board of the folder against Grafana; nothing is changed there. Raises GrafanaError."""
    with _translated(grafana):
        return [
            _compared(grafana, path.parent.name, json.loads(path.read_text(encoding="utf-8"))) for path in sorted(folder.glob("*/*.json"))
        ]


def push(grafana: Any, folder: Path = BOARDS, *, replace_edited: bool = False) -> list[Compared]:
    """Bring folders, permissions and boards up to date; returns the boards as they were found. Doing it again changes nothing.

    Raises NotFound where Grafana lacks the datasource, Conflict where somebody saves the same board at the same moment, GrafanaError.
    """
    found = compare(grafana, folder)
    wanted = {State.NEW, State.CHANGED} | ({State.EDITED} if replace_edited else set())
    with _translated(grafana):
        _need_datasource(grafana)
        for language in sorted({c.language for c in found if c.state is not State.PROVISIONED}):
            _ensure_folder(grafana, language)
        for one in found:
            if one.state in wanted:
                _save(grafana, one)
    return found


def digest(board: Mapping[str, Any]) -> str:
    """Names what was pushed; Grafana's own numbering is left out."""
    text = json.dumps({k: v for k, v in board.items() if k not in _GIVEN_BY_GRAFANA}, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _compared(grafana: Any, language: str, board: dict[str, Any]) -> Compared:
    uid, title = board["uid"], board["title"]
    there = _found(lambda: grafana.dashboard.get_dashboard(uid))
    if there is None:
        return Compared(uid, title, language, State.NEW, (), None, None, board)
    meta, theirs = there["meta"], there["dashboard"]
    state = State.PROVISIONED if meta.get("provisioned") else _state(grafana, uid, digest(board))
    difference = () if state is State.SAME else tuple(_difference(theirs, board))
    return Compared(uid, title, language, state, difference, theirs["version"], meta.get("folderUid"), board)


def _state(grafana: Any, uid: str, wanted: str) -> State:
    """By the newest version's message: Grafana may rewrite the JSON it keeps, the message stays."""
    answer = grafana.dashboard_versions.get_dashboard_versions(dashboard_uid=uid)  # its limit goes astray into a body
    versions = answer["versions"] if isinstance(answer, dict) else answer  # a plain list before Grafana 11
    message = max(versions, key=lambda v: v["version"]).get("message", "") if versions else ""
    if not message.startswith(OURS):
        return State.EDITED
    return State.SAME if message == OURS + wanted else State.CHANGED


def _difference(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> Iterator[str]:
    before, after = (
        json.dumps({k: v for k, v in board.items() if k not in _GIVEN_BY_GRAFANA}, indent=1, sort_keys=True, ensure_ascii=False)
        for board in (theirs, ours)
    )
    yield from difflib.unified_diff(before.splitlines(), after.splitlines(), "Grafana", "Mjøsa", lineterm="", n=1)


def _need_datasource(grafana: Any) -> None:
    try:
        grafana.datasource.get_datasource_by_uid(DATASOURCE)
    except GrafanaClientError as error:
        if error.status_code == 404:
            raise NotFound(
                f"Grafana has no datasource '{DATASOURCE}': add dashboards/provisioning/datasources/mjosa.yaml to it first"
            ) from error
        if error.status_code != 403:  # a token that may not look at datasources may well write boards
            raise


def _ensure_folder(grafana: Any, language: str) -> None:
    """Made where it lacks; a title that somebody changed and entries for people and teams stay."""
    uid = f"mjosa-{language}"
    if _found(lambda: grafana.folder.get_folder(uid)) is None:
        grafana.folder.create_folder(FOLDERS.get(language, f"Mjøsa ({language})"), uid=uid)
    entries = grafana.folder.get_folder_permissions(uid)
    roles = {e["role"]: e["permission"] for e in entries if e.get("role") in ("Viewer", "Editor")}
    if roles == READERS:
        return
    kept = [
        {key: e[key], "permission": e["permission"]}
        for e in entries for key in ("userId", "teamId") if e.get(key) and not e.get("inherited")
    ]  # fmt: skip
    grafana.folder.update_folder_permissions(uid, [*({"role": r, "permission": p} for r, p in READERS.items()), *kept])


def _save(grafana: Any, one: Compared) -> None:
    """`version` is the one that was compared, so that a change made since is refused and not lost."""
    board = {**one.board, "id": None, "version": one.version or 0}
    asked = {"dashboard": board, "message": OURS + digest(one.board), "overwrite": False,
             "folderUid": f"mjosa-{one.language}" if one.folder is None else one.folder}  # fmt: skip
    try:
        grafana.dashboard.update_dashboard(asked)
    except GrafanaClientError as error:
        if error.status_code != 412:
            raise
        raise Conflict(f"'{one.title}' was saved by somebody else at the same moment; run this again") from error


def _found(ask: Any) -> Any:
    try:
        return ask()
    except GrafanaClientError as error:
        if error.status_code == 404:
            return None
        raise


@contextmanager
def _translated(grafana: Any) -> Iterator[None]:
    try:
        yield
    except GrafanaException as error:
        reasons = {401: "the token is not accepted", 403: "the token may not do this; it wants a service account with role Admin"}
        reason = reasons.get(error.status_code, error.message)
        raise GrafanaError(f"Grafana at {grafana.client.url.removesuffix('/api')}: {reason}") from error
    except (niquests.exceptions.RequestException, OSError) as error:
        raise GrafanaError(f"Grafana at {grafana.client.url.removesuffix('/api')} does not answer: {error}") from error
