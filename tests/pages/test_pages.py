"""Every page in a real browser, with live data, on a desktop and a phone, in both languages, dark and light, without the internet."""

import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from api.security.sessions import COOKIE
from core.model import Reading, Readings
from core.records import Role, User
from ingest.dead_letters import DeadLetters
from ingest.models import ModelLibrary
from ingest.uplink_log import UplinkLog
from tests.api.conftest import served
from tests.api.test_notify import ALARM
from tests.api.town import build
from tests.processes import wait_for

pytestmark = pytest.mark.browser
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
PAGES = {
    "operations": ("/", "#alarms .alarm"), "sensor": ("/sensor/OV-4", ".chart canvas"), "zone": ("/zone/sentrum", "#balance canvas"),
    "overflows": ("/overflows?", ".calendar rect"), "sustainability": ("/sustainability", ".figure"),
    "administration": ("/administration", "table"),
}  # fmt: skip
"""Page → (path, what must be there when it has loaded)."""
SHOTS = os.environ.get("MJOSA_TEST_SCREENSHOTS")
"""A folder to keep pictures in: docs/screenshots is made with it."""


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as p:
        made = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield made
        made.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """(address, services, application) of the small town as of now."""
    from api.app import create_app

    folder = tmp_path_factory.mktemp("pages")
    services, _ = build(folder, now=time.time(), clock=time.time)
    services.log, services.models, services.dead_letters = UplinkLog(folder / "log"), ModelLibrary(), DeadLetters(folder / "dead.db")
    app = create_app(services)
    with served(app) as address:
        yield address, services, app
    for part in (services.log, services.dead_letters, services.registry):
        part.close()


class Visit:
    """One window of a signed-in user; remembers every complaint and every request beyond the site."""

    def __init__(self, browser, site, size="desktop", theme="light", language="nb", roles=tuple(Role)):
        self.address, services, app = site
        user = User("kari", frozenset(roles), language=language)
        services.registry.users.put(user)
        app.state.context.sessions.forget()
        width, height = SIZES[size]
        self.window = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme, has_touch=size == "phone")
        self.window.add_cookies([{"name": COOKIE, "value": app.state.context.sessions.open(user), "url": self.address}])
        self.page = self.window.new_page()
        self.complaints, self.abroad = [], []
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda e: self.complaints.append(str(e)))
        self.page.on("request", lambda r: None if r.url.startswith((self.address, "data:", "blob:")) else self.abroad.append(r.url))

    def open(self, path, there):
        self.page.goto(self.address + path)
        self.page.wait_for_selector(there, timeout=20_000)
        return self.page

    def close(self):
        self.window.close()


@pytest.fixture
def visit(browser, site):
    made = []

    def make(**more):
        made.append(Visit(browser, site, **more))
        return made[-1]

    yield make
    for window in made:
        window.close()


@pytest.mark.parametrize(("size", "theme", "language"), [("desktop", "light", "nb"), ("phone", "dark", "en")])
def test_every_page_opens_whole(visit, size, theme, language):
    seen = visit(size=size, theme=theme, language=language)
    for name, (path, there) in PAGES.items():
        page = seen.open(path, there)
        expect(page.locator(".live.on")).to_be_visible(timeout=15_000)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, f"{name} is wider than a {size}"
        assert page.locator(".failed").count() == 0, f"{name}: {page.locator('.failed').first.inner_text()}"
        assert page.evaluate("document.documentElement.dataset.theme") == theme
        assert page.evaluate("document.documentElement.lang") == language
        if SHOTS:
            page.wait_for_timeout(600)
            page.screenshot(path=Path(SHOTS) / (f"{name}.png" if size == "desktop" else f"{name}-{size}.png"))
    assert seen.complaints == []
    assert seen.abroad == [], "nothing comes from the internet"


def test_values_and_alarms_move_by_themselves(visit, site):
    _, services, _ = site
    page = visit().open("/", "#alarms .alarm")
    expect(page.locator(".live.on")).to_be_visible(timeout=15_000)
    page.locator('.mark[data-sensor="OV-1"]').dispatch_event("click")
    expect(page.locator("#detail h2")).to_have_text("Strandgata overløp")
    now, device = time.time(), services.registry.town().current["OV-1"].dev_eui
    batch = [Reading(device, "level_m", now, 0.777, 1)]
    services.store.write(Readings.from_rows(batch))
    services.hub.readings(batch)
    expect(page.locator("#now")).to_contain_text("0,777", timeout=10_000)
    before = page.locator("#alarms .alarm").count()
    fresh = replace(ALARM, id="al-live", cause="live", started_at=now, raised_at=now, updated_at=now)
    raised = services.registry.alarms.raise_(fresh)
    services.hub.alarm(raised)
    expect(page.locator("#alarms .alarm")).to_have_count(before + 1, timeout=10_000)


def test_an_alarm_is_acknowledged_with_one_press(visit, site):
    _, services, _ = site
    page = visit(size="phone").open("/", '[data-alarm="al-1"] button.act')
    page.locator('[data-alarm="al-1"] button.act').click()
    expect(page.locator('[data-alarm="al-1"] .badge', has_text="Kvittert")).to_be_visible(timeout=10_000)
    assert services.registry.alarms.get("al-1").state == "acknowledged"


def test_an_alarm_is_worked_on_to_its_end(visit, site):
    _, services, _ = site
    page = visit().open("/", '[data-alarm="al-2"] .more-dots')
    page.locator('[data-alarm="al-2"] .more-dots').click()
    dialog = page.locator("dialog")
    dialog.locator("input").fill("Risten var tett")
    dialog.get_by_role("button", name="Send").click()
    expect(dialog).to_contain_text("Risten var tett")
    dialog.get_by_role("button", name="Reell", exact=True).click()
    wait_for("the feedback to be kept", lambda: services.registry.alarms.get("al-2").feedback == "true", 20)
    dialog.get_by_role("button", name="Løst").click()
    wait_for("the alarm to be resolved", lambda: services.registry.alarms.get("al-2").state == "resolved", 20)
    assert services.registry.alarms.get("al-2").comments[0].text == "Risten var tett"


def test_the_scrubber_shows_the_town_as_it_was(visit):
    page = visit().open("/", "#scrub input")
    assert "major" not in page.locator('.mark[data-sensor="OV-4"]').get_attribute("class")
    page.locator("#scrub input").evaluate("(e) => { e.value = String(Number(e.max) - 3 * 3600); e.dispatchEvent(new Event('input')); }")
    expect(page.locator('.mark.major[data-sensor="OV-4"]')).to_be_attached(timeout=10_000)


def test_an_indicator_opens_its_trace(visit):
    page = visit().open("/sustainability", ".figure")
    page.locator("#W01").click()
    expect(page.locator("dialog")).to_contain_text("KOSTRA")


def test_a_key_is_made_and_shown_once(visit):
    page = visit().open("/administration#keys", "details.adder")
    page.locator("details.adder summary").click()
    page.locator('input[name="name"]').fill("Grafana")
    page.locator("form.form button.button").click()
    expect(page.locator(".once code")).to_contain_text("mjk_", timeout=10_000)


def test_who_may_not_administer_sees_no_such_page(visit):
    seen = visit(roles=(Role.REPORTER,))
    page = seen.open("/", "#alarms")
    assert page.locator('.rail a[href="/administration"]').count() == 0
    assert page.locator('.rail a[href="/field"]').count() == 0
    assert page.goto(f"{seen.address}/administration").status == 403


def test_an_error_says_what_to_do_and_can_be_retried(visit):
    seen = visit()
    seen.page.route("**/api/v1/stream*", lambda route: route.abort())  # a live alarm would mend the page by itself
    seen.page.route("**/api/v1/overflows*", lambda route: route.abort())
    seen.page.goto(f"{seen.address}/overflows")
    expect(seen.page.locator(".failed")).to_contain_text("Får ikke kontakt", timeout=10_000)
    seen.page.unroute("**/api/v1/overflows*")
    seen.page.locator(".failed button").click()
    seen.page.wait_for_selector(".calendar rect")


def test_a_stranger_signs_in_with_a_password(browser, site):
    from api.security.sessions import hash_password

    address, services, _ = site
    services.registry.users.put(User("ola", frozenset({Role.OPERATOR}), hash_password("riktig hest batteri")))
    window = browser.new_context()
    page = window.new_page()
    page.goto(address)
    assert "/sign-in" in page.url
    page.locator('input[name="name"]').fill("ola")
    page.locator('input[name="password"]').fill("riktig hest batteri")
    page.locator("button").click()
    page.wait_for_selector("#alarms .alarm", timeout=20_000)
    window.close()
