"""Being a well-behaved process: one per data folder, ports asked for before work is done, everything stopped in reverse order."""

from __future__ import annotations

import fcntl
import json
import secrets
import shutil
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TextIO, TypeVar

from core.errors import ConfigError

SERVER_NOTE = "server.json"
"""In the data folder while a server runs: its address, and the token for commands on the same machine."""


class Part(Protocol):
    """Anything that runs in the background."""

    def start(self) -> object: ...
    def stop(self) -> object: ...


P = TypeVar("P", bound=Part)


@contextmanager
def only_one(data_dir: Path, free_space_mb: int) -> Iterator[None]:
    """One Mjøsa per data folder, on a disk with room. Raises ConfigError otherwise."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock: TextIO = (data_dir / "lock").open("w")
    except OSError as error:
        raise ConfigError([f"MJOSA_DATA_DIR: cannot write in {data_dir} ({error.strerror})"]) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigError([f"{data_dir}: another Mjøsa is running on this data; stop it, or set MJOSA_DATA_DIR"]) from error
        free_mb = shutil.disk_usage(data_dir).free // 1_000_000
        if free_mb < free_space_mb:
            raise ConfigError([f"{data_dir}: only {free_mb} MB free; Mjøsa wants {free_space_mb} MB (MJOSA_FREE_SPACE_MB)"])
        yield


def ports_free(wanted: Sequence[tuple[str, str, int]]) -> None:
    """(setting, host, port) of everything that will listen. Raises ConfigError naming each that is taken."""
    problems = []
    for name, host, port in wanted:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                problems.append(f"{name}: port {port} on {host} is not free ({error.strerror}); stop what uses it or set {name}")
    if problems:
        raise ConfigError(problems)


@contextmanager
def running(part: P) -> Iterator[P]:
    """Started, and stopped whatever happens."""
    part.start()
    try:
        yield part
    finally:
        part.stop()


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set, and the end of the block."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        stop.set()
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def in_background(name: str, work: Callable[[], None], stop: threading.Event) -> Iterator[None]:
    """A thread that ends soon after `stop` is set."""
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=60)


@contextmanager
def server_note(data_dir: Path, url: str) -> Iterator[str]:
    """While serving, tells commands on this machine where, and with which token, to ask. Yields the token."""
    token, path = secrets.token_urlsafe(32), data_dir / SERVER_NOTE
    path.touch(mode=0o600)
    path.write_text(json.dumps({"url": url, "token": token}))
    try:
        yield token
    finally:
        path.unlink(missing_ok=True)


def running_server(data_dir: Path) -> tuple[str, str] | None:
    """(url, token) of the server that runs on this data, None where none does."""
    try:
        note = json.loads((data_dir / SERVER_NOTE).read_text())
        return note["url"], note["token"]
    except (OSError, ValueError, KeyError):
        return None
