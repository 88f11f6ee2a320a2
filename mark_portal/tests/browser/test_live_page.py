"""An open dashboard keeps itself fresh: by the stream, by polling, and after both were away."""

import pytest
from playwright.sync_api import expect

from accounts import sessions
from accounts.tests.factories import UserFactory
from mark_portal.tests.browser.rows import post
from notifications import live

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("stored")]

POLLED_BY_NOW = 31_000  # milliseconds; static/js/live.js polls twice a minute


@pytest.fixture
def user():
    user = UserFactory()
    post(user, 100)
    return user


@pytest.fixture
def page(visit, user):
    """With its stream open."""
    page = visit("/offline/", user=user)
    with page.expect_response("**/live/"):
        page.goto("/cabinet/")
    return page


@pytest.fixture
def page_without_stream(visit, user, watch):
    watch.expect(r"/live/.*ERR_FAILED", r"ERR_FAILED.*/live/")
    page = visit("/offline/", user=user)
    page.route("**/live/", lambda route: route.abort())
    page.clock.install()
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/live/")):
        page.goto("/cabinet/")
    return page


def let_polls_come(page):
    for _ in range(3):
        page.clock.fast_forward(POLLED_BY_NOW)
        page.evaluate("fetch('/health/').then((answer) => answer.text())")  # answered after the poll, if one was sent


def balance(page):
    return page.locator("[data-live] .account__sum")


def test_money_changes_the_open_page_without_a_reload(page, user):
    link = page.get_by_role("link", name="All operations")
    link.focus()
    page.evaluate("window.isTheSamePage = true")

    post(user, 250)

    expect(balance(page)).to_have_text("350.00\u00a0₽")
    expect(link).to_be_focused()
    assert page.evaluate("window.isTheSamePage")


def test_a_screen_reader_hears_the_change(page, user):
    post(user, 250)

    expect(page.get_by_role("status").filter(has_text="Balance 350.00")).to_be_attached()


def test_a_page_without_a_stream_polls(page_without_stream, user):
    post(user, 250)

    let_polls_come(page_without_stream)

    expect(balance(page_without_stream)).to_have_text("350.00\u00a0₽")


@pytest.fixture
def nobody_is_told(monkeypatch):
    """Whatever is published is lost."""
    monkeypatch.setattr(live._sender, "send", lambda *_: None)


def test_what_was_lost_while_valkey_was_away_is_fetched_when_it_is_back(nobody_is_told, page, user, valkey):
    post(user, 250)
    expect(balance(page)).to_have_text("100.00\u00a0₽")

    cut_subscriptions(valkey)

    expect(balance(page)).to_have_text("350.00\u00a0₽")  # within five seconds: pages come one by one


def cut_subscriptions(valkey):
    """This worker's own: its neighbours use the same Valkey."""
    database = str(valkey.connection_pool.connection_kwargs["db"])
    for client in valkey.client_list(_type="pubsub"):
        if client["db"] == database:
            valkey.client_kill_filter(_id=client["id"])


def test_a_page_whose_session_has_ended_falls_silent(page_without_stream, user, portal):
    sessions.end_all(user)
    post(user, 250)

    let_polls_come(page_without_stream)

    asked = [answer["status"] for answer in portal.answers() if answer["path"] == "/cabinet/"]
    assert asked == [200, 302]
    expect(balance(page_without_stream)).to_have_text("100.00\u00a0₽")
