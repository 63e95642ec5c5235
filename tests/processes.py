"""Real processes for tests: free ports, a running `mjosa`, a signed-in client. Everything on loopback, ended by pid."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parent.parent
START_S = 300
"""A patient limit for a busy machine; how fast a start is stands in `make bench`."""


def free_port() -> int:
    """A port nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: str, condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    """The condition's first true answer; fails with `what` after so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


class Running:
    """A started `mjosa` command; `said` is what it has printed so far."""

    def __init__(self, arguments: list[str], environment: dict[str, str], output: Path) -> None:
        self._output = output
        self._clients: list[httpx.Client] = []
        clean = {k: v for k, v in os.environ.items() if not k.startswith("MJOSA_")}
        with output.open("ab") as sink:
            self.process = subprocess.Popen(
                [sys.executable, "mjosa.py", *arguments], cwd=ROOT, env={**clean, **environment}, stdout=sink, stderr=subprocess.STDOUT
            )

    @property
    def said(self) -> str:
        return self._output.read_text(encoding="utf-8", errors="replace")

    def client(self) -> httpx.Client:
        """Signed in by the one-time link that was printed."""
        link = wait_for("a sign-in link", self._link, START_S)
        client = httpx.Client(base_url=link.split("/sign-in")[0], follow_redirects=True, timeout=30)
        self._clients.append(client)
        client.get(link).raise_for_status()
        return client

    def hang_up(self) -> None:
        for client in self._clients:
            client.close()

    def stop(self, how: int = signal.SIGINT) -> int:
        """Its exit code after a signal."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(timeout=30)

    def _link(self) -> str | None:
        if self.process.poll() is not None:
            raise AssertionError(f"mjosa ended with {self.process.returncode}:\n{self.said[-3000:]}")
        found = re.findall(r"http://127\.0\.0\.1:\d+/sign-in/once\?token=\S+", self.said)
        return found[-1] if found else None


@contextmanager
def mjosa(arguments: list[str], folder: Path, **settings: object) -> Iterator[Running]:
    """Run a command with its data in `folder` and ports of its own until the block ends."""
    environment = {"MJOSA_DATA_DIR": str(folder / "data"), "MJOSA_PORT": str(free_port()), "MJOSA_MQTT_PORT": str(free_port())}
    environment |= {f"MJOSA_{key.upper()}": str(value) for key, value in settings.items()}
    output = folder / f"output-{len(list(folder.glob('output-*.txt')))}.txt"
    running = Running(arguments, environment, output)
    try:
        yield running
    finally:
        running.hang_up()
        if running.process.poll() is None:
            running.stop(signal.SIGKILL)
