"""The parts of the stack that Debian offers, started on loopback with the stack's own configuration; only paths and ports differ."""

from __future__ import annotations

import getpass
import glob
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import yaml

from tests.brokers import free_port, listening

ROOT = Path(__file__).parent.parent.parent
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]


@contextmanager
def mosquitto(folder: Path, passwords: Path, *, tls: Path | None = None) -> Iterator[tuple[int, int]]:
    """(port, TLS port) of a broker with mosquitto.conf and acl.conf; with `tls` (a folder of tls_*), tls.conf on top as in the overlay."""
    config, plain, secured = folder / "config", free_port(), free_port()
    for path in (config / "base", folder / "data"):
        path.mkdir(parents=True)
    moved = {"/mosquitto/config": str(config), "/mosquitto/data": str(folder / "data"), "/run/secrets": str(tls)}
    moved |= {"listener 1883": f"listener {plain} 127.0.0.1", "listener 8883": f"listener {secured} 127.0.0.1"}
    for name, place in {"mosquitto.conf": "base/mosquitto.conf", "acl.conf": "acl.conf", "tls.conf": "tls.conf"}.items():
        text = (ROOT / "gateway" / "mosquitto" / name).read_text(encoding="utf-8")
        for old, new in moved.items():
            text = text.replace(old, new)
        (config / place).write_text(text)
    (config / "passwords").write_text(passwords.read_text())
    first = config / ("base/mosquitto.conf" if tls is None else "tls.conf")
    first.write_text(f"user {getpass.getuser()}\n" + first.read_text())
    with _process(["mosquitto", "-c", str(first)], folder / "log") as running:
        for port in [plain] if tls is None else [plain, secured]:
            _ready(lambda port=port: listening(port, 0.2), running, folder / "log")
        yield plain, secured


@contextmanager
def postgres(folder: Path, variables: Mapping[str, str]) -> Iterator[str]:
    """host:port of a server that postgres-init.sh has filled; clients need their password."""
    binaries, user = Path(max(glob.glob("/usr/lib/postgresql/*/bin"))), pwd.getpwnam("postgres")
    data, port = folder / "data", free_port()
    (folder / "password").write_text("only-for-this-test")
    data.mkdir()
    for path in (folder, data, folder / "password"):
        os.chown(path, user.pw_uid, user.pw_gid)
    for parent in folder.parents:
        if parent.owner() == "root" and parent.is_relative_to("/tmp") and parent != Path("/tmp"):
            parent.chmod(parent.stat().st_mode | 0o711)
    as_user: dict[str, Any] = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
    made = [binaries / "initdb", "-D", data, "-U", "postgres", "--auth-host=scram-sha-256", "--auth-local=trust", "-E", "UTF8",
            f"--pwfile={folder / 'password'}", "--no-sync"]  # fmt: skip
    subprocess.run(made, check=True, stdout=subprocess.DEVNULL, cwd="/", **as_user)
    server = [binaries / "postgres", "-D", data, "-p", str(port), "-c", "listen_addresses=127.0.0.1",
              "-c", f"unix_socket_directories={data}", "-c", "fsync=off"]  # fmt: skip
    with _process(server, folder / "log", how=signal.SIGINT, cwd="/", **as_user) as running:
        socket = f"host={data} port={port} user=postgres"
        _ready(lambda: psycopg.connect(socket).close(), running, folder / "log")
        script = (ROOT / "gateway" / "chirpstack" / "postgres-init.sh").read_text()
        environment = {"PATH": os.environ["PATH"], "PGHOST": str(data), "PGPORT": str(port), "POSTGRES_USER": "postgres", **variables}
        subprocess.run(["sh", "-c", script], check=True, stdout=subprocess.DEVNULL, cwd="/", env=environment, **as_user)
        yield f"127.0.0.1:{port}"


@contextmanager
def redis(folder: Path, password: str) -> Iterator[int]:
    """The port of a server started by the compose file's own command."""
    port = free_port()
    shell, flag, text = (word.replace("$$", "$") for word in SERVICES["redis"]["command"])
    command = [shell, flag, f"{text} --port {port} --bind 127.0.0.1 --dir {folder}"]
    with _process(command, folder / "log", env={**os.environ, "REDIS_PASSWORD": password}) as running:
        _ready(lambda: listening(port, 0.2), running, folder / "log")
        yield port


@contextmanager
def _process(command: list[Any], log: Path, *, how: int = signal.SIGTERM, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        running = subprocess.Popen(list(map(str, command)), stdout=output, stderr=output, **options)
    try:
        yield running
    finally:
        running.send_signal(how)
        running.wait(20)


def _ready(ask: Callable[[], object], running: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        try:
            ask()
            return
        except (OSError, TimeoutError, psycopg.OperationalError):
            assert running.poll() is None, log.read_text()
            time.sleep(0.05)
    raise AssertionError(f"not up: {log.read_text()}")
