"""The phone in a real browser: scan, register, first uplink, verdict; no coverage; the same code twice; ChirpStack down."""

import io
import json

import pytest
from PIL import Image

from core.model import Reception, Sample
from core.records import Role
from core.town import Sensor
from ingest.device_model import native_models
from tests.field.conftest import STATIONS, Phone
from tests.network.conftest import until
from tests.network.test_qr import VECTOR, photo

pytestmark = pytest.mark.browser
EUI, KEY = "24e124000000a001", "00112233445566778899aabbccddeeff"
CODE = f"LW:D0:24E124C0002A0001:{EUI.upper()}:00120034"
HEARD = [Reception(STATIONS[0].id, -98.0, 4.0), Reception(STATIONS[1].id, -109.0, -2.0)]


def send(mjosa, level_m=1.21, battery_pct=99.0):
    """The device joins, where it has not, and sends one frame."""
    if mjosa.client.dev_addr(EUI) is None:
        assert mjosa.server.events.join(EUI)
    port, frame = native_models()["milesight_em500_swl"].encode([Sample("battery_pct", battery_pct), Sample("level_m", level_m)], {})
    assert mjosa.server.events.uplink(EUI, port, frame, HEARD, spreading_factor=9) is not None


def test_scan_register_first_uplink_verdict(phone, mjosa):
    phone.picture("1-home")
    phone.scan(CODE)
    phone.page.get_by_role("radio", name="Overløp Strandgata").wait_for()
    nearest = phone.page.get_by_role("radio").first
    assert "OV-101" in nearest.get_attribute("value"), "the nearest asset comes first"
    phone.fill()
    assert phone.page.get_by_label("Navn på målepunktet").input_value() == "OV-101"
    phone.picture("2-new")
    phone.register()
    phone.page.get_by_role("heading", name="Virker OV-101?").wait_for()
    phone.page.get_by_text("Venter på sensoren").wait_for()
    phone.picture("3-waiting")
    device = mjosa.client.device(EUI)
    assert (device.join_eui, mjosa.client.keys(EUI)) == ("24e124c0002a0001", {"app_key": KEY})
    sensor = mjosa.registry.town().current["OV-101"]
    assert (sensor.asset, sensor.mounting.depth_m, sensor.mounting.cover) == ("OV-101", 1.5, "cast_iron")
    assert "level_m" in sensor.quantities
    send(mjosa)
    phone.page.get_by_text("Alt i orden").wait_for()
    phone.page.get_by_label("Avlest verdi: Nivå (m)").fill("1,45")
    phone.page.get_by_label("Avlest verdi: Nivå (m)").blur()
    phone.page.get_by_text("Noe er galt").wait_for()
    phone.page.get_by_label("Avlest verdi: Nivå (m)").fill("1,22")
    phone.page.get_by_label("Avlest verdi: Nivå (m)").blur()
    phone.page.get_by_text("Alt i orden").wait_for()
    phone.picture("4-verdict")
    phone.page.get_by_label("Bilde av monteringen").set_input_files({"name": "kum.png", "mimeType": "image/png", "buffer": picture()})
    phone.page.get_by_label("Merknad").fill("Festet på stigen")
    phone.page.get_by_role("button", name="Godkjenn").click()
    phone.page.get_by_text("Ferdig").wait_for()
    phone.picture("5-signed")
    (record,) = mjosa.registry.commissionings.find(sensor="OV-101")
    assert (record.verdict, record.author, record.note) == ("good", "kari", "Festet på stigen")
    assert record.checks["agreement"]["typed"] == 1.22
    with Image.open(mjosa.folder / "photos" / record.photo) as kept:
        assert (kept.format, kept.size) == ("JPEG", (640, 480))
    assert phone.context.request.get(f"{phone.address}/field/api/photos/{record.id}").body()[:3] == b"\xff\xd8\xff"
    assert phone.context.request.get(f"{phone.address}/field/api/commissionings?sensor=OV-101").json()[0]["verdict"] == "good"
    assert KEY not in json.dumps([(a.action, dict(a.details)) for a in mjosa.registry.audit.find()])


def picture():
    out = io.BytesIO()
    Image.effect_noise((640, 480), 60).convert("RGB").save(out, "PNG")
    return out.getvalue()


def test_without_coverage_the_entry_waits_encrypted_and_is_sent_once(phone, mjosa):
    phone.context.set_offline(True)
    phone.page.get_by_text("Uten dekning").wait_for()
    phone.scan(CODE)
    phone.fill()
    phone.register()
    phone.page.get_by_text("Venter på dekning").wait_for()
    phone.picture("6-offline")
    assert KEY not in json.dumps(phone.kept())
    assert phone.kept()[0]["sealed"]["data"] > 0
    phone.page.reload()
    phone.page.get_by_role("heading", name="Hva skal du gjøre?").wait_for()
    phone.page.get_by_role("button", name="Mine registreringer (1 venter)").wait_for()
    assert "OV-101" not in mjosa.registry.town().current
    phone.context.set_offline(False)
    phone.waits_for("sent")
    until(lambda: "OV-101" in mjosa.registry.town().current)
    assert phone.kept()[0]["sealed"] is None, "the key leaves the phone's store once it is sent"
    assert mjosa.client.keys(EUI) == {"app_key": KEY}


def test_an_answer_lost_on_the_way_is_harmless(phone, mjosa):
    """The network goes while the server answers: the phone sends again, the server does nothing twice."""
    lost = []

    def lose(route):
        if not lost:
            route.fetch()
            lost.append(True)
            route.abort("internetdisconnected")
        else:
            route.continue_()

    phone.page.route("**/field/api/entries", lose)
    phone.scan(CODE)
    phone.fill()
    phone.register()
    phone.waits_for("sent")
    assert lost
    assert [p.dev_eui for p in mjosa.registry.town().placements["OV-101"]] == [EUI]
    assert len(mjosa.audited("field.register")) == 1


def test_the_same_code_twice(phone, mjosa):
    phone.context.set_offline(True)
    phone.scan(CODE)
    phone.fill()
    phone.register()
    phone.page.get_by_text("Venter på dekning").wait_for()
    phone.home()
    phone.scan(CODE)
    phone.page.get_by_role("heading", name="Denne sensoren ligger allerede og venter").wait_for()
    phone.context.set_offline(False)
    phone.waits_for("sent")
    phone.home()
    phone.scan(CODE)
    phone.page.get_by_role("heading", name="Denne sensoren er registrert").wait_for()
    phone.picture("7-known")
    assert list(mjosa.registry.town().current) == ["OV-101"]


def test_two_phones_with_the_same_device_show_the_conflict(phone, chromium, mjosa, address):
    other = Phone(chromium, mjosa, address)
    other.context.set_offline(True)
    other.scan(CODE)
    other.fill(place="Kum ved brua")
    other.register()
    other.page.get_by_text("Venter på dekning").wait_for()
    phone.scan(CODE)
    phone.fill()
    phone.register()
    phone.page.get_by_role("heading", name="Virker OV-101?").wait_for()
    other.context.set_offline(False)
    other.waits_for("conflict")
    other.home()
    other.page.get_by_role("button", name="Mine registreringer (1 venter)").click()
    other.page.get_by_text(f"Enhet {EUI} er allerede registrert, som 'OV-101'").wait_for()
    other.picture("8-conflict")
    other.page.get_by_role("button", name="Prøv igjen").click()
    other.waits_for("conflict")
    phone.home()
    phone.scan(CODE)
    phone.page.get_by_role("button", name="Ta ut av drift").click()
    phone.page.get_by_role("button", name="Trykk en gang til").click()
    until(lambda: mjosa.client.device(EUI).disabled)
    other.page.get_by_role("button", name="Rett opp").click()
    assert other.page.get_by_role("radio", name="Kum ved brua").is_checked()
    assert other.page.get_by_label("AppKey (32 tegn)").input_value() == "", "a key is not shown again"
    other.page.get_by_label("Navn på målepunktet").fill("K-7-ny")
    other.register()
    other.page.get_by_role("heading", name="Virker K-7-ny?").wait_for()
    assert mjosa.client.keys(EUI) == {"app_key": KEY}, "the key typed before was used"
    assert [e["title"] for e in other.kept()] == ["K-7-ny"]
    other.home()
    other.page.get_by_role("button", name="Mine registreringer").click()
    other.page.get_by_role("button", name="Slett").click()
    other.page.get_by_role("button", name="Trykk en gang til for å slette").click()
    other.page.get_by_text("Ingenting er registrert på denne telefonen").wait_for()
    assert other.complaints == []
    other.close()


def test_chirpstack_down(phone, mjosa):
    mjosa.network_down()
    phone.scan(CODE)
    phone.fill()
    phone.register()
    phone.page.get_by_text("Nettverkstjeneren svarer ikke").wait_for()
    phone.picture("9-chirpstack-down")
    assert [e["state"] for e in phone.kept()] == ["queued"]
    mjosa.network_up()
    assert mjosa.registration.retry(now=True) == 1
    send(mjosa)
    phone.page.get_by_text("Alt i orden").wait_for()
    assert mjosa.client.keys(EUI) == {"app_key": KEY}


def test_a_photo_of_the_code_is_read_by_the_server(phone):
    phone.page.get_by_role("button", name="Skann sensor").click()
    chooser = phone.page.get_by_label("Ta bilde av QR-koden")
    chooser.set_input_files({"name": "empty.png", "mimeType": "image/png", "buffer": picture()})
    phone.page.get_by_text("Fant ingen kode i bildet").wait_for()
    chooser.set_input_files({"name": "kode.jpg", "mimeType": "image/jpeg", "buffer": photo(CODE)})
    phone.page.get_by_role("heading", name="Ny sensor").wait_for()
    assert EUI.upper() in phone.page.locator("main").inner_text()


def test_what_is_mistyped_is_said(phone):
    phone.scan("24E124000000A0O1")
    phone.page.get_by_text("Se etter O i stedet for 0").wait_for()
    phone.page.get_by_label("DevEUI (16 tegn)").fill(CODE)
    phone.page.get_by_role("button", name="Videre").click()
    phone.register()
    phone.page.get_by_text("Velg produkt.").wait_for()
    phone.fill(key="1234")
    phone.register()
    phone.page.get_by_text("Nøkkelen må ha 32 tegn").wait_for()
    assert phone.kept() == []


def test_move_swap_and_retire_from_the_phone(phone, mjosa):
    phone.scan(CODE)
    phone.fill()
    phone.register()
    phone.page.get_by_role("heading", name="Virker OV-101?").wait_for()
    phone.home()
    phone.scan(CODE)
    phone.page.get_by_role("button", name="Flytt hit").click()
    phone.page.get_by_role("radio", name="Kum ved brua").check()
    phone.page.get_by_role("button", name="Flytt hit").click()
    until(lambda: mjosa.registry.town().current["OV-101"].asset == "K-7")
    phone.page.get_by_role("heading", name="Virker OV-101?").wait_for()
    phone.home()
    phone.scan(CODE)
    phone.page.get_by_role("button", name="Bytt enhet").click()
    phone.page.get_by_label("DevEUI (16 tegn)").fill("24e124000000a002")
    phone.page.get_by_role("button", name="Videre").click()
    phone.page.get_by_label("AppKey (32 tegn)").fill("ff" * 16)
    phone.page.get_by_role("button", name="Bytt enhet").click()
    until(lambda: mjosa.registry.town().current["OV-101"].dev_eui == "24e124000000a002")
    phone.page.get_by_role("heading", name="Virker OV-101?").wait_for()
    phone.home()
    phone.scan("24e124000000a002")
    phone.page.get_by_role("button", name="Ny nøkkel").click()
    phone.page.get_by_label("AppKey (32 tegn)").fill("ee" * 16)
    phone.page.get_by_role("button", name="Ny nøkkel").click()
    until(lambda: mjosa.client.keys("24e124000000a002") == {"app_key": "ee" * 16})
    phone.page.get_by_role("heading", name="Virker OV-101?").wait_for()
    phone.home()
    phone.scan("24e124000000a002")
    phone.page.get_by_role("button", name="Ta ut av drift").click()
    assert mjosa.registry.town().current["OV-101"].valid_to == float("inf"), "one press does not retire it"
    phone.page.get_by_role("button", name="Trykk en gang til").click()
    until(lambda: mjosa.client.device("24e124000000a002").disabled)
    assert mjosa.registry.town().current["OV-101"].valid_to < 1e12


def test_signed_out_the_page_opens_and_keeps_entries(chromium, mjosa, address):
    context = chromium.new_context(locale="en-GB")
    page = context.new_page()
    page.goto(f"{address}/field/")
    page.get_by_role("heading", name="What are you here to do?").wait_for()
    page.get_by_role("link", name="Sign in").wait_for()
    assert page.request.get(f"{address}/field/api/town").status == 401
    context.close()


def test_a_reporter_may_look_at_nothing_here(chromium, mjosa, address):
    cookie = mjosa.cookie(Role.REPORTER)
    context = chromium.new_context()
    context.add_cookies([{"name": "mjosa_session", "value": cookie, "url": address}])
    assert context.request.get(f"{address}/field/api/town").status == 403
    context.close()


def test_nobodys_home_is_carried_along_but_a_meter_can_be_mounted_there(phone, mjosa):
    text = json.dumps(phone.page.evaluate("fetch('api/town').then((r) => r.json())"))
    assert "Storgata 1" not in text
    assert "OV-101" in text
    phone.scan(CODE)
    phone.fill(model="axioma_qalcosonic_w1", place="Storgata 1")
    phone.register()
    phone.page.get_by_text("Venter på sensoren").wait_for()
    assert [s.asset for s in mjosa.registry.town().current.values()] == ["mp-1"]
    (looked,) = mjosa.audited("field.verdict")
    assert (looked.actor, looked.personal) == ("kari", True), "looking at a home's meter leaves a trace"


def test_the_phone_reads_codes_as_the_server_does(phone):
    wrong = [VECTOR.replace("FOOBAR", "FOOBAZ"), "LW:D0:1122334455667788:AABBCCDDEEFF0011", "https://example.org/", "A81758FFFE0A0B0"]
    read = phone.page.evaluate(
        "async (texts) => { const { parse } = await import('./scan.js'); return texts.map(parse); }", [VECTOR, *wrong]
    )
    assert read == [{"dev_eui": "aabbccddeeff0011", "join_eui": "1122334455667788"}, None, None, None, None]


def test_visits_and_settings_on_the_phone(phone, mjosa):
    silent = Sensor(id="K-7-1", dev_eui="24e124000000a0f1", model="elsys_elt2", asset="K-7", valid_from=mjosa.system.clock() - 5 * 86_400)
    mjosa.registry.put(silent, "test")
    phone.page.get_by_role("button", name="Sensorer som trenger besøk").click()
    phone.page.get_by_text("Har aldri meldt seg.").wait_for()
    assert phone.page.get_by_role("img", name="Kjørerute med 1 stopp").is_visible()
    phone.picture("10-visits")
    phone.home()
    phone.scan(CODE)
    phone.fill()
    phone.register()
    phone.page.get_by_role("heading", name="Virker OV-101?").wait_for()
    send(mjosa)
    phone.page.get_by_text("Alt i orden").wait_for()
    phone.home()
    phone.scan(CODE)
    phone.page.get_by_role("button", name="Innstillinger i sensoren").click()
    phone.page.get_by_label("Verdi").fill("5")
    phone.page.get_by_role("button", name="Send til sensoren").click()
    phone.page.get_by_text("Verdien må være fra 60 til 64800 s.").wait_for()
    phone.page.get_by_label("Verdi").fill("1200")
    phone.page.get_by_role("button", name="Send til sensoren").click()
    phone.page.get_by_text("Venter på at sensoren sender neste gang").wait_for()
    phone.picture("11-settings")
    (item,) = mjosa.client.queue(EUI)
    assert item.payload == bytes.fromhex("ff03b004")


SMALL_TARGETS = """() => [...document.querySelectorAll('button, a, select, textarea, input')].filter((e) => e.offsetParent).map((e) => {
  const label = e.closest('label.choice, label.button') || e;
  const box = label.getBoundingClientRect();
  return [e.tagName + ' ' + (e.name || e.textContent), Math.round(box.width), Math.round(box.height)];
}).filter(([, width, height]) => width < 44 || height < 44)"""
NAMELESS = """() => [...document.querySelectorAll('button, a, select, textarea, input')].filter((e) => e.offsetParent)
  .filter((e) => !(e.labels?.length || e.textContent.trim() || e.getAttribute('aria-label'))).map((e) => e.outerHTML)"""
CONTRAST = """() => {
  const parsed = (c) => { const n = c.match(/[\\d.]+/g).map(Number); return n[3] === 0 ? null : n.slice(0, 3); };
  const linear = (v) => v <= 10.3 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4;
  const bright = (c) => 0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2]);
  const behind = (e) => e ? parsed(getComputedStyle(e).backgroundColor) || behind(e.parentElement) : [255, 255, 255];
  const written = (e) => e.offsetParent && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  return [...document.querySelectorAll('body *')].filter(written).map((e) => {
    const [light, dark] = [bright(parsed(getComputedStyle(e).color)), bright(behind(e))].sort((x, y) => y - x);
    return [e.textContent.trim().slice(0, 40), (light + 0.05) / (dark + 0.05)];
  }).filter(([, ratio]) => ratio < 4.5);
}"""


def check_access(phone):
    """WCAG 2.1 AA as far as it can be measured, and targets fit for gloves (2.5.5 asks for 44 px, at AAA).

    Names (4.1.2), contrast (1.4.3), one heading (1.3.1), language (3.1.1), no scrolling sideways (1.4.10).
    """
    assert phone.page.evaluate(NAMELESS) == []
    assert phone.page.evaluate(SMALL_TARGETS) == []
    assert phone.page.evaluate(CONTRAST) == []
    assert phone.page.locator("h1").count() == 1
    assert phone.page.evaluate("[document.documentElement.lang, document.documentElement.scrollWidth <= innerWidth]") == ["nb", True]


def test_the_measures_see_what_is_wrong(phone):
    phone.page.evaluate("""() => {
      const add = (tag, textContent, css) => {
        const made = Object.assign(document.createElement(tag), { textContent });
        Object.assign(made.style, css);
        document.getElementById('view').append(made);
      };
      add('p', 'pale', { color: 'rgb(150, 150, 150)' });
      add('button', '', { minHeight: '20px', height: '20px' });
    }""")
    assert [text for text, _ in phone.page.evaluate(CONTRAST)] == ["pale"]
    assert len(phone.page.evaluate(SMALL_TARGETS)) == 1
    assert len(phone.page.evaluate(NAMELESS)) == 1


def test_every_view_can_be_read_and_hit(phone, mjosa):
    check_access(phone)
    phone.page.get_by_role("button", name="Skann sensor").click()
    phone.page.get_by_label("DevEUI (16 tegn)").wait_for()
    check_access(phone)
    phone.page.get_by_label("DevEUI (16 tegn)").fill(CODE)
    phone.page.keyboard.press("Enter")
    phone.fill()
    check_access(phone)
    phone.register()
    phone.page.get_by_text("Venter på sensoren").wait_for()
    send(mjosa, level_m=9.5, battery_pct=60)
    phone.page.get_by_text("Noe er galt").wait_for()
    check_access(phone)
    phone.picture("12-bad")
    phone.home()
    phone.page.get_by_role("button", name="Mine registreringer").click()
    phone.page.get_by_role("heading", name="Mine registreringer").wait_for()
    check_access(phone)
    phone.page.get_by_role("button", name="English").click()
    phone.page.get_by_role("heading", name="My entries").wait_for()
    assert phone.page.evaluate("document.documentElement.lang") == "en"


def test_it_can_be_installed(phone, address):
    manifest = phone.context.request.get(f"{address}/field/manifest.webmanifest").json()
    assert (manifest["start_url"], manifest["display"]) == ("/field/", "standalone")
    for icon in manifest["icons"]:
        picture_ = Image.open(io.BytesIO(phone.context.request.get(f"{address}/field/{icon['src']}").body()))
        assert icon["sizes"] == f"{picture_.width}x{picture_.height}"
    session = phone.context.new_cdp_session(phone.page)
    errors = {e["errorId"] for e in session.send("Page.getInstallabilityErrors")["installabilityErrors"]}
    assert errors <= {"in-incognito"}, "a test's browser window is always a private one"


def test_both_languages_have_every_word(phone):
    missing = phone.page.evaluate("""async () => {
      const text = await (await fetch('words.js')).text();
      const words = [...text.matchAll(/^ *(\\w+): \\["([^"]*)", "([^"]*)"\\]/gm)];
      return words.length < 100 ? ['few'] : words.filter((m) => m[1] !== 'online' && (!m[2] || !m[3])).map((m) => m[1]);
    }""")
    assert missing == []
