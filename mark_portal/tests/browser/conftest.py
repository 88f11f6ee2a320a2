"""A real Chromium before the real stack, each made once for this package's tests and gone before the next ones."""

import threading

import pytest
from django.db import connections
from django.test import Client
from playwright.sync_api import expect, sync_playwright

from mark_portal.tests.browser import served, stack
from mark_portal.tests.browser.watch import Watch
from notifications import live

PATIENCE = 60_000  # milliseconds; on a machine that is busy with other tests
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="package")
def portal(django_db_setup, django_db_blocker, tmp_path_factory):
    """Stopped before the test database is dropped, which its connections would forbid."""
    with django_db_blocker.unblock():
        static_root = stack.collect_static(tmp_path_factory.mktemp("static"))
        with stack.serving(static_root, tmp_path_factory.mktemp("portal")) as portal:
            yield portal


@pytest.fixture(scope="package")
def browser(django_db_setup):
    path = stack.find_chromium()
    if path is None:
        pytest.skip(f"no Chromium found: none of {', '.join(stack.CHROMIUM_NAMES)} is on PATH")
    of_this_thread = threading.local()
    of_this_thread.default = connections["default"]
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright keeps an event loop running in this thread. Django would take our lines for asynchronous ones,
        # which it refuses, and give them other connections: to the database that is not the test's.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        patch.setattr(connections, "_connections", of_this_thread)
        browser = playwright.chromium.launch(executable_path=path, args=stack.CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    """What a test publishes reaches the open page on a busy machine too."""
    monkeypatch.setattr(live, "PATIENCE_SECONDS", served.PATIENCE)
    monkeypatch.setattr(live, "_sender", live._Sender())


@pytest.fixture
def stored(transactional_db, portal):
    """Rows are committed, for the portal to see; it has nothing under way when they are taken away."""
    yield
    portal.settle()


@pytest.fixture
def watch(portal):
    portal.forget()
    watch = Watch(portal)
    yield watch
    assert watch.complaints() == []


@pytest.fixture
def visit(browser, portal, watch):
    """A function that opens an address in a browser of its own, signed in as a user if one is given."""
    contexts = []

    def open_page(address="/", *, user=None, cookies=(), **options):
        context = browser.new_context(
            base_url=portal.url, timezone_id="Europe/Samara", reduced_motion="reduce", **options
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        watch.over(context)
        if user:
            context.add_cookies([{"name": "sessionid", "value": session_of(user), "url": portal.url}])
        context.add_cookies(
            [{"name": name, "value": value, "url": portal.url} for name, value in dict(cookies).items()]
        )
        page = context.new_page()
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()


def session_of(user):
    client = Client()
    client.force_login(user, backend=f"accounts.backends.{'Staff' if user.is_staff else 'Subscriber'}Backend")
    return client.session.session_key
