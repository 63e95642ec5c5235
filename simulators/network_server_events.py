"""The MQTT half of the stand-in: ChirpStack's application events out, `command/down` in.

Whoever publishes an `up` (the stand-in itself, or the simulated town on the same broker) opens a receive window: the
oldest queued downlink leaves, `txack` says so, and a confirmed one is acknowledged with the device's next uplink.
"""

from __future__ import annotations

import logging
import secrets
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from chirpstack_api import api
from chirpstack_api.integration import integration_pb2 as events
from google.protobuf.json_format import Parse, ParseError

from core.model import Reception
from simulators import chirpstack_events as wire
from simulators.network_server_registry import ServerRegistry

logger = logging.getLogger(__name__)
Publish = Callable[[str, bytes], None]
OnDownlink = Callable[[str, int, bytes, bool], None]


class EventDesk:
    """Builds and publishes events for registered devices, and keeps their sessions and queues.

    `on_downlink(dev_eui, f_port, payload, confirmed)` is the air: a simulated device hangs there.
    """

    def __init__(self, registry: ServerRegistry, publish: Publish, now: Callable[[], float], on_downlink: OnDownlink | None = None) -> None:
        self._registry, self._publish, self._now = registry, publish, now
        self.on_downlink = on_downlink

    def join(self, dev_eui: str, dev_nonce: int | None = None, at: float | None = None) -> str | None:
        """The new DevAddr; None where the server refuses (unknown or disabled device, no keys, DevNonce used before)."""
        at = self._now() if at is None else at
        device = self._device(dev_eui)
        if device is None:
            return None
        nonce = secrets.randbelow(1 << 16) if dev_nonce is None else dev_nonce
        if self._registry.get("device_keys", dev_eui) is None:
            self.log(dev_eui, "ERROR", "OTAA", "Device has no keys", at=at)
            return None
        if not self._registry.spend_nonce(device.join_eui, dev_eui, nonce):
            self.log(dev_eui, "ERROR", "OTAA", "DevNonce has already been used", at=at)
            return None
        dev_addr = secrets.token_hex(4)
        self._activate(dev_eui, dev_addr, at)
        self._send(device, "join", wire.join(self._info(device), time=at, dev_addr=dev_addr))
        return dev_addr

    def uplink(self, dev_eui: str, f_port: int, payload: bytes, receptions: Sequence[Reception] = (), *, at: float | None = None,
               spreading_factor: int = 7, frequency_hz: int = 868_100_000, confirmed: bool = False) -> int | None:  # fmt: skip
        """The frame counter of a frame heard by these base stations; None where the device has no session or is disabled."""
        at = self._now() if at is None else at
        device, activation = self._device(dev_eui), self._activation(dev_eui)
        if device is None or activation is None:
            return None
        f_cnt: int = activation.f_cnt_up
        activation.f_cnt_up += 1
        self._registry.update("device_activation", dev_eui, "", activation.SerializeToString(), at)
        self._send(device, "up", wire.up(
            self._info(device), time=at, dev_addr=activation.dev_addr, f_cnt=f_cnt, f_port=f_port, data=payload,
            heard=[self._heard_by(r, at) for r in receptions], spreading_factor=spreading_factor, frequency_hz=frequency_hz,
            confirmed=confirmed,
        ))  # fmt: skip
        return f_cnt

    def status(self, dev_eui: str, battery_pct: float | None, margin_db: int, at: float | None = None) -> None:
        """A DevStatusAns; None where the device cannot measure its battery."""
        device = self._device(dev_eui)
        if device is not None:
            at = self._now() if at is None else at
            self._send(device, "status", wire.status(self._info(device), time=at, margin_db=margin_db, battery_pct=battery_pct))

    def log(self, dev_eui: str, level: str, code: str, text: str, at: float | None = None, **context: str) -> None:
        """A server-side note about a device, by ChirpStack's level and code names."""
        device = self._device(dev_eui)
        if device is not None:
            at = self._now() if at is None else at
            self._send(device, "log", wire.log(self._info(device), time=at, level=level, code=code, description=text, context=context))

    def receive(self, topic: str, payload: bytes) -> None:
        """What the broker delivers. A message that is not what its topic says is logged and dropped, as ChirpStack does."""
        parts = topic.split("/")
        try:
            if parts[0] == "application" and parts[4:] == ["command", "down"]:
                self._command(parts[1], parts[3], payload)
            elif parts[0] == "application" and parts[5] in ("up", "join"):
                self._heard(parts[3], parts[5], orjson.loads(payload))
            elif parts[1:2] == ["gateway"]:
                self._registry.seen("gateway", parts[2], self._now())
        except (ParseError, ValueError, IndexError, KeyError, TypeError) as error:
            logger.warning("%s: dropped: %s", topic, error)

    def _command(self, application: str, dev_eui: str, payload: bytes) -> None:
        command = Parse(payload, events.DownlinkCommand(), ignore_unknown_fields=True)
        if command.dev_eui != dev_eui:
            raise ValueError(f"devEui {command.dev_eui!r} is not the topic's")
        device = self._device(dev_eui)
        if device is None or device.application_id != application:
            raise ValueError(f"application {application} has no such device")
        if not 1 <= command.f_port <= 255:
            raise ValueError("fPort must be between 1 - 255")
        data = b"" if command.HasField("object") else command.data
        item = api.DeviceQueueItem(id=str(uuid.UUID(command.id)) if command.id else str(uuid.uuid4()), dev_eui=dev_eui,
                                   confirmed=command.confirmed, f_port=command.f_port, data=data)  # fmt: skip
        if command.HasField("expires_at"):
            item.expires_at.CopyFrom(command.expires_at)
        self._registry.insert("device_queue_item", item.id, "", item.SerializeToString(), self._now(), dev_eui=dev_eui)

    def _heard(self, dev_eui: str, kind: str, event: dict[str, Any]) -> None:
        device = self._device(dev_eui)
        if device is None:
            return
        activation = self._activation(dev_eui)
        if activation is None or activation.dev_addr != event["devAddr"]:
            self._activate(dev_eui, event["devAddr"], self._now())
        if kind == "up":
            self._registry.seen("device", dev_eui, self._now())
            self._window(device, event)

    def _window(self, device: Any, up: dict[str, Any]) -> None:
        """What a class A device hears after an uplink: nothing, or the head of its queue."""
        rows = self._registry.find("device_queue_item", dev_eui=device.dev_eui)
        queue = [api.DeviceQueueItem.FromString(r.body) for r in rows]
        for item in [q for q in queue if q.is_pending]:
            self._registry.delete("device_queue_item", item.id)
            self._send(device, "ack", wire.ack(self._info(device), time=self._now(), queue_item_id=item.id, acknowledged=True,
                                               f_cnt_down=item.f_cnt_down))  # fmt: skip
        waiting = [q for q in queue if not q.is_pending]
        if waiting:
            self._transmit(device, waiting[0], up)

    def _transmit(self, device: Any, item: Any, up: dict[str, Any]) -> None:
        if item.HasField("expires_at") and item.expires_at.ToMicroseconds() / 1e6 < self._now():
            self._registry.delete("device_queue_item", item.id)
            self.log(device.dev_eui, "ERROR", "EXPIRED", "Device queue-item discarded because it has expired", queue_item_id=item.id)
            return
        activation: Any = self._activation(device.dev_eui)
        item.f_cnt_down = activation.n_f_cnt_down
        activation.n_f_cnt_down += 1
        self._registry.update("device_activation", device.dev_eui, "", activation.SerializeToString(), self._now())
        if item.confirmed:
            item.is_pending = True
            self._registry.update("device_queue_item", item.id, "", item.SerializeToString(), self._now())
        else:
            self._registry.delete("device_queue_item", item.id)
        heard: dict[str, Any] = next(iter(up.get("rxInfo") or ()), {})
        tx = up.get("txInfo") or {}
        self._send(device, "txack", wire.txack(
            self._info(device), time=self._now(), queue_item_id=item.id, f_cnt_down=item.f_cnt_down,
            base_station=heard.get("gatewayId", ""), downlink_id=secrets.randbits(32), frequency_hz=tx.get("frequency", 0),
            spreading_factor=tx.get("modulation", {}).get("lora", {}).get("spreadingFactor", 12),
        ))  # fmt: skip
        if self.on_downlink:
            self.on_downlink(device.dev_eui, item.f_port, item.data, item.confirmed)

    def _activate(self, dev_eui: str, dev_addr: str, at: float) -> None:
        keys = {name: secrets.token_hex(16) for name in ("app_s_key", "nwk_s_enc_key", "s_nwk_s_int_key", "f_nwk_s_int_key")}
        activation = api.DeviceActivation(dev_eui=dev_eui, dev_addr=dev_addr, **keys)
        self._registry.delete("device_activation", dev_eui)
        self._registry.insert("device_activation", dev_eui, "", activation.SerializeToString(), at, dev_eui=dev_eui)
        device = self._device(dev_eui)
        if device is not None and self._profile(device).flush_queue_on_activate:
            for row in self._registry.find("device_queue_item", dev_eui=dev_eui):
                self._registry.delete("device_queue_item", row.key)

    def _device(self, dev_eui: str) -> Any | None:
        """The registered device; None where unknown or disabled (a disabled device is invisible)."""
        row = self._registry.get("device", dev_eui)
        device = api.Device.FromString(row.body) if row else None
        return None if device is None or device.is_disabled else device

    def _activation(self, dev_eui: str) -> Any | None:
        row = self._registry.get("device_activation", dev_eui)
        return api.DeviceActivation.FromString(row.body) if row else None

    def _profile(self, device: Any) -> Any:
        return self._parsed("device_profile", device.device_profile_id, api.DeviceProfile())

    def _parsed(self, table: str, key: str, empty: Any) -> Any:
        row = self._registry.get(table, key)
        return type(empty).FromString(row.body) if row else empty

    def _info(self, device: Any) -> wire.Device:
        application = self._parsed("application", device.application_id, api.Application())
        tenant = self._parsed("tenant", application.tenant_id, api.Tenant())
        profile = self._profile(device)
        return wire.Device(
            dev_eui=device.dev_eui, name=device.name, application_id=application.id, application_name=application.name,
            tenant_id=tenant.id, tenant_name=tenant.name, profile_id=profile.id, profile_name=profile.name,
            device_class="CLASS_C" if profile.supports_class_c else "CLASS_A",
            tags={**application.tags, **profile.tags, **device.tags},
        )  # fmt: skip

    def _heard_by(self, reception: Reception, at: float) -> wire.Heard:
        station = self._parsed("gateway", reception.base_station, api.Gateway())
        place = station.location
        return wire.Heard(
            reception.base_station, round(reception.rssi_dbm), reception.snr_db, gateway_time=at, server_time=at,
            uplink_id=secrets.randbits(32),
            position=(place.latitude, place.longitude, place.altitude) if station.HasField("location") else None,
        )  # fmt: skip

    def _send(self, device: Any, kind: str, payload: bytes) -> None:
        self._publish(f"application/{device.application_id}/device/{device.dev_eui}/event/{kind}", payload)
