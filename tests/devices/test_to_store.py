"""From a frame to the store through a vendor's codec: readings with their own times, and dead letters that say why."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from core.model import Flag
from core.stores import MemoryStore
from ingest.models import ModelLibrary
from ingest.pipeline import Pipeline
from tests.ingest.support import START, contents, eui, town, up

CODECS = Path(__file__).parent / "codecs"


@pytest.fixture
def bench(tmp_path):
    """A pipeline whose sensors 1 … 9 are all of one product: (feed(*uplinks) → dead letters, store)."""
    store = MemoryStore()

    def feed(style: str, *uplinks):
        target = tmp_path / "acme"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(CODECS / style, target)
        dead: list = []
        Pipeline(lambda: town(9, model="acme"), store, ModelLibrary(tmp_path), dead.extend).process(uplinks)
        return dead

    return feed, store


def test_a_vendors_history_reaches_the_store_at_its_own_times(bench):
    feed, store = bench
    log = START - 1800
    payload = bytes.fromhex("01755c037b0a00") + b"\x20\xce" + int(log).to_bytes(4, "little") + b"\xf4\x01"
    assert feed("tagged_es5", up(1, 1, payload, START, f_port=85)) == []
    found = contents(store, quantity="pressure_bar")[eui(1)]
    assert [(t, x) for t, x, _ in found] == [(log, 5.0), (START, 0.1)]


def test_the_same_frame_twice_leaves_the_same_store(bench):
    feed, store = bench
    frame = up(1, 1, bytes.fromhex("01755c037b0a00"), START, f_port=85)
    feed("tagged_es5", frame)
    before = contents(store, quantity="pressure_bar")
    feed("tagged_es5", frame, replace(frame, f_cnt=2))
    assert contents(store, quantity="pressure_bar") == before


@pytest.mark.parametrize(
    ("style", "payload", "reason"),
    [
        ("loops", "02", "did not finish within 100 ms"), ("throws_text", "01", "frame type 1 is not supported"),
        ("errors_warnings", "00", "the codec reports: Unknown FPort"), ("gives_nan", "0100", "gives NaN for 'battery'"),
        ("returns_nothing", "01", "returned nothing"), ("sloppy_strict", "0100c6", "'i', which is never declared"),
    ],
)  # fmt: skip
def test_what_a_codec_cannot_read_is_a_dead_letter_with_the_reason(bench, style, payload, reason):
    feed, _ = bench
    (letter,) = feed(style, up(1, 1, bytes.fromhex(payload), START, f_port=1))
    assert letter.reason == "does not decode"
    assert letter.detail.startswith("acme: ")
    assert reason in letter.detail


def test_chirpstacks_object_is_stored_by_its_map(bench):
    feed, store = bench
    decoded = replace(up(1, 1, b"\x01", START, f_port=1), object={"measurements": {"p": 520.0, "leak": "on"}})
    assert feed("object_only", decoded) == []
    assert contents(store, quantity="pressure_bar")[eui(1)] == [(START, 5.2, Flag.GOOD)]
    assert contents(store, quantity="contact")[eui(1)][0][1] == 1.0


def test_a_codecs_bounds_flag_what_lies_outside(bench):
    feed, store = bench
    deep = bytes.fromhex("01E8007FFF000022")  # 32.767 m on a probe for 10 m
    assert feed("errors_warnings", up(1, 1, deep, START, f_port=15)) == []
    assert contents(store, quantity="level_m")[eui(1)] == [(START, 32.767, Flag.FAIL)]
