"""What Mjøsa relies on in ChirpStack's API: one suite, for the stand-in and for a real ChirpStack."""

import secrets
import uuid

import grpc
import pytest
from chirpstack_api import api

from core.errors import Conflict, NetworkServerError, NotFound
from gateway.chirpstack import ChirpStack, NetworkDevice, NetworkServerUnavailable
from gateway.provisioning import ensure
from ingest.device_model import native_models
from tests.network.conftest import STATION, free_port

KEY = "00112233445566778899aabbccddeeff"


@pytest.fixture
def device(client, place):
    new = NetworkDevice(secrets.token_hex(8), "Kum 12", place.application_id, place.profiles["elsys_elt2"], join_eui="a81758fffe000000",
                        tags={"mjosa_sensor": "kum-12"})  # fmt: skip
    client.create_device(new)
    return new


def raw(client, method, request):
    """The status code and text that a call is refused with."""
    with pytest.raises(grpc.RpcError) as refused:
        method(request, metadata=client._metadata, timeout=5)
    return refused.value.code(), refused.value.details()


def test_provisioning_twice_changes_nothing(client, place):
    models = native_models()
    tenant = client.call(client.tenants.Get, api.GetTenantRequest(id=place.tenant_id), "tenant").tenant
    again = ensure(client, [models["elsys_elt2"], models["milesight_em500_pp"]], tenant=tenant.name, application=tenant.name)
    assert again == type(place)(place.tenant_id, place.application_id, place.profiles, ())


def test_provisioning_keeps_what_others_set_and_corrects_what_is_ours(client, place):
    key = "elsys_elt2"
    there = client.call(client.profiles.Get, api.GetDeviceProfileRequest(id=place.profiles[key]), "profile").device_profile
    there.tags["owner"] = "drift"
    there.supports_class_c = True
    client.call(client.profiles.Update, api.UpdateDeviceProfileRequest(device_profile=there), "profile")
    tenant = client.call(client.tenants.Get, api.GetTenantRequest(id=place.tenant_id), "tenant").tenant
    again = ensure(client, [native_models()[key]], tenant=tenant.name, application=tenant.name)
    assert again.changed == ("device profile mjosa elsys_elt2",)
    now = client.call(client.profiles.Get, api.GetDeviceProfileRequest(id=place.profiles[key]), "profile").device_profile
    assert not now.supports_class_c
    assert now.tags["owner"] == "drift"


def test_a_tenant_key_provisions_its_own_tenant(tmp_path):
    from simulators.network_server import StandIn

    with StandIn(tmp_path) as server, ChirpStack(server.address, server.token) as admin:
        made = ensure(admin, [], tenant="vann")
        with ChirpStack(server.address, server.create_api_key("mjosa", made.tenant_id)) as client:
            again = ensure(client, [native_models()["elsys_elt2"]], [STATION], tenant_id=made.tenant_id)
            assert (again.tenant_id, again.application_id) == (made.tenant_id, made.application_id)
            assert client.device("0011223344556677") is None
            with pytest.raises(NetworkServerError, match="another tenant"):
                client.delete_device("0011223344556677")


def test_a_device_is_there_as_it_was_created(client, device):
    assert client.device(device.dev_eui) == device
    assert [d.dev_eui for d in client.devices_of(device.application_id)] == [device.dev_eui]


def test_an_unknown_device_is_none(client):
    assert client.device("ffffffffffffff01") is None


def test_the_same_device_twice_is_a_conflict(client, device):
    code, text = raw(client, client.devices.Create, api.CreateDeviceRequest(device=api.Device(
        dev_eui=device.dev_eui, name="x", application_id=device.application_id, device_profile_id=device.profile_id)))  # fmt: skip
    assert code == grpc.StatusCode.INTERNAL
    assert "unique constraint" in text.lower()
    with pytest.raises(Conflict, match=f"ChirpStack has device {device.dev_eui} already"):
        client.create_device(device)


def test_a_change_keeps_every_other_field(client, device):
    client.change_device(device.dev_eui, name="Kum 13", tags={"round": "3"})
    now = client.device(device.dev_eui)
    assert (now.name, now.join_eui, now.tags) == ("Kum 13", device.join_eui, {"mjosa_sensor": "kum-12", "round": "3"})


def test_update_replaces_everything(client, device):
    bare = api.Device(dev_eui=device.dev_eui, name="bare", application_id=device.application_id, device_profile_id=device.profile_id)
    client.call(client.devices.Update, api.UpdateDeviceRequest(device=bare), "device")
    assert client.device(device.dev_eui).tags == {}


def test_the_key_of_a_1_0_device_goes_to_nwk_key(client, device):
    assert not client.has_keys(device.dev_eui)
    client.set_key(device.dev_eui, KEY.upper())
    keys = client.call(client.devices.GetKeys, api.GetDeviceKeysRequest(dev_eui=device.dev_eui), "keys").device_keys
    assert (keys.nwk_key, keys.app_key) == (KEY, "0" * 32)
    client.set_key(device.dev_eui, "ff" * 16)
    keys = client.call(client.devices.GetKeys, api.GetDeviceKeysRequest(dev_eui=device.dev_eui), "keys").device_keys
    assert keys.nwk_key == "ff" * 16


def test_a_1_1_device_has_both_keys(client, device):
    client.set_key(device.dev_eui, KEY, nwk_key="ff" * 16)
    keys = client.call(client.devices.GetKeys, api.GetDeviceKeysRequest(dev_eui=device.dev_eui), "keys").device_keys
    assert (keys.nwk_key, keys.app_key) == ("ff" * 16, KEY)


def test_a_short_key_or_eui_is_said_in_words(client, device):
    with pytest.raises(NetworkServerError, match="wrong length"):
        client.set_key(device.dev_eui, "0011")
    with pytest.raises(NetworkServerError, match="wrong length"):
        client.device("0011")


def test_before_the_join_there_is_no_address(client, device):
    assert client.dev_addr(device.dev_eui) is None


def test_nonces_can_be_flushed(client, device):
    client.set_key(device.dev_eui, KEY)
    client.flush_dev_nonces(device.dev_eui)


def test_the_queue_holds_what_is_put_in(client, device):
    first = client.enqueue(device.dev_eui, 85, b"\xff\x03\x58\x02")
    second = client.enqueue(device.dev_eui, 85, b"\x01", confirmed=False)
    assert {(i.id, i.payload, i.confirmed) for i in client.queue(device.dev_eui)} == {
        (first, b"\xff\x03\x58\x02", True), (second, b"\x01", False)}  # fmt: skip
    client.flush_queue(device.dev_eui)
    assert client.queue(device.dev_eui) == []


def test_a_port_out_of_range_is_refused(client, device):
    with pytest.raises(NetworkServerError, match=r"(?i)fport"):
        client.enqueue(device.dev_eui, 0, b"\x01")


def test_deleting_a_device_takes_its_keys(client, device):
    client.set_key(device.dev_eui, KEY)
    client.delete_device(device.dev_eui)
    assert client.device(device.dev_eui) is None
    client.create_device(device)
    assert not client.has_keys(device.dev_eui)


def test_deleting_a_profile_takes_its_devices(client, device):
    client.call(client.profiles.Delete, api.DeleteDeviceProfileRequest(id=device.profile_id), "profile")
    assert client.device(device.dev_eui) is None


def test_a_list_without_a_limit_has_a_total_and_no_rows(client, device):
    answer = client.call(client.devices.List, api.ListDevicesRequest(application_id=device.application_id), "devices")
    assert (answer.total_count, len(answer.result)) == (1, 0)


def test_a_list_can_be_searched_and_filtered(client, device):
    request = api.ListDevicesRequest(application_id=device.application_id, limit=10, tags={"mjosa_sensor": "kum-12"})
    assert client.call(client.devices.List, request, "devices").total_count == 1
    request.tags["mjosa_sensor"] = "another"
    assert client.call(client.devices.List, request, "devices").total_count == 0
    by_name = api.ListDevicesRequest(application_id=device.application_id, limit=10, search="kum")
    assert client.call(client.devices.List, by_name, "devices").total_count == 1


@pytest.mark.parametrize(
    ("service", "method", "request_", "code"),
    [
        ("devices", "Create", api.CreateDeviceRequest(), "INVALID_ARGUMENT"),
        ("applications", "Get", api.GetApplicationRequest(id="not a uuid"), "INVALID_ARGUMENT"),
        ("applications", "Get", api.GetApplicationRequest(id=str(uuid.UUID(int=7))), "NOT_FOUND"),
        ("tenants", "Create", api.CreateTenantRequest(tenant=api.Tenant(name="")), "INVALID_ARGUMENT"),
        ("gateways", "Get", api.GetGatewayRequest(gateway_id="ff"), "INTERNAL"),
        ("profiles", "GetByProfileId", api.GetDeviceProfileByProfileIdRequest(vendor_id=65535, vendor_profile_id=65535), "NOT_FOUND"),
    ],
)
def test_status_codes(client, service, method, request_, code):
    assert raw(client, getattr(getattr(client, service), method), request_)[0] == grpc.StatusCode[code]


def test_a_wrong_token_is_said_in_words(client):
    with ChirpStack(client.address, "nonsense") as stranger, pytest.raises(NetworkServerError, match="MJOSA_CHIRPSTACK_TOKEN"):
        stranger.device("0011223344556677")


def test_a_base_station_is_kept_where_the_town_says(client, place):
    stations = list(client.list_all(client.gateways.List, api.ListGatewaysRequest(tenant_id=place.tenant_id), "stations"))
    assert [(g.name, round(g.location.latitude, 4), g.state) for g in stations] == [("Gjøvik gård", 60.7957, api.GatewayState.NEVER_SEEN)]
    moved = STATION.model_copy(update={"id": stations[0].gateway_id, "latitude": 60.8})
    assert ensure(client, [], [moved], tenant_id=place.tenant_id, application=_application_name(client, place)).changed == (
        f"base station {moved.id}",)  # fmt: skip


def _application_name(client, place):
    return client.call(client.applications.Get, api.GetApplicationRequest(id=place.application_id), "application").application.name


def test_nobody_there_is_unavailable():
    with ChirpStack(f"127.0.0.1:{free_port()}", "x") as client, pytest.raises(NetworkServerUnavailable, match="does not answer"):
        client.device("0011223344556677")


def test_not_found_says_what(client):
    with pytest.raises(NotFound, match="no device ffffffffffffff01"):
        client.delete_device("ffffffffffffff01")
