"""A town of level sensors, frames for them, and ChirpStack's JSON around the frames (about 1.37 kB, as in the field)."""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from pathlib import Path

import orjson

from core.errors import DecodeError
from core.model import Sample, Uplink
from core.network import Message
from core.stores import MemoryStore
from core.town import Sensor, Town, Utility
from gateway.events import parse_event
from gateway.topics import event_topic
from ingest.cursor import Cursor
from ingest.dead_letters import DeadLetters
from ingest.device_model import DeviceModel, Profile
from ingest.fleet import Fleet
from ingest.pipeline import Pipeline
from ingest.processor import Processor
from ingest.uplink_log import UplinkLog

APP = "17c82e96-be03-4f38-aef3-f83d48582d97"
START = 1_779_000_000.0
"""A day in May 2026 [Unix s]."""


def eui(n: int) -> str:
    return f"24e12471{n:08x}"


def _decode(payload: bytes, f_port: int, options) -> list[Sample]:
    """fPort 2: u16 level in mm, u16 battery in mV. fPort 3: u32 device clock, u16 level, then u16 levels an hour older each."""
    if f_port == 2:
        level, battery = struct.unpack(">HH", payload)
        return [Sample("level_m", level / 1000), Sample("battery_v", battery / 1000)]
    if f_port == 3:
        clock, *levels = struct.unpack(f">I{(len(payload) - 4) // 2}H", payload)
        return [Sample("level_m", level / 1000, at=clock - 3600.0 * i) for i, level in enumerate(levels)]
    if f_port == 4:
        return [Sample("distance_m", struct.unpack(">H", payload)[0] / 1000)]
    raise DecodeError(f"test_level: no layout for fPort {f_port}")


MODEL = DeviceModel(
    key="test_level", vendor="Test", product="Level", measures=("level_m", "distance_m", "battery_v"), profile=Profile(uplink_s=600),
    decode=_decode, encode=lambda samples, options: (2, b""), vectors=(), bounds={"level_m": (0.0, 20.0)},
)  # fmt: skip


class OneModel:
    """Every device is the same product."""

    def find(self, sensor: Sensor | None, uplink: Uplink) -> DeviceModel:
        return MODEL


def town(devices: int = 50, **fields: object) -> Town:
    return Town(utility=Utility(name="Test"), sensors=tuple(Sensor(id=f"s{n}", dev_eui=eui(n), **fields) for n in range(devices)))


def frame(level_mm: int, battery_mv: int = 3600) -> bytes:
    return struct.pack(">HH", level_mm, battery_mv)


def up(
    device: int, f_cnt: int, payload: bytes, t: float, *, f_port: int = 2, dev_addr: str = "01a2b3c4", received_at: float | None = None
) -> Uplink:
    """An uplink as parsed, with a base station clock and a server clock 50 ms later."""
    message = Message(received_at or t + 0.1, event_topic(APP, eui(device), "up"), up_json(device, f_cnt, payload, t, f_port, dev_addr))
    uplink = parse_event(message.topic, message.payload, message.received_at)
    assert isinstance(uplink, Uplink)
    return uplink


def up_json(device: int, f_cnt: int, payload: bytes, t: float, f_port: int = 2, dev_addr: str = "01a2b3c4") -> bytes:
    document = orjson.loads(TEMPLATE)
    document.update(time=_iso(t), devAddr=dev_addr, fCnt=f_cnt, fPort=f_port, data=base64.b64encode(payload).decode())
    document["deduplicationId"] = f"3ac7e3c4-4401-4b8d-9386-{device:05x}{f_cnt & 0xFFFFFFF:07x}"
    document["deviceInfo"]["devEui"] = eui(device)
    document.pop("object")  # no codec at the network server
    document["rxInfo"][1]["location"] = {}
    for rx in document["rxInfo"]:
        rx.update(gwTime=_iso(t), nsTime=_iso(t + 0.05))
    return orjson.dumps(document)


def up_message(device: int, f_cnt: int, payload: bytes, t: float, **more) -> Message:
    return Message(t + 0.1, event_topic(APP, eui(device), "up"), up_json(device, f_cnt, payload, t, **more))


def contents(store: MemoryStore, devices: int = 50, quantity: str = "level_m") -> dict[str, list[tuple[float, float, int]]]:
    """What is in the store: sensor → [(t, x, flag)]."""
    series = store.read([eui(n) for n in range(devices)], quantity, 0.0, 4e9)
    return {s: list(zip(x.t.tolist(), x.x.tolist(), x.flag.tolist(), strict=True)) for s, x in series.items() if len(x)}


class Ingest:
    """The stage from log to store, put together as mjosa.py does it, on a folder."""

    def __init__(self, folder: Path, store, the_town: Town | None = None, models=None, **log_options) -> None:
        self.town = the_town or town()
        self.log = UplinkLog(folder / "uplinks", **log_options)
        self.dead = DeadLetters(folder / "uplinks" / "dead_letters.db")
        self.cursor = Cursor(folder / "uplinks" / "cursor.db")
        self.store = store
        self.pipeline = Pipeline(lambda: self.town, store, models or OneModel(), self.dead.add)
        self.fleet = Fleet(lambda: self.town)
        self.pipeline.listen(self.fleet.hear)
        self.processor = Processor(self.log, self.cursor, parse_event, self.pipeline, self.dead.add, [self.fleet.see], retry_s=(0.02, 0.1))

    def close(self) -> None:
        self.processor.stop()
        for part in (self.log, self.dead, self.cursor):
            part.close()


def messages(uplinks: Sequence[tuple[int, int, bytes, float]]) -> list[Message]:
    return [up_message(*u) for u in uplinks]


def _iso(t: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(t, UTC).isoformat(timespec="microseconds")


TEMPLATE = (Path(__file__).parent.parent / "data" / "chirpstack_v4" / "up.json").read_bytes()
