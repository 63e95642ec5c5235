"""Real MQTT brokers on free loopback ports, ended by their own process id."""

from __future__ import annotations

import getpass
import socket
import subprocess
import time
from pathlib import Path

CONF = """persistence true
persistence_location {folder}/
autosave_interval 1
max_queued_messages 500000
max_inflight_messages 2000
max_queued_bytes 0
set_tcp_nodelay true
"""


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def listening(port: int, timeout_s: float = 10.0) -> None:
    """Wait until a port answers."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
            return
        except OSError:
            time.sleep(0.02)
    raise TimeoutError(f"nothing listens on port {port}")


class Mosquitto:
    """A mosquitto with the durability settings of our mosquitto.conf. `extra` are more lines of configuration."""

    def __init__(self, folder: Path, extra: str = "", listener: str = "allow_anonymous true") -> None:
        self.folder, self.port, self.user = folder, free_port(), getpass.getuser()
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o777)
        (folder / "mosquitto.conf").write_text(
            f"user {self.user}\nlistener {self.port} 127.0.0.1\n{listener}\n" + CONF.format(folder=folder) + extra
        )
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> Mosquitto:
        with (self.folder / "mosquitto.log").open("ab") as output:
            self.process = subprocess.Popen(["mosquitto", "-c", str(self.folder / "mosquitto.conf")], stdout=output, stderr=output)
        try:
            listening(self.port)
        except TimeoutError:
            self.stop(kill=True)
            raise
        return self

    def stop(self, *, kill: bool = False) -> None:
        if self.process is not None:
            (self.process.kill if kill else self.process.terminate)()
            self.process.wait(timeout=10)
            self.process = None

    def __enter__(self) -> Mosquitto:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
