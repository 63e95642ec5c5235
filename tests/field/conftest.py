"""A whole Mjøsa for the phone: broker, stand-in network server, ingest and pages; and Chromium the size of a phone."""

import json

import pytest
from playwright.sync_api import sync_playwright

from api.app import create_app
from api.security.sessions import COOKIE
from api.services import Services
from core.records import Role, User
from core.settings import Settings
from core.town import Asset, BaseStation, Town, Utility, Zone
from gateway.chirpstack import ChirpStack, NetworkServerUnavailable
from gateway.fleet import Fleet
from gateway.keysafe import KeySafe
from gateway.registration import Registration
from gateway.subscriber import Connection, Subscriber
from ingest.device_model import native_models
from mjosa import build
from simulators.network_server import StandIn
from tests.api.conftest import served
from tests.network.conftest import broker, until  # noqa: F401 - a fixture

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HERE = {"latitude": 60.7957, "longitude": 10.6915}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True, "locale": "nb-NO",
         "geolocation": HERE, "permissions": ["geolocation"]}  # fmt: skip
STATIONS = tuple(BaseStation(id=f"0016c001ff10a00{i}", name=f"Mast {i}", latitude=60.79 + i / 100, longitude=10.69) for i in (1, 2))
TOWN = Town(
    utility=Utility(name="Gjøvik kommune"),
    base_stations=STATIONS,
    zones=(Zone(id="sentrum", name="Sentrum", kind="sewer"),),
    assets=(
        Asset(id="OV-101", name="Overløp Strandgata", kind="overflow_chamber", zone="sentrum", depth_m=4.0, latitude=60.7958,
              longitude=10.6917),
        Asset(id="K-7", name="Kum ved brua", kind="manhole", zone="sentrum", latitude=60.7975, longitude=10.6950, depth_m=3.0),
        Asset(id="K-8", name="Kum Hunnsveien", kind="manhole", zone="sentrum", latitude=60.8100, longitude=10.7000),
        Asset(id="mp-1", name="Storgata 1", kind="meter_point", latitude=60.7957, longitude=10.6916, household=True),
    ),
)  # fmt: skip


class Mjosa:
    """Everything behind the phone, with switches."""

    def __init__(self, folder, broker):  # noqa: F811
        self.folder = folder
        self.system = build(Settings(data_dir=folder, store_url="duckdb:"))
        self.registry = self.system.registry
        self.registry.import_town(TOWN, "test")
        self.broker = broker
        self.server = StandIn(folder / "network", mqtt=broker).start()
        self.port = self.server._port
        self.client = ChirpStack(self.server.address, self.server.token, timeout_s=2)
        self.registration = Registration(self.registry, Fleet(self.client, native_models(), base_stations=lambda: STATIONS),
                                         KeySafe(folder / "device_keys.secret"))  # fmt: skip
        self.registration.fleet.provision()
        self.system.processor.start()
        self.subscriber = Subscriber(Connection(f"mqtt://127.0.0.1:{broker.port}", f"mjosa-{folder.name}"), self.system.processor.keep)
        self.subscriber.start()
        self.app = create_app(Services(self.system.settings, self.system.store, self.registry, self.system.clock, log=self.system.log,
                                       models=self.system.models, registration=self.registration))  # fmt: skip

    def cookie(self, *roles):
        user = User("-".join(roles) or "kari", frozenset(roles or (Role.FIELD,)))
        self.registry.users.put(user)
        return self.app.state.context.sessions.open(user)

    def reset(self):
        self.registry.import_town(TOWN, "test")
        for kind in ("registration:", "network_waits:", "downlink:"):
            for key in self.registry.documents.keys(kind):
                self.registry.documents.remove(key)
        devices = [d.dev_eui for d in self.registration.fleet.all()]
        for dev_eui in devices:
            self.client.delete_device(dev_eui)
        if devices:
            self.system.store.delete(sensors=devices)
        self.began = self.system.clock()

    def audited(self, action):
        return [a for a in self.registry.audit.find() if a.action == action and a.at >= self.began]

    def network_down(self):
        self.server.stop()

    def network_up(self):
        self.server = StandIn(self.folder / "network", mqtt=self.broker, port=self.port).start()
        until(self._answers)

    def _answers(self):
        try:
            self.client.device("0011223344556677")
        except NetworkServerUnavailable:
            return False
        return True

    def close(self):
        self.subscriber.stop()
        self.system.processor.stop()
        self.client.close()
        self.server.stop()
        self.system.log.close()
        self.system.close()


@pytest.fixture(scope="session")
def whole(tmp_path_factory, broker):  # noqa: F811
    """One Mjøsa for all tests of this folder, and its address: starting one takes a second or two."""
    made = Mjosa(tmp_path_factory.mktemp("mjosa"), broker)
    with served(made.app) as address:
        yield made, address
    made.close()


@pytest.fixture
def mjosa(whole):
    """Mjøsa with the town as it was and no device."""
    whole[0].reset()
    return whole[0]


@pytest.fixture
def address(whole):
    return whole[1]


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Phone:
    """One phone: its own storage, coverage that can go, and what its page complained of."""

    def __init__(self, chromium, mjosa, address):
        self.mjosa, self.address = mjosa, address
        self.context = chromium.new_context(**PHONE)
        self.context.set_default_timeout(20_000)
        self.context.add_cookies([{"name": COOKIE, "value": mjosa.cookie(), "url": address}])
        self.page = self.context.new_page()
        self.complaints = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.open()

    def open(self):
        self.page.goto(f"{self.address}/field/")
        self.page.get_by_role("heading", name="Hva skal du gjøre?").wait_for()
        self.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        self.page.get_by_text(TOWN.utility.name).wait_for()
        return self

    def scan(self, text):
        """Types the code, as a scanner would give it."""
        self.page.get_by_role("button", name="Skann sensor").click()
        self.page.get_by_label("DevEUI (16 tegn)").fill(text)
        self.page.get_by_role("button", name="Videre").click()

    def fill(self, key="00112233445566778899aabbccddeeff", model="milesight_em500_swl", place="Overløp Strandgata"):
        self.page.get_by_label("Produkt").select_option(model)
        self.page.get_by_role("radio", name=place).check()
        self.page.get_by_label("Dybde under bakken (m)").fill("1,5")
        self.page.get_by_label("Lokk").select_option("cast_iron")
        self.page.get_by_label("AppKey (32 tegn)").fill(key)

    def register(self):
        self.page.get_by_role("button", name="Registrer", exact=True).click()

    def home(self):
        self.page.goto(f"{self.address}/field/")
        self.page.get_by_role("heading", name="Hva skal du gjøre?").wait_for()

    def kept(self):
        """Everything in the phone's database, as JSON (binary data as its length)."""
        return json.loads(self.page.evaluate(
            """async () => {
              const of = (asked) => new Promise((done) => { asked.onsuccess = () => done(asked.result); });
              const base = await of(indexedDB.open('mjosa-field', 1));
              const all = await of(base.transaction('entries').objectStore('entries').getAll());
              base.close();
              return JSON.stringify(all, (k, v) => v instanceof ArrayBuffer ? v.byteLength : v);
            }"""))  # fmt: skip

    def waits_for(self, state, n=1):
        until(lambda: [e["state"] for e in self.kept()].count(state) == n, 20)

    def picture(self, name):
        self.page.screenshot(path=f"/tmp/field-{name}.png", full_page=True)

    def close(self):
        self.context.close()


@pytest.fixture
def phone(chromium, mjosa, address):
    made = Phone(chromium, mjosa, address)
    yield made
    assert made.complaints == []
    made.close()
