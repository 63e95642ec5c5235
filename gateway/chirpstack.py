"""ChirpStack's gRPC API as Mjøsa uses it: plain values in and out, every refusal a sentence.

Lists are paged to their end (ChirpStack's limit 0 gives no rows), updates are read-change-write (ChirpStack replaces
everything), a duplicate becomes a Conflict (ChirpStack says INTERNAL with its database's text).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import grpc
from chirpstack_api import api

from core.errors import Conflict, MjosaError, NetworkServerError, NotFound

_PAGE = 250
_ZEROS = "0" * 32


class NetworkServerUnavailable(NetworkServerError):
    """ChirpStack does not answer now; the same call later may do."""


class UnknownOrForeign(NetworkServerError):
    """What a tenant's key gets for a thing that does not exist and for one of another tenant alike."""


@dataclass(frozen=True, slots=True)
class NetworkDevice:
    """A device as ChirpStack knows it. `last_seen_at` [Unix s] is None before its first uplink."""

    dev_eui: str
    name: str
    application_id: str
    profile_id: str
    description: str = ""
    join_eui: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    disabled: bool = False
    last_seen_at: float | None = None


@dataclass(frozen=True, slots=True)
class QueueItem:
    """A downlink waiting in ChirpStack. `pending`: sent, and its acknowledgement is awaited."""

    id: str
    f_port: int
    payload: bytes
    confirmed: bool
    pending: bool


class ChirpStack:
    """A connection to ChirpStack's API at host:port, with an API key. Close it, or use it in a with statement.

    Every method raises NetworkServerUnavailable when the server does not answer, NotFound, Conflict, or
    NetworkServerError with the server's reason in plain words.
    """

    def __init__(self, address: str, token: str, timeout_s: float = 10.0) -> None:
        address, secure = _parse_address(address)
        self.address, self._timeout_s = address, timeout_s
        self._metadata = (("authorization", f"Bearer {token}"),)
        options = [
            ("grpc.enable_retries", 0),
            ("grpc.initial_reconnect_backoff_ms", 200),
            ("grpc.min_reconnect_backoff_ms", 200),
            ("grpc.max_reconnect_backoff_ms", 5000),
        ]
        self._channel = (grpc.secure_channel(address, grpc.ssl_channel_credentials(), options) if secure
                         else grpc.insecure_channel(address, options))  # fmt: skip
        self.tenants = api.TenantServiceStub(self._channel)
        self.applications = api.ApplicationServiceStub(self._channel)
        self.profiles = api.DeviceProfileServiceStub(self._channel)
        self.devices = api.DeviceServiceStub(self._channel)
        self.gateways = api.GatewayServiceStub(self._channel)
        self.users = api.UserServiceStub(self._channel)
        self.sign_in = api.InternalServiceStub(self._channel).Login

    def close(self) -> None:
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, method: Callable[..., Any], request: Any, what: str) -> Any:
        """One call; `what` names the thing asked for, for the sentence if it is refused."""
        try:
            return method(request, metadata=self._metadata, timeout=self._timeout_s)
        except grpc.RpcError as error:
            raise in_words(error, what, self.address) from error

    def find(self, method: Callable[..., Any], request: Any, what: str) -> Any | None:
        """As `call`; None where there is no such thing that this key may see."""
        try:
            return self.call(method, request, what)
        except (NotFound, UnknownOrForeign):
            return None

    def list_all(self, method: Callable[..., Any], request: Any, what: str) -> Iterator[Any]:
        """Every row of a list, page by page."""
        request.limit, request.offset = _PAGE, 0
        while True:
            page = self.call(method, request, what)
            yield from page.result
            request.offset += len(page.result)
            if not page.result or request.offset >= page.total_count:
                return

    # devices

    def device(self, dev_eui: str) -> NetworkDevice | None:
        """None where ChirpStack knows no such device."""
        found = self.find(self.devices.Get, api.GetDeviceRequest(dev_eui=dev_eui), f"device {dev_eui}")
        if found is None:
            return None
        d = found.device
        return NetworkDevice(d.dev_eui, d.name, d.application_id, d.device_profile_id, d.description, d.join_eui,
                             dict(d.tags), d.is_disabled,
                             _seconds(found, "last_seen_at"))  # fmt: skip

    def devices_of(self, application_id: str) -> Iterator[NetworkDevice]:
        """Every device of an application (without join_eui and disabled, which ChirpStack's list leaves out)."""
        for d in self.list_all(self.devices.List, api.ListDevicesRequest(application_id=application_id), "the devices"):
            yield NetworkDevice(d.dev_eui, d.name, application_id, d.device_profile_id, d.description, "", dict(d.tags), False,
                                _seconds(d, "last_seen_at"))  # fmt: skip

    def create_device(self, device: NetworkDevice) -> None:
        """Raises Conflict where the device exists already."""
        self.call(self.devices.Create, api.CreateDeviceRequest(device=_message(device)), f"device {device.dev_eui}")

    def change_device(self, dev_eui: str, **changes: Any) -> None:
        """Changes these fields of ChirpStack's Device (name, description, device_profile_id, join_eui, is_disabled …) and keeps the rest.

        `tags` are merged into those there.
        """
        what = f"device {dev_eui}"
        device = self.call(self.devices.Get, api.GetDeviceRequest(dev_eui=dev_eui), what).device
        device.tags.update(changes.pop("tags", {}))
        for name, value in changes.items():
            setattr(device, name, value)
        self.call(self.devices.Update, api.UpdateDeviceRequest(device=device), what)

    def delete_device(self, dev_eui: str) -> None:
        self.call(self.devices.Delete, api.DeleteDeviceRequest(dev_eui=dev_eui), f"device {dev_eui}")

    def has_keys(self, dev_eui: str) -> bool:
        return bool(self._keys(dev_eui))

    def keys(self, dev_eui: str) -> dict[str, str]:
        """Its root keys as `set_key` takes them: app_key, and nwk_key where it has both (LoRaWAN 1.1); empty without keys."""
        there = self._keys(dev_eui)
        if there is None:
            return {}
        has_both = there.app_key not in ("", _ZEROS)
        return {"app_key": there.app_key, "nwk_key": there.nwk_key} if has_both else {"app_key": there.nwk_key}

    def set_key(self, dev_eui: str, app_key: str, nwk_key: str | None = None) -> None:
        """Sets the root key, whether or not there was one; used DevNonces stay used.

        A LoRaWAN 1.0.x device has one key (`nwk_key` None), and ChirpStack wants that AppKey in its nwk_key field. A
        1.1 device has both.
        """
        keys = api.DeviceKeys(dev_eui=dev_eui, nwk_key=nwk_key or app_key, app_key=app_key if nwk_key else _ZEROS)
        there = self._keys(dev_eui)
        if there is None:
            self.call(self.devices.CreateKeys, api.CreateDeviceKeysRequest(device_keys=keys), f"the keys of device {dev_eui}")
        elif (there.nwk_key, there.app_key) != (keys.nwk_key.lower(), keys.app_key.lower()):
            keys.gen_app_key = there.gen_app_key
            self.call(self.devices.UpdateKeys, api.UpdateDeviceKeysRequest(device_keys=keys), f"the keys of device {dev_eui}")

    def _keys(self, dev_eui: str) -> Any | None:
        found = self.find(self.devices.GetKeys, api.GetDeviceKeysRequest(dev_eui=dev_eui), f"the keys of device {dev_eui}")
        return found and found.device_keys

    def flush_dev_nonces(self, dev_eui: str) -> None:
        """Lets a device that forgot which DevNonces it used join again."""
        self.call(self.devices.FlushDevNonces, api.FlushDevNoncesRequest(dev_eui=dev_eui), f"device {dev_eui}")

    def dev_addr(self, dev_eui: str) -> str | None:
        """The address of its session; None before it has joined."""
        found = self.call(self.devices.GetActivation, api.GetDeviceActivationRequest(dev_eui=dev_eui), f"device {dev_eui}")
        return str(found.device_activation.dev_addr) or None

    # downlinks

    def enqueue(self, dev_eui: str, f_port: int, payload: bytes, *, confirmed: bool = True, flush: bool = False) -> str:
        """The id that `txack` and `ack` events will carry."""
        item = api.DeviceQueueItem(dev_eui=dev_eui, f_port=f_port, data=payload, confirmed=confirmed)
        request = api.EnqueueDeviceQueueItemRequest(queue_item=item, flush_queue=flush)
        return str(self.call(self.devices.Enqueue, request, f"the downlink to {dev_eui}").id)

    def queue(self, dev_eui: str) -> list[QueueItem]:
        found = self.call(self.devices.GetQueue, api.GetDeviceQueueItemsRequest(dev_eui=dev_eui), f"the queue of {dev_eui}")
        return [QueueItem(i.id, i.f_port, i.data, i.confirmed, i.is_pending) for i in found.result]

    def flush_queue(self, dev_eui: str) -> None:
        self.call(self.devices.FlushQueue, api.FlushDeviceQueueRequest(dev_eui=dev_eui), f"the queue of {dev_eui}")


def in_words(error: grpc.RpcError, what: str, address: str) -> MjosaError:
    """ChirpStack's status as one of our errors, saying what to do."""
    code, details = error.code(), error.details() or ""
    text = details.lower()
    if code == grpc.StatusCode.INTERNAL:
        return next((make(what) for mark, make in _INTERNAL if mark in text),
                    NetworkServerError(f"ChirpStack failed on {what}: {details}. Its server log says more."))  # fmt: skip
    make_error = _BY_CODE.get(code)
    if make_error:
        return make_error(what, details, address)
    return NetworkServerError(f"ChirpStack refused {what}: {details or code.name}.")


_INTERNAL: tuple[tuple[str, Callable[[str], MjosaError]], ...] = (
    ("unique constraint", lambda what: Conflict(f"ChirpStack has {what} already.")),
    ("foreign key", lambda what: NetworkServerError(f"ChirpStack lacks the application or device profile that {what} refers to; "
                                                    "run the registration again, it will be provisioned.")),
    ("invalid string length", lambda what: NetworkServerError(f"An identifier or key of {what} has the wrong length: an EUI has 16 "
                                                              "hexadecimal digits, a key has 32.")),
    ("invalid character", lambda what: NetworkServerError(f"An identifier or key of {what} has a character that is not a hexadecimal digit "
                                                          "(0–9, A–F); look for O instead of 0.")),
)  # fmt: skip
_BY_CODE: dict[grpc.StatusCode, Callable[[str, str, str], MjosaError]] = {
    grpc.StatusCode.UNAVAILABLE: lambda what, details, address: NetworkServerUnavailable(
        f"ChirpStack at {address} does not answer; check that it runs and that MJOSA_CHIRPSTACK_URL is right."),
    grpc.StatusCode.DEADLINE_EXCEEDED: lambda what, details, address: NetworkServerUnavailable(
        f"ChirpStack at {address} took too long over {what}; try again in a moment."),
    grpc.StatusCode.NOT_FOUND: lambda what, details, address: NotFound(f"ChirpStack has no {what.removeprefix('the ')}."),
    grpc.StatusCode.UNAUTHENTICATED: lambda what, details, address: NetworkServerError(
        f"ChirpStack does not accept this API key ({details}); check MJOSA_CHIRPSTACK_TOKEN.") if details else UnknownOrForeign(
        f"ChirpStack does not let this API key at {what}: it does not exist, it belongs to another tenant, or the key is read-only."),
    grpc.StatusCode.INVALID_ARGUMENT: lambda what, details, address: NetworkServerError(
        f"ChirpStack refuses {what}: {details.removeprefix('Validation error: ')}."),
    grpc.StatusCode.UNIMPLEMENTED: lambda what, details, address: NetworkServerError(
        f"The server at {address} does not offer this: it is not ChirpStack 4, or an old one."),
}  # fmt: skip


def _parse_address(url: str) -> tuple[str, bool]:
    """(host:port, over TLS) from host:port, http://host:port or https://host:port."""
    scheme, separator, rest = url.partition("://")
    return (rest.rstrip("/"), scheme in ("https", "grpcs")) if separator else (url, False)


def _message(device: NetworkDevice) -> Any:
    return api.Device(
        dev_eui=device.dev_eui, name=device.name[:100], description=device.description, application_id=device.application_id,
        device_profile_id=device.profile_id, join_eui=device.join_eui, tags=device.tags, is_disabled=device.disabled,
    )  # fmt: skip


def _seconds(message: Any, name: str) -> float | None:
    return float(getattr(message, name).ToMicroseconds() / 1e6) if message.HasField(name) else None
