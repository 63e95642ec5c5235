"""LoRaWAN 1.0.x as a device speaks it: OTAA join, session keys, frame counters, MIC, MAC commands.

LoRa Alliance TS001-1.0.3, chapters 4 to 6.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

from core.errors import MjosaError

JOIN_REQUEST, JOIN_ACCEPT, UP, DOWN, CONFIRMED_UP, CONFIRMED_DOWN = 0x00, 0x20, 0x40, 0x60, 0x80, 0xA0
ADR, ADR_ACK_REQUEST, ACK = 0x80, 0x40, 0x20
_LINK_CHECK, _LINK_ADR, _DUTY_CYCLE, _RX_PARAM, _DEV_STATUS, _NEW_CHANNEL, _RX_TIMING, _TX_PARAM, _DL_CHANNEL, _DEVICE_TIME = (
    0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0D,
)  # fmt: skip
_COMMAND_SIZE = {_LINK_CHECK: 2, _LINK_ADR: 4, _DUTY_CYCLE: 1, _RX_PARAM: 4, _DEV_STATUS: 0, _NEW_CHANNEL: 5, _RX_TIMING: 1, _TX_PARAM: 1,
                 _DL_CHANNEL: 4, _DEVICE_TIME: 5}  # fmt: skip
"""Bytes after the identifier of each command from the network."""
_ANSWERS = {_DUTY_CYCLE: b"\x04", _RX_PARAM: b"\x05\x07", _NEW_CHANNEL: b"\x07\x03", _RX_TIMING: b"\x08", _TX_PARAM: b"\x09",
            _DL_CHANNEL: b"\x0a\x03"}  # fmt: skip


class FrameError(MjosaError):
    """A frame is not for this device, or its integrity code is wrong."""


def cmac4(key: bytes, *parts: bytes) -> bytes:
    """The first four bytes of AES-CMAC: a LoRaWAN message integrity code."""
    mac = CMAC(algorithms.AES(key))
    mac.update(b"".join(parts))
    return mac.finalize()[:4]


def aes_encrypt(key: bytes, blocks: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 - LoRaWAN prescribes single blocks
    return encryptor.update(blocks) + encryptor.finalize()


def aes_decrypt(key: bytes, blocks: bytes) -> bytes:
    decryptor = Cipher(algorithms.AES(key), modes.ECB()).decryptor()  # noqa: S305 - LoRaWAN prescribes single blocks
    return decryptor.update(blocks) + decryptor.finalize()


def join_request(app_key: bytes, join_eui: bytes, dev_eui: bytes, nonce: int) -> bytes:
    """The frame that asks to join. EUIs big-endian as printed."""
    body = bytes([JOIN_REQUEST]) + join_eui[::-1] + dev_eui[::-1] + struct.pack("<H", nonce)
    return body + cmac4(app_key, body)


def join_accept(
    app_key: bytes, join_nonce: int, net_id: int, dev_addr: int, *, dl_settings: int = 0, rx_delay: int = 0, channels: bytes = b""
) -> bytes:
    """The frame that lets a device in (what a network server sends)."""
    plain = (
        join_nonce.to_bytes(3, "little") + net_id.to_bytes(3, "little") + struct.pack("<IBB", dev_addr, dl_settings, rx_delay) + channels
    )
    mic = cmac4(app_key, bytes([JOIN_ACCEPT]), plain)
    return bytes([JOIN_ACCEPT]) + aes_decrypt(app_key, plain + mic)


def session_keys(app_key: bytes, join_nonce: int, net_id: int, nonce: int) -> tuple[bytes, bytes]:
    """(NwkSKey, AppSKey)."""
    tail = (join_nonce.to_bytes(3, "little") + net_id.to_bytes(3, "little") + struct.pack("<H", nonce)).ljust(15, b"\0")
    return aes_encrypt(app_key, b"\x01" + tail), aes_encrypt(app_key, b"\x02" + tail)


def crypt(key: bytes, dev_addr: int, f_cnt: int, data: bytes, *, down: bool = False) -> bytes:
    """FRMPayload encrypted or decrypted: XOR with AES of the counter blocks."""
    blocks = b"".join(b"\x01\0\0\0\0" + struct.pack("<BIIBB", down, dev_addr, f_cnt, 0, i + 1) for i in range((len(data) + 15) // 16))
    stream = aes_encrypt(key, blocks) if blocks else b""
    return bytes(a ^ b for a, b in zip(data, stream, strict=False))


def data_mic(key: bytes, dev_addr: int, f_cnt: int, message: bytes, *, down: bool = False) -> bytes:
    return cmac4(key, b"\x49\0\0\0\0" + struct.pack("<BIIBB", down, dev_addr, f_cnt, 0, len(message)), message)


def data_frame(nwk: bytes, app: bytes, dev_addr: int, f_cnt: int, f_port: int | None, data: bytes, *, kind: int = UP, control: int = 0,
               options: bytes = b"") -> bytes:  # fmt: skip
    """A data frame up or down; f_port None for one without payload. `options` are MAC commands (≤ 15 bytes)."""
    down = kind in (DOWN, CONFIRMED_DOWN)
    head = bytes([kind]) + struct.pack("<IBH", dev_addr, control | len(options), f_cnt & 0xFFFF) + options
    body = b"" if f_port is None else bytes([f_port]) + crypt(nwk if f_port == 0 else app, dev_addr, f_cnt, data, down=down)
    return head + body + data_mic(nwk, dev_addr, f_cnt, head + body, down=down)


@dataclass(frozen=True, slots=True)
class Downlink:
    """What the network said: application data, if any, and whether it wants an acknowledgement or gives one."""

    f_port: int | None
    data: bytes
    f_cnt: int
    confirmed: bool
    acknowledges: bool


@dataclass
class Radio:
    """A class A device: keys and counters, which must outlive a restart. EUIs and key as hex, as printed.

    `data_rate` follows LinkADRReq when `adr` is set. `battery` and `margin_db` answer DevStatusReq.
    """

    dev_eui: str
    join_eui: str
    app_key: str
    dev_nonce: int = 0
    dev_addr: int | None = None
    nwk_s_key: bytes = b""
    app_s_key: bytes = b""
    f_cnt_up: int = 0
    f_cnt_down: int = -1
    adr: bool = False
    data_rate: int = 0
    battery: int = 240
    margin_db: int = 10
    _answers: bytearray = field(default_factory=bytearray)
    _acknowledge: bool = False

    @property
    def joined(self) -> bool:
        return self.dev_addr is not None

    def ask_to_join(self) -> bytes:
        """A join request; each has a new DevNonce."""
        self.dev_nonce = (self.dev_nonce + 1) & 0xFFFF
        return join_request(bytes.fromhex(self.app_key), bytes.fromhex(self.join_eui), bytes.fromhex(self.dev_eui), self.dev_nonce)

    def accept(self, frame: bytes) -> None:
        """Take a join accept. Raises FrameError when it is not for this device."""
        key = bytes.fromhex(self.app_key)
        if len(frame) not in (17, 33) or frame[0] != JOIN_ACCEPT:
            raise FrameError(f"{self.dev_eui}: {frame.hex()} is not a join accept")
        clear = aes_encrypt(key, frame[1:])
        plain, mic = clear[:-4], clear[-4:]
        if cmac4(key, frame[:1], plain) != mic:
            raise FrameError(f"{self.dev_eui}: the join accept has a wrong integrity code: another device's, or another AppKey")
        join_nonce, net_id = int.from_bytes(plain[:3], "little"), int.from_bytes(plain[3:6], "little")
        self.dev_addr = int.from_bytes(plain[6:10], "little")
        self.nwk_s_key, self.app_s_key = session_keys(key, join_nonce, net_id, self.dev_nonce)
        self.f_cnt_up, self.f_cnt_down, self._acknowledge = 0, -1, False
        self._answers.clear()

    def send(self, f_port: int, data: bytes, *, confirmed: bool = False) -> bytes:
        """The next uplink, with the answers to MAC commands and the acknowledgement that are due."""
        if self.dev_addr is None:
            raise FrameError(f"{self.dev_eui} has not joined")
        control = (ADR if self.adr else 0) | (ACK if self._acknowledge else 0)
        options = bytes(self._answers[:15])
        frame = data_frame(self.nwk_s_key, self.app_s_key, self.dev_addr, self.f_cnt_up, f_port, data,
                           kind=CONFIRMED_UP if confirmed else UP, control=control, options=options)  # fmt: skip
        self.f_cnt_up += 1
        self._answers.clear()
        self._acknowledge = False
        return frame

    def receive(self, frame: bytes) -> Downlink:
        """Take a downlink. Raises FrameError when it is another device's, old, or its integrity code is wrong."""
        if self.dev_addr is None or len(frame) < 12 or frame[0] not in (DOWN, CONFIRMED_DOWN):
            raise FrameError(f"{self.dev_eui}: {frame.hex()} is not a data frame for it")
        address, control, short = struct.unpack_from("<IBH", frame, 1)
        f_cnt = (max(self.f_cnt_down, 0) & ~0xFFFF) | short
        f_cnt += 0x10000 if f_cnt <= self.f_cnt_down and self.f_cnt_down - f_cnt > 0x8000 else 0
        if address != self.dev_addr or data_mic(self.nwk_s_key, address, f_cnt, frame[:-4], down=True) != frame[-4:]:
            raise FrameError(f"{self.dev_eui}: the downlink's integrity code is wrong")
        if f_cnt <= self.f_cnt_down:
            raise FrameError(f"{self.dev_eui}: downlink {f_cnt} was there before")
        self.f_cnt_down = f_cnt
        options, rest = frame[8 : 8 + (control & 0x0F)], frame[8 + (control & 0x0F) : -4]
        f_port = rest[0] if rest else None
        data = crypt(self.nwk_s_key if f_port == 0 else self.app_s_key, address, f_cnt, rest[1:], down=True)
        self._obey(options or (data if f_port == 0 else b""))
        self._acknowledge = frame[0] == CONFIRMED_DOWN
        return Downlink(f_port, b"" if f_port == 0 else data, f_cnt, self._acknowledge, bool(control & ACK))

    def _obey(self, commands: bytes) -> None:
        """Answer MAC commands; an unknown one ends the list, as its length is unknown."""
        at = 0
        while at < len(commands):
            command, size = commands[at], _COMMAND_SIZE.get(commands[at])
            if size is None:
                return
            argument = commands[at + 1 : at + 1 + size]
            at += 1 + size
            if command == _DEV_STATUS:
                self._answers += bytes([_DEV_STATUS, self.battery, self.margin_db & 0x3F])
            elif command == _LINK_ADR and len(argument) == size:
                self.data_rate = argument[0] >> 4 if self.adr and argument[0] >> 4 <= 5 else self.data_rate
                self._answers += bytes([_LINK_ADR, 0x07])
            elif command in _ANSWERS:
                self._answers += _ANSWERS[command]
