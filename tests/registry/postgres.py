"""Debian's PostgreSQL on loopback, in a folder of its own, run as user postgres because it refuses to run as root."""

import glob
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.stores.ports import free_port


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """`postgresql+psycopg://…/` without a database name."""
    binaries = Path(max(glob.glob("/usr/lib/postgresql/*/bin")))
    user = pwd.getpwnam("postgres")
    data = folder / "data"
    data.mkdir()
    for path in (folder, data):
        os.chown(path, user.pw_uid, user.pw_gid)
    for parent in folder.parents:
        if parent.owner() == "root" and parent.is_relative_to("/tmp") and parent != Path("/tmp"):
            parent.chmod(parent.stat().st_mode | 0o711)
    as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
    subprocess.run([binaries / "initdb", "-D", data, "-U", "mjosa", "--auth=trust", "-E", "UTF8", "--no-sync"], check=True,
                   stdout=subprocess.DEVNULL, cwd="/", **as_user)  # fmt: skip
    port = free_port()
    options = ["-D", data, "-p", str(port), "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={data}", "-c", "fsync=off"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([binaries / "postgres", *options], stdout=log, stderr=log, cwd="/", **as_user)
    try:
        _await(port, process)
        yield f"postgresql+psycopg://mjosa@127.0.0.1:{port}/"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


def _await(port: int, process: subprocess.Popen) -> None:
    for _ in range(200):
        try:
            psycopg.connect(f"host=127.0.0.1 port={port} user=mjosa dbname=postgres").close()
            return
        except psycopg.OperationalError:
            assert process.poll() is None, "postgres ended at once"
            time.sleep(0.1)
    raise AssertionError("postgres did not come up within 20 s")
