"""Everything the HTTP application needs, handed over by the composition root: one instance per process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from api.live import Hub
from core.registry import Registry
from core.settings import Settings
from core.store import SeriesStore


@dataclass(frozen=True)
class Limits:
    """What one caller may ask for. Rates are sustained requests per second with a burst on top."""

    requests_per_s: float = 60.0
    burst: int = 240
    sign_ins_per_minute: float = 10.0
    body_bytes: int = 2_000_000
    import_bytes: int = 50_000_000
    stream_clients: int = 200


def base_url(settings: Settings) -> str:
    """Where people reach this installation, without a slash at the end."""
    scheme = "https" if settings.tls_certificate else "http"
    return str(settings.public_url or f"{scheme}://{settings.host}:{settings.port}").rstrip("/")


@dataclass
class Services:
    """What `create_app` works with. Only the first five are required; a missing part answers 503 with a sentence."""

    settings: Settings
    store: SeriesStore
    registry: Registry
    clock: Callable[[], float]
    """Unix seconds; the only clock the application reads."""
    hub: Hub = field(default_factory=Hub)
    """Live values and alarms: the pipeline calls `hub.readings(batch)`, the analysis `hub.alarm(alarm)`."""
    log: Any = None
    """ingest.uplink_log.UplinkLog, for raw uplinks: `get(seq)`."""
    models: Any = None
    """ingest.models.ModelLibrary, for the list of products and for reading a raw uplink again."""
    fleet: Any = None
    """The network server as gateway.registration sees it; None where this process has none."""
    registration: Any = None
    """gateway.registration.Registration bound to registry, store and fleet (used by the phone pages)."""
    dead_letters: Any = None
    """ingest.dead_letters.DeadLetters: `groups()` and `count()`."""
    replay: Callable[[str | None], Mapping[str, Any]] | None = None
    """`replay(dev_eui or None)` processes dead letters again: {"replayed": n, "failed": m}."""
    status: Callable[[], Mapping[str, Any]] = dict
    """Ingest and network health as plain JSON: uplinks_per_minute, lag_s, dead_letters, broker, base_stations: {id: last_seen}."""
    store_handler: Callable[[bytes], bytes] | None = None
    """core.stores.remote.handle bound to the store: one request's bytes in, its answer's bytes out."""
    store_token: str | None = None
    """What commands beside the server show to use /internal/store (kept by mjosa.py in data_dir/server.json, mode 0600)."""
    oidc: Any = None
    """api.security.oidc.Provider; None: users sign in with a password."""
    channels: Mapping[str, Any] = field(default_factory=dict)
    """Notification channels by name, each with `send(message)`; see api.notify.channels."""
    limits: Limits = field(default_factory=Limits)
    poll_s: float = 2.0
    """How often the registry is looked at for alarms that another process raised."""
