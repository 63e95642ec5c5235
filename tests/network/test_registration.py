"""Registration against the stand-in: both sides or neither, later when the server is down, and never twice."""

import threading
from contextlib import closing

import pytest

from core.errors import ConfigError, Conflict, NotFound
from core.registry import Registry
from core.town import Asset, Calibration, Mounting, Sensor, Town, Utility, Zone
from gateway.bulk import keep_in_step
from gateway.chirpstack import ChirpStack, NetworkServerUnavailable
from gateway.entry import wanted_of
from gateway.fleet import Fleet
from gateway.keysafe import KeySafe
from gateway.registration import Entry, Keys, Registration
from ingest.device_model import native_models
from simulators.network_server import StandIn
from tests.network.conftest import until

EUI, OTHER, KEY = "a81758fffe0a0b0c", "a81758fffe0a0b0d", "00112233445566778899AABBCCDDEEFF"
TOWN = Town(
    utility=Utility(name="Gjøvik"),
    zones=(Zone(id="sone-1"),),
    assets=(Asset(id="OV-101", kind="overflow_chamber", zone="sone-1", latitude=60.79, longitude=10.69), Asset(id="K-7", kind="manhole")),
)


class Clock:
    now = 1_780_000_000.0

    def __call__(self):
        return self.now


class Place:
    """A registry, a stand-in that can be switched off, and the registration over both."""

    def __init__(self, folder):
        self.folder, self.clock = folder, Clock()
        self.registry = Registry.open(f"sqlite:///{folder}/registry.db", clock=self.clock)
        self.registry.import_town(TOWN, "test")
        self.server = StandIn(folder / "server").start()
        self.port = self.server._port
        self.client = ChirpStack(self.server.address, self.server.token, timeout_s=2)
        self.fleet = Fleet(self.client, native_models())
        self.registration = Registration(self.registry, self.fleet, KeySafe(folder / "keys.secret"), clock=self.clock)

    def down(self):
        self.server.stop()

    def up(self):
        self.server = StandIn(self.folder / "server", port=self.port).start()
        until(self.answers)

    def answers(self):
        try:
            self.client.device(EUI)
        except NetworkServerUnavailable:
            return False
        return True

    def close(self):
        self.client.close()
        self.server.stop()
        self.registry.close()


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path)
    yield place
    place.close()


def entry(client_id="phone-1", sensor="kum-12", dev_eui=EUI, keys=True, **changes):
    fields = {"id": sensor, "dev_eui": dev_eui, "model": "elsys_elt2", "asset": "OV-101", "valid_from": 1_779_990_000.0,
              "quantities": ("distance_m",), "mounting": Mounting(depth_m=1.5, cover="cast_iron"), **changes}  # fmt: skip
    return Entry(client_id, Sensor(**fields), Keys(KEY) if keys else None)


def test_a_sensor_is_in_both_after_one_call(place):
    outcome = place.registration.register(entry(), "kari")
    assert (outcome.status, outcome.sensor) == ("done", "kum-12")
    device = place.client.device(EUI)
    assert device.name == "kum-12"
    assert device.tags == {"mjosa_sensor": "kum-12", "mjosa_asset": "OV-101"}
    assert place.client.has_keys(EUI)
    assert place.registry.town().current["kum-12"].mounting.cover == "cast_iron"
    profile = place.fleet.provision(("elsys_elt2",)).profiles["elsys_elt2"]
    assert device.profile_id == profile


def test_the_same_entry_again_is_the_same_answer(place):
    place.registration.register(entry(), "kari")
    revision = place.registry.town_revision()
    again = place.registration.register(entry(), "kari")
    assert again.repeated
    assert (again.status, place.registry.town_revision()) == ("done", revision)


def test_the_same_id_with_other_contents_is_a_conflict(place):
    place.registration.register(entry(), "kari")
    with pytest.raises(Conflict, match="other contents"):
        place.registration.register(entry(asset="K-7"), "kari")


def test_the_same_device_from_another_phone_is_a_conflict_that_says_where(place):
    place.registration.register(entry(), "kari")
    with pytest.raises(Conflict, match="registered already, as sensor 'kum-12' on OV-101"):
        place.registration.register(entry("phone-2", "kum-13", asset="K-7"), "ola")
    assert set(place.registry.town().current) == {"kum-12"}


def test_a_new_asset_comes_with_its_sensor(place):
    new = Entry("phone-1", entry(asset="PS-9").sensor, Keys(KEY), Asset(id="PS-9", kind="pumping_station", zone="sone-1"))
    place.registration.register(new, "kari")
    town = place.registry.town()
    assert town.zone_of(town.current["kum-12"]) == "sone-1"


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        ({"asset": "K-8"}, NotFound, "no asset 'K-8'"),
        ({"zone": "sone-9"}, NotFound, "no zone 'sone-9'"),
        ({"dev_eui": "a81758fffe0a0bOc"}, ConfigError, "16 hexadecimal digits"),
        ({"join_eui": "12"}, ConfigError, "JoinEUI '12'"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(place, wrong, error, said):
    with pytest.raises(error, match=said):
        place.registration.register(entry(**wrong), "kari")
    assert place.registry.town().current == {}
    assert place.client.device(EUI) is None


def test_a_wrong_key_never_shows_itself(place):
    wrong = Entry("phone-1", entry().sensor, Keys("secret-key-0011"))
    with pytest.raises(ConfigError, match="15 characters") as said:
        place.registration.register(wrong, "kari")
    assert "secret" not in str(said.value) + repr(wrong)


def test_when_the_registry_refuses_the_device_is_taken_back(place):
    """Another process gives the device to another sensor just after this one has looked."""
    place.registry.town()
    with closing(Registry.open(f"sqlite:///{place.folder}/registry.db", clock=place.clock)) as elsewhere:
        elsewhere.put(entry(sensor="kum-99", asset="K-7").sensor, "ola")
    with pytest.raises(Conflict, match="kum-99"):
        place.registration.register(entry(), "kari")
    assert place.client.device(EUI) is None
    assert set(place.registry.town().current) == {"kum-99"}


def test_when_chirpstack_is_down_its_half_waits_with_the_key_sealed(place):
    place.down()
    outcome = place.registration.register(entry(), "kari")
    assert outcome.status == "queued"
    assert "does not answer" in outcome.message
    assert place.registry.town().current["kum-12"].dev_eui == EUI
    database = b"".join(f.read_bytes() for f in place.folder.glob("registry.db*"))
    assert EUI.encode() in database
    assert KEY.lower().encode() not in database.lower(), "the key is on disk only encrypted"
    assert place.registration.register(entry(), "kari").status == "queued", "the retry of the phone is harmless"
    assert [(w["sensor"], w["attempts"]) for w in place.registration.waiting()] == [("kum-12", 0)]
    place.up()
    assert place.registration.retry() == 0, "not due yet"
    place.clock.now += 20
    assert place.registration.retry() == 1
    assert place.registration.waiting() == []
    assert place.client.has_keys(EUI)
    assert place.registration.register(entry(), "kari").status == "done"


def test_a_thread_tells_chirpstack_when_it_is_back(place):
    place.registry.put(Sensor(id="from-file", dev_eui=OTHER, model="elsys_elt2", asset="K-7"), "test")
    place.down()
    place.registration.register(entry(), "kari")
    place.up()
    place.clock.now += 20
    stop = threading.Event()
    thread = threading.Thread(target=keep_in_step, args=(place.registration, stop), kwargs={"whole_town": True, "every_s": 0.05})
    thread.start()
    try:
        until(lambda: place.registration.waiting() == [])
        assert {d.dev_eui for d in place.fleet.all()} == {EUI, OTHER}
    finally:
        stop.set()
        thread.join(5)
    assert not thread.is_alive()


def test_a_crash_between_the_two_sides_heals_with_the_next_try(place):
    place.fleet.apply(wanted_of(entry().sensor, Keys(KEY)))
    assert place.registration.register(entry(), "kari").status == "done"
    assert place.registry.town().current["kum-12"].dev_eui == EUI


def test_move_keeps_the_past_where_it_was(place):
    place.registration.register(entry(), "kari")
    at = 1_779_995_000.0
    place.registration.move("phone-2", "kum-12", "K-7", at, "kari", changes={"mounting": {"depth_m": 2.0, "cover": "plastic"}})
    place.registration.move("phone-2", "kum-12", "K-7", at, "kari", changes={"mounting": {"depth_m": 2.0, "cover": "plastic"}})
    town = place.registry.town()
    assert [(p.asset, p.mounting.cover) for p in town.placements["kum-12"]] == [("OV-101", "cast_iron"), ("K-7", "plastic")]
    assert town.sensor_at(EUI, at - 1).asset == "OV-101"
    assert place.client.device(EUI).tags["mjosa_asset"] == "K-7"


def test_swap_continues_the_point_with_a_new_device(place):
    place.registration.register(entry(), "kari")
    at = 1_779_995_000.0
    outcome = place.registration.swap("phone-2", "kum-12", OTHER.upper(), at, "kari", keys=Keys("ff" * 16))
    assert (outcome.status, outcome.dev_eui) == ("done", OTHER)
    assert [p.dev_eui for p in place.registry.town().placements["kum-12"]] == [EUI, OTHER]
    assert place.client.device(EUI).disabled
    assert place.client.has_keys(OTHER)
    assert place.registration.swap("phone-2", "kum-12", OTHER, at + 9, "kari").repeated


def test_a_swap_to_a_device_in_use_is_refused(place):
    place.registration.register(entry(), "kari")
    place.registration.register(entry("phone-2", "kum-13", OTHER, asset="K-7"), "kari")
    with pytest.raises(Conflict, match="'kum-13' on K-7"):
        place.registration.swap("phone-3", "kum-12", OTHER, 1_779_995_000.0, "kari")


def test_retire_keeps_history_and_silences_the_device_also_when_chirpstack_is_down(place):
    place.registration.register(entry(), "kari")
    place.down()
    assert place.registration.retire("phone-2", "kum-12", 1_779_999_000.0, "kari").status == "queued"
    place.up()
    place.registration.retry(now=True)
    assert place.client.device(EUI).disabled
    assert place.registry.town().current["kum-12"].valid_to == 1_779_999_000.0
    again = entry("phone-3", "kum-14", valid_from=1_779_999_500.0)
    assert place.registration.register(again, "kari").status == "done", "a retired device may serve elsewhere"
    assert not place.client.device(EUI).disabled
    assert place.client.device(EUI).tags["mjosa_sensor"] == "kum-14"


def test_calibrate_adds_to_the_sensor(place):
    place.registration.register(entry(), "kari")
    place.registration.calibrate("phone-2", "kum-12", Calibration(quantity="distance_m", offset=0.02, valid_from=1_779_995_000.0), "kari")
    assert [c.offset for c in place.registry.town().current["kum-12"].calibration] == [0.02]


def test_rekey_and_flushed_nonces_let_a_device_join_again(place):
    place.registration.register(entry(), "kari")
    assert place.server.events.join(EUI, 771)
    assert place.server.events.join(EUI, 771) is None
    place.registration.flush_nonces("kum-12")
    assert place.server.events.join(EUI, 771)
    assert place.registration.rekey("kum-12", Keys("ee" * 16)).status == "done"
    with pytest.raises(ConfigError):
        place.registration.rekey("kum-12", Keys("ee"))
