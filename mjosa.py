"""Mjøsa's composition root and command line: the only file that sees everything.

`build(settings)` puts the parts together; every command is a few sentences over them.
"""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):  # noqa: UP036 – before any import that an old Python cannot read
    sys.exit(f"Mjøsa needs Python 3.11 or newer; this is {sys.version.split()[0]}.")

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast
from urllib.parse import urlsplit

import prometheus_client
import structlog
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

import analytics.commands
import analytics.commands_kpi
import analytics.commands_maintenance
import core.commands_data
import core.commands_stack
import dashboards.commands
import gateway.commands
import gateway.commands_init
import ingest.commands
import ingest.commands_devices
import simulators.commands
from analytics.commands import analyse as analyse_data_folder
from analytics.worker import Analyst, mark_late
from api.app import create_app
from api.live import Hub
from api.notify.channels import channels_of
from api.security.oidc import provider_of
from api.security.sessions import one_time_link
from api.services import Services, base_url
from api.serving import serve as run_server
from core import retention
from core.commands_data import Tools
from core.errors import ConfigError, MjosaError, StoreError
from core.heartbeat import Heartbeat
from core.logs import log_to_stderr
from core.migrate_data import Ends
from core.model import Event, Reading, Readings
from core.process import in_background, only_one, ports_free, running, running_server, server_note, stopping
from core.registry import Registry
from core.settings import Settings, load_settings
from core.store import SeriesStore
from core.stores import open_store
from core.stores.remote import handle as handle_store_request
from core.town_file import load_town, unknown_fields
from dashboards.mirror import Lines, Mirror
from gateway.broker import EmbeddedBroker
from gateway.bulk import keep_in_step
from gateway.cli import database_url
from gateway.connect import open_registration
from gateway.downlink import Downlinks
from gateway.events import parse_event
from gateway.subscriber import Connection, Subscriber
from ingest.cursor import Cursor
from ingest.dead_letters import DeadLetters
from ingest.device_model import native_models
from ingest.fleet import Fleet
from ingest.housekeeping import erase_devices, housekeeping
from ingest.metrics import IngestCollector
from ingest.models import ModelLibrary
from ingest.pipeline import Pipeline
from ingest.processor import Processor
from ingest.relearn import relearn_batteries, relearn_frames
from ingest.replay import Replayer
from ingest.status import IngestStatus
from ingest.uplink_log import UplinkLog

if TYPE_CHECKING:
    from simulators.demo import Demo

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="Mjøsa listens to a town's water.")
console = Console(stderr=True)
DAY_S, MINUTE_S = 86_400.0, 60.0
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
    fleet: Fleet
    pipeline: Pipeline
    processor: Processor
    replayer: Replayer
    analyst: Analyst
    status: IngestStatus
    hub: Hub
    clock: Callable[[], float]

    def close(self) -> None:
        for part in (self.cursor, self.dead_letters, self.store, self.registry):
            part.close()


def build(
    settings: Settings, *, store: SeriesStore | None = None, registry: Registry | None = None, clock: Callable[[], float] = time.time
) -> System:
    """Put the parts together; every adapter can be handed in."""
    folder = settings.data_dir
    folder.mkdir(parents=True, exist_ok=True)
    registry = registry or Registry.open(database_url(settings))
    store = store or _store(settings, registry)
    log = UplinkLog(folder / "uplinks", reserve_bytes=settings.free_space_mb * 1_000_000)
    cursor = Cursor(folder / "uplinks" / "cursor.db")
    dead_letters = DeadLetters(folder / "uplinks" / "dead_letters.db")
    models = ModelLibrary(folder / "devices")
    fleet = Fleet(registry.town)
    hub = Hub()
    analyst = Analyst(
        store, registry, clock, hub.alarm, also=lambda now, known: [e for e in fleet.events(now, known) if e.kind != "silence"]
    )
    if mirror := _mirror(settings, store, registry, clock):
        analyst.after.append(mirror.analysed)
    listeners = (
        fleet.hear,
        lambda written, readings: analyst.dirty.note(readings),
        lambda written, readings: mark_late(registry, readings, clock()),
        lambda written, readings: _show(hub, readings),
    )
    pipeline = Pipeline(registry.town, store, models, dead_letters.add, listeners)
    processor = Processor(
        log, cursor, parse_event, pipeline, dead_letters.add, [fleet.see, Downlinks(registry, None, clock).see], clock=clock,
        housekeeping=housekeeping(log, dead_letters, settings.log_retention_days, clock),
    )  # fmt: skip
    replayer = Replayer(log, dead_letters, parse_event, registry.town, store, models, listeners)
    status = IngestStatus(processor, pipeline, dead_letters, fleet, log, clock)
    return System(
        settings, registry, store, log, cursor, dead_letters, models, fleet, pipeline, processor, replayer, analyst, status, hub, clock
    )


@app.callback()
def main(ctx: typer.Context) -> None:
    """Read the settings once; every command finds them in ctx.obj."""
    if ctx.invoked_subcommand != "check-config":
        ctx.obj = load_settings()
        log_to_stderr(ctx.obj)


@app.command()
def up(ctx: typer.Context) -> None:
    """Everything in one process: broker, town, ingest, analysis, pages. Ctrl-C stops it cleanly."""
    settings: Settings = ctx.obj
    with ExitStack() as stack:
        stack.enter_context(only_one(settings.data_dir, settings.free_space_mb))
        ports_free(_listening(settings, broker=settings.mqtt_url is None))
        system = stack.enter_context(_opened(settings))
        demo = _demo(system)
        stop = stack.enter_context(stopping())
        connection = _broker(settings, stack)
        if demo is not None and settings.chirpstack_url is None:
            stack.enter_context(demo.network_server(connection.url))
        _remember(system)
        stack.enter_context(running(system.processor))
        subscriber = stack.enter_context(running(Subscriber(connection, system.processor.keep, clock=system.clock)))
        if demo is not None:
            stack.enter_context(demo.live(connection.url))
        stack.enter_context(in_background("analyst", lambda: system.analyst.run(stop, settings.analyse_every_s), stop))
        stack.enter_context(in_background("housekeeping", lambda: _keep_house(system, stop), stop))
        _serve(system, stack, subscriber)


@app.command("ingest")
def ingest_(ctx: typer.Context) -> None:
    """Take uplinks from the broker, store them, then acknowledge. Several may share one subscription."""
    settings: Settings = ctx.obj
    with _opened(settings) as system, stopping() as stop, ExitStack() as stack:
        _remember(system)
        stack.enter_context(running(system.processor))
        subscriber = stack.enter_context(running(Subscriber(_broker(settings, stack), system.processor.keep, clock=system.clock)))
        _count(system, subscriber)
        _beat(system, subscriber, stop)


@app.command()
def serve(ctx: typer.Context) -> None:
    """The API and the pages alone."""
    with _opened(ctx.obj) as system, ExitStack() as stack:
        ports_free(_listening(ctx.obj))
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
    with _opened(ctx.obj) as system, stopping() as stop, in_background("housekeeping", lambda: _keep_house(system, stop), stop):
        heart = Heartbeat(ctx.obj.data_dir, "analyse", system.clock)
        system.analyst.after.append(lambda work: heart.beat())
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


def _demo(system: System) -> Demo | None:
    """The simulated town, its past in place; None where the hardware is real and town.yaml (or the registry) says what there is."""
    settings, registry = system.settings, system.registry
    if settings.town_file is not None and registry.town_revision() == 0:
        registry.import_town(load_town(settings.town_file), "first start")
    if settings.town_file is not None or not settings.simulate:
        return None
    from simulators.demo import Demo  # loads EPANET and SWMM, which a real installation never needs

    demo = Demo(settings, registry, system.store, system.clock)
    demo.begin(_progress(), system.analyst.work)
    return demo


def _progress() -> Progress:
    share = TextColumn("{task.percentage:>3.0f} %")
    return Progress(TextColumn("{task.description}"), BarColumn(), share, TimeElapsedColumn(), console=console)


def _beat(system: System, subscriber: Subscriber, stop: threading.Event) -> None:
    """Until stopped: say every ten seconds that all is well, and every minute to Grafana how much."""
    heart, told_at = Heartbeat(system.settings.data_dir, "ingest", system.clock), -MINUTE_S
    mirror = _mirror(system.settings, system.store, system.registry, system.clock)
    while not stop.wait(10):
        if subscriber.fault or system.processor.fault:
            continue
        figures = system.status.figures()
        heart.beat(figures)
        if mirror and system.clock() - told_at >= MINUTE_S:
            told_at = system.clock()
            try:
                mirror.ingested(system.settings.mqtt_client_id, figures)
            except StoreError as error:
                structlog.get_logger("mjosa").warning("figures for Grafana wait", why=str(error))


def _remember(system: System) -> None:
    """What the fleet knew before a restart: frames of the last days, batteries of the last months."""
    now = system.clock()
    relearn_frames(system.fleet, system.log, parse_event, now - 3 * DAY_S, system.cursor.done)
    relearn_batteries(system.fleet, system.store, sorted(system.registry.town().by_device), now)


def _keep_house(system: System, stop: threading.Event) -> None:
    """Once a day: what is past its time goes, what is left is packed."""
    while not stop.wait(DAY_S):
        policy = retention.from_document(system.registry.documents.get("retention"))
        try:
            retention.apply(system.store, system.registry.town(), policy, system.clock(), dry_run=False)
            system.store.compact()
        except MjosaError as error:
            structlog.get_logger("mjosa").warning("housekeeping waits for tomorrow", why=str(error))


def _of_the_network(events: Sequence[Event]) -> list[Event]:
    """What only radio can tell; that a single sensor is silent is found in its readings, in every way to run."""
    return [e for e in events if e.kind != "silence"]


def _show(hub: Hub, readings: Readings) -> None:
    """New readings to the open pages."""
    columns = (readings.sensor, readings.quantity, readings.t.tolist(), readings.x.tolist(), readings.flag.tolist())
    hub.readings([Reading(s, q, t, x, f) for s, q, t, x, f in zip(*columns, strict=True)])


@contextmanager
def _opened(settings: Settings) -> Iterator[System]:
    system = build(settings)
    try:
        yield system
    finally:
        system.close()


@contextmanager
def _beside(settings: Settings) -> Iterator[System]:
    """For a command: the parts, with the running server's store where one runs on this data."""
    server = running_server(settings.data_dir) if settings.store_url.startswith("duckdb") else None
    system = build(settings, store=open_store(f"mjosa:{urlsplit(server[0]).geturl().partition(':')[2]}", settings.data_dir, token=server[1])
                   if server else None)  # fmt: skip
    try:
        yield system
    finally:
        system.close()


@contextmanager
def _replayer(settings: Settings) -> Iterator[Replayer]:
    with _beside(settings) as system:
        yield system.replayer


@contextmanager
def _tools(settings: Settings) -> Iterator[Tools]:
    """For import, export, backup, retention and privacy."""
    with _beside(settings) as system:
        yield Tools(
            system.store, system.registry, lambda before, dry_run: system.log.prune(before, dry_run=dry_run),
            lambda dev_euis, dry_run: erase_devices(system.log, system.dead_letters, dev_euis, dry_run=dry_run),
        )  # fmt: skip


@contextmanager
def _ends(settings: Settings, folder: Path) -> Iterator[Ends]:
    """For migrating: an embedded Mjøsa's folder, and what the settings name."""
    with (
        closing(open_store(f"duckdb:{folder / 'readings.duckdb'}", folder)) as source,
        closing(Registry.open(database_url(settings))) as registry,
        closing(_store(settings, registry)) as target,
    ):
        mirror = _mirror(settings, target, registry, time.time)
        after = mirror.refill if mirror else lambda: None
        yield Ends(source, folder, target, database_url(settings), settings.data_dir, after)


def _mirror(settings: Settings, store: SeriesStore, registry: Registry, clock: Callable[[], float]) -> Mirror | None:
    """Grafana's copy of what the registry keeps; only InfluxDB has one."""
    return Mirror(cast(Lines, store), registry, clock, base_url(settings)) if settings.store_url.startswith("influx") else None


def _prepare_store(settings: Settings, admin_token: str) -> str:
    from core.stores.influx_setup import set_up

    url = settings.store_url.replace("influxdb", "http", 1)
    made = set_up(url, admin_token, settings.influx_org, settings.influx_bucket, make_token=False)
    return f"bucket {settings.influx_bucket} {'made' if made.made_bucket else 'was there'}"


@contextmanager
def _store_alone(settings: Settings) -> Iterator[SeriesStore]:
    """For restoring, before there is a registry."""
    token = settings.influx_token.get_secret_value() if settings.influx_token else None
    store = open_store(settings.store_url, settings.data_dir, token=token, org=settings.influx_org, bucket=settings.influx_bucket)
    try:
        yield store
    finally:
        store.close()


def _store(settings: Settings, registry: Registry) -> SeriesStore:
    token = settings.influx_token.get_secret_value() if settings.influx_token else None

    def zone_of(dev_eui: str, t: float) -> str | None:
        town = registry.town()
        sensor = town.sensor_at(dev_eui, t)
        return town.zone_of(sensor) if sensor else None

    return open_store(
        settings.store_url, settings.data_dir, token=token, org=settings.influx_org, bucket=settings.influx_bucket, zone_of=zone_of
    )


def _listening(settings: Settings, *, broker: bool = False) -> list[tuple[str, str, int]]:
    """(setting, host, port) of what this process will listen on."""
    return [("MJOSA_PORT", settings.host, settings.port), *([("MJOSA_MQTT_PORT", "127.0.0.1", settings.mqtt_port)] if broker else [])]


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


def _serve(system: System, stack: ExitStack, subscriber: Subscriber | None = None) -> None:
    """Serve until asked to stop."""
    settings = system.settings
    _count(system, subscriber)
    registration = open_registration(settings, system.registry, native_models())
    ended, stand_in = threading.Event(), settings.chirpstack_url is None
    stack.enter_context(in_background("registration", lambda: keep_in_step(registration, ended, whole_town=stand_in), ended))
    services = Services(
        settings, system.store, system.registry, system.clock, system.hub, log=system.log, models=system.models, fleet=registration.fleet,
        registration=registration, dead_letters=system.dead_letters, replay=lambda dev_eui: asdict(system.replayer.dead(dev_eui=dev_eui)),
        status=system.status, store_handler=lambda request: handle_store_request(system.store, request),
        store_token=stack.enter_context(server_note(settings.data_dir, f"http://127.0.0.1:{settings.port}")),
        oidc=provider_of(settings), channels=channels_of(settings),
    )  # fmt: skip
    run_server(create_app(services), settings, lambda: _say_ready(system))


def _say_ready(system: System) -> None:
    link = one_time_link(system.registry, system.clock, base_url(system.settings))
    text = f"\n[bold]Mjøsa[/bold] is ready. This link signs you in, once; Ctrl-C stops.\n\n  {link}\n"
    console.print(text, highlight=False, soft_wrap=True)


def _count(system: System, subscriber: Subscriber | None) -> None:
    """Ingest's figures at /metrics."""
    prometheus_client.REGISTRY.register(IngestCollector(system.processor, system.pipeline, system.log, system.dead_letters, subscriber))


GROUPS: Mapping[str, typer.Typer] = {
    "simulate": simulators.commands.app, "devices": ingest.commands_devices.app, "sensors": gateway.commands.app,
    "zones": gateway.commands.zones_app, "deadletters": ingest.commands.app, "kpi": analytics.commands_kpi.app,
    "maintenance": analytics.commands_maintenance.app, "dashboards": dashboards.commands.app,
}  # fmt: skip
for _name, _group in GROUPS.items():
    app.add_typer(_group, name=_name)
COMMANDS: Mapping[str, Callable[..., None]] = {
    "evaluate": analytics.commands.evaluate_command, "replay": ingest.commands.replay, "report": analytics.commands_kpi.report,
    "alive": core.commands_stack.alive, "migrate": core.commands_stack.migrate_command(_ends),
    "init": gateway.commands_init.command(_prepare_store, lambda settings: Registry.open(database_url(settings)), native_models),
}  # fmt: skip
for _name, _command in COMMANDS.items():
    app.command(_name)(_command)
gateway.commands.use(native_models)
ingest.commands.use(_replayer)
analytics.commands_kpi.use(_beside)
analytics.commands_maintenance.use(_beside)
core.commands_data.add_commands(app, _tools, _store_alone, database_url)


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
