"""LoRaWAN 1.0.x: the published vectors, and a device against a network server's side of the air."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators import lorawan as lw

KEY = bytes.fromhex("0102030405060708090a0b0c0d0e0f10")


def test_join_request_vector():
    assert lw.join_request(KEY, b"\x01" * 8, b"\x02" * 8, 771).hex() == "0001010101010101010202020202020202030309b97b32"


def test_join_accept_vectors():
    assert lw.join_accept(KEY, 65793, 0x020202, 0x01020304).hex() == "2023cf335489aae3183c0be0baa8dee5f3"
    frequencies = (8_671_000, 8_673_000, 8_675_000, 8_677_000, 8_679_000)
    channels = b"".join(f.to_bytes(3, "little") for f in frequencies) + b"\0"
    assert channels.hex() == "184f84e85684b85e84886684586e8400"


def test_session_key_vectors():
    nwk, app = lw.session_keys(bytes.fromhex("0102030405060708") * 2, 65536, 0x010203, 258)
    assert nwk.hex() == "df53c35f3034ccced0ff354c70de04df"
    assert app.hex() == "927b9c911183cffe4cb2ff4b75545f6d"


def test_data_frame_vector():
    frame = lw.data_frame(
        KEY, KEY[::-1], 0x01020304, 0, 10, bytes.fromhex("01020304"), kind=lw.CONFIRMED_UP, options=bytes.fromhex("067307")
    )
    assert frame.hex().endswith("d2c0")
    assert frame.hex() == "80040302010300000673070ae264d4f7e117d2c0"


def joined(adr=False):
    radio = lw.Radio("24e124136b324506", "4d6a6f7361000001", KEY.hex(), adr=adr)
    radio.ask_to_join()
    radio.accept(lw.join_accept(KEY, 7, 0, 0x26012345, channels=bytes(16)))
    return radio


def downlink(radio, f_cnt, data=b"\xff\x03\x84\x03", f_port=85, **more):
    return lw.data_frame(radio.nwk_s_key, radio.app_s_key, radio.dev_addr, f_cnt, f_port, data, kind=more.pop("kind", lw.DOWN), **more)


def test_a_join_gives_the_keys_the_server_derives_and_restarts_the_counters():
    radio = joined()
    assert (radio.nwk_s_key, radio.app_s_key) == lw.session_keys(KEY, 7, 0, radio.dev_nonce)
    assert radio.dev_addr == 0x26012345
    radio.send(1, b"x")
    first = radio.dev_nonce
    radio.ask_to_join()
    assert radio.dev_nonce == first + 1
    radio.accept(lw.join_accept(KEY, 8, 0, 0x26012346))
    assert radio.f_cnt_up == 0


def test_a_join_accept_for_another_key_is_refused():
    radio = lw.Radio("24e124136b324506", "4d6a6f7361000001", KEY.hex())
    radio.ask_to_join()
    with pytest.raises(lw.FrameError, match="integrity"):
        radio.accept(lw.join_accept(KEY[::-1], 7, 0, 1))
    assert not radio.joined


def test_a_device_status_request_is_answered_in_the_next_uplink_once():
    radio = joined()
    radio.receive(downlink(radio, 0, b"", None, options=b"\x06"))
    frame = radio.send(85, b"abc")
    assert frame[5] & 0x0F == 3
    assert frame[8:11] == bytes([0x06, 240, 10])
    assert radio.send(85, b"abc")[5] & 0x0F == 0


def test_link_adr_changes_the_data_rate_only_with_adr():
    for adr, expected in ((True, 5), (False, 0)):
        radio = joined(adr)
        radio.receive(downlink(radio, 0, b"", None, options=bytes([0x03, 0x50, 0xFF, 0x00, 0x01])))
        assert radio.data_rate == expected
        assert radio.send(1, b"")[8:10] == b"\x03\x07"


def test_a_confirmed_downlink_is_acknowledged_and_a_repeat_refused():
    radio = joined()
    frame = downlink(radio, 4, kind=lw.CONFIRMED_DOWN)
    got = radio.receive(frame)
    assert (got.f_port, got.data, got.f_cnt, got.confirmed) == (85, b"\xff\x03\x84\x03", 4, True)
    assert radio.send(85, b"")[5] & lw.ACK
    with pytest.raises(lw.FrameError, match="before"):
        radio.receive(frame)


def test_the_downlink_counter_passes_16_bits():
    radio = joined()
    radio.receive(downlink(radio, 65_535))
    assert radio.receive(downlink(radio, 65_537)).f_cnt == 65_537


@given(st.binary(max_size=60), st.integers(0, 2**32 - 1), st.booleans())
def test_encryption_is_its_own_inverse(data, f_cnt, down):
    once = lw.crypt(KEY, 0x01020304, f_cnt, data, down=down)
    assert len(once) == len(data)
    assert lw.crypt(KEY, 0x01020304, f_cnt, once, down=down) == data


@given(st.binary(max_size=40))
def test_any_other_bytes_are_refused(noise):
    radio = joined()
    with pytest.raises(lw.FrameError):
        radio.receive(noise)


def test_one_flipped_bit_is_noticed():
    radio = joined()
    frame = downlink(radio, 0)
    for bit in range(8 * len(frame)):
        bad = bytearray(frame)
        bad[bit // 8] ^= 1 << bit % 8
        with pytest.raises(lw.FrameError):
            radio.receive(bytes(bad))
    assert struct.unpack_from("<I", frame, 1)[0] == radio.dev_addr
