"""The turbo button as a person presses it: the lines first, then the countdown, and back."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.tests.factories import UserFactory
from billing.models import Account
from mark_portal.tests.browser.test_every_page import violations
from tariffs import turbo
from tariffs.models import Boost
from tariffs.tests.factories import TurboPackageFactory, served

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("stored")]

TURBO = "/cabinet/turbo/"
A_COUNTDOWN = re.compile(r"left: [12]:\d\d:\d\d")


@pytest.fixture
def user():
    user = UserFactory()
    served(contract=user.contract, balance=120, name="Домашний 100")
    for hours, price in ((1, 20), (3, 50), (24, 150)):
        TurboPackageFactory(hours=hours, price=price)
    return user


def boosted(user, hours=2):
    now = timezone.now()
    return Boost.objects.create(contract=user.contract, factor=2, started_at=now, ends_at=now + timedelta(hours=hours))


def test_it_is_pressed_seen_and_stopped(visit, user):
    page = visit(TURBO, user=user)
    expect(page.get_by_role("button", name="Choose")).to_be_disabled()  # 24 hours are too dear

    page.get_by_role("link", name="Choose").nth(1).click()
    expect(page.locator("#confirm")).to_contain_text("−50.00")
    page.get_by_role("button", name="Turn turbo on").click()

    expect(page.locator(".turbo-state")).to_contain_text(A_COUNTDOWN)
    expect(page.locator(".turbo-state")).to_contain_text("200")
    page.get_by_role("button", name="Stop turbo").click()

    expect(page.get_by_text("33.33\u00a0₽ came back.")).to_be_visible()
    assert Account.objects.get(pk=user.contract_id).balance == Decimal("103.33")


def test_the_seconds_go_by(visit, user):
    boosted(user)
    page = visit("/cabinet/", user=user)
    countdown = page.get_by_role("timer")
    expect(countdown).to_contain_text(A_COUNTDOWN)
    before = countdown.inner_text()

    expect(countdown).not_to_have_text(before)


def test_an_open_page_sees_the_end(visit, user):
    boost = boosted(user)
    page = visit("/offline/", user=user)
    with page.expect_response("**/live/"):
        page.goto("/cabinet/")
    expect(page.get_by_role("timer")).to_be_visible()

    Boost.objects.filter(pk=boost.pk).update(
        started_at=timezone.now() - timedelta(hours=3), ends_at=timezone.now() - timedelta(seconds=1)
    )
    turbo.end_due(now=timezone.now())

    expect(page.get_by_role("timer")).to_have_count(0)
    expect(page.locator(".service")).to_contain_text("100 Mbit/s")


@pytest.mark.parametrize("is_running", [False, True])
def test_the_pages_are_accessible(visit, user, is_running):
    if is_running:
        boosted(user)
    page = visit(f"{TURBO}?package={turbo.ground(user.contract_id, now=timezone.now()).packages[0].pk}", user=user)

    assert violations(page) == []
