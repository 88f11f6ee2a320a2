"""The whole speed test in Chromium: four phases, the saved result, what goes wrong; without motion, without script."""

import re
from uuid import uuid4

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.tests.factories import UserFactory
from mark_portal.tests.browser.test_every_page import LOOKS, OVERFLOW, violations
from mark_portal.tests.browser.test_text_browser import read, session  # noqa: F401  fixtures
from tariffs.models import SpeedTest
from tariffs.tests.factories import served

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("stored")]

PAGE, HISTORY = "/speed/", "/cabinet/statistics/speed/"
PHONE = {"viewport": {"width": 390, "height": 844}}
RUSSIAN = {"django_language": "ru"}
JUDGED = re.compile("of your tariff|Faster than your tariff")
SECONDS = "0.8"  # of each direction
SET_SECONDS = "seconds => document.querySelector('[data-speed]').dataset.seconds = seconds"


@pytest.fixture
def user():
    user = UserFactory()
    served(contract=user.contract, speed_down=100)
    return user


@pytest.fixture
def measure(visit):
    """A function that opens the page with short phases and presses the button."""

    def start(*, seconds=SECONDS, **options):
        page = visit(PAGE, **options)
        page.evaluate(SET_SECONDS, seconds)
        page.get_by_role("button", name="Start").click()
        return page

    return start


def value(page, phase):
    text = page.locator(f"[data-phase={phase}] [data-value]").inner_text()
    return float(text.replace(",", ""))


def test_a_visitor_measures_all_four(measure):
    page = measure()

    expect(page.get_by_role("status").filter(has_text="Done: download")).to_be_visible()
    assert value(page, "ping") > 0
    assert value(page, "jitter") >= 0
    assert value(page, "down") > 1
    assert value(page, "up") > 1
    expect(page.get_by_role("button", name="Once more")).to_be_enabled()


def test_a_subscribers_result_is_saved_and_judged(measure, user):
    page = measure(user=user)

    expect(page.get_by_role("heading", name=JUDGED)).to_be_visible()
    test = SpeedTest.objects.get()
    assert (test.contract_id, test.tariff_down) == (user.contract_id, 100)
    assert abs(test.down - value(page, "down")) <= 0.5 + test.down * 0.01
    expect(page.get_by_label("The result as text, for support")).to_have_value(re.compile("Download: .* of 100 Mbit/s"))


def test_a_second_test_is_a_second_result(measure, user):
    page = measure(user=user)
    expect(page.get_by_role("heading", name=JUDGED)).to_be_visible()

    page.evaluate(SET_SECONDS, "2")  # so that a busy machine sees that the first result is gone
    page.get_by_role("button", name="Once more").click()

    expect(page.get_by_role("heading", name=JUDGED)).not_to_be_visible()
    expect(page.get_by_role("heading", name=JUDGED)).to_be_visible()
    assert SpeedTest.objects.count() == 2


def test_it_is_stopped_by_the_keyboard(measure):
    page = measure(seconds="60")
    expect(page.get_by_role("button", name="Stop")).to_be_focused()
    expect(page.locator("[data-phase=down][aria-current=step]")).to_be_attached()

    page.keyboard.press("Enter")

    expect(page.get_by_role("status").filter(has_text="Stopped.")).to_be_visible()
    expect(page.get_by_role("button", name="Once more")).to_be_focused()


def test_a_lost_connection_is_told(measure, watch):
    watch.expect("ERR_INTERNET_DISCONNECTED", "ERR_NETWORK")
    page = measure(seconds="60")
    expect(page.locator("[data-phase=down][aria-current=step]")).to_be_attached()

    page.context.set_offline(True)

    expect(page.get_by_role("status").filter(has_text="The connection was lost")).to_be_visible()


def test_a_page_in_the_background_stops(measure):
    page = measure(seconds="60")
    expect(page.locator("[data-phase=down][aria-current=step]")).to_be_attached()

    page.evaluate("""() => {
      Object.defineProperty(document, "hidden", { value: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }""")

    expect(page.get_by_role("status").filter(has_text="in the background")).to_be_visible()


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("down", 429, "Too many tests from your address just now. Please try again in 7 seconds."),
        ("up", 503, "Many people are measuring just now. Please try again in 7 seconds."),
        ("ping", 404, "The measuring server does not answer"),
    ],
)
def test_a_refusal_is_told(visit, watch, path, status, says):
    watch.expect(f"status of {status}")
    page = visit(PAGE)
    page.route(f"**/speed/{path}*", lambda route: route.fulfill(status=status, headers={"Retry-After": "7"}))
    page.evaluate(SET_SECONDS, "4")  # of a machine busy with other tests

    page.get_by_role("button", name="Start").click()

    expect(page.get_by_role("status").filter(has_text=says)).to_be_visible()
    expect(page.get_by_role("button", name="Once more")).to_be_enabled()


def test_who_signed_out_meanwhile_is_told(visit, user):
    page = visit(PAGE, user=user)
    page.evaluate(SET_SECONDS, "0.5")
    page.context.clear_cookies(name="sessionid")

    page.get_by_role("button", name="Start").click()

    expect(page.get_by_role("status").filter(has_text="no longer signed in")).to_be_visible()
    assert not SpeedTest.objects.exists()


def test_the_gauge_moves_only_where_motion_is_welcome(measure):
    page = measure(seconds="60")
    gauge = page.locator(".speed__gauge")
    expect(gauge).to_be_hidden()  # the tests' browser asks for calm

    page.emulate_media(reduced_motion="no-preference")
    expect(gauge).to_be_visible()
    expect(page.locator("[data-fill]")).to_have_attribute("stroke-dasharray", re.compile("^[1-9][0-9]"))


def test_the_result_is_copied(measure, user):
    page = measure(user=user)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    page.get_by_role("button", name="Copy the result").click()

    expect(page.get_by_text("Copied.")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("Speed test of ")
    assert f"contract {user.contract.number}" in copied


@pytest.mark.parametrize(
    ("samples", "mbit"),
    [
        ([[t, t * 12_500] for t in range(0, 8_001, 100)], 100),
        ([[t, 0 if t < 2_000 else (t - 2_000) * 12_500] for t in range(0, 8_001, 100)], 100),  # a slow start
        ([[t, t * 12_500 + (20_000_000 if t > 5_000 else 0)] for t in range(0, 8_001, 100)], 100),  # a burst
        ([[t, min(t, 5_000) * 12_500 + max(t - 5_500, 0) * 12_500] for t in range(0, 8_001, 100)], 100),  # a hiccup
        ([[0, 0], [300, 37_500]], 1),
    ],
)
def test_the_speed_is_that_of_the_even_middle(visit, samples, mbit):
    page = visit(PAGE)
    script = page.locator("script[src*=speed]").get_attribute("src")

    found = page.evaluate(
        "async ([script, samples]) => (await import(script)).estimate(samples, samples.length > 2 ? 2_000 : 0)",
        [script, samples],
    )

    assert found == pytest.approx(mbit, rel=0.02)


def test_without_script_the_page_says_what_works(visit):
    page = visit(PAGE, java_script_enabled=False)

    expect(page.get_by_role("button", name="Start")).to_be_hidden()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download a file of 5 MB").click()
    assert download.value.suggested_filename == "mark-speed-test.bin"
    assert download.value.path().stat().st_size == 5_000_000


def test_it_reads_in_a_text_browser(read, session, user):  # noqa: F811
    SpeedTest.objects.create(**a_result(user))

    page, results = (re.sub(r"\s+", " ", read(address, sessionid=session)) for address in (PAGE, HISTORY))

    assert "Download a file of 5 MB" in page
    assert "By your tariff just now: 100 Mbit/s" in page
    assert "94 % of your tariff" in results
    assert "Download: 94 of 100 Mbit/s (94 %)" in results


def a_result(user, **fields):
    numbers = {"ping": 3, "jitter": 1, "down": 94, "up": 92, "tariff_down": 100, "tariff_up": 100}
    return {"contract": user.contract, "operation": uuid4(), "at": timezone.now(), **numbers, **fields}


@pytest.mark.parametrize("version", ["new", "old"])
def test_every_page_is_accessible_and_fits_a_phone(visit, user, version):
    for down in (94, 61, 20):
        SpeedTest.objects.create(**a_result(user, down=down, is_boosted=down == 61, had_outage=down == 20))
    page = visit("/offline/", user=user, cookies={"pages": version, **RUSSIAN}, **PHONE)

    found = {}
    for address in (PAGE, HISTORY):
        page.goto(address)
        found[address] = violations(page, LOOKS if version == "new" else LOOKS[:1])
        page.set_viewport_size({"width": 320, "height": 844})
        found[address] += page.evaluate(OVERFLOW) if version == "new" else []

    assert {address: faults for address, faults in found.items() if faults} == {}
