"""Mjøsa's composition root and command line: the only file that sees everything.

`build(settings)` puts the parts together; every command is a few sentences over them.
"""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):  # noqa: UP036 – before any import that an old Python cannot read
    sys.exit(f"Mjøsa needs Python 3.11 or newer; this is {sys.version.split()[0]}.")

import fcntl
import json
import logging
import secrets
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TextIO
from urllib.parse import urlsplit

import structlog
import typer
import uvicorn
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

import analytics.commands
import gateway.commands
import ingest.commands_devices
import simulators.commands
from analytics.commands import analyse as analyse_data_folder
from analytics.worker import Analyst, mark_late
from api.app import create_app
from api.live import Hub
from api.security.sessions import one_time_link
from api.services import Services
from core.errors import ConfigError, MjosaError
from core.model import Reading, Readings
from core.registry import Registry
from core.settings import Settings, load_settings
from core.store import SeriesStore
from core.stores import open_store
from core.town import Town
from core.town_file import load_town, unknown_fields
from gateway.broker import EmbeddedBroker
from gateway.events import parse_event
from gateway.subscriber import Connection, Subscriber
from ingest.cursor import Cursor
from ingest.dead_letters import DeadLetters
from ingest.device_model import native_models
from ingest.models import ModelLibrary
from ingest.pipeline import Pipeline
from ingest.processor import Processor
from ingest.uplink_log import UplinkLog

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="Mjøsa listens to a town's water.")
console = Console(stderr=True)
SEEDED_SCENARIO = "demo"
SEED_BATCH = 1_000_000
"""Readings written at once while the past is filled in."""
JsonFlag = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


@dataclass(frozen=True)
class System:
    """Every part of one Mjøsa, put together."""

    settings: Settings
    registry: Registry
    store: SeriesStore
    log: UplinkLog
    cursor: Cursor
    dead_letters: DeadLetters
    models: ModelLibrary
    pipeline: Pipeline
    processor: Processor
    analyst: Analyst
    hub: Hub
    clock: Callable[[], float]

    def close(self) -> None:
        self.cursor.close()
        self.dead_letters.close()
        self.store.close()
        self.registry.close()


def build(
    settings: Settings, *, store: SeriesStore | None = None, registry: Registry | None = None, clock: Callable[[], float] = time.time
) -> System:
    """Put the parts together; every adapter can be handed in."""
    folder = settings.data_dir
    folder.mkdir(parents=True, exist_ok=True)
    registry = registry or Registry.open(_database_url(settings))
    store = store or open_store(settings.store_url, folder)
    log = UplinkLog(folder / "uplinks", reserve_bytes=settings.free_space_mb * 1_000_000)
    cursor = Cursor(folder / "uplinks" / "cursor.db")
    dead_letters = DeadLetters(folder / "uplinks" / "dead_letters.db")
    models = ModelLibrary(folder / "devices")
    hub = Hub()
    analyst = Analyst(store, registry, clock, hub.alarm)
    pipeline = Pipeline(registry.town, store, models, dead_letters.add)
    pipeline.listen(lambda written, readings: analyst.dirty.note(readings))
    pipeline.listen(lambda written, readings: mark_late(registry, readings, clock()))
    pipeline.listen(lambda written, readings: _show(hub, readings))
    processor = Processor(log, cursor, parse_event, pipeline, dead_letters.add)
    return System(settings, registry, store, log, cursor, dead_letters, models, pipeline, processor, analyst, hub, clock)


@app.callback()
def main(ctx: typer.Context) -> None:
    """Read the settings once; every command finds them in ctx.obj."""
    if ctx.invoked_subcommand != "check-config":
        ctx.obj = load_settings()
        _log_to(ctx.obj)


@app.command()
def up(ctx: typer.Context) -> None:
    """Everything in one process: broker, town, ingest, analysis, pages. Ctrl-C stops it cleanly."""
    settings: Settings = ctx.obj
    with ExitStack() as stack:
        stack.enter_context(_alone(settings))
        _ports_free(settings)
        system = stack.enter_context(_opened(settings))
        town = _first_start(system)
        stop = stack.enter_context(_stopping())
        connection = _broker(settings, stack)
        if settings.chirpstack_url is None:
            stack.enter_context(_stand_in(settings, connection))
        stack.enter_context(_running(system.processor))
        stack.enter_context(_running(Subscriber(connection, system.processor.keep, clock=system.clock)))
        if town is not None:
            stack.enter_context(town(connection))
        stack.enter_context(_thread("analyst", lambda: system.analyst.run(stop, settings.analyse_every_s), stop))
        _serve(system, stack)


@app.command("ingest")
def ingest_(ctx: typer.Context) -> None:
    """Take uplinks from the broker, store them, then acknowledge. Several may share one subscription."""
    settings: Settings = ctx.obj
    with _opened(settings) as system, _stopping() as stop, _running(system.processor), ExitStack() as stack:
        stack.enter_context(_running(Subscriber(_broker(settings, stack), system.processor.keep, clock=system.clock)))
        stop.wait()


@app.command()
def serve(ctx: typer.Context) -> None:
    """The API and the pages alone."""
    with _opened(ctx.obj) as system, ExitStack() as stack:
        _ports_free(ctx.obj, broker=False)
        _serve(system, stack)


@app.command()
def analyse(
    ctx: typer.Context,
    folder: Annotated[Path | None, typer.Argument(help="A data folder; without one, the worker that follows the store.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Look for events: in a data folder (writes events.json), or for ever in what ingest stores."""
    if folder is not None:
        analyse_data_folder(folder, as_json)
        return
    with _opened(ctx.obj) as system, _stopping() as stop:
        system.analyst.run(stop, ctx.obj.analyse_every_s, beside=True)


@app.command("check-config")
def check_config(json_: JsonFlag = False) -> None:
    """Every mistake in settings and town.yaml at once."""
    problems: list[str] = []
    warnings: list[str] = []
    try:
        settings = load_settings()
        if settings.town_file is not None:
            warnings += unknown_fields(load_town(settings.town_file))
    except ConfigError as error:
        problems += error.problems
    if json_:
        print(json.dumps({"problems": problems, "warnings": warnings}, ensure_ascii=False))
    for text in [] if json_ else [*problems, *(f"warning: {w}" for w in warnings)]:
        console.print(text, highlight=False, soft_wrap=True)
    if not problems and not json_:
        console.print("The configuration is in order.")
    raise typer.Exit(2 if problems else 0)


def _first_start(system: System) -> Callable[[Connection], Any] | None:
    """Fill an empty registry, give the demo town its history; returns how to play the town live, None where the hardware is real."""
    settings, registry = system.settings, system.registry
    if registry.town_revision() == 0:
        registry.import_town(load_town(settings.town_file) if settings.town_file else _simulated_town(settings), "first start")
    if settings.town_file is not None or not settings.simulate:
        return None
    if (registry.documents.get("history") or {}).get("state") != "done":
        _seed(system)
    return lambda connection: _live_town(system, connection)


def _simulated_town(settings: Settings) -> Town:
    from simulators.town import build_town

    return build_town(settings.seed, settings.scale)


def _seed(system: System) -> None:
    """The simulated town's past, written and analysed. Interrupted, it begins again and changes nothing that is there."""
    from simulators.history import readings_of

    settings, end = system.settings, system.clock()
    start = end - settings.history_days * 86_400.0
    system.registry.documents.put("history", {"state": "begun", "start": start, "end": end})
    with _progress() as bar:
        task = bar.add_task(f"Simulating {settings.history_days} days of {system.registry.town().utility.name}", total=1.0)
        history = readings_of(
            system.registry.town(), SEEDED_SCENARIO, settings.seed, start, float(settings.history_days),
            progress=lambda share: bar.update(task, completed=share),
        )  # fmt: skip
        bar.update(task, completed=1.0)
        task = bar.add_task("Storing readings", total=len(history))
        for first in range(0, len(history), SEED_BATCH):
            part = history.part(first, first + SEED_BATCH)
            system.store.write(part)
            bar.advance(task, len(part))
        task = bar.add_task("Looking for events", total=1.0)

        def found(what: str, done: int, places: int) -> None:
            bar.update(task, description=f"Looking for events: {what}", completed=done / places)

        system.analyst.work(start, end, found)
    system.registry.documents.put("history", {"state": "done", "start": start, "end": end})


def _stand_in(settings: Settings, connection: Connection) -> Any:
    """The network server where there is no ChirpStack: its own API, its own events."""
    from simulators.network_server import Broker, StandIn

    broker = urlsplit(connection.url)
    return StandIn(settings.data_dir / "network", mqtt=Broker(broker.hostname or "127.0.0.1", broker.port or 1883))


def _live_town(system: System, connection: Connection) -> Any:
    """The town from now on; counters go on from what the store holds."""
    from simulators.live import LiveTown

    settings, history, broker = system.settings, system.registry.documents.get("history") or {}, urlsplit(connection.url)
    return LiveTown(
        system.registry.town(), seed=settings.seed, scenario=SEEDED_SCENARIO, origin=history.get("start"), speed=settings.speed,
        host=broker.hostname or "127.0.0.1", port=broker.port or 1883, username=connection.username, password=connection.password,
        resume=system.store.latest(), clock=system.clock,
    )  # fmt: skip


def _progress() -> Progress:
    share = TextColumn("{task.percentage:>3.0f} %")
    return Progress(TextColumn("{task.description}"), BarColumn(), share, TimeElapsedColumn(), console=console)


def _database_url(settings: Settings) -> str:
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    return f"sqlite:///{(settings.data_dir / 'registry.db').resolve()}"


def _show(hub: Hub, readings: Readings) -> None:
    """New readings to the open pages."""
    columns = (readings.sensor, readings.quantity, readings.t.tolist(), readings.x.tolist(), readings.flag.tolist())
    hub.readings([Reading(s, q, t, x, f) for s, q, t, x, f in zip(*columns, strict=True)])


def _log_to(settings: Settings) -> None:
    render = structlog.processors.JSONRenderer() if settings.log_format == "json" else structlog.dev.ConsoleRenderer(pad_event_to=0)
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True), render],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, settings.log_level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """One Mjøsa per data folder, on a disk with room."""
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        lock: TextIO = (settings.data_dir / "lock").open("w")
    except OSError as error:
        raise ConfigError([f"MJOSA_DATA_DIR: cannot write in {settings.data_dir} ({error.strerror})"]) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigError([f"{settings.data_dir}: another Mjøsa is running on this data; stop it, or set MJOSA_DATA_DIR"]) from error
        free_mb = shutil.disk_usage(settings.data_dir).free // 1_000_000
        if free_mb < settings.free_space_mb:
            wanted = f"Mjøsa wants {settings.free_space_mb} MB (MJOSA_FREE_SPACE_MB)"
            raise ConfigError([f"{settings.data_dir}: only {free_mb} MB free; {wanted}"])
        yield


def _ports_free(settings: Settings, *, broker: bool = True) -> None:
    """Told before any work is done, not after."""
    wanted = [("MJOSA_PORT", settings.host, settings.port)]
    if broker and settings.mqtt_url is None:
        wanted.append(("MJOSA_MQTT_PORT", "127.0.0.1", settings.mqtt_port))
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
def _opened(settings: Settings) -> Iterator[System]:
    system = build(settings)
    try:
        yield system
    finally:
        system.close()


@contextmanager
def _running(part: Any) -> Iterator[Any]:
    """Anything with start() and stop()."""
    part.start()
    try:
        yield part
    finally:
        part.stop()


@contextmanager
def _stopping() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set (uvicorn, where it runs, takes the signals itself)."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        yield stop
    finally:
        stop.set()


@contextmanager
def _thread(name: str, work: Callable[[], None], stop: threading.Event) -> Iterator[None]:
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=60)


def _broker(settings: Settings, stack: ExitStack) -> Connection:
    """How to reach the broker; without a configured one, the embedded broker is started."""
    if settings.mqtt_url is None:
        broker = stack.enter_context(EmbeddedBroker(settings.mqtt_port))
        return Connection(broker.url, settings.mqtt_client_id, protocol="3.1.1")
    password = settings.mqtt_password.get_secret_value() if settings.mqtt_password else None
    return Connection(
        settings.mqtt_url, settings.mqtt_client_id, settings.mqtt_username, password, settings.mqtt_ca, settings.mqtt_certificate,
        settings.mqtt_key, settings.mqtt_protocol, settings.mqtt_shared_group,
    )  # fmt: skip


def _base_url(settings: Settings) -> str:
    scheme = "https" if settings.tls_certificate else "http"
    return str(settings.public_url or f"{scheme}://{settings.host}:{settings.port}")


def _serve(system: System, stack: ExitStack) -> None:
    """Serve until asked to stop."""
    settings = system.settings
    token = stack.enter_context(_told(settings))
    services = Services(
        settings, system.store, system.registry, system.clock, system.hub, log=system.log, models=system.models,
        status=lambda: _status(system), store_token=token,
    )  # fmt: skip
    config = uvicorn.Config(
        create_app(services), settings.host, settings.port, log_level="warning", access_log=False, timeout_graceful_shutdown=3,
        ssl_certfile=settings.tls_certificate, ssl_keyfile=settings.tls_key, server_header=False,
    )  # fmt: skip
    _Server(config, lambda: one_time_link(system.registry, system.clock, _base_url(settings))).run()


class _Server(uvicorn.Server):
    """Prints the way in once it listens."""

    def __init__(self, config: uvicorn.Config, link: Callable[[], str]) -> None:
        super().__init__(config)
        self._link = link

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            text = f"\n[bold]Mjøsa[/bold] is ready. This link signs you in, once; Ctrl-C stops.\n\n  {self._link()}\n"
            console.print(text, highlight=False, soft_wrap=True)


@contextmanager
def _told(settings: Settings) -> Iterator[str]:
    """While serving, `server.json` tells commands on this machine where, and with which token, to ask."""
    token, path = secrets.token_urlsafe(32), settings.data_dir / "server.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps({"url": _base_url(settings), "token": token}))
    try:
        yield token
    finally:
        path.unlink(missing_ok=True)


def _status(system: System) -> dict[str, Any]:
    return {
        "backlog": system.processor.backlog, "fault": system.processor.fault, "processed": system.processor.processed,
        "duplicates": system.pipeline.duplicates, "dead_letters": system.dead_letters.count(),
    }  # fmt: skip


for _name, _group in (
    ("simulate", simulators.commands.app), ("devices", ingest.commands_devices.app), ("sensors", gateway.commands.app),
    ("zones", gateway.commands.zones_app),
):  # fmt: skip
    app.add_typer(_group, name=_name)
app.command("evaluate")(analytics.commands.evaluate_command)
gateway.commands.use(native_models)


def run() -> None:
    """A mistake of the user's is a sentence and an exit code, never a traceback."""
    try:
        app()
    except ConfigError as error:
        for problem in error.problems:
            console.print(f"[red]{problem}[/red]", highlight=False, soft_wrap=True)
        sys.exit(2)
    except MjosaError as error:
        console.print(f"[red]{error}[/red]", highlight=False, soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    run()
