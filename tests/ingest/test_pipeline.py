"""Uplink → readings → store."""

import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from core.errors import DecodeError, StoreUnavailable
from core.model import Flag
from core.store import Written
from core.stores import MemoryStore
from core.town import Calibration
from ingest.pipeline import Pipeline
from tests.ingest.support import START, OneModel, contents, eui, frame, town, up


class Bench:
    """A pipeline into memory that remembers its dead letters."""

    def __init__(self, the_town=None, models=None) -> None:
        self.store, self.dead = MemoryStore(), []
        self.pipeline = Pipeline(lambda: the_town or town(), self.store, models or OneModel(), self.dead.extend)

    def process(self, *uplinks) -> Written:
        return self.pipeline.process(uplinks)

    def series(self, quantity: str = "level_m", device: int = 1):
        return contents(self.store, quantity=quantity).get(eui(device), [])


def test_one_uplink_becomes_its_readings():
    bench = Bench()
    written = bench.process(up(1, 7, frame(1234, 3599), START))
    assert (written.new, written.changed, written.same) == (4, 0, 0)
    assert bench.series() == [(START, 1.234, Flag.GOOD)]
    assert bench.series("battery_v") == [(START, 3.599, Flag.GOOD)]
    assert bench.series("rssi_dbm") == [(START, -97.0, Flag.GOOD)], "of the base station that heard it best"
    assert bench.series("snr_db") == [(START, 6.25, Flag.GOOD)]
    assert bench.dead == []


def test_a_mac_only_frame_says_only_how_it_was_heard():
    bench = Bench()
    assert bench.process(up(1, 7, b"", START, f_port=0)).new == 2
    assert bench.series() == []
    assert bench.series("snr_db") == [(START, 6.25, Flag.GOOD)]


def test_an_unknown_device_is_a_dead_letter_that_says_what_to_do():
    bench = Bench(town(1))
    assert bench.process(up(9, 1, frame(1), START)).new == 0
    (letter,) = bench.dead
    assert (letter.dev_eui, letter.reason) == (eui(9), "unregistered device")
    assert "register it and replay" in letter.detail


def test_a_device_outside_its_time_is_told_apart():
    bench = Bench(town(2, valid_from=START + 100))
    bench.process(up(1, 1, frame(1), START))
    assert "correct valid_from" in bench.dead[0].detail


def test_what_does_not_decode_is_kept_and_the_rest_goes_on():
    bench = Bench()
    written = bench.process(up(1, 1, b"\x01", START), up(2, 1, frame(5), START), up(3, 1, b"\x01", START, f_port=99))
    assert bench.series(device=2) == [(START, 0.005, Flag.GOOD)]
    assert [(d.dev_eui, d.reason) for d in bench.dead] == [(eui(1), "does not decode"), (eui(3), "does not decode")]
    assert written.new == 8, "signal strength is true of a frame that does not decode, too"


def test_a_broken_decoder_cannot_stop_the_queue():
    class Broken(OneModel):
        def find(self, sensor, uplink):
            if uplink.dev_eui == eui(1):
                raise ZeroDivisionError("bug")
            return super().find(sensor, uplink)

    bench = Bench(models=Broken())
    with capture_logs() as lines:
        bench.process(*(up(1, n, frame(1), START + n) for n in range(5)), up(2, 1, frame(2), START))
    assert bench.series(device=2)
    assert [d.reason for d in bench.dead] == ["decoder is broken"] * 5
    assert [line["event"] for line in lines] == ["a decoder is broken"], "told once, not per message"


def test_calibration_follows_its_validity():
    entries = (
        Calibration(quantity="level_m", offset=0.1),
        Calibration(quantity="level_m", offset=0.2, scale=2.0, valid_from=START + 50),
        Calibration(quantity="battery_v", offset=1.0),
    )
    bench = Bench(town(2, calibration=entries))
    bench.process(up(1, 1, frame(1000), START), up(1, 2, frame(1000), START + 60))
    assert bench.series() == [(START, pytest.approx(1.1), Flag.GOOD), (START + 60, pytest.approx(2.2), Flag.GOOD)]


def test_a_distance_becomes_a_level_below_its_reference():
    bench = Bench(town(2, reference_m=3.5))
    bench.process(up(1, 1, struct.pack(">H", 1200), START, f_port=4))
    assert bench.series() == [(START, pytest.approx(2.3), Flag.GOOD)]
    assert bench.series("distance_m") == []
    assert Bench().process(up(1, 1, struct.pack(">H", 1200), START, f_port=4)).new == 3


def test_outside_the_products_span_fails_but_is_kept():
    bench = Bench()
    bench.process(up(1, 1, frame(20_001), START), up(1, 2, frame(20_000), START + 1))
    assert [flag for *_, flag in bench.series()] == [Flag.FAIL, Flag.GOOD]


def test_history_in_a_frame_keeps_the_devices_own_times():
    bench = Bench()
    bench.process(up(1, 1, struct.pack(">I3H", int(START) - 60, 3000, 2000, 1000), START, f_port=3))
    assert bench.series() == [(START - 60 - 3600 * i, x, Flag.GOOD) for i, x in ((2, 1.0), (1, 2.0), (0, 3.0))]


def test_a_store_that_is_away_may_be_asked_again():
    bench = Bench()
    write, bench.store.write = bench.store.write, lambda readings: (_ for _ in ()).throw(StoreUnavailable("away"))
    with pytest.raises(StoreUnavailable):
        bench.process(up(1, 1, frame(1), START))
    bench.store.write = write
    assert bench.process(up(1, 1, frame(1), START)).new == 4


def test_listeners_hear_what_was_written():
    heard = []
    bench = Bench()
    bench.pipeline.listen(lambda written, readings: heard.append((written.new, len(readings))))
    bench.process(up(1, 1, frame(1), START))
    assert heard == [(4, 4)]


def test_a_listener_that_fails_holds_nobody_up():
    heard = []

    def broken(written, readings):
        raise ZeroDivisionError

    bench = Bench()
    bench.pipeline.listen(broken)
    bench.pipeline.listen(lambda written, readings: heard.append(written.new))
    bench.process(up(1, 1, frame(1), START))
    assert heard == [4]


def test_a_frame_published_again_under_another_id_is_dropped():
    bench = Bench()
    bench.process(up(1, 7, frame(1), START), up(1, 7, frame(1), START + 4))
    bench.process(up(1, 7, frame(1), START + 8))
    assert len(bench.series()) == 1
    assert bench.pipeline.duplicates == 2


def test_rejoin_and_restart_are_new_frames():
    bench = Bench()
    bench.process(up(1, 0, frame(5), START), up(1, 0, frame(5), START + 30, dev_addr="01ffffff"))
    bench.process(up(1, 0, frame(5), START + 7200))
    assert [t - START for t, *_ in bench.series()] == [0, 30, 7200]
    assert bench.pipeline.duplicates == 0


uplinks = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3_000), st.integers(0, 30_000), st.sampled_from([2, 0, 99])), min_size=1, max_size=25,
    unique_by=lambda u: (u[0], u[1]),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(uplinks, st.randoms(use_true_random=False), st.integers(1, 7))
def test_twice_and_shuffled_leaves_the_same_store(rows, random, batch):
    plain = [up(d, n, frame(mm) if port else b"", START + 60 * n, f_port=port) for d, n, mm, port in rows]
    once, twice = Bench(), Bench()
    once.process(*plain)
    again = [*plain, *plain]
    random.shuffle(again)
    for start in range(0, len(again), batch):
        twice.process(*again[start : start + batch])
    for quantity in ("level_m", "battery_v", "rssi_dbm", "snr_db"):
        assert contents(twice.store, quantity=quantity) == contents(once.store, quantity=quantity)
    assert {d.dev_eui for d in once.dead} == {d.dev_eui for d in twice.dead}


def test_no_value_is_missing_not_zero():
    class Nothing(OneModel):
        def find(self, sensor, uplink):
            class Model:
                key, version, bounds = "nothing", "1", {}

                def read(self, payload, f_port, options=None):
                    from core.model import Sample

                    if payload == b"\x00":
                        return [Sample("level_m", math.nan)]
                    raise DecodeError("no")

            return Model()

    bench = Bench(models=Nothing())
    bench.process(up(1, 1, b"\x00", START))
    ((_, value, flag),) = bench.series()
    assert math.isnan(value)
    assert flag == Flag.MISSING
