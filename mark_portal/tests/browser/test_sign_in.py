"""Signing in, with the hints that a script gives."""

import pytest
from playwright.sync_api import expect

from accounts.tests.factories import PASSWORD, UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("stored")]

CAPS_LOCK_IS_ON = {"key": "A", "modifierCapsLock": True, "bubbles": True}


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def page(visit, user):
    return visit("/login/")


def sign_in(page, user, password=PASSWORD):
    page.get_by_label("Login").fill(user.login)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_the_right_password_opens_the_cabinet(page, user):
    sign_in(page, user)

    expect(page).to_have_url("/cabinet/")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    expect(page.locator("main")).to_contain_text(user.contract.number)


def test_a_visitor_who_asked_for_a_page_gets_it_after_signing_in(visit, user):
    page = visit("/cabinet/billing/?kind=topup")

    sign_in(page, user)

    expect(page).to_have_url("/cabinet/billing/?kind=topup")


@pytest.mark.parametrize("field", ["Login", "Password"])
def test_russian_letters_bring_a_hint_that_goes_with_them(page, field):
    hint = page.get_by_text("The keyboard types Russian letters")
    expect(hint).to_be_hidden()

    page.get_by_label(field, exact=True).press_sequentially("зфыы")
    expect(hint).to_be_visible()

    page.get_by_label(field, exact=True).fill("pass")
    expect(hint).to_be_hidden()


def test_caps_lock_brings_a_hint_that_goes_with_it(page):
    hint = page.get_by_text("Caps Lock is on")
    field = page.get_by_label("Password", exact=True)

    field.evaluate("(field, how) => field.dispatchEvent(new KeyboardEvent('keydown', how))", CAPS_LOCK_IS_ON)
    expect(hint).to_be_visible()

    field.press("a")
    expect(hint).to_be_hidden()


def test_the_password_is_shown_and_hidden_by_a_button(page):
    field = page.get_by_label("Password", exact=True)
    field.fill("secret")

    page.get_by_role("button", name="Show the password").click()
    expect(field).to_have_attribute("type", "text")
    expect(field).to_be_focused()

    page.get_by_role("button", name="Hide the password").click()
    expect(field).to_have_attribute("type", "password")


def test_five_failures_lock_the_login_and_show_whom_to_call(page, watch, user):
    watch.expect("status of 422", "status of 429")
    for _ in range(5):
        sign_in(page, user, "wrong")
        expect(page.get_by_role("alert")).to_be_visible()

    sign_in(page, user)

    expect(page.get_by_role("alert")).to_contain_text("Too many failed tries")
    expect(page.locator("main").get_by_role("link", name="+7 (3412) 918-111").first).to_be_visible()
    assert page.url.endswith("/login/")
