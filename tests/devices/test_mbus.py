"""M-Bus records (EN 13757-3), frames from TheThingsNetwork/lorawan-devices vendor/kamstrup/mbusparser.yaml and made after the standard."""

import math
import struct

import pytest

from core.errors import DecodeError
from core.model import Flag, Sample
from core.timekeeping import unix
from ingest.device_model import native_models
from ingest.devices import _mbus as mbus

MODEL = native_models()["kamstrup_flowiq2200"]
TIME = "446d00331837"


def values(frame: str) -> list[Sample]:
    return [s for _, s in mbus.samples(bytes.fromhex(frame), 0.0) if s is not None]


def test_one_byte_steps_for_thirty_two_hours():
    frame = "78" + TIME + "441303000000" + "4d9313226101" + "000000" + "03" + "00" * 28
    samples = MODEL.read(bytes.fromhex(frame), 1)
    assert len(samples) == 33
    assert samples[0] == Sample("volume_m3", 0.003, unix("2024-07-24T19:00:00Z"))
    assert [s.value for s in samples[:5]] == [0.003, 0.003, 0.003, 0.003, 0.0]
    assert samples[-1] == Sample("volume_m3", 0.0, unix("2024-07-23T11:00:00Z"))


def test_a_profile_without_base_value_is_refused():
    with pytest.raises(DecodeError, match="without a base value"):
        MODEL.read(bytes.fromhex("78" + TIME + "4d9313226101" + "00" * 32), 1)


def test_an_encrypted_frame_says_so():
    with pytest.raises(DecodeError, match=r"encrypted \(security mode 5\)"):
        MODEL.read(bytes.fromhex("7a080010059f3c22"), 1)


def test_the_meters_clock_may_be_ahead_of_utc():
    frame = bytes.fromhex("78" + TIME + "441303000000")
    assert MODEL.read(frame, 1, {"utc_offset_s": 3600.0})[0].at == unix("2024-07-24T18:00:00Z")


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ("0413" + "39300000", Sample("volume_m3", 12.345)),  # 32-bit integer, litres
        ("0414" + "39300000", Sample("volume_m3", 123.45)),  # 10 litres
        ("0416" + "39300000", Sample("volume_m3", 12345.0)),  # m³
        ("0c13" + "45230100", Sample("volume_m3", 12.345)),  # eight BCD digits
        ("0513" + struct.pack("<f", 1500.0).hex(), Sample("volume_m3", 1.5)),  # real
        ("023b" + "f4ff", Sample("flow_m3h", -0.012)),  # signed
        ("025a" + "c800", Sample("temperature_c", 20.0)),
        ("0266" + "9cff", Sample("air_temperature_c", -10.0)),
    ],
)
def test_codings_and_scales(record, expected):
    assert values("78" + record) == [expected]


def test_a_date_without_time_and_an_invalid_time():
    assert values("78" + "426c" + "1837" + "441303000000")[0].at == unix("2024-07-24T00:00:00Z")
    assert values("78" + "446d" + "80331837" + "441303000000")[0].at is None


def test_maxima_and_manufacturers_records_are_no_readings_of_a_moment():
    assert values("78" + "5413" + "39300000" + "623b0000" + "04ff1600000000" + "0f0102") == []


def test_cut_frames_are_refused():
    whole = bytes.fromhex("78" + TIME + "441303000000")
    assert len(MODEL.read(whole, 1)) == 1
    for end in (2, 3, 5, 8, len(whole) - 1):
        with pytest.raises(DecodeError):
            MODEL.read(whole[:end], 1)


def test_invalid_values_are_missing():
    for record in ("0413" + "00000080", "0c13" + "f5230100", "025b" + "0080"):
        (sample,) = values("78" + record)
        assert math.isnan(sample.value)
        assert sample.flag == Flag.MISSING


def test_an_invalid_difference_ends_the_profile():
    frame = "78" + TIME + "441310000000" + "4d9313" + "06" + "6101" + "0102ff03"
    assert [s.value for s in values(frame)] == [0.016, 0.015, 0.013]


def test_signed_differences():
    frame = "78" + TIME + "441310000000" + "4d9313" + "05" + "e101" + "01fe80"
    assert [s.value for s in values(frame)] == [0.016, 0.015, 0.017]
