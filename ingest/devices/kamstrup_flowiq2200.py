"""Kamstrup flowIQ 2200: household water meter, M-Bus records over LoRaWAN, hourly log and acoustic leak detection.

Option `utc_offset_s`: what the meter's clock is ahead of UTC (0; 3600 where it was set to Norwegian normal time).
Daily minima and maxima and the acoustic number are not readings of a moment and are left out.
"""

import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

from core.model import Sample
from ingest.device_model import DeviceModel, Options, Profile, Vector
from ingest.devices import _mbus as mbus

_INFO_CODES = 0x25
_VOLUME, _TIME, _PROFILE = b"\x44\x13", b"\x44\x6d", b"\x4d\x93\x13"
_HOUR_S = 3600
_U16_HOURLY = bytes([0x62, 1])
_CENTURY_2000 = 0x20


def decode(payload: bytes, f_port: int, options: Options) -> Sequence[Sample]:
    found: list[Sample] = []
    status: float | None = None
    for record, sample in mbus.samples(payload, options["utc_offset_s"]):
        if sample is not None:
            found.append(sample)
        elif record.extensions[:1] == (_INFO_CODES,) and record.raw:
            status = float(int.from_bytes(record.raw, "little"))
    if status is not None:
        found.append(Sample("status_bits", status, found[0].at if found else None))
    return found


def encode(samples: Sequence[Sample], options: Options) -> tuple[int, bytes]:
    """Header 78, time, volume, and the earlier hours as an inverse compact profile of two-byte decrements.

    Volumes need `at`; they must lie a whole hour apart. Raises ValueError otherwise.
    """
    volumes = sorted((s for s in samples if s.quantity == "volume_m3" and s.at is not None), key=lambda s: -(s.at or 0.0))
    if not volumes:
        raise ValueError("a flowIQ frame needs at least one volume_m3 with its time")
    times = [s.at or 0.0 for s in volumes]
    if any(a - b != _HOUR_S for a, b in pairwise(times)):
        raise ValueError("the hourly log needs volumes a whole hour apart")
    litres = [round(s.value * 1000) for s in volumes]
    frame = b"\x78" + _TIME + _type_f(times[0] + options["utc_offset_s"]) + _VOLUME + struct.pack("<I", litres[0])
    if len(litres) > 1:
        decrements = [new - old for new, old in pairwise(litres)]
        body = _U16_HOURLY + struct.pack(f"<{len(decrements)}H", *decrements)
        frame += _PROFILE + bytes([len(body)]) + body
    status = [s.value for s in samples if s.quantity == "status_bits"]
    if status:
        frame += b"\x42\xff\x25" + struct.pack("<H", int(status[-1]))
    return 1, frame


def _type_f(t: float) -> bytes:
    moment = datetime.fromtimestamp(t, UTC)
    year = moment.year - 2000
    return bytes([moment.minute, moment.hour | _CENTURY_2000, moment.day | (year & 0x07) << 5, moment.month | (year & 0x78) << 1])


def _hours(newest: str, litres: Sequence[int]) -> tuple[Sample, ...]:
    t = datetime.fromisoformat(newest).timestamp()
    return tuple(Sample("volume_m3", v / 1000, t - _HOUR_S * i) for i, v in enumerate(litres))


_SOURCE = "TheThingsNetwork/lorawan-devices vendor/kamstrup/mbusparser.yaml"
_LOG = (7842497, 7842202, 7841912, 7841622, 7841328, 7841038, 7840748, 7840459, 7840164, 7839874, 7839584, 7839289)
_MIDNIGHT = datetime(2023, 10, 19, tzinfo=UTC).timestamp()
MODEL = DeviceModel(
    key="kamstrup_flowiq2200",
    vendor="Kamstrup",
    product="flowIQ 2200 water meter",
    measures=("volume_m3", "flow_m3h", "temperature_c", "air_temperature_c", "status_bits"),
    profile=Profile(uplink_s=43200),
    decode=decode,
    encode=encode,
    options={"utc_offset_s": 0.0},
    status={0x01: "dry", 0x02: "backflow", 0x04: "leak", 0x08: "burst", 0x10: "tamper", 0x20: "low_battery", 0x40: "freeze",
            0x80: "hot"},
    vectors=(
        Vector(1, "7a08000000446d002cfd284413c1aa77004d9313186201270122012201260122012201210127012201220127012f",
               _hours("2023-08-29T12:00:00+00:00", _LOG), _SOURCE, round_trip=False),
        Vector(1, "78446d002cfd284413c1aa77004d931318620127012201220126012201220121012701220122012701",
               _hours("2023-08-29T12:00:00+00:00", _LOG), "same records with header 78"),
        Vector(1, "78446d0020f32a4413ec00000052ff25100042ff1c0500623b0000523b0000615b80515b80",
               (Sample("volume_m3", 0.236, _MIDNIGHT), Sample("status_bits", 16.0, _MIDNIGHT)), _SOURCE, round_trip=False),
        Vector(1, "7258578853372c3c16d610080004ff16bf587000", (), _SOURCE, round_trip=False),
    ),
)  # fmt: skip
