# ruff: noqa: N802 - the methods are named by ChirpStack's protocol
"""ChirpStack's DeviceService on the stand-in's registry: devices, keys, activation, downlink queue."""

from __future__ import annotations

import uuid
from typing import Any

from chirpstack_api import api
from google.protobuf.empty_pb2 import Empty

from simulators.network_server_access import answers, checked_hex, checked_uuid, present, refuse
from simulators.network_server_services import Context, _Service, keys_of, page, stamp


class Devices(_Service, api.DeviceServiceServicer):  # type: ignore[misc]
    @answers
    def Create(self, request: Any, context: Context) -> Any:
        device = present(request, "device")
        device.dev_eui = checked_hex(device.dev_eui, 8)
        device.join_eui = checked_hex(device.join_eui or "0" * 16, 8)
        owner = self.registry.tenant_of("application", checked_uuid(device.application_id))
        self.access.to_tenant(context, owner or "", write=True)
        checked_uuid(device.device_profile_id)
        self._check_quota(owner)
        self.registry.insert("device", device.dev_eui, device.name, device.SerializeToString(), self.now(),
                             application_id=device.application_id, device_profile_id=device.device_profile_id)  # fmt: skip
        return Empty()

    def _check_quota(self, tenant_id: str | None) -> None:
        row = self.registry.get("tenant", tenant_id or "")
        quota = api.Tenant.FromString(row.body).max_device_count if row else 0
        if quota and sum(len(self.registry.find("device", application_id=a.key))
                         for a in self.registry.find("application", tenant_id=str(tenant_id))) >= quota:  # fmt: skip
            refuse("INVALID_ARGUMENT", "Not allowed (max number of devices exceeded)")

    def _device(self, request: Any, context: Context, *, write: bool = False) -> str:
        """The dev_eui of a request, checked and allowed."""
        dev_eui = checked_hex(request.dev_eui, 8)
        self.access.to_row(context, "device", dev_eui, write=write)
        return dev_eui

    @answers
    def Get(self, request: Any, context: Context) -> Any:
        row = self.stored("device", self._device(request, context))
        return api.GetDeviceResponse(device=api.Device.FromString(row.body), created_at=stamp(row.created_at),
                                     updated_at=stamp(row.updated_at), last_seen_at=stamp(row.last_seen_at))  # fmt: skip

    @answers
    def Update(self, request: Any, context: Context) -> Any:
        device = present(request, "device")
        device.dev_eui = self._device(device, context, write=True)
        if not device.name:
            refuse("INVALID_ARGUMENT", "Validation error: name is not set")
        device.join_eui = checked_hex(device.join_eui or "0" * 16, 8)
        for field in (device.application_id, device.device_profile_id):
            checked_uuid(field)
        self.registry.update("device", device.dev_eui, device.name, device.SerializeToString(), self.now(),
                             application_id=device.application_id, device_profile_id=device.device_profile_id)  # fmt: skip
        return Empty()

    @answers
    def Delete(self, request: Any, context: Context) -> Any:
        self.registry.delete("device", self._device(request, context, write=True))
        return Empty()

    @answers
    def List(self, request: Any, context: Context) -> Any:
        self.access.to_row(context, "application", checked_uuid(request.application_id))
        found = [(api.Device.FromString(r.body), r)
                 for r in self.registry.find("device", request.search, application_id=request.application_id)]  # fmt: skip
        found = [
            (d, r) for d, r in found
            if request.device_profile_id in ("", d.device_profile_id) and all(d.tags.get(k) == v for k, v in request.tags.items())
        ]  # fmt: skip
        return api.ListDevicesResponse(total_count=len(found), result=[
            api.DeviceListItem(dev_eui=d.dev_eui, name=d.name, description=d.description, device_profile_id=d.device_profile_id,
                               tags=d.tags, created_at=stamp(r.created_at), updated_at=stamp(r.updated_at),
                               last_seen_at=stamp(r.last_seen_at))
            for d, r in page(found, request)
        ])  # fmt: skip

    @answers
    def CreateKeys(self, request: Any, context: Context) -> Any:
        keys = keys_of(present(request, "device_keys"))
        self._device(keys, context, write=True)
        self.registry.insert("device_keys", keys.dev_eui, "", keys.SerializeToString(), self.now(), dev_eui=keys.dev_eui)
        return Empty()

    @answers
    def GetKeys(self, request: Any, context: Context) -> Any:
        row = self.stored("device_keys", self._device(request, context))
        return api.GetDeviceKeysResponse(
            device_keys=api.DeviceKeys.FromString(row.body), created_at=stamp(row.created_at), updated_at=stamp(row.updated_at)
        )

    @answers
    def UpdateKeys(self, request: Any, context: Context) -> Any:
        keys = keys_of(present(request, "device_keys"))
        self._device(keys, context, write=True)
        self.stored("device_keys", keys.dev_eui)
        self.registry.update("device_keys", keys.dev_eui, "", keys.SerializeToString(), self.now())
        return Empty()

    @answers
    def DeleteKeys(self, request: Any, context: Context) -> Any:
        dev_eui = self._device(request, context, write=True)
        self.stored("device_keys", dev_eui)
        self.registry.delete("device_keys", dev_eui)
        return Empty()

    @answers
    def FlushDevNonces(self, request: Any, context: Context) -> Any:
        self.registry.flush_nonces(self._device(request, context, write=True))
        return Empty()

    @answers
    def Activate(self, request: Any, context: Context) -> Any:
        activation = present(request, "device_activation")
        activation.dev_eui = self._device(activation, context, write=True)
        activation.dev_addr = checked_hex(activation.dev_addr, 4)
        for name in ("app_s_key", "nwk_s_enc_key", "s_nwk_s_int_key", "f_nwk_s_int_key"):
            setattr(activation, name, checked_hex(getattr(activation, name), 16))
        self.registry.delete("device_activation", activation.dev_eui)
        self.registry.insert(
            "device_activation", activation.dev_eui, "", activation.SerializeToString(), self.now(), dev_eui=activation.dev_eui
        )
        return Empty()

    @answers
    def Deactivate(self, request: Any, context: Context) -> Any:
        self.registry.delete("device_activation", self._device(request, context, write=True))
        return Empty()

    @answers
    def GetActivation(self, request: Any, context: Context) -> Any:
        row = self.registry.get("device_activation", self._device(request, context))
        return api.GetDeviceActivationResponse(device_activation=api.DeviceActivation.FromString(row.body) if row else None)

    @answers
    def Enqueue(self, request: Any, context: Context) -> Any:
        item = present(request, "queue_item")
        item.dev_eui = self._device(item, context, write=True)
        if not 1 <= item.f_port <= 255:
            refuse("INVALID_ARGUMENT", "Validation error: fPort must be between 1 - 255")
        item.id = checked_uuid(item.id) if item.id else str(uuid.uuid4())
        if request.flush_queue:
            self._flush(item.dev_eui)
        self.registry.insert("device_queue_item", item.id, "", item.SerializeToString(), self.now(), dev_eui=item.dev_eui)
        return api.EnqueueDeviceQueueItemResponse(id=item.id)

    def _flush(self, dev_eui: str) -> None:
        for row in self.registry.find("device_queue_item", dev_eui=dev_eui):
            self.registry.delete("device_queue_item", row.key)

    @answers
    def FlushQueue(self, request: Any, context: Context) -> Any:
        self._flush(self._device(request, context, write=True))
        return Empty()

    @answers
    def GetQueue(self, request: Any, context: Context) -> Any:
        rows = self.registry.find("device_queue_item", dev_eui=self._device(request, context))
        items = [] if request.count_only else [api.DeviceQueueItem.FromString(r.body) for r in rows]
        return api.GetDeviceQueueItemsResponse(total_count=len(rows), result=items)
