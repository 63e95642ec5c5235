"""Tenant, application, device profiles and base stations in ChirpStack, as often as you like: what is right is left alone.

ChirpStack does not keep names unique, so the name is Mjøsa's own key: an exact match is ours, the first of several wins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from chirpstack_api import api, common

from core.errors import NetworkServerError
from core.town import BaseStation
from gateway.chirpstack import ChirpStack

_MAC_VERSIONS = {"1.0.2": "LORAWAN_1_0_2", "1.0.3": "LORAWAN_1_0_3", "1.0.4": "LORAWAN_1_0_4", "1.1.0": "LORAWAN_1_1_0"}
_REVISIONS = {"1.0.2": "B", "1.0.3": "A", "1.0.4": "RP002_1_0_3", "1.1.0": "B"}
_STATUS_REQUESTS_PER_DAY = 1
_STATS_INTERVAL_S = 30


class LoRaWanProfile(Protocol):
    """The LoRaWAN side of a product; `ingest.device_model.Profile` is one."""

    @property
    def uplink_s(self) -> float: ...
    @property
    def mac_version(self) -> str: ...
    @property
    def device_class(self) -> str: ...
    @property
    def supports_otaa(self) -> bool: ...
    @property
    def region(self) -> str: ...


class Product(Protocol):
    """A sensor product; `ingest.device_model.DeviceModel` is one."""

    @property
    def key(self) -> str: ...
    @property
    def vendor(self) -> str: ...
    @property
    def product(self) -> str: ...
    @property
    def profile(self) -> LoRaWanProfile: ...


@dataclass(frozen=True, slots=True)
class Provisioned:
    """Where devices go: ids in ChirpStack; `profiles` by product key. `changed` names what this run made or corrected."""

    tenant_id: str
    application_id: str
    profiles: Mapping[str, str]
    changed: tuple[str, ...] = ()


def ensure(client: ChirpStack, products: Iterable[Product], base_stations: Iterable[BaseStation] = (), *, tenant: str = "mjosa",
           application: str = "mjosa", tenant_id: str | None = None) -> Provisioned:  # fmt: skip
    """Everything devices need in ChirpStack, made where it lacks and corrected where it differs.

    An admin key finds or makes the tenant by name; a tenant key needs its `tenant_id`. Fields we have no opinion on keep
    what somebody set in ChirpStack. Raises NetworkServerError.
    """
    changed: list[str] = []
    tenant_id = tenant_id or _tenant(client, tenant, changed)
    application_id = _application(client, tenant_id, application, changed)
    names = {p.name: p.id for p in reversed(list(client.list_all(
        client.profiles.List, api.ListDeviceProfilesRequest(tenant_id=tenant_id, search="mjosa "), "the device profiles")))}  # fmt: skip
    profiles = {p.key: _profile(client, tenant_id, p, names, changed) for p in products}
    for station in base_stations:
        _base_station(client, tenant_id, station, changed)
    return Provisioned(tenant_id, application_id, profiles, tuple(changed))


def _tenant(client: ChirpStack, name: str, changed: list[str]) -> str:
    for found in client.list_all(client.tenants.List, api.ListTenantsRequest(search=name), "the tenants"):
        if found.name == name:
            return str(found.id)
    changed.append(f"tenant {name}")
    request = api.CreateTenantRequest(tenant=api.Tenant(name=name, can_have_gateways=True))
    return str(client.call(client.tenants.Create, request, f"tenant {name}").id)


def _application(client: ChirpStack, tenant_id: str, name: str, changed: list[str]) -> str:
    request = api.ListApplicationsRequest(tenant_id=tenant_id, search=name)
    for found in client.list_all(client.applications.List, request, "the applications"):
        if found.name == name:
            return str(found.id)
    changed.append(f"application {name}")
    new = api.Application(tenant_id=tenant_id, name=name, description="Sensors registered by Mjøsa")
    return str(client.call(client.applications.Create, api.CreateApplicationRequest(application=new), f"application {name}").id)


def _profile(client: ChirpStack, tenant_id: str, product: Product, ids: Mapping[str, str], changed: list[str]) -> str:
    name = f"mjosa {product.key}"[:100]
    wanted = _fields(product)
    if name not in ids:
        changed.append(f"device profile {name}")
        new = api.DeviceProfile(tenant_id=tenant_id, name=name, adr_algorithm_id="default", tags={"mjosa_model": product.key}, **wanted)
        return str(client.call(client.profiles.Create, api.CreateDeviceProfileRequest(device_profile=new), f"device profile {name}").id)
    there = client.call(client.profiles.Get, api.GetDeviceProfileRequest(id=ids[name]), f"device profile {name}").device_profile
    if _correct(there, wanted):
        changed.append(f"device profile {name}")
        client.call(client.profiles.Update, api.UpdateDeviceProfileRequest(device_profile=there), f"device profile {name}")
    return ids[name]


def _fields(product: Product) -> dict[str, Any]:
    """What a product fixes in its ChirpStack profile; the payload is decoded by Mjøsa, so the profile has no codec."""
    profile = product.profile
    try:
        version = common.MacVersion.Value(_MAC_VERSIONS[profile.mac_version])
        region = common.Region.Value(profile.region)
    except (KeyError, ValueError) as error:
        raise NetworkServerError(f"{product.key}: LoRaWAN {profile.mac_version} in {profile.region} is not known to ChirpStack.") from error
    return {
        "description": f"{product.vendor} {product.product}",
        "region": region,
        "mac_version": version,
        "reg_params_revision": common.RegParamsRevision.Value(_REVISIONS[profile.mac_version]),
        "supports_otaa": profile.supports_otaa,
        "supports_class_b": profile.device_class == "B",
        "supports_class_c": profile.device_class == "C",
        "uplink_interval": round(profile.uplink_s),
        "device_status_req_interval": _STATUS_REQUESTS_PER_DAY,
        "flush_queue_on_activate": False,
    }


def _base_station(client: ChirpStack, tenant_id: str, station: BaseStation, changed: list[str]) -> None:
    what = f"base station {station.id}"
    location = common.Location(latitude=station.latitude, longitude=station.longitude, altitude=station.altitude_m, source="CONFIG")
    found = client.find(client.gateways.Get, api.GetGatewayRequest(gateway_id=station.id), what)
    if found is None:
        changed.append(what)
        new = api.Gateway(gateway_id=station.id, name=station.name or station.id, tenant_id=tenant_id, location=location,
                          stats_interval=_STATS_INTERVAL_S)  # fmt: skip
        client.call(client.gateways.Create, api.CreateGatewayRequest(gateway=new), what)
        return
    there = found.gateway
    if _correct(there, {"name": station.name or station.id}) | _moved(there, location):
        changed.append(what)
        client.call(client.gateways.Update, api.UpdateGatewayRequest(gateway=there), what)


def _moved(there: Any, location: Any) -> bool:
    """Corrects a position that is more than about a metre off; a base station that reports its own keeps it."""
    near = abs(there.location.latitude - location.latitude) < 1e-5 and abs(there.location.longitude - location.longitude) < 1e-5
    if near or there.location.source == common.LocationSource.GPS:
        return False
    there.location.CopyFrom(location)
    return True


def _correct(message: Any, wanted: Mapping[str, Any]) -> bool:
    different = {k: v for k, v in wanted.items() if getattr(message, k) != v}
    for name, value in different.items():
        setattr(message, name, value)
    return bool(different)
