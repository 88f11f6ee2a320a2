"""Autopay as a subscriber meets it: a card kept while paying, the consent, one button to stop, the card removed."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from billing import autopay_run
from billing.models import Account, Autopay, Payment, PaymentMethod
from billing.tests.factories import AutopayFactory, PaymentFactory, PaymentMethodFactory
from mark_portal.tests.browser.test_every_page import LOOKS, OLD, OVERFLOW, RUSSIAN, violations
from mark_portal.tests.browser.test_top_up import TOP_UP, decide, pay, user  # noqa: F401  fixture

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("stored")]

AUTOPAY = "/cabinet/billing/autopay/"


def last_day() -> datetime:
    """Noon of this month's last day."""
    first_of_next = (timezone.localtime().replace(day=28, hour=12) + timedelta(days=4)).replace(day=1)
    return first_of_next - timedelta(days=1)


def a_card(user):  # noqa: F811
    return PaymentMethodFactory(account=Account.objects.get(pk=user.contract_id))


def running(user):  # noqa: F811
    autopay = AutopayFactory(method=a_card(user), failures=1)
    failed = {"state": Payment.State.CANCELLED, "failure": "insufficient_funds"}
    PaymentFactory(account=autopay.account, method="saved", saved_method=autopay.method, is_automatic=True, **failed)
    return autopay


def agree(page, limit):
    page.get_by_label("Not more than, ₽").fill(limit)
    page.get_by_label("I agree that «Марк» charges the card").check()
    page.get_by_role("button", name="Switch autopay on").click()


def test_a_card_is_kept_while_paying_and_then_charged_by_itself(visit, user):  # noqa: F811
    page = visit(TOP_UP, user=user)
    page.get_by_label("Keep the card for the next payments").check()
    pay(page, amount="50")
    decide(page, "Pay")
    expect(page.get_by_text("The money has come", exact=True)).to_be_visible()
    page.goto(AUTOPAY)

    agree(page, "900")
    expect(page.get_by_text("Autopay is on", exact=True)).to_be_visible()
    autopay_run.run_due(now=last_day())

    page.reload()
    expect(page.get_by_text("there is enough money for the month")).to_be_visible()
    assert Account.objects.get(pk=user.contract_id).balance == Decimal(650)


@pytest.mark.parametrize("version", [{}, OLD], ids=["new", "old"])
def test_without_script_it_is_switched_on_and_off_and_the_card_removed(visit, user, version):  # noqa: F811
    a_card(user)
    page = visit(AUTOPAY, user=user, cookies=version, java_script_enabled=False)

    agree(page, "900")
    expect(page.get_by_text("Autopay is on", exact=True)).to_be_visible()
    page.get_by_role("button", name="Switch autopay off").click()
    expect(page.get_by_text("You switched it off on")).to_be_visible()
    page.get_by_role("button", name="Remove").click()

    expect(page.get_by_text("First a card must be saved")).to_be_visible()
    assert not Autopay.objects.get().is_on
    assert not PaymentMethod.objects.usable().exists()


def test_the_page_is_accessible_and_fits_a_small_phone(visit, user):  # noqa: F811
    running(user)
    page = visit(AUTOPAY, user=user, cookies=RUSSIAN)

    found = violations(page)
    page.set_viewport_size({"width": 320, "height": 700})

    assert (found, page.evaluate(OVERFLOW)) == ([], [])


def test_its_old_version_is_accessible(visit, user):  # noqa: F811
    running(user)

    assert violations(visit(AUTOPAY, user=user, cookies=OLD), LOOKS[:1]) == []
