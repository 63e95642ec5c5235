"""`mjosa deadletters list|show|replay` and `mjosa replay`: what could not be processed, and the past again."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Column, Table

from core.errors import MjosaError
from core.settings import Settings
from core.timekeeping import iso, unix
from ingest.dead_letters import DeadLetters
from ingest.replay import Replayed, Replayer
from ingest.uplink_log import UplinkLog

app = typer.Typer(no_args_is_help=True, help="Messages that could not be processed: why, since when, and once more.")
console = Console()
JsonFlag = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
Since = Annotated[str, typer.Option("--since", metavar="TIME", help="Received at or after, such as 2026-05-17 or 2026-05-17T12:00:00Z.")]
Device = Annotated[str | None, typer.Option("--device", metavar="DEV_EUI", help="Only this device.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Only letters for this reason, as the list shows it.")]

Opened = Callable[[Settings], AbstractContextManager[Replayer]]
_opened: list[Opened] = []


def use(opened: Opened) -> None:
    """How to open log, store and registry; set once by the composition root."""
    _opened[:] = [opened]


@app.command("list")
def list_(ctx: typer.Context, as_json: JsonFlag = False) -> None:
    """One line per device and reason, the most recent first."""
    groups = _dead_letters(ctx.obj).groups()
    if as_json:
        rows = [{**g._asdict(), "first_seen": iso(g.first_seen), "last_seen": iso(g.last_seen)} for g in groups]
        print(json.dumps(rows, ensure_ascii=False))
        return
    if not groups:
        console.print("No dead letters: every message has been processed.")
        return
    table = Table(Column("device", no_wrap=True), "reason", "letters", "first seen", "last seen", "newest", "what to do")
    for g in groups:
        table.add_row(g.dev_eui, g.reason, str(g.letters), iso(g.first_seen), iso(g.last_seen), str(g.last_seq), g.detail)
    console.print(table)


@app.command()
def show(
    ctx: typer.Context, number: Annotated[int, typer.Argument(help="Its number in the uplink log.")], as_json: JsonFlag = False
) -> None:
    """One message of the uplink log as it came, and why it was not processed."""
    message = _log(ctx.obj).get(number)
    letters = [letter for letter in _dead_letters(ctx.obj).find() if letter.seq == number]
    shown = {
        "seq": message.seq, "received_at": iso(message.received_at), "topic": message.topic,
        "payload": message.payload.decode("utf-8", "backslashreplace"),
        "reason": letters[0].reason if letters else None, "detail": letters[0].detail if letters else None,
    }  # fmt: skip
    if as_json:
        print(json.dumps(shown, ensure_ascii=False))
        return
    for name, value in shown.items():
        console.print(f"[bold]{name}[/bold] {value}" if value is not None else f"[bold]{name}[/bold] –", highlight=False, soft_wrap=True)


@app.command("replay")
def replay_dead(ctx: typer.Context, device: Device = None, reason: Reason = None, as_json: JsonFlag = False) -> None:
    """Process dead letters again, after a device was registered or a decoder fixed."""
    with _open(ctx.obj) as replayer:
        _tell(replayer.dead(dev_eui=device.lower() if device else None, reason=reason), as_json)


def replay(
    ctx: typer.Context,
    since: Since,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Received before.")] = None,
    model: Annotated[str | None, typer.Option("--model", help="Only what this device model reads today.")] = None,
    device: Device = None,
    as_json: JsonFlag = False,
) -> None:
    """Run the uplink log through today's registry and decoders again; only readings that differ are rewritten."""
    start, end = _time(since), _time(until) if until else float("inf")
    with _open(ctx.obj) as replayer, Progress(SpinnerColumn(), TextColumn("{task.description}"), console=Console(stderr=True)) as bar:
        task = bar.add_task("Replaying …")
        replayed = replayer.since(
            start, end, model=model, dev_eui=device.lower() if device else None,
            progress=lambda count: bar.update(task, description=f"Replaying … {count} messages"),
        )  # fmt: skip
    _tell(replayed, as_json)


def _tell(replayed: Replayed, as_json: bool) -> None:
    if as_json:
        print(json.dumps(asdict(replayed)))
        return
    console.print(
        f"{replayed.messages} messages read; {replayed.new} readings are new, {replayed.changed} changed; "
        f"{replayed.recovered} dead letters put right, {replayed.failed} messages still fail."
    )


def _time(text: str) -> float:
    try:
        return unix(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _open(settings: Settings) -> AbstractContextManager[Replayer]:
    if not _opened:
        raise MjosaError("this command runs from mjosa.py, which knows the store")
    return _opened[0](settings)


def _log(settings: Settings) -> UplinkLog:
    return UplinkLog(settings.data_dir / "uplinks")


def _dead_letters(settings: Settings) -> DeadLetters:
    return DeadLetters(settings.data_dir / "uplinks" / "dead_letters.db")
