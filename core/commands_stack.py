"""`mjosa alive` for health checks, and `mjosa migrate` from embedded to the stack. The composition root lends the stores."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.progress import Progress

from core.heartbeat import Heartbeat
from core.migrate_data import Ends, migrate
from core.settings import Settings


class Process(StrEnum):
    SERVE = "serve"
    INGEST = "ingest"
    ANALYSE = "analyse"


OLD_AFTER_S: Mapping[Process, float] = {Process.INGEST: 60.0, Process.ANALYSE: 1800.0}
"""Ingest beats every ten seconds; analysis after each round, of which the first looks at much."""
_ANSWER_S = 5.0
OpenEnds = Callable[[Settings, Path], AbstractContextManager[Ends]]


def alive(ctx: typer.Context, process: Process) -> None:
    """Whether a process of this data folder is well: exit code 0, or 1 and a sentence."""
    trouble = _not_ready(ctx.obj) if process is Process.SERVE else _silent(ctx.obj, process)
    typer.echo(trouble or f"{process} is well")
    raise typer.Exit(1 if trouble else 0)


def migrate_command(opened: OpenEnds) -> Callable[..., None]:
    """`mjosa migrate DIR`; `opened(settings, folder)` lends both ends."""

    def migrate_(ctx: typer.Context, folder: Path, json_: Annotated[bool, typer.Option("--json")] = False) -> None:
        """Bring an embedded Mjøsa's data folder, history and all, into what the settings name. Run it again after a break."""
        with opened(ctx.obj, folder) as ends, Progress(transient=True, disable=json_) as bar:
            task = bar.add_task("Migrating", total=1.0)
            moved = migrate(ends, lambda share: bar.update(task, completed=share))
        typer.echo(json.dumps(asdict(moved)) if json_ else "\n".join(f"{k.replace('_', ' ')}: {v}" for k, v in asdict(moved).items()))

    return migrate_


def _not_ready(settings: Settings) -> str | None:
    secure = settings.tls_certificate is not None
    url = f"{'https' if secure else 'http'}://127.0.0.1:{settings.port}/ready"
    try:
        answer = httpx.get(url, timeout=_ANSWER_S, verify=_own_certificate() if secure else True)
    except httpx.TransportError as error:
        return f"nobody answers at {url}: {error}"
    return None if answer.is_success else f"not ready: {answer.text[:200]}"


def _own_certificate() -> ssl.SSLContext:
    """The certificate is for the public name, and this is a question to ourselves on loopback."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _silent(settings: Settings, process: Process) -> str | None:
    age_s = Heartbeat(settings.data_dir, process, time.time).age_s()
    if age_s is None:
        return f"{process} has never been well on {settings.data_dir}"
    return None if age_s <= OLD_AFTER_S[process] else f"{process} was last well {age_s:.0f} s ago"
