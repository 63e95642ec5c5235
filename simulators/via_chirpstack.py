"""Mjøsby in front of a real ChirpStack: its devices and base stations on the gateway MQTT topics, as LoRaWAN frames in protobuf gw.*.

Devices join over the air, so they must be registered with the keys of `app_key`; `write_keys` lists them for provisioning.
"""

from __future__ import annotations

import csv
import hashlib
import json
import struct
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import paho.mqtt.client as mqtt
from chirpstack_api import gw
from paho.mqtt.enums import CallbackAPIVersion

from core.town import BaseStation, Sensor, Town
from simulators import lorawan
from simulators.chirpstack_events import timestamp
from simulators.frames import Frame
from simulators.live import LiveTown
from simulators.radio import CHANNELS_HZ

STATS_EVERY_S = 30.0
JOIN_AGAIN_S = 90.0
JOIN_CHANNELS = 3
Heard = tuple[BaseStation, float, float]
OnDownlink = Callable[[bytes, bytes], bool]


def app_key(sensor: Sensor) -> str:
    """The made-up AppKey of a simulated device, 32 hex digits. Simulated devices only: anybody can work it out."""
    return hashlib.sha256(f"mjosa-simulator/{sensor.dev_eui}".encode()).hexdigest()[:32]


def write_keys(town: Town, path: Path) -> int:
    """A CSV of every device for provisioning (dev_eui, join_eui, app_key, name, profile); how many there are."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("dev_eui", "join_eui", "app_key", "name", "profile"))
        for s in town.current.values():
            rows.writerow((s.dev_eui, s.join_eui, app_key(s), s.name or s.id, s.model))
    return len(town.current)


class Masts:
    """The base stations on MQTT: uplinks and statistics out, downlinks in and acknowledged. `on_downlink(context, frame)` says
    whether a device took it; `context` is what the uplink carried."""

    def __init__(self, stations: Iterable[BaseStation], on_downlink: OnDownlink, *, host: str, port: int, prefix: str = "eu868",
                 username: str | None = None, password: str | None = None) -> None:  # fmt: skip
        self._stations, self._on_downlink, self._prefix = tuple(stations), on_downlink, prefix
        self._received = dict.fromkeys((s.id for s in self._stations), 0)
        self._sent = dict.fromkeys((s.id for s in self._stations), 0)
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="mjosa-masts", clean_session=True)
        if username is not None:
            self._client.username_pw_set(username, password)
        self._client.on_connect = self._connected
        self._client.on_message = lambda _c, _u, message: self._command(message.topic, bytes(message.payload))
        self._client.connect_async(host, port)

    def start(self) -> None:
        self._client.loop_start()

    def stop(self) -> None:
        """Say goodbye, then leave the broker."""
        offline = [self._publish(s, "state/conn", gw.ConnState(gateway_id=s.id).SerializeToString(), retain=True) for s in self._stations]
        if self._client.is_connected():
            for message in offline:
                message.wait_for_publish(2)
        self._client.disconnect()
        self._client.loop_stop()

    def hear(self, frame: bytes, heard: Iterable[Heard], at: float, frequency_hz: int, spreading_factor: int, context: bytes) -> None:
        """Each base station reports the frame it heard."""
        for station, rssi, snr in heard:
            self._received[station.id] += 1
            number = int.from_bytes(hashlib.blake2b(frame + station.id.encode(), digest_size=4).digest(), "big")
            up = gw.UplinkFrame(
                phy_payload=frame,
                tx_info=gw.UplinkTxInfo(frequency=frequency_hz, modulation=gw.Modulation(lora=gw.LoraModulationInfo(
                    bandwidth=125_000, spreading_factor=spreading_factor, code_rate=gw.CodeRate.CR_4_5))),
                rx_info=gw.UplinkRxInfo(gateway_id=station.id, uplink_id=number, gw_time=timestamp(at), rssi=round(rssi), snr=snr,
                                        channel=CHANNELS_HZ.index(frequency_hz), context=context, crc_status=gw.CRCStatus.CRC_OK),
            )  # fmt: skip
            self._publish(station, "event/up", up.SerializeToString())

    def report(self, at: float) -> None:
        """Statistics of every base station, with its position: what keeps it online in ChirpStack."""
        for s in self._stations:
            stats = gw.GatewayStats(gateway_id=s.id, time=timestamp(at), rx_packets_received=self._received[s.id],
                                    rx_packets_received_ok=self._received[s.id], tx_packets_received=self._sent[s.id],
                                    tx_packets_emitted=self._sent[s.id])  # fmt: skip
            stats.location.latitude, stats.location.longitude, stats.location.altitude = s.latitude, s.longitude, s.altitude_m
            self._publish(s, "event/stats", stats.SerializeToString())
            self._received[s.id] = self._sent[s.id] = 0

    def _connected(self, client: mqtt.Client, *_: Any) -> None:
        client.subscribe([(f"{self._prefix}/gateway/{s.id}/command/down", 1) for s in self._stations])
        for s in self._stations:
            self._publish(s, "state/conn", gw.ConnState(gateway_id=s.id, state=gw.ConnState.ONLINE).SerializeToString(), retain=True)

    def _command(self, topic: str, payload: bytes) -> None:
        """A downlink: the first item is sent, the rest ignored, and the network server is told so."""
        down = gw.DownlinkFrame.FromString(payload)
        station = next((s for s in self._stations if s.id == topic.split("/")[2]), None)
        if station is None or not down.items:
            return
        self._sent[station.id] += 1
        statuses = [gw.TxAckStatus.OK] + [gw.TxAckStatus.IGNORED] * (len(down.items) - 1)
        reply = gw.DownlinkTxAck(
            gateway_id=station.id, downlink_id=down.downlink_id, items=[gw.DownlinkTxAckItem(status=s) for s in statuses]
        )
        self._publish(station, "event/ack", reply.SerializeToString())
        self._on_downlink(down.items[0].tx_info.context, down.items[0].phy_payload)

    def _publish(self, station: BaseStation, what: str, payload: bytes, *, retain: bool = False) -> mqtt.MQTTMessageInfo:
        return self._client.publish(f"{self._prefix}/gateway/{station.id}/{what}", payload, qos=1, retain=retain)


class ChirpStackTown(LiveTown):
    """The live town as LoRaWAN devices: joins when a device first speaks, then data frames, MAC answers and acknowledgements.

    `state` is a folder for the DevNonces, which must never repeat. Downlinks with data are kept in `downlinks` by dev_eui.
    """

    def __init__(self, town: Town, *, host: str, port: int, state: Path, prefix: str = "eu868", username: str | None = None,
                 password: str | None = None, adr: bool = False, clock: Callable[[], float] = time.time, **more: Any) -> None:  # fmt: skip
        super().__init__(town, clock=clock, publish=lambda _topic, _payload: None, late=0.0, double=0.0, **more)
        self._masts = Masts(town.base_stations, self._downlink, host=host, port=port, prefix=prefix, username=username, password=password)
        self._nonces = state / "dev_nonces.json"
        state.mkdir(parents=True, exist_ok=True)
        self._used: dict[str, int] = json.loads(self._nonces.read_text()) if self._nonces.exists() else {}
        self._adr = adr
        self._radios: list[lorawan.Radio] = []
        self._number: dict[str, int] = {}
        self._waiting: dict[int, Frame] = {}
        self._asked: dict[int, float] = {}
        self._rng = np.random.default_rng([self.seed, 91])
        self._reported = float("-inf")
        self._air = threading.RLock()
        self.downlinks: dict[str, list[lorawan.Downlink]] = {}

    def run_in_background(self) -> None:
        self._masts.start()
        super().run_in_background()

    def stop(self) -> None:
        super().stop()
        self._masts.stop()

    def step(self, until: float) -> None:
        if self.clock() - self._reported >= STATS_EVERY_S:
            self._reported = self.clock()
            self._masts.report(self.clock())
        super().step(until)

    def _send(self, frame: Frame) -> None:
        """Speak when joined; else ask to join and keep the frame until the answer comes."""
        with self._air:
            number, radio = self._radio(frame.sensor)
            if radio.joined:
                self._speak(number, frame)
            elif frame.at - self._asked.get(number, float("-inf")) >= JOIN_AGAIN_S:
                self._asked[number], self._waiting[number] = frame.at, frame
                request = radio.ask_to_join()
                self._remember(radio)
                self.counts.joins += 1
                self._transmit(request, frame, number, CHANNELS_HZ[int(self._rng.integers(JOIN_CHANNELS))])

    def _speak(self, number: int, frame: Frame) -> None:
        self.counts.uplinks += 1
        self.counts.lost += not frame.heard
        self._transmit(self._radios[number].send(frame.f_port, frame.payload), frame, number, frame.frequency_hz)

    def _transmit(self, phy: bytes, frame: Frame, number: int, frequency_hz: int) -> None:
        factor = 12 - self._radios[number].data_rate if self._adr else frame.spreading_factor
        self._masts.hear(phy, frame.heard, self.clock(), frequency_hz, factor, struct.pack(">I", number))

    def _downlink(self, context: bytes, phy: bytes) -> bool:
        with self._air:
            if len(context) != 4 or struct.unpack(">I", context)[0] >= len(self._radios):
                return False
            number = int(struct.unpack(">I", context)[0])
            radio = self._radios[number]
            try:
                if phy[:1] == bytes([lorawan.JOIN_ACCEPT]):
                    radio.accept(phy)
                    waiting = self._waiting.pop(number, None)
                    if waiting is not None:
                        self._speak(number, waiting)
                else:
                    self.downlinks.setdefault(radio.dev_eui, []).append(radio.receive(phy))
            except lorawan.FrameError:
                return False
            return True

    def _radio(self, sensor: Sensor) -> tuple[int, lorawan.Radio]:
        if sensor.dev_eui not in self._number:
            self._number[sensor.dev_eui] = len(self._radios)
            rate = 12 - self._links[sensor.id].spreading_factor
            nonce = self._used.get(sensor.dev_eui, 0)
            self._radios.append(
                lorawan.Radio(sensor.dev_eui, sensor.join_eui or "0" * 16, app_key(sensor), nonce, adr=self._adr, data_rate=rate)
            )
        number = self._number[sensor.dev_eui]
        return number, self._radios[number]

    def _remember(self, radio: lorawan.Radio) -> None:
        """DevNonces outlive the process: a network server refuses one it has seen."""
        self._used[radio.dev_eui] = radio.dev_nonce
        spare = self._nonces.with_suffix(".new")
        spare.write_text(json.dumps(self._used))
        spare.replace(self._nonces)
