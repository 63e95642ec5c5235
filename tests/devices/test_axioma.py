"""A meter's overlapping hourly logs, from genuine frames (diwise/iot-agent, decoder.qalcosonic_test.go, three meters of 2025)."""

import pytest

from core.errors import DecodeError
from core.model import Flag, Sample
from core.timekeeping import unix
from ingest.device_model import native_models

MODEL = native_models()["axioma_qalcosonic_w1"]
ONE_METER = [
    "3883B268007BB06B008D0560B2B1681F806B00A50465067E06B706BB03A6028501AC00620053006300CF014E03A604",
    "F94AB26800F8A16B002006207AB16871716B00370325036103F104A50465067E06B706BB03A6028501AC0062005300",
    "B912B2680019A06B00AF05E041B16805646B00C202A10272039704370325036103F104A50465067E06B706BB03A602",
    "78DAB16800B9906B00AE05A009B1682F526B007003B104C805ED03C202A10272039704370325036103F104A5046506",
    "38A2B16800A57A6B00940560D1B068CD4F6B0058005900610050017003B104C805ED03C202A1027203970437032503",
    "F869B16800296C6B009C052099B0687A466B003704EF029701960058005900610050017003B104C805ED03C202A102",
    "B731B16800285F6B009905E060B068BC2B6B001A0649072E082D053704EF029701960058005900610050017003B104",
]
ANOTHER = [
    "0681E8680094760D008305D0B1E768DC6B0D00AA00F3001B017801CF017D011801390146002A004300160005000800",
    "41D8E768003A6E0D0056051009E7687F640D000400040035002F0184017301BE009B00500063004400AA00AA00F300",
    "BE67E7680074690D0062059098E668235E0D007B016501E801F100710027000A0001000400040035002F0184017301",
    "7D2FE7680096640D0076055060E6681D590D00AA000301510108027B016501E801F100710027000A00010004000400",
]


@pytest.mark.parametrize("frames", [ONE_METER, ANOTHER], ids=["one", "another"])
def test_overlapping_logs_agree_hour_by_hour(frames):
    """Idempotent by (meter, hour): the same hour has the same index in every frame that carries it, and the index never falls."""
    index: dict[float, float] = {}
    repeated = 0
    for frame in frames:
        samples = MODEL.read(bytes.fromhex(frame), 100)
        volumes = [s for s in samples if s.quantity == "volume_m3"]
        assert len(volumes) == 16
        assert [s.quantity for s in samples[-2:]] == ["temperature_c", "status_bits"]
        for s in volumes:
            repeated += s.at in index
            assert index.setdefault(s.at, s.value) == s.value
    assert repeated > 20
    ordered = [index[t] for t in sorted(index)]
    assert ordered == sorted(ordered)


def test_the_log_belongs_to_whole_hours_and_the_present_to_the_second():
    samples = MODEL.read(bytes.fromhex(ONE_METER[0]), 100)
    times = [s.at for s in samples if s.quantity == "volume_m3"]
    assert times[-1] == unix("2025-08-30T04:51:04Z")
    assert [t % 3600 for t in times[:-1]] == [0.0] * 15
    assert samples[-2] == Sample("temperature_c", 14.21, times[-1])


def test_either_layout_can_be_forced():
    frame = bytes.fromhex(ONE_METER[0])
    assert not any(s.quantity == "temperature_c" for s in MODEL.read(frame, 100, {"extended_temperature": 0}))
    with pytest.raises(DecodeError, match="set option extended_temperature"):
        MODEL.read(frame[:9] + b"\x11" * 38, 100)


def test_a_log_interval_of_twenty_minutes():
    frame = bytes.fromhex(MODEL.vectors[0].payload)
    times = [s.at for s in MODEL.read(frame, 100, {"log_interval_s": 1200})]
    assert times[1] - times[0] == 1200


def test_a_multiplier_nobody_documents_makes_the_log_suspect():
    frame = bytearray.fromhex(MODEL.vectors[2].payload)
    frame[50] |= 0x04
    assert {s.flag for s in MODEL.read(bytes(frame), 100) if s.quantity == "volume_m3"} == {Flag.SUSPECT}


def test_places_of_the_log_after_the_frame_are_unused():
    at = unix("2026-01-01T03:10:00Z")
    log = [Sample("volume_m3", 1.0 + i, unix("2026-01-01T00:00:00Z") + 3600 * i) for i in range(4)]
    f_port, payload = MODEL.encode([*log, Sample("volume_m3", 4.2, at)], MODEL.options)
    padded = payload + bytes(47 - len(payload))
    for frame in (payload, padded):
        assert [(s.value, s.at) for s in MODEL.read(frame, f_port) if s.quantity == "volume_m3"] == [(s.value, s.at) for s in log] + [
            (4.2, at)
        ]


def test_a_gap_in_the_log_is_refused_when_encoding():
    with pytest.raises(ValueError, match="no room for a gap"):
        MODEL.encode([Sample("volume_m3", 1.0, 0.0), Sample("volume_m3", 2.0, 7200.0), Sample("volume_m3", 2.0, 7300.0)], MODEL.options)
