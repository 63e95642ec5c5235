"""TR005 codes: the published vector, what must be refused, and codes in photos."""

import io

import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.errors import DecodeError
from gateway.qr import DeviceLabel, crc16, parse, read_photo

# TheThingsNetwork/lorawan-stack pkg/qrcodegenerator, TR005 with every extension.
VECTOR = "LW:D0:1122334455667788:AABBCCDDEEFF0011:AABB1122:OAABBCCDDEEFF:SYYWWNNNNNN:PFOOBAR:CAF2C"


def test_the_published_code():
    assert parse(VECTOR) == DeviceLabel("aabbccddeeff0011", "1122334455667788", 0xAABB, 0x1122, "AABBCCDDEEFF", "YYWWNNNNNN", "FOOBAR")


def test_crc_of_the_catalogue():
    assert crc16(b"123456789") == 0x4B37


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (VECTOR.replace("FOOBAR", "FOOBAZ"), "checksum"),
        ("LW:D0:1122334455667788:AABBCCDDEEFF0011", "form"),
        ("LW:D1:1122334455667788:AABBCCDDEEFF0011:AABB1122", "form"),
        ("LW:D0:1122334455667788:AABBCCDDEEFF001:AABB1122", "DevEUI"),
        ("LW:D0:1122334455667788:aabbccddeeff0011:AABB1122", "DevEUI"),
        ("https://example.org/", "LW:D0"),
        ("A81758FFFE0A0B0C and A81758FFFE0A0B0D", "one DevEUI"),
        ("", "LW:D0"),
    ],
)
def test_anything_else_is_refused(text, said):
    with pytest.raises(DecodeError, match=said):
        parse(text)


def test_without_extensions_and_with_empty_ones():
    bare = DeviceLabel("aabbccddeeff0011", "1122334455667788", 0xAABB, 0x1122)
    assert parse("LW:D0:1122334455667788:AABBCCDDEEFF0011:AABB1122") == bare
    assert parse("LW:D0:1122334455667788:AABBCCDDEEFF0011:AABB1122::") == bare


@pytest.mark.parametrize("text", ["A81758FFFE0A0B0C", "a8-17-58-ff-fe-0a-0b-0c", "DevEUI: A8:17:58:FF:FE:0A:0B:0C, S/N 12345"])
def test_a_bare_dev_eui(text):
    assert parse(text) == DeviceLabel("a81758fffe0a0b0c")


@given(st.text(max_size=120))
def test_no_text_breaks_it(text):
    try:
        label = parse(text)
    except DecodeError:
        return
    assert len(label.dev_eui) == 16


def photo(text, scale=6):
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode)
    picture = Image.fromarray(zxingcpp.write_barcode_to_image(code, scale=scale)).convert("RGB")
    wide = Image.new("RGB", (1200, 900), (120, 130, 125))
    wide.paste(picture.rotate(12, expand=True, fillcolor=(240, 240, 235)), (300, 120))
    out = io.BytesIO()
    wide.save(out, "JPEG", quality=70)
    return out.getvalue()


def test_a_tilted_code_in_a_photo():
    assert [parse(t).dev_eui for t in read_photo(photo(VECTOR))] == ["aabbccddeeff0011"]


def test_a_photo_without_a_code_and_no_photo_at_all():
    out = io.BytesIO()
    Image.new("RGB", (300, 300), (90, 90, 90)).save(out, "PNG")
    assert read_photo(out.getvalue()) == []
    with pytest.raises(DecodeError, match="JPEG or PNG"):
        read_photo(b"GIF89a not a photo")
