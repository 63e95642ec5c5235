"""Everything the HTTP application needs, handed over by the composition root: one instance per process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from api.live import Hub
from core.registry import Registry
from core.settings import Settings
from core.store import SeriesStore


class DeadLetters(Protocol):
    """Frames that did not decode. Each letter is plain JSON data with at least id, dev_eui, received_at and reason."""

    def find(self, limit: int = 100) -> Sequence[Mapping[str, Any]]: ...

    def replay(self, ids: Sequence[str] | None = None) -> Mapping[str, int]:
        """Try again (all of them when ids is None): {"replayed": n, "failed": m}."""


@dataclass(frozen=True)
class Limits:
    """What one caller may ask for. Rates are sustained requests per second with a burst on top."""

    requests_per_s: float = 60.0
    burst: int = 240
    sign_ins_per_minute: float = 10.0
    body_bytes: int = 2_000_000
    import_bytes: int = 50_000_000
    stream_clients: int = 200


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
    dead_letters: DeadLetters | None = None
    status: Callable[[], Mapping[str, Any]] = dict
    """Ingest and network health as plain JSON: uplinks_per_minute, lag_s, dead_letters, broker, base_stations: {id: last_seen}."""
    indicators: Callable[..., Sequence[Any]] | None = None
    """`indicators(start, end, zones=None, keys=None) -> [IndicatorValue]`, computed now and not kept."""
    store_handler: Callable[[bytes], bytes] | None = None
    """core.stores.remote.handle bound to the store: one request's bytes in, its answer's bytes out."""
    store_token: str | None = None
    """What commands beside the server show to use /internal/store (kept by mjosa.py in data_dir/server.json, mode 0600)."""
    channels: Mapping[str, Any] = field(default_factory=dict)
    """Notification channels by name; see api.notify.channels."""
    limits: Limits = field(default_factory=Limits)
    poll_s: float = 2.0
    """How often the registry is looked at for alarms that another process raised."""
