"""Every public and cabinet page and the main ones of the admin: accessible, as wide as a phone, light."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings

from mark_portal.tests import migrated_rows
from mark_portal.tests.browser.world import ADMIN, CABINET, PUBLIC, SENT, World, promise

pytestmark = [pytest.mark.browser, pytest.mark.django_db]

SITUATIONS = ["newcomer", "debtor", "resting"]
PAGES = [(address, None) for address in PUBLIC] + [(address, "user") for address in CABINET]
PAGES += [("/cabinet/", who) for who in SITUATIONS] + [("/cabinet/billing/", "newcomer"), ("/contacts/", "user")]
PAGES += [("/cabinet/billing/promise/", "debtor")]
NAMES = [f"{who or 'visitor'}: {address}" for address, who in PAGES]
LOOKS = [(scheme, width) for scheme in ("light", "dark") for width in (390, 1280)]
OLD, RUSSIAN = {"pages": "old"}, {settings.LANGUAGE_COOKIE_NAME: "ru"}
# Without «preload», for which axe puts inline styles into the page, against our policy.
AXE = {"resultTypes": ["violations"], "preload": False}
# Of Django's own markup, made by its scripts or templates.
DJANGOS_OWN = (
    "aria-prohibited-attr",  # the «?» of a two-sided choice: a span with a label
    "aria-input-field-name",  # an autocomplete is named by its content, and is empty at first
    "label-title-only",  # the label of the search is a magnifier with a text for those who do not see it
    "scrollable-region-focusable",  # a wide list; browsers let the keyboard into it by themselves
)
# What sticks out, if the page scrolls sideways at all: most of it is inside a box that scrolls by itself.
OVERFLOW = """() => document.scrollingElement.scrollWidth <= innerWidth ? [] : [...document.body.querySelectorAll("*")]
  .filter((element) => element.getBoundingClientRect().right > innerWidth)
  .map((element) => element.cloneNode(false).outerHTML)"""
PAGE_BYTES, FIRST_VISIT_BYTES, FIRST_VISIT_REQUESTS = 12 * 1024, 35 * 1024, 6


@pytest.fixture(scope="module")
def world(portal, django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        yield World()
        portal.settle()
        migrated_rows.restore()


@pytest.fixture
def look_at(visit, world, watch):
    """Opens a page as somebody of the world."""
    watch.expect("status of 404")

    def look(address, who=None, *, cookies=(), **options):
        session = {"sessionid": world.sessions[getattr(world, who)]} if who else {}
        return visit(promise() if address == SENT else address, cookies={**dict(cookies), **session}, **options)

    return look


def violations(page, looks=LOOKS):
    """What axe finds on the open page in light and dark, on a phone and on a desk, a line an element."""
    found = []
    for scheme, width in looks:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate("Promise.all(document.getAnimations().map((animation) => animation.finished))")
        for violation in Axe().run(page, options=AXE).response["violations"]:
            rule = f"{violation['impact']} {violation['id']}"
            found += [f"{rule}, {scheme} {width}: {node['html'][:150]}" for node in violation["nodes"]]
    return found


@pytest.mark.parametrize(("address", "who"), PAGES, ids=NAMES)
def test_a_page_is_accessible(look_at, address, who):
    page = look_at(address, who, cookies=RUSSIAN)

    assert violations(page) == []


@pytest.mark.parametrize(("address", "who"), PAGES, ids=NAMES)
def test_its_old_version_is_accessible(look_at, address, who):
    page = look_at(address, who, cookies=OLD)

    assert violations(page, LOOKS[:1]) == []  # it has no styles that would differ


@pytest.mark.parametrize("name", ADMIN)
def test_a_page_of_the_admin_is_accessible(look_at, world, name):
    page = look_at(world.admin_page(name), None if name == "login" else "supervisor")

    found = [violation for violation in violations(page) if violation.startswith(("serious", "critical"))]

    assert [violation for violation in found if not any(rule in violation for rule in DJANGOS_OWN)] == []


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize(("address", "who"), PAGES, ids=NAMES)
def test_a_page_fits_a_phone_without_scrolling_sideways(look_at, address, who, language):
    page = look_at(address, who, cookies={settings.LANGUAGE_COOKIE_NAME: language})

    overflow = {}
    for width in (390, 320):
        page.set_viewport_size({"width": width, "height": 844})
        overflow[width] = page.evaluate(OVERFLOW)

    assert overflow == {390: [], 320: []}


@pytest.mark.parametrize(("address", "who"), PAGES, ids=NAMES)
def test_a_first_visit_is_light(look_at, portal, address, who):
    page = look_at(address, who, cookies=RUSSIAN)
    page.wait_for_load_state("networkidle")  # the stream is not counted

    answers = [answer for answer in portal.answers() if answer["path"] != "/health/"]

    assert answers[0]["bytes"] <= PAGE_BYTES
    assert sum(answer["bytes"] for answer in answers) <= FIRST_VISIT_BYTES
    assert len(answers) <= FIRST_VISIT_REQUESTS, [answer["path"] for answer in answers]
