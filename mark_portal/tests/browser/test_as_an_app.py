"""The portal on a phone's home screen: a manifest, and a worker that keeps the offline page and no private one."""

import pytest
from playwright.sync_api import expect

from accounts.tests.factories import UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("stored")]

KEPT = """async () => {
  const kept = [];
  for (const name of await caches.keys())
    for (const request of await (await caches.open(name)).keys()) kept.push(new URL(request.url).pathname);
  return kept;
}"""
IN_CHARGE = """() => new Promise((resolve, reject) => {
  if (navigator.serviceWorker.controller) resolve();
  navigator.serviceWorker.addEventListener("controllerchange", () => resolve());
  setTimeout(() => reject("no worker took charge"), 60_000);
})"""
SIZE = """async (address) => {
  const image = await createImageBitmap(await (await fetch(address)).blob());
  return `${image.width}x${image.height}`;
}"""


@pytest.fixture
def page(visit):
    """The cabinet, with the worker in charge."""
    page = visit("/cabinet/profile/", user=UserFactory())
    page.get_by_role("link", name="Overview").first.click()
    page.evaluate(IN_CHARGE)
    return page


def test_the_worker_keeps_the_offline_page_and_what_draws_it(page):
    for address in ("/cabinet/billing/", "/cabinet/profile/", "/contacts/", "/cabinet/"):
        page.goto(address)

    kept = page.evaluate(KEPT)

    assert "/offline/" in kept
    assert [path for path in kept if path != "/offline/" and not path.startswith("/static/")] == []


def test_without_a_network_the_offline_page_is_shown(page, watch):
    watch.expect("ERR_INTERNET_DISCONNECTED")
    page.context.set_offline(True)

    page.goto("/cabinet/billing/")
    expect(page.get_by_role("heading", name="No connection")).to_be_visible()

    page.context.set_offline(False)
    page.get_by_role("link", name="Try again").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_a_visitor_who_is_not_signed_in_gets_no_worker(visit):
    page = visit("/")
    page.get_by_role("link", name="Contacts").first.click()
    page.wait_for_load_state("networkidle")

    assert page.evaluate("navigator.serviceWorker.getRegistrations().then((all) => all.length)") == 0


def test_the_browser_finds_no_fault_in_the_manifest(visit):
    page = visit("/")

    found = page.context.new_cdp_session(page).send("Page.getAppManifest")

    assert found["errors"] == []
    assert found["url"].endswith("/manifest.webmanifest")


def test_every_icon_of_the_manifest_is_as_large_as_it_says(visit):
    page = visit("/")
    manifest = page.evaluate("fetch('/manifest.webmanifest').then((answer) => answer.json())")
    icons = {icon["src"]: icon["sizes"] for icon in manifest["icons"] if icon["sizes"] != "any"}

    sizes = {address: page.evaluate(SIZE, address) for address in icons}

    assert {"192x192", "512x512"} <= set(sizes.values())
    assert sizes == icons
