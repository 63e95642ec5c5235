"""The town on the gateway topics, in front of the half of ChirpStack that a device meets: join server, counters, MIC, downlinks."""

import csv
import struct
import threading
import time

import paho.mqtt.client as paho
import pytest
from chirpstack_api import gw
from paho.mqtt.enums import CallbackAPIVersion

from ingest.device_model import native_models
from simulators import lorawan as lw
from simulators.town import build_town, with_sensors
from simulators.via_chirpstack import ChirpStackTown, app_key, write_keys
from tests.brokers import Mosquitto


class MiniNetworkServer:
    """Answers joins and data frames as ChirpStack does on eu868/gateway/…; refuses reused DevNonces and old counters."""

    def __init__(self, port, keys):
        self.keys, self.sessions, self.nonces = keys, {}, set()
        self.uplinks, self.acks, self.stats, self.refused, self.states = [], [], [], [], {}
        self.seen, self.down = set(), {}
        self.lock = threading.Lock()
        self.client = paho.Client(CallbackAPIVersion.VERSION2)
        self.client.on_connect = lambda c, *_: c.subscribe("eu868/gateway/#", 1)
        self.client.on_message = lambda c, u, m: self.handle(m.topic, m.payload)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def handle(self, topic, payload):
        kind = topic.split("/", 3)[3]
        with self.lock:
            if kind == "event/up":
                self.up(gw.UplinkFrame.FromString(payload))
            elif kind == "event/ack":
                self.acks.append(gw.DownlinkTxAck.FromString(payload))
            elif kind == "event/stats":
                self.stats.append(gw.GatewayStats.FromString(payload))
            elif kind == "state/conn":
                self.states[topic.split("/")[2]] = gw.ConnState.FromString(payload).state

    def up(self, frame):
        phy = frame.phy_payload
        assert frame.tx_info.modulation.lora.code_rate == gw.CodeRate.CR_4_5
        if phy in self.seen:
            return
        self.seen.add(phy)
        if phy[0] == lw.JOIN_REQUEST:
            eui = phy[9:17][::-1].hex()
            key = bytes.fromhex(self.keys[eui])
            assert lw.cmac4(key, phy[:-4]) == phy[-4:]
            nonce = struct.unpack_from("<H", phy, 17)[0]
            if (eui, nonce) in self.nonces:
                self.refused.append(eui)
                return
            self.nonces.add((eui, nonce))
            address = 0x26000001 + len(self.sessions)
            self.sessions[address] = [eui, *lw.session_keys(key, 5, 0, nonce), -1]
            self.send(frame, lw.join_accept(key, 5, 0, address))
            return
        address, control, f_cnt = struct.unpack_from("<IBH", phy, 1)
        session = self.sessions[address]
        eui, nwk, app, last = session
        assert lw.data_mic(nwk, address, f_cnt, phy[:-4]) == phy[-4:]
        assert f_cnt > last
        session[3] = f_cnt
        at = 8 + (control & 0x0F)
        self.uplinks.append((eui, f_cnt, control, phy[8:at], phy[at], lw.crypt(app, address, f_cnt, phy[at + 1 : -4])))
        if eui in self.down:
            self.send(frame, lw.data_frame(nwk, app, address, 0, 85, self.down.pop(eui), kind=lw.CONFIRMED_DOWN, options=b"\x06"))

    def send(self, uplink, phy):
        item = gw.DownlinkFrameItem(phy_payload=phy, tx_info=gw.DownlinkTxInfo(context=uplink.rx_info.context))
        down = gw.DownlinkFrame(downlink_id=len(self.seen), gateway_id=uplink.rx_info.gateway_id, items=[item, item])
        self.client.publish(f"eu868/gateway/{uplink.rx_info.gateway_id}/command/down", down.SerializeToString(), qos=1)

    def stop(self):
        self.client.disconnect()
        self.client.loop_stop()


def until(condition, seconds=20):
    for _ in range(int(seconds / 0.05)):
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with Mosquitto(tmp_path_factory.mktemp("mosquitto")) as server:
        yield server


def small_town():
    town = build_town(1, 0.001)
    return with_sensors(town, [s for s in town.sensors if s.id.endswith("-niva") or s.id.startswith(("inn-", "vm-"))])


def test_devices_join_send_obey_and_remember_their_nonces(broker, tmp_path):
    town = small_town()
    server = MiniNetworkServer(broker.port, {s.dev_eui: app_key(s) for s in town.sensors})
    now = [1.79e9]
    sensor = town.current["ro-02-niva"]
    server.down[sensor.dev_eui] = b"\xff\x03\x58\x02"

    def run(nonce_folder, minutes):
        live = ChirpStackTown(town, host="127.0.0.1", port=broker.port, state=nonce_folder, scenario="quiet_month", start=now[0],
                              clock=lambda: now[0])  # fmt: skip
        live._masts.start()
        assert until(lambda: len(server.states) == 5 and all(server.states.values()))
        for _ in range(minutes):
            now[0] += 60
            live.step(now[0])
            time.sleep(0.02)
        return live

    try:
        live = run(tmp_path, 100)
        often = {s.dev_eui for s in town.sensors if not s.id.startswith("vm-")}
        assert until(lambda: often <= {session[0] for session in server.sessions.values()})
        assert until(lambda: sum(u[0] == sensor.dev_eui for u in server.uplinks) >= 4)
        assert {s.gateway_id for s in server.stats} == {b.id for b in town.base_stations}
        assert server.stats[0].location.latitude == pytest.approx(town.base_stations[0].latitude, abs=1)
        for eui, _, _, _, f_port, data in server.uplinks:
            device = town.by_device[eui][0]
            assert native_models()[device.model].read(data, f_port, device.options)
        assert live.downlinks[sensor.dev_eui][0].data == b"\xff\x03\x58\x02"
        mine = [u for u in server.uplinks if u[0] == sensor.dev_eui]
        assert any(u[2] & lw.ACK and u[3][:1] == b"\x06" for u in mine)
        assert all([i.status for i in a.items] == [gw.TxAckStatus.OK, gw.TxAckStatus.IGNORED] for a in server.acks)
        live.stop()
        assert until(lambda: not any(server.states.values()))
        joins = len(server.nonces)
        again = run(tmp_path, 40)
        assert until(lambda: len(server.nonces) > joins)
        assert not server.refused
        again.stop()
    finally:
        server.stop()


def test_the_key_file_lists_every_device_for_provisioning(tmp_path):
    town = build_town(1, 0.001)
    assert write_keys(town, tmp_path / "keys.csv") == len(town.current)
    with (tmp_path / "keys.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {r["dev_eui"] for r in rows} == {s.dev_eui for s in town.sensors}
    assert all(len(bytes.fromhex(r["app_key"])) == 16 for r in rows)
    assert len({r["app_key"] for r in rows}) == len(rows)
