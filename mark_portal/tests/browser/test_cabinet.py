"""What a subscriber does in the cabinet: history, password, sessions."""

import pytest
from playwright.sync_api import expect

from accounts.tests.factories import PASSWORD, UserFactory
from mark_portal.tests.browser.rows import post_history

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("stored")]

NEW_PASSWORD = "zuve-rana-42-poku"


@pytest.fixture
def user():
    return UserFactory()


def rows(page):
    return page.locator("table.entries").last.locator("tbody tr")


def test_history_is_filtered_by_kind(visit, user):
    post_history(user, months=3)
    page = visit("/cabinet/billing/", user=user)
    expect(rows(page)).to_have_count(6)

    page.get_by_label("Kind").select_option("topup")
    page.get_by_role("button", name="Show", exact=True).click()

    expect(rows(page)).to_have_count(3)
    expect(rows(page).first).to_contain_text("+700.00")
    expect(page.locator("main")).to_contain_text("2,100.00")


def test_history_goes_page_by_page_and_back(visit, user):
    post_history(user, months=30)
    page = visit("/cabinet/billing/", user=user)
    newest = rows(page).first.inner_text()

    page.get_by_role("link", name="Older").click()
    expect(rows(page)).to_have_count(10)

    page.get_by_role("link", name="Newer").click()
    expect(rows(page)).to_have_count(50)
    assert rows(page).first.inner_text() == newest


def test_a_changed_password_keeps_this_device_and_ends_the_others(visit, user):
    phone, desk = visit("/cabinet/", user=user), visit("/cabinet/profile/", user=user)

    desk.get_by_label("Current password").fill(PASSWORD)
    desk.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    desk.get_by_label("New password again").fill(NEW_PASSWORD)
    desk.get_by_role("button", name="Change the password").click()

    expect(desk.get_by_text("The password is changed. 1 session is ended.")).to_be_visible()
    phone.reload()
    expect(phone.get_by_role("heading", name="Sign in to the cabinet")).to_be_visible()
    user.refresh_from_db()
    assert user.check_password(NEW_PASSWORD)


def test_a_wrong_current_password_is_told_at_its_field(visit, user, watch):
    watch.expect("status of 422")
    page = visit("/cabinet/profile/", user=user)

    page.get_by_label("Current password").fill("wrong")
    page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    page.get_by_label("New password again").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Change the password").click()

    expect(page.get_by_label("Current password")).to_have_attribute("aria-invalid", "true")


def test_a_session_is_ended_from_another_device(visit, user):
    phone, desk = visit("/cabinet/", user=user), visit("/cabinet/profile/", user=user)

    desk.get_by_role("button", name="End", exact=True).click()

    expect(desk.get_by_text("1 session is ended.")).to_be_visible()
    phone.reload()
    expect(phone.get_by_role("heading", name="Sign in to the cabinet")).to_be_visible()


def test_the_old_version_is_chosen_and_left_by_a_link(visit, user):
    page = visit("/cabinet/", user=user)

    page.get_by_role("link", name="Old version of the site").click()
    expect(page.locator("link[rel=stylesheet], script")).to_have_count(0)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()

    page.get_by_role("link", name="New version of the site").click()
    expect(page.locator("link[rel=stylesheet]")).to_have_count(1)
