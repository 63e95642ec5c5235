"""Axioma Qalcosonic W1: ultrasonic household water meter that sends its own hourly log. All little-endian, litres, meter clock UTC.

fPort 100 carries three frames: extended (volume now, and up to 16 logged hours), extended with temperature (volume and
temperature now, up to 15 logged hours), enhanced (24 logged hours of the day before). fPort 103 is the alarm frame. The two
extended frames are equally long: option `extended_temperature` (1 or 0) decides, else the one whose log ends at the frame's time.
Option `log_interval_s`: how far apart the meter was told to log (3600).
status_bits: the status byte; an alarm frame's own bits stand eight places higher.
"""

import struct
from collections.abc import Iterator, Sequence
from itertools import pairwise

from core.errors import DecodeError
from core.model import Flag, Sample
from ingest.device_model import DeviceModel, Options, Profile, Vector

_DATA, _ALARM = 100, 103
_HOUR_S, _DAY_S = 3600, 86400
_NO_LOG = (0, 0xFFFFFFFF)
_ENHANCED_SIZES = (51, 52)
_EXTENDED_SIZES = range(17, 48)
_DELTAS, _DELTA_BITS, _MULTIPLIER_BITS = 23, 14, 6
_NEWEST_LOG_AGE_S = 2 * _HOUR_S
_ALARM_SHIFT = 8
LITRES = 1000


def decode(payload: bytes, f_port: int, options: Options) -> Sequence[Sample]:
    """Volumes and temperature with the meter's own times, oldest first; status last."""
    if f_port == _ALARM or len(payload) == 5:
        at, bits = struct.unpack("<IB", payload)
        return [Sample("status_bits", float(bits << _ALARM_SHIFT), float(at))]
    if len(payload) in _ENHANCED_SIZES and payload[0] == 1:
        return list(_enhanced(payload))
    if len(payload) in _EXTENDED_SIZES:
        return _extended(payload, _has_temperature(payload, options), options)
    raise DecodeError(f"no Qalcosonic W1 frame has {len(payload)} bytes on fPort {f_port}: {payload.hex()}")


def encode(samples: Sequence[Sample], options: Options) -> tuple[int, bytes]:
    """An extended frame: the newest volume is the present one, those before it the log (whole hours, consecutive).

    With a temperature, the frame that carries it; with option `enhanced` = 1, 24 volumes from 01:00 to 24:00 as an enhanced
    frame sent at `status_bits`' time. Only status: an alarm frame. Raises ValueError where the log has gaps or does not fit.
    """
    status = next((s for s in reversed(samples) if s.quantity == "status_bits"), None)
    volumes = sorted((s.at or 0.0, round(s.value * LITRES)) for s in samples if s.quantity == "volume_m3")
    bits = int(status.value) if status else 0
    if not volumes:
        if status is None or status.at is None:
            raise ValueError("a Qalcosonic W1 frame needs volume_m3 or status_bits, with its time")
        return _ALARM, struct.pack("<IB", int(status.at), bits >> _ALARM_SHIFT)
    if options.get("enhanced", 0.0) > 0:
        sent = status.at if status and status.at else volumes[-1][0]
        return _DATA, _pack_enhanced(sent, bits & 0xFF, volumes)
    temperature = [s.value for s in samples if s.quantity == "temperature_c"]
    (sent, now), log = volumes[-1], volumes[:-1] or [(volumes[-1][0] // _HOUR_S * _HOUR_S, volumes[-1][1])]
    warm = struct.pack("<h", round(temperature[-1] * 100)) if temperature else b""
    head = struct.pack("<IBI", int(sent), bits & 0xFF, now) + warm + struct.pack("<II", int(log[0][0]), log[0][1])
    deltas = _log_deltas(log)
    return _DATA, head + struct.pack(f"<{len(deltas)}H", *deltas)


def _extended(payload: bytes, warm: bool, options: Options) -> list[Sample]:
    at, status, volume = struct.unpack_from("<IBI", payload)
    temperature = struct.unpack_from("<h", payload, 9)[0] if warm else None
    start = 11 if warm else 9
    logged_at, logged = struct.unpack_from("<II", payload, start)
    deltas = struct.unpack(f"<{(len(payload) - start - 8) // 2}H", payload[start + 8 :])
    samples = [] if logged_at in _NO_LOG else list(_log(logged_at, logged, deltas, at, int(options["log_interval_s"])))
    samples.append(Sample("volume_m3", volume / LITRES, float(at)))
    if temperature is not None:
        samples.append(Sample("temperature_c", temperature / 100, float(at)))
    samples.append(Sample("status_bits", float(status), float(at)))
    return samples


def _log(logged_at: int, litres: int, deltas: Sequence[int], sent_at: int, step_s: int = _HOUR_S, flag: int = Flag.NOT_EVALUATED
         ) -> Iterator[Sample]:  # fmt: skip
    """Logged volumes, `step_s` apart on whole steps; times after the frame itself are unused places of the log."""
    at = logged_at // step_s * step_s
    for delta in (0, *deltas):
        litres += delta
        if at <= sent_at:
            yield Sample("volume_m3", litres / LITRES, float(at), flag=flag)
        at += step_s


def _has_temperature(payload: bytes, options: Options) -> bool:
    """Whether the frame is the one with temperature. Raises DecodeError where neither layout makes sense."""
    if "extended_temperature" in options:
        return options["extended_temperature"] > 0
    fits = [_log_fits(payload, start) for start in (9, 11)]
    if not any(fits):
        raise DecodeError(f"neither extended frame fits; set option extended_temperature for this meter: {payload.hex()}")
    return not fits[0]


def _log_fits(payload: bytes, start: int) -> bool:
    """The log begins within 48 h before the frame and does not exceed the present volume by more than backflow could."""
    (at,) = struct.unpack_from("<I", payload)
    if len(payload) < start + 8:
        return False
    logged_at, _logged = struct.unpack_from("<II", payload, start)
    return logged_at in _NO_LOG or 0 <= at - logged_at <= 2 * _DAY_S


def _enhanced(payload: bytes) -> Iterator[Sample]:
    at, status, litres = struct.unpack_from("<IBI", payload, 1)
    bits = int.from_bytes(payload[10:51], "little")
    deltas = [bits >> _DELTA_BITS * i & (1 << _DELTA_BITS) - 1 for i in range(_DELTAS)]
    multiplier = bits >> _DELTA_BITS * _DELTAS & (1 << _MULTIPLIER_BITS) - 1
    first = at // _DAY_S * _DAY_S - _DAY_S + _HOUR_S
    # A multiplier other than 0 scales the differences in a way no public document states.
    yield from _log(first, litres, deltas, at, flag=Flag.SUSPECT if multiplier else Flag.NOT_EVALUATED)
    yield Sample("status_bits", float(status), float(at))


def _log_deltas(log: Sequence[tuple[float, int]]) -> list[int]:
    for (before, _), (after, _) in pairwise(log):
        if before // _HOUR_S + 1 != after // _HOUR_S:
            raise ValueError("the hourly log of a Qalcosonic W1 has no room for a gap")
    return [after - before for (_, before), (_, after) in pairwise(log)]


def _pack_enhanced(sent: float, status: int, log: Sequence[tuple[float, int]]) -> bytes:
    deltas = _log_deltas(log)
    if len(deltas) != _DELTAS or max(deltas) >= 1 << _DELTA_BITS or min(deltas) < 0:
        raise ValueError("an enhanced frame needs 24 hourly volumes with rises below 16.384 m³")
    bits = sum(delta << _DELTA_BITS * i for i, delta in enumerate(deltas))
    return struct.pack("<BIBI", 1, int(sent), status, log[0][1]) + bits.to_bytes(41, "little")


def _volumes(start: float, litres: int, deltas: Sequence[int]) -> list[Sample]:
    return list(_log(int(start), litres, deltas, int(start) + 2 * _DAY_S))


_W1E = "0ea0355d302935000054c0345de7290000b800b900b800b800b800b900b800b800b800b800b800b800b900b900b900"
_W1T = "55cb585f7cf29d0400120ae0fe575f8a570400cd04cb04cc04cd04ca04c404c504c404f004e604dc04d604b9057905"
_W1H = "011fbfd05e30cd0f0800d4879e41865c1b42470d7283b8201608fec181981dd007f3919460218247b631784c1c9e87b8e17600"
_LACKOVA = "01aeac986a003217000000000000000000008003800054000e400510004800024002000020" + "00" * 14
_W1E_AT, _W1T_AT, _W1H_AT, _LACKOVA_AT = 1563795470.0, 1599654741.0, 1590738719.0, 1788390574.0
_W1E_DELTAS = (184, 185, 184, 184, 184, 185, 184, 184, 184, 184, 184, 184, 185, 185, 185)
_W1T_DELTAS = (1229, 1227, 1228, 1229, 1226, 1220, 1221, 1220, 1264, 1254, 1244, 1238, 1465, 1401)
_W1H_DELTAS = (
    2004,
    1658,
    2148,
    1751,
    1858,
    2101,
    2103,
    2094,
    2070,
    2040,
    2076,
    1894,
    2000,
    1996,
    2377,
    2136,
    1922,
    1753,
    1923,
    1811,
    1950,
    1762,
    1902,
)
_LACKOVA_DELTAS = (0, 0, 0, 0, 0, 14, 8, 21, 14, 21, 1, 18, 2, 9, 0, 8, 0, 0, 0, 0, 0, 0, 0)
_DIW = "diwise/iot-agent internal/pkg/application/decoders/qalcosonic/decoder.qalcosonic_test.go"
MODEL = DeviceModel(
    key="axioma_qalcosonic_w1",
    vendor="Axioma",
    product="Qalcosonic W1 water meter",
    measures=("volume_m3", "temperature_c", "status_bits"),
    profile=Profile(uplink_s=21600, mac_version="1.0.2"),
    decode=decode,
    encode=encode,
    bounds={"temperature_c": (0.0, 90.0)},
    options={"log_interval_s": 3600.0},
    status={0x04: "low_battery", 0x08: "permanent_error", 0x10: "temporary_error", 0x20: "leak", 0x60: "backflow", 0x80: "freeze",
            0xA0: "burst", 0x0100: "leak", 0x0200: "burst", 0x0400: "freeze", 0x0800: "tamper", 0x2000: "backflow"},
    vectors=(
        Vector(100, _W1E,
               (*_volumes(1563735600.0, 10727, _W1E_DELTAS), Sample("volume_m3", 13.609, _W1E_AT), Sample("status_bits", 48.0, _W1E_AT)),
               _DIW + ": log of 2019-07-21T19:43Z belongs to 19:00", round_trip=False),
        Vector(100, _W1T,
               (*_volumes(1599602400.0, 284554, _W1T_DELTAS), Sample("volume_m3", 302.578, _W1T_AT),
                Sample("temperature_c", 25.78, _W1T_AT), Sample("status_bits", 124.0, _W1T_AT)), _DIW),
        Vector(100, _W1H, (*_volumes(1590627600.0, 528333, _W1H_DELTAS), Sample("status_bits", 48.0, _W1H_AT)), _DIW, {"enhanced": 1.0}),
        Vector(100, _LACKOVA, (*_volumes(1788224400.0, 5938, _LACKOVA_DELTAS), Sample("status_bits", 0.0, _LACKOVA_AT)),
               "TheThingsNetwork/lorawan-devices vendor/axioma/qalcosonic-w1-codec.yaml", {"enhanced": 1.0}),
        Vector(103, "43b1315d88", (Sample("status_bits", float(0x88 << 8), 1563537731.0),), _DIW),
    ),
)  # fmt: skip
