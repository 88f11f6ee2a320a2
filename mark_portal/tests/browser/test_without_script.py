"""Everything that a form does, in a browser that runs no script."""

import re

import pytest
from playwright.sync_api import expect

from accounts.models import ConnectionRequest
from accounts.tests.factories import PASSWORD, UserFactory
from mark_portal.tests.browser.rows import post, post_history

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("stored")]

NEW_PASSWORD = "zuve-rana-42-poku"


@pytest.fixture
def user():
    user = UserFactory()
    post(user, 100)
    return user


@pytest.fixture
def open_page(visit):
    return lambda address, **options: visit(address, java_script_enabled=False, **options)


def test_signing_in_and_out(open_page, user):
    page = open_page("/login/")

    page.get_by_label("Login").fill(user.login)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url("/cabinet/")

    page.get_by_role("button", name="Sign out").first.click()
    expect(page.get_by_text("You have signed out.")).to_be_visible()


def test_the_history_is_filtered_and_paged(open_page, user):
    post_history(user, months=51)
    page = open_page("/cabinet/billing/", user=user)

    page.get_by_label("Kind").select_option("month")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("table.entries tbody tr")).to_have_count(50)

    page.get_by_role("link", name="Older").click()
    expect(page.locator("table.entries tbody tr")).to_have_count(1)


def test_changing_the_password(open_page, user):
    page = open_page("/cabinet/profile/", user=user)

    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    page.get_by_label("New password again").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Change the password").click()

    expect(page.get_by_text("The password is changed.")).to_be_visible()


def test_ending_another_session(open_page, user):
    other, page = open_page("/cabinet/", user=user), open_page("/cabinet/profile/", user=user)

    page.get_by_role("button", name="Sign out everywhere else").click()

    expect(page.get_by_text("1 session is ended.")).to_be_visible()
    other.reload()
    expect(other.get_by_role("heading", name="Sign in to the cabinet")).to_be_visible()


def test_asking_for_a_connection(open_page):
    page = open_page("/connect/")

    page.get_by_label("Your name").fill("Анна")
    page.get_by_label("Mobile phone").fill("8 912 345-67-89")
    page.get_by_role("button", name="Send the request").click()

    expect(page).to_have_url(re.compile("/connect/sent/"))
    assert ConnectionRequest.objects.get().phone.as_e164 == "+79123456789"


def test_checking_a_balance(open_page, user):
    page = open_page("/balance/")

    page.get_by_label("Contract number").fill(user.contract.number)
    page.get_by_role("button", name="Check").click()

    expect(page.get_by_role("status").filter(has_text="100.00")).to_be_visible()


def test_the_menu_of_a_phone(open_page):
    page = open_page("/", viewport={"width": 390, "height": 844})

    page.locator("details.menu summary").click()
    page.locator("details.menu").get_by_role("link", name="Contacts").click()

    expect(page.get_by_role("heading", name="Contacts")).to_be_visible()
