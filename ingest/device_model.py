"""What a sensor product is to Mjøsa: decode, encode, LoRaWAN profile, test vectors with their source."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from core.discovery import collect
from core.errors import DecodeError
from core.model import Flag, Sample

Options = Mapping[str, float]
"""What the decoder must know of one unit (pressure range, litres per pulse): `Sensor.options` over `DeviceModel.options`."""
Decode = Callable[[bytes, int, Options], Sequence[Sample]]
Encode = Callable[[Sequence[Sample], Options], tuple[int, bytes]]


@dataclass(frozen=True, slots=True)
class Profile:
    """The LoRaWAN side of a product: what ChirpStack's device profile needs. `uplink_s`: usual seconds between uplinks."""

    uplink_s: float
    mac_version: Literal["1.0.2", "1.0.3", "1.0.4", "1.1.0"] = "1.0.3"
    device_class: Literal["A", "B", "C"] = "A"
    supports_otaa: bool = True
    region: str = "EU868"


@dataclass(frozen=True, slots=True)
class Vector:
    """A genuine frame and what it means. `source` says where both stand written. `round_trip`: encode gives the same bytes."""

    f_port: int
    payload: str
    samples: tuple[Sample, ...]
    source: str
    options: Options = field(default_factory=dict)
    round_trip: bool = True


@dataclass(frozen=True, slots=True)
class DeviceModel:
    """One product family. `key` equals the file's name and never changes meaning once published.

    `bounds` narrows a quantity's hard bounds to this product's measuring span; values outside are flagged, not dropped.
    `options` are the defaults of what `decode` and `encode` may be told of one unit.
    """

    key: str
    vendor: str
    product: str
    measures: tuple[str, ...]
    profile: Profile
    decode: Decode
    encode: Encode
    vectors: tuple[Vector, ...]
    version: str = "1"
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    options: Options = field(default_factory=dict)
    status: Mapping[int, str] = field(default_factory=dict)
    """What a mask in `status_bits` means: leak, burst, backflow, tamper, low_battery, freeze …"""

    def read(self, payload: bytes, f_port: int, options: Options | None = None) -> list[Sample]:
        """Samples of one frame; an empty list for a frame that carries no measurement (also MAC-only: no payload or fPort 0).

        A number that is none (a float field holding NaN or infinity) is a missing value. Raises DecodeError for all others.

        The only place where a decoder's struct.error, IndexError, KeyError or ValueError becomes a DecodeError.
        """
        if not payload or f_port == 0:
            return []
        try:
            samples = list(self.decode(payload, f_port, {**self.options, **options} if options else self.options))
        except DecodeError:
            raise
        except (struct.error, IndexError, KeyError, ValueError, OverflowError) as error:
            raise DecodeError(f"{self.key}: fPort {f_port}, bytes {payload.hex()}: {error}") from error
        undeclared = {s.quantity for s in samples} - set(self.measures)
        if undeclared:
            raise DecodeError(f"{self.key}: decodes {sorted(undeclared)}, which it does not declare")
        return [s if math.isfinite(s.value) else s._replace(value=math.nan, flag=Flag.MISSING) for s in samples]


def meanings(status: Mapping[int, str], bits: int) -> tuple[str, ...]:
    """What a product's `status_bits` say, the most particular first: of burst 0xA0 and leak 0x20, 0xA0 is a burst and no leak."""
    found = []
    for mask in sorted(status, key=lambda mask: (-mask.bit_count(), mask)):
        if mask and bits & mask == mask:
            found.append(status[mask])
            bits &= ~mask
    return tuple(dict.fromkeys(found))


@cache
def native_models() -> Mapping[str, DeviceModel]:
    """Every product in `ingest/devices`, by key."""
    from ingest import devices

    return collect(devices, "MODEL")
