# ruff: noqa: N802 - the methods are named by ChirpStack's protocol
"""ChirpStack's gRPC services on the stand-in's registry, from chirpstack-api's own servicer classes.

What we use is served, with ChirpStack's status codes and habits: updates replace everything, a list without a limit has
a total and no rows, names need not be unique. Every other method answers UNIMPLEMENTED.
"""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chirpstack_api import api
from google.protobuf.empty_pb2 import Empty
from google.protobuf.timestamp_pb2 import Timestamp

from simulators.network_server_access import Access, answers, checked_hex, checked_name, checked_uuid, present, refuse
from simulators.network_server_registry import Row, ServerRegistry

Context = Any
"""grpc.ServicerContext (grpcio has no types)."""
_ZERO_KEY = "0" * 32


@dataclass(frozen=True, slots=True)
class Shared:
    """What every service needs."""

    registry: ServerRegistry
    access: Access
    now: Callable[[], float]
    admin_password: str | None = None


def stamp(t: float | None) -> Timestamp | None:
    if t is None:
        return None
    moment = Timestamp()
    moment.FromMicroseconds(round(t * 1e6))
    return moment


def page(rows: list[Any], request: Any) -> list[Any]:
    """The asked rows; limit 0 is none at all."""
    return rows[request.offset : request.offset + request.limit]


class _Service:
    def __init__(self, shared: Shared) -> None:
        self.registry, self.access, self.now = shared.registry, shared.access, shared.now
        self.admin_password = shared.admin_password

    def stored(self, table: str, key: str) -> Row:
        row = self.registry.get(table, key)
        if row is None:
            refuse("NOT_FOUND", f"Object does not exist (id: {key})")
        return row


class Tenants(_Service, api.TenantServiceServicer):  # type: ignore[misc]
    @answers
    def Create(self, request: Any, context: Context) -> Any:
        self.access.to_admin(context, write=True)
        tenant = present(request, "tenant")
        checked_name(tenant)
        tenant.id = str(uuid.uuid4())
        self.registry.insert("tenant", tenant.id, tenant.name, tenant.SerializeToString(), self.now())
        return api.CreateTenantResponse(id=tenant.id)

    @answers
    def Get(self, request: Any, context: Context) -> Any:
        key = checked_uuid(request.id)
        self.access.to_row(context, "tenant", key)
        row = self.stored("tenant", key)
        return api.GetTenantResponse(
            tenant=api.Tenant.FromString(row.body), created_at=stamp(row.created_at), updated_at=stamp(row.updated_at)
        )

    @answers
    def Update(self, request: Any, context: Context) -> Any:
        tenant = present(request, "tenant")
        self.access.to_admin(context, write=True)
        self.stored("tenant", checked_uuid(tenant.id))
        checked_name(tenant)
        self.registry.update("tenant", tenant.id, tenant.name, tenant.SerializeToString(), self.now())
        return Empty()

    @answers
    def Delete(self, request: Any, context: Context) -> Any:
        self.access.to_admin(context, write=True)
        self.stored("tenant", checked_uuid(request.id))
        self.registry.delete("tenant", request.id)
        return Empty()

    @answers
    def List(self, request: Any, context: Context) -> Any:
        self.access.to_admin(context)
        rows = self.registry.find("tenant", request.search)
        found = [(api.Tenant.FromString(r.body), r) for r in page(rows, request)]
        return api.ListTenantsResponse(total_count=len(rows), result=[
            api.TenantListItem(id=t.id, name=t.name, can_have_gateways=t.can_have_gateways, max_device_count=t.max_device_count,
                               max_gateway_count=t.max_gateway_count, created_at=stamp(r.created_at), updated_at=stamp(r.updated_at))
            for t, r in found
        ])  # fmt: skip


class Applications(_Service, api.ApplicationServiceServicer):  # type: ignore[misc]
    @answers
    def Create(self, request: Any, context: Context) -> Any:
        application = present(request, "application")
        self.access.to_tenant(context, checked_uuid(application.tenant_id), write=True)
        checked_name(application)
        application.id = str(uuid.uuid4())
        self.registry.insert("application", application.id, application.name, application.SerializeToString(), self.now(),
                             tenant_id=application.tenant_id)  # fmt: skip
        return api.CreateApplicationResponse(id=application.id)

    @answers
    def Get(self, request: Any, context: Context) -> Any:
        key = checked_uuid(request.id)
        self.access.to_row(context, "application", key)
        row = self.stored("application", key)
        return api.GetApplicationResponse(
            application=api.Application.FromString(row.body), created_at=stamp(row.created_at), updated_at=stamp(row.updated_at)
        )

    @answers
    def Update(self, request: Any, context: Context) -> Any:
        application = present(request, "application")
        self.access.to_row(context, "application", checked_uuid(application.id), write=True)
        checked_name(application)
        application.tenant_id = api.Application.FromString(self.stored("application", application.id).body).tenant_id
        self.registry.update("application", application.id, application.name, application.SerializeToString(), self.now())
        return Empty()

    @answers
    def Delete(self, request: Any, context: Context) -> Any:
        self.access.to_row(context, "application", checked_uuid(request.id), write=True)
        self.registry.delete("application", request.id)
        return Empty()

    @answers
    def List(self, request: Any, context: Context) -> Any:
        self.access.to_tenant(context, checked_uuid(request.tenant_id))
        rows = self.registry.find("application", request.search, tenant_id=request.tenant_id)
        found = [(api.Application.FromString(r.body), r) for r in page(rows, request)]
        return api.ListApplicationsResponse(total_count=len(rows), result=[
            api.ApplicationListItem(id=a.id, name=a.name, description=a.description,
                                    created_at=stamp(r.created_at), updated_at=stamp(r.updated_at)) for a, r in found
        ])  # fmt: skip


class DeviceProfiles(_Service, api.DeviceProfileServiceServicer):  # type: ignore[misc]
    @answers
    def Create(self, request: Any, context: Context) -> Any:
        profile = present(request, "device_profile")
        self.access.to_tenant(context, checked_uuid(profile.tenant_id), write=True)
        checked_name(profile)
        profile.id = str(uuid.uuid4())
        self.registry.insert(
            "device_profile", profile.id, profile.name, profile.SerializeToString(), self.now(), tenant_id=profile.tenant_id
        )
        return api.CreateDeviceProfileResponse(id=profile.id)

    @answers
    def Get(self, request: Any, context: Context) -> Any:
        key = checked_uuid(request.id)
        self.access.to_row(context, "device_profile", key)
        row = self.stored("device_profile", key)
        return api.GetDeviceProfileResponse(
            device_profile=api.DeviceProfile.FromString(row.body), created_at=stamp(row.created_at), updated_at=stamp(row.updated_at)
        )

    @answers
    def GetByProfileId(self, request: Any, context: Context) -> Any:
        self.access.caller(context)
        refuse("NOT_FOUND", f"Object does not exist (id: {request.vendor_id:04x}{request.vendor_profile_id:04x})")

    @answers
    def Update(self, request: Any, context: Context) -> Any:
        profile = present(request, "device_profile")
        self.access.to_row(context, "device_profile", checked_uuid(profile.id), write=True)
        checked_name(profile)
        profile.tenant_id = api.DeviceProfile.FromString(self.stored("device_profile", profile.id).body).tenant_id
        self.registry.update("device_profile", profile.id, profile.name, profile.SerializeToString(), self.now())
        return Empty()

    @answers
    def Delete(self, request: Any, context: Context) -> Any:
        self.access.to_row(context, "device_profile", checked_uuid(request.id), write=True)
        self.registry.delete("device_profile", request.id)
        return Empty()

    @answers
    def List(self, request: Any, context: Context) -> Any:
        self.access.to_tenant(context, checked_uuid(request.tenant_id))
        rows = self.registry.find("device_profile", request.search, tenant_id=request.tenant_id)
        found = [(api.DeviceProfile.FromString(r.body), r) for r in page(rows, request)]
        return api.ListDeviceProfilesResponse(total_count=len(rows), result=[
            api.DeviceProfileListItem(id=p.id, name=p.name, region=p.region, mac_version=p.mac_version,
                                      reg_params_revision=p.reg_params_revision, supports_otaa=p.supports_otaa,
                                      created_at=stamp(r.created_at), updated_at=stamp(r.updated_at)) for p, r in found
        ])  # fmt: skip


class Gateways(_Service, api.GatewayServiceServicer):  # type: ignore[misc]
    @answers
    def Create(self, request: Any, context: Context) -> Any:
        gateway = present(request, "gateway")
        self.access.to_tenant(context, checked_uuid(gateway.tenant_id), write=True)
        gateway.gateway_id = checked_hex(gateway.gateway_id, 8)
        checked_name(gateway)
        self.registry.insert(
            "gateway", gateway.gateway_id, gateway.name, gateway.SerializeToString(), self.now(), tenant_id=gateway.tenant_id
        )
        return Empty()

    @answers
    def Get(self, request: Any, context: Context) -> Any:
        key = checked_hex(request.gateway_id, 8)
        self.access.to_row(context, "gateway", key)
        row = self.stored("gateway", key)
        return api.GetGatewayResponse(gateway=api.Gateway.FromString(row.body), created_at=stamp(row.created_at),
                                      updated_at=stamp(row.updated_at), last_seen_at=stamp(row.last_seen_at))  # fmt: skip

    @answers
    def Update(self, request: Any, context: Context) -> Any:
        gateway = present(request, "gateway")
        gateway.gateway_id = checked_hex(gateway.gateway_id, 8)
        self.access.to_row(context, "gateway", gateway.gateway_id, write=True)
        checked_name(gateway)
        gateway.tenant_id = api.Gateway.FromString(self.stored("gateway", gateway.gateway_id).body).tenant_id
        self.registry.update("gateway", gateway.gateway_id, gateway.name, gateway.SerializeToString(), self.now())
        return Empty()

    @answers
    def Delete(self, request: Any, context: Context) -> Any:
        key = checked_hex(request.gateway_id, 8)
        self.access.to_row(context, "gateway", key, write=True)
        self.registry.delete("gateway", key)
        return Empty()

    @answers
    def List(self, request: Any, context: Context) -> Any:
        if request.tenant_id:
            self.access.to_tenant(context, checked_uuid(request.tenant_id))
            rows = self.registry.find("gateway", request.search, tenant_id=request.tenant_id)
        else:
            self.access.to_admin(context)
            rows = self.registry.find("gateway", request.search)
        found = [(api.Gateway.FromString(r.body), r) for r in page(rows, request)]
        return api.ListGatewaysResponse(total_count=len(rows), result=[
            api.GatewayListItem(tenant_id=g.tenant_id, gateway_id=g.gateway_id, name=g.name, description=g.description, location=g.location,
                                created_at=stamp(r.created_at), updated_at=stamp(r.updated_at), last_seen_at=stamp(r.last_seen_at),
                                state=self._state(r, g.stats_interval)) for g, r in found
        ])  # fmt: skip

    def _state(self, row: Row, stats_interval_s: int) -> int:
        if row.last_seen_at is None:
            return int(api.GatewayState.NEVER_SEEN)
        heard = self.now() - row.last_seen_at < 2 * stats_interval_s
        return int(api.GatewayState.ONLINE if heard else api.GatewayState.OFFLINE)


class Internal(_Service, api.InternalServiceServicer):  # type: ignore[misc]
    """Login, API keys and version; closed to API keys, as ChirpStack's is."""

    @answers
    def Login(self, request: Any, context: Context) -> Any:
        known = self.admin_password is not None and request.email == "admin"
        if not (known and hmac.compare_digest(request.password.encode(), str(self.admin_password).encode())):
            refuse("UNAUTHENTICATED", "Invalid username or password")
        return api.LoginResponse(jwt=self.access.user_token("admin"))

    @answers
    def CreateApiKey(self, request: Any, context: Context) -> Any:
        self.access.to_user(context)
        key = present(request, "api_key")
        checked_name(key)
        if key.is_admin == bool(key.tenant_id):
            refuse("INVALID_ARGUMENT", "either is_admin or tenant_id must be set")
        key_id, token = self.access.create_key(key.name, key.tenant_id, key.is_read_only)
        return api.CreateApiKeyResponse(id=key_id, token=token)

    @answers
    def DeleteApiKey(self, request: Any, context: Context) -> Any:
        self.access.to_user(context)
        if not self.registry.delete("api_key", checked_uuid(request.id)):
            refuse("NOT_FOUND", f"Object does not exist (id: {request.id})")
        return Empty()

    @answers
    def GetVersion(self, request: Any, context: Context) -> Any:
        self.access.to_user(context)
        return api.GetVersionResponse(version="4.20.0")


def keys_of(message: Any) -> Any:
    """Device keys as they are stored: lower case, an empty key as zeros."""
    return api.DeviceKeys(
        dev_eui=checked_hex(message.dev_eui, 8),
        **{name: checked_hex(getattr(message, name) or _ZERO_KEY, 16) for name in ("nwk_key", "app_key", "gen_app_key")},
    )
