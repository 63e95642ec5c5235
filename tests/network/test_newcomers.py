"""A device that is registered beside the stand-in comes alive by itself."""

import base64
import json

import pytest

from core.town import BaseStation, Sensor, Town, Utility
from gateway.chirpstack import ChirpStack, NetworkDevice
from gateway.provisioning import ensure
from ingest.device_model import native_models
from simulators.network_server import StandIn
from simulators.network_server_newcomers import Newcomers
from tests.network.conftest import STATION, until
from tests.network.test_registration import Clock

KEY = "ff" * 16


@pytest.mark.parametrize("model", sorted(native_models()))
def test_it_joins_and_sends_what_its_model_reads(tmp_path, broker, listener, model):
    clock, eui = Clock(), "24e124000000a001"
    near = BaseStation(id="0016c001ff10a002", latitude=60.80, longitude=10.70)
    town = Town(utility=Utility(name="Gjøvik"), base_stations=(STATION, near),
                sensors=(Sensor(id="ny", dev_eui=eui, model=model, latitude=60.797, longitude=10.695, interval_s=600),))  # fmt: skip
    with StandIn(tmp_path, mqtt=broker, now=clock) as server, ChirpStack(server.address, server.token) as client:
        place = ensure(client, [native_models()[model]], town.base_stations)
        client.create_device(NetworkDevice(eui, "ny", place.application_id, place.profiles[model]))
        newcomers = Newcomers(server, lambda: town, clock=clock)
        clock.now += 10
        newcomers.step()
        assert client.dev_addr(eui) is None, "without a key it cannot join"
        client.set_key(eui, KEY)
        newcomers.step()
        newcomers.step()
        clock.now += 601
        newcomers.step()
        until(lambda: len([m for m in listener.of("up") if eui in m[0]]) == 2)
        client.change_device(eui, is_disabled=True)
        clock.now += 601
        newcomers.step()
        newcomers.step()
    frames = [json.loads(m[1]) for m in listener.of("up") if eui in m[0]]
    assert [f["fCnt"] for f in frames] == [0, 1], "and no more once it is disabled"
    assert frames[0]["rxInfo"]
    for frame in frames:
        samples = native_models()[model].read(base64.b64decode(frame["data"]), frame["fPort"])
        assert samples
