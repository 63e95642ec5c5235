"""ChirpStack v4's application events, byte for byte: topic and JSON as its MQTT integration publishes them.

Messages of package `integration` print every field, nested `gw`/`common` messages leave defaults out, enums are names,
timestamps end in +00:00 (ChirpStack ≥ 4.1 writes JSON with pbjson).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from chirpstack_api import common, gw, integration
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

_SPARSE = ("rxInfo", "txInfo", "location", "joinServerContext")
_TIMES = ("time", "gwTime", "nsTime")


@dataclass(frozen=True, slots=True)
class Device:
    """What ChirpStack knows of a device, repeated in each of its events. Ids of tenant, application, profile are UUIDs."""

    dev_eui: str
    name: str
    application_id: str
    application_name: str = "Mjøsa"
    tenant_id: str = "52f14cd4-c6f1-4fbd-8f87-4025e1d49242"
    tenant_name: str = "Mjøsby"
    profile_id: str = "00000000-0000-0000-0000-000000000000"
    profile_name: str = ""
    device_class: str = "CLASS_A"
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Heard:
    """One base station's reception. Times are Unix s; gateway_time None: a station without GNSS. position: (lat, lon, altitude)."""

    base_station: str
    rssi_dbm: int
    snr_db: float
    gateway_time: float | None
    server_time: float
    uplink_id: int = 0
    channel: int = 0
    position: tuple[float, float, float] | None = None


def topic(device: Device, event: str) -> str:
    """application/{id}/device/{eui}/event/{up|join|ack|txack|log|status}."""
    return f"application/{device.application_id}/device/{device.dev_eui}/event/{event}"


def up(
    device: Device, *, time: float, dev_addr: str, f_cnt: int, f_port: int, data: bytes, heard: Sequence[Heard],
    spreading_factor: int = 7, frequency_hz: int = 868_100_000, confirmed: bool = False, adr: bool = True,
    object_: Mapping[str, Any] | None = None, deduplication_id: str | None = None, region: str = "eu868",
) -> bytes:  # fmt: skip
    """An uplink: a data frame heard by one or more base stations, after de-duplication."""
    event = integration.UplinkEvent(
        deduplication_id=deduplication_id or str(uuid.uuid4()), time=timestamp(time), device_info=device_info(device),
        dev_addr=dev_addr, adr=adr, dr=12 - spreading_factor, f_cnt=f_cnt, f_port=f_port, confirmed=confirmed, data=data,
        rx_info=[_rx_info(h) for h in heard], tx_info=_tx_info(frequency_hz, spreading_factor), region_config_id=region,
    )  # fmt: skip
    if object_ is not None:
        event.object.update(object_)
    return to_json(event)


def join(device: Device, *, time: float, dev_addr: str, deduplication_id: str | None = None, region: str = "eu868") -> bytes:
    """The device was given a new session: f_cnt starts again from 0."""
    return to_json(integration.JoinEvent(
        deduplication_id=deduplication_id or str(uuid.uuid4()), time=timestamp(time), device_info=device_info(device),
        dev_addr=dev_addr, region_config_id=region,
    ))  # fmt: skip


def ack(device: Device, *, time: float, queue_item_id: str, acknowledged: bool, f_cnt_down: int,
        deduplication_id: str | None = None) -> bytes:  # fmt: skip
    """A confirmed downlink was acknowledged, or timed out."""
    return to_json(integration.AckEvent(
        deduplication_id=deduplication_id or str(uuid.uuid4()), time=timestamp(time), device_info=device_info(device),
        queue_item_id=queue_item_id, acknowledged=acknowledged, f_cnt_down=f_cnt_down,
    ))  # fmt: skip


def txack(device: Device, *, time: float, queue_item_id: str, f_cnt_down: int, base_station: str, downlink_id: int = 0,
          frequency_hz: int = 868_100_000, spreading_factor: int = 7) -> bytes:  # fmt: skip
    """A base station accepted a downlink for sending (not: the device received it)."""
    tx_info = gw.DownlinkTxInfo(
        frequency=frequency_hz, power=16, timing=gw.Timing(delay=gw.DelayTimingInfo()),
        modulation=gw.Modulation(lora=_lora(spreading_factor, inverted=True)),
    )  # fmt: skip
    tx_info.timing.delay.delay.FromSeconds(1)
    return to_json(integration.TxAckEvent(
        downlink_id=downlink_id, time=timestamp(time), device_info=device_info(device), queue_item_id=queue_item_id,
        f_cnt_down=f_cnt_down, gateway_id=base_station, tx_info=tx_info,
    ))  # fmt: skip


def log(device: Device, *, time: float, level: str, code: str, description: str, context: Mapping[str, str] | None = None) -> bytes:
    """A remark of the network server. level INFO|WARNING|ERROR; code OTAA, UPLINK_CODEC, UPLINK_F_CNT_RESET …"""
    return to_json(integration.LogEvent(
        time=timestamp(time), device_info=device_info(device), level=integration.LogLevel.Value(level),
        code=integration.LogCode.Value(code), description=description, context=context or {},
    ))  # fmt: skip


def status(device: Device, *, time: float, margin_db: int, battery_pct: float | None, external_power: bool = False,
           deduplication_id: str | None = None) -> bytes:  # fmt: skip
    """The answer to DevStatusReq; battery_pct None: the device cannot tell."""
    return to_json(integration.StatusEvent(
        deduplication_id=deduplication_id or str(uuid.uuid4()), time=timestamp(time), device_info=device_info(device),
        margin=margin_db, external_power_source=external_power, battery_level_unavailable=battery_pct is None,
        battery_level=battery_pct or 0.0,
    ))  # fmt: skip


def to_json(message: Message) -> bytes:
    """A message of package `integration` as pbjson writes it."""
    full = MessageToDict(message, always_print_fields_with_no_presence=True)
    sparse = MessageToDict(message)
    out = {key: sparse[key] if key in _SPARSE and key in sparse else value for key, value in full.items()}
    decoded = out.pop("object", None)
    out = _offsets(out)
    return orjson.dumps(out if decoded is None else {**out, "object": _doubles(decoded)})


def timestamp(t: float) -> Timestamp:
    """Unix seconds, to the microsecond."""
    stamp = Timestamp()
    stamp.FromMicroseconds(round(t * 1e6))
    return stamp


def device_info(device: Device) -> integration.DeviceInfo:
    return integration.DeviceInfo(
        tenant_id=device.tenant_id, tenant_name=device.tenant_name, application_id=device.application_id,
        application_name=device.application_name, device_profile_id=device.profile_id, device_profile_name=device.profile_name,
        device_name=device.name, dev_eui=device.dev_eui, tags=device.tags,
        device_class_enabled=common.DeviceClass.Value(device.device_class),
    )  # fmt: skip


def _rx_info(heard: Heard) -> gw.UplinkRxInfo:
    info = gw.UplinkRxInfo(
        gateway_id=heard.base_station, uplink_id=heard.uplink_id, ns_time=timestamp(heard.server_time), rssi=heard.rssi_dbm,
        snr=heard.snr_db, channel=heard.channel, context=heard.uplink_id.to_bytes(4, "big"), crc_status=gw.CRCStatus.CRC_OK,
        location=common.Location(),
    )  # fmt: skip
    if heard.gateway_time is not None:
        info.gw_time.CopyFrom(timestamp(heard.gateway_time))
    if heard.position is not None:
        latitude, longitude, altitude = heard.position
        info.location.CopyFrom(common.Location(latitude=latitude, longitude=longitude, altitude=altitude))
    return info


def _tx_info(frequency_hz: int, spreading_factor: int) -> gw.UplinkTxInfo:
    return gw.UplinkTxInfo(frequency=frequency_hz, modulation=gw.Modulation(lora=_lora(spreading_factor)))


def _lora(spreading_factor: int, inverted: bool = False) -> gw.LoraModulationInfo:
    return gw.LoraModulationInfo(
        bandwidth=125_000, spreading_factor=spreading_factor, code_rate=gw.CodeRate.CR_4_5, polarization_inversion=inverted
    )


def _offsets(value: Any) -> Any:
    """ChirpStack's own timestamps with +00:00 instead of Z, at any depth."""
    if isinstance(value, dict):
        return {k: v[:-1] + "+00:00" if k in _TIMES and isinstance(v, str) and v.endswith("Z") else _offsets(v) for k, v in value.items()}
    return [_offsets(v) for v in value] if isinstance(value, list) else value


def _doubles(value: Any) -> Any:
    """Every number of `object` is a double: 22 becomes 22.0."""
    if isinstance(value, dict):
        return {k: _doubles(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_doubles(v) for v in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
