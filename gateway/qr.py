"""The QR code on a LoRaWAN device: LoRa Alliance TR005, or a bare DevEUI; read from text or from a photo."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass

from core.errors import DecodeError

_LOOKS_LIKE_EUI = re.compile(r"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{2}[:\- ]?){7}[0-9A-Fa-f]{2}(?![0-9A-Fa-f])")
_MAX_PIXELS = 40_000_000


@dataclass(frozen=True, slots=True)
class DeviceLabel:
    """What a code says. EUIs are lower-case hex; there is no AppKey in it, by design of TR005: keys come from the maker's file.

    `vendor_id` and `profile_id` are LoRa Alliance numbers, None on a bare DevEUI.
    """

    dev_eui: str
    join_eui: str | None = None
    vendor_id: int | None = None
    profile_id: int | None = None
    owner_token: str = ""
    serial: str = ""
    proprietary: str = ""


def parse(text: str) -> DeviceLabel:
    """A TR005 code, or any text that holds exactly one DevEUI. Raises DecodeError saying what is wrong with it."""
    text = text.strip()
    if text.upper().startswith("LW:"):
        return _tr005(text)
    euis = {re.sub(r"[:\- ]", "", found).lower() for found in _LOOKS_LIKE_EUI.findall(text)}
    if len(euis) != 1:
        raise DecodeError("This code is not a LoRaWAN device's: it should start with LW:D0, or hold one DevEUI of 16 hexadecimal digits.")
    return DeviceLabel(euis.pop())


def _tr005(text: str) -> DeviceLabel:
    parts = text.split(":")
    if len(parts) < 5 or parts[1] != "D0":
        raise DecodeError(f"The code '{text[:40]}' is not of the known form LW:D0:JoinEUI:DevEUI:ProfileID.")
    join_eui, dev_eui, profile = parts[2:5]
    for what, value, digits in (("JoinEUI", join_eui, 16), ("DevEUI", dev_eui, 16), ("profile", profile, 8)):
        if not re.fullmatch(f"[0-9A-F]{{{digits}}}", value):
            raise DecodeError(f"The code's {what} '{value[:40]}' is not {digits} upper-case hexadecimal digits.")
    extensions = _extensions(parts[5:])
    _check_sum(text, extensions)
    return DeviceLabel(dev_eui.lower(), join_eui.lower(), int(profile[:4], 16), int(profile[4:], 16),
                       extensions.get("O", ""), extensions.get("S", ""), extensions.get("P", ""))  # fmt: skip


def _extensions(parts: list[str]) -> dict[str, str]:
    """By their letter; empty ones are nothing."""
    return {part[0]: part[1:] for part in parts if part}


def _check_sum(text: str, extensions: Mapping[str, str]) -> None:
    said = extensions.get("C")
    if said is None:
        return
    covered = text[: text.rindex(":C")]
    if said.upper() != f"{crc16(covered.encode()):04X}":
        raise DecodeError(
            "The code's checksum does not fit: it was read or printed wrongly. Scan again, or type the DevEUI from the label."
        )


def crc16(data: bytes) -> int:
    """CRC-16/MODBUS: polynomial 0x8005 reflected, initial value 0xFFFF."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0xA001 if crc & 1 else 0)
    return crc


def read_photo(photo: bytes) -> list[str]:
    """The texts of every QR or Data Matrix code in a JPEG, PNG or WebP. Raises DecodeError for something that is no picture."""
    import zxingcpp
    from PIL import Image, UnidentifiedImageError

    try:
        image = Image.open(io.BytesIO(photo), formats=("JPEG", "PNG", "WEBP"))
        if image.width * image.height > _MAX_PIXELS:
            raise DecodeError(f"The photo has {image.width} × {image.height} pixels; a quarter of that is plenty.")
        grey = image.convert("L")
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError, SyntaxError) as error:
        raise DecodeError("This is not a photo that can be read; send a JPEG or PNG.") from error
    formats = zxingcpp.BarcodeFormat.QRCode | zxingcpp.BarcodeFormat.DataMatrix
    return [found.text for found in zxingcpp.read_barcodes(grey, formats=formats)]
