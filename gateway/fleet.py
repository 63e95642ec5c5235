"""The devices in ChirpStack as Mjøsa wants them: one idempotent `apply`, so that trying again is always harmless."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from core.errors import Conflict, NetworkServerError
from core.town import BaseStation
from gateway.chirpstack import ChirpStack, NetworkDevice, NetworkServerUnavailable
from gateway.provisioning import Product, Provisioned, ensure

SENSOR_TAG = "mjosa_sensor"


@dataclass(frozen=True, slots=True)
class Wanted:
    """How one device shall be in ChirpStack. A key of None leaves the key there as it is.

    LoRaWAN 1.0.x has `app_key` alone; 1.1 has `nwk_key` too. `sensor` is the measuring point it serves.
    """

    dev_eui: str
    sensor: str
    name: str
    model: str
    join_eui: str = ""
    app_key: str | None = field(default=None, repr=False)
    nwk_key: str | None = field(default=None, repr=False)
    disabled: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)


class Fleet:
    """ChirpStack with a place for our devices, provisioned when first needed. Safe to share between threads."""

    def __init__(self, client: ChirpStack, products: Mapping[str, Product], *, tenant: str = "mjosa", application: str = "mjosa",
                 tenant_id: str | None = None, base_stations: Callable[[], tuple[BaseStation, ...]] = tuple) -> None:  # fmt: skip
        self.client, self.products = client, products
        self._names: dict[str, Any] = {"tenant": tenant, "application": application, "tenant_id": tenant_id}
        self._base_stations = base_stations
        self._place: Provisioned | None = None
        self._lock = threading.Lock()

    def provision(self, models: tuple[str, ...] = ()) -> Provisioned:
        """Tenant, application, base stations and the profiles of these models, made where they lack."""
        with self._lock:
            there = self._place
            missing = [m for m in models if there is None or m not in there.profiles]
            if there is None or missing:
                unknown = [m for m in missing if m not in self.products]
                if unknown:
                    raise NetworkServerError(f"There is no sensor product '{unknown[0]}'; 'mjosa devices' lists them.")
                stations = self._base_stations() if there is None else ()
                made = ensure(self.client, [self.products[m] for m in missing], stations, **self._names)
                self._place = there = replace(made, profiles={**(there.profiles if there else {}), **made.profiles})
            return there

    def get(self, dev_eui: str) -> NetworkDevice | None:
        return self.client.device(dev_eui)

    def all(self) -> Iterator[NetworkDevice]:
        """Every device of our application."""
        return self.client.devices_of(self.provision().application_id)

    def apply(self, wanted: Wanted, *, known: NetworkDevice | None = None, fresh: bool = False) -> bool:
        """Makes the device so; True where it did not exist before.

        A device another sensor claims is a Conflict. When its key is refused, a device made here is taken back.
        `known` spares asking what is there, `fresh` says nothing is.
        """
        there = known or (None if fresh else self.client.device(wanted.dev_eui))
        if there is None:
            self._create(wanted)
            return True
        owner = there.tags.get(SENSOR_TAG)
        if owner and owner != wanted.sensor and not there.disabled:
            raise Conflict(f"ChirpStack has device {wanted.dev_eui} as sensor '{owner}'; retire or swap that one first.")
        changes = self._changes(there, wanted)
        if changes:
            self.client.change_device(wanted.dev_eui, **changes)
        if wanted.app_key:
            self.client.set_key(wanted.dev_eui, wanted.app_key, wanted.nwk_key)
        return False

    def _create(self, wanted: Wanted) -> None:
        place = self.provision((wanted.model,))
        device = NetworkDevice(wanted.dev_eui, wanted.name, place.application_id, place.profiles[wanted.model], "", wanted.join_eui,
                               _tags(wanted), wanted.disabled)  # fmt: skip
        self.client.create_device(device)
        if wanted.app_key:
            try:
                self.client.set_key(wanted.dev_eui, wanted.app_key, wanted.nwk_key)
            except NetworkServerUnavailable:
                raise
            except NetworkServerError:
                self.client.delete_device(wanted.dev_eui)
                raise

    def _changes(self, there: NetworkDevice, wanted: Wanted) -> dict[str, Any]:
        tags = {k: v for k, v in _tags(wanted).items() if there.tags.get(k) != v}
        fields = {
            "name": (there.name, wanted.name),
            "join_eui": (there.join_eui, wanted.join_eui or there.join_eui),
            "is_disabled": (there.disabled, wanted.disabled),
        }
        changes: dict[str, Any] = {name: new for name, (old, new) in fields.items() if old != new}
        return {**changes, "tags": tags} if tags else changes

    def disable(self, dev_eui: str) -> None:
        """The network ignores the device from now on; nothing of it is lost."""
        if self.client.device(dev_eui) is not None:
            self.client.change_device(dev_eui, is_disabled=True)


def _tags(wanted: Wanted) -> dict[str, str]:
    """ChirpStack's pages cannot edit a tag without a value, so there is none."""
    return {key: value for key, value in {**wanted.tags, SENSOR_TAG: wanted.sensor}.items() if value}
