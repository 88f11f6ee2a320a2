"""The inbox before somebody's eyes."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.tests.factories import UserFactory
from notifications import inbox, outbox
from notifications.models import Topic
from notifications.tests.factories import NoticeFactory

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("stored")]


def bell(page):
    return page.locator(".bell__number")


def test_what_was_seen_is_read_and_keeps_its_mark_until_the_next_visit(visit):
    user = UserFactory()
    NoticeFactory.create_batch(2, contract=user.contract)
    page = visit("/cabinet/", user=user)
    expect(bell(page)).to_have_text("2")

    with page.expect_response("**/cabinet/notices/read/"):
        page.goto("/cabinet/notices/")

    assert inbox.unread_count(user.contract_id) == 0
    expect(page.locator(".inbox__new")).to_have_count(2)
    expect(bell(page)).to_have_count(0)
    page.reload()
    expect(page.locator(".inbox__new")).to_have_count(0)


def test_a_page_fetched_ahead_reads_nothing(visit):
    user = UserFactory()
    NoticeFactory(contract=user.contract)
    page = visit("/cabinet/", user=user)

    page.evaluate("fetch('/cabinet/notices/').then((answer) => answer.text())")

    assert inbox.unread_count(user.contract_id) == 1


def test_an_open_page_hears_of_a_new_notice(visit):
    user = UserFactory()
    page = visit("/offline/", user=user)
    with page.expect_response("**/live/"):
        page.goto("/cabinet/")

    outbox.tell(user.contract_id, Topic.MONEY, "payment_credited", about="payment:1", now=timezone.now(), sum="500.00")

    expect(bell(page)).to_have_text("1")


def test_without_a_script_a_button_reads_all(visit):
    user = UserFactory()
    NoticeFactory.create_batch(inbox.PAGE_ROWS + 2, contract=user.contract)
    page = visit("/cabinet/notices/", user=user, java_script_enabled=False)

    page.get_by_role("button", name="Mark all as read").click()

    expect(page.get_by_role("button", name="Mark all as read")).to_have_count(0)
    assert inbox.unread_count(user.contract_id) == 0
