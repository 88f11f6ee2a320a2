"""Paying for real: through the form, the demo's bank and back, with scripts, without them and in w3m's pages."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.local_time import midnight
from accounts.tests.factories import UserFactory
from billing import payments, shares
from billing.gateways.sandbox import bank
from billing.models import Account, BankPayment, Payment
from billing.tests.factories import PaymentFactory, PaymentMethodFactory, ReceiptFactory
from mark_portal.tests.browser.rows import post
from mark_portal.tests.browser.test_every_page import LOOKS, OLD, OVERFLOW, violations
from mark_portal.tests.browser.test_text_browser import read, session  # noqa: F401  fixtures
from tariffs.tests.factories import charged, served

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("stored")]

TOP_UP, PAYMENT = "/cabinet/billing/top-up/", re.compile(r"/cabinet/billing/top-up/[0-9a-f-]{36}/")
BANK = re.compile(r"/sandbox-bank/")
PHONE = {"viewport": {"width": 390, "height": 844}}


@pytest.fixture
def user():
    user = UserFactory(contract__subscriber__email="anna@mail.ru")
    first = shares.first_of_month(timezone.localdate())
    post(user, 750, at=midnight(first))
    served(contract=user.contract, fee=650, name="Домашний интернет")
    charged(user.contract, since=first, now=midnight(first))
    return user


def balance(user):
    return Account.objects.get(pk=user.contract_id).balance


def pay(page, *, way="Bank card", amount=None):
    if amount:
        page.get_by_label("How much, ₽").fill(amount)
    page.get_by_label(way).check()
    page.get_by_role("button", name="Pay").click()


def decide(page, outcome):
    expect(page).to_have_url(BANK)
    page.get_by_role("button", name=outcome, exact=True).click()


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_money_comes_through_the_bank_and_back(visit, user, script):
    page = visit("/cabinet/", user=user, java_script_enabled=script)

    page.get_by_role("main").get_by_role("link", name="Top up", exact=True).first.click()
    pay(page)
    decide(page, "Pay")

    expect(page).to_have_url(PAYMENT)
    expect(page.get_by_text("The money has come", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="+550.00")).to_be_visible()
    assert balance(user) == 650


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_a_declined_payment_is_tried_again_with_the_same_sum(visit, user, script):
    page = visit(TOP_UP, user=user, java_script_enabled=script)
    pay(page, amount="1 234,50")
    expect(page).to_have_url(BANK)
    page.get_by_label("Why").select_option("insufficient_funds")
    page.get_by_role("button", name="Decline").click()

    expect(page.get_by_text("There is not enough money on the card.")).to_be_visible()
    page.get_by_role("link", name="Try once more").click()

    expect(page.get_by_label("How much, ₽")).to_have_value("1234.50")
    expect(page.get_by_label("Bank card")).to_be_checked()
    assert balance(user) == 100


def confirm_late(page):
    decide(page, "Pay, the bank confirms 30 seconds later")
    expect(page.get_by_text("Waiting for the bank's word", exact=True)).to_be_visible()
    BankPayment.objects.update(confirm_at=timezone.now())


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_the_page_waits_for_a_late_bank_and_changes_by_itself(visit, user, script):
    page = visit(TOP_UP, user=user, java_script_enabled=script)
    pay(page)

    confirm_late(page)

    expect(page.get_by_text("The money has come", exact=True)).to_be_visible()
    assert balance(user) == 650


def begun(user):
    """Under way at the demo's bank."""
    now = timezone.now()
    account = Account.objects.get(pk=user.contract_id)
    payment = PaymentFactory(account=account, state="new", gateway_id="", created_at=now)
    return payments.start(payment.pk, now=now)


def test_the_word_of_the_bank_reaches_an_open_page_by_the_stream(visit, user):
    payment = begun(user)
    page = visit("/offline/", user=user)
    page.clock.install()
    page.clock.pause_at(timezone.now() + timedelta(hours=1))  # now it does not look by itself at all
    with page.expect_response("**/live/"):
        page.goto(f"{TOP_UP}{payment.operation}/")

    bank.confirm(BankPayment.objects.get().number, card="4477", now=timezone.now())
    payments.reread(payment.pk, now=timezone.now())

    expect(page.get_by_text("The money has come", exact=True)).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="The money has come")).to_be_attached()


def test_sbp_is_paid_by_a_phone_while_the_page_waits(visit, user):
    page = visit(TOP_UP, user=user)
    pay(page, way="SBP, the Faster Payments System")
    expect(page.get_by_role("img", name="QR code of the payment")).to_be_visible()

    bank.confirm(BankPayment.objects.get().number, now=timezone.now())

    expect(page.get_by_text("The money has come", exact=True)).to_be_visible()


def test_a_preset_fills_the_sum_in_place_and_tells_what_it_gives(visit, user):
    page = visit(TOP_UP, user=user)
    page.get_by_label("Where to send the receipt").fill("other@mail.ru")

    page.get_by_role("link", name="2,000").click()

    expect(page.get_by_label("How much, ₽")).to_have_value("2000")
    expect(page.locator("[data-after]")).to_contain_text("The money will last until")
    expect(page.get_by_label("Where to send the receipt")).to_have_value("other@mail.ru")


def test_a_preset_works_without_script(visit, user):
    page = visit(TOP_UP, user=user, java_script_enabled=False)

    page.get_by_role("link", name="2,000").click()

    expect(page.get_by_label("How much, ₽")).to_have_value("2000")


def test_what_is_wrong_with_a_sum_is_told_while_it_is_written(visit, user, watch):
    watch.expect("status of 422")
    page = visit(TOP_UP, user=user)

    page.get_by_label("How much, ₽").fill("200000")

    expect(page.locator("[data-after]")).to_contain_text("At most 100,000.00")


def test_going_back_from_the_bank_does_not_lead_there_again(visit, user):
    page = visit(TOP_UP, user=user)
    pay(page)
    expect(page).to_have_url(BANK)
    Payment.objects.update(created_at=timezone.now() - timedelta(minutes=1))

    page.goto(f"{TOP_UP}{Payment.objects.get().operation}/?go=1")

    expect(page.get_by_role("link", name="Not paid yet: to the bank's page")).to_be_visible()


def test_the_overview_shows_a_payment_under_way_until_it_is_credited(visit, user):
    payment = begun(user)
    page = visit("/offline/", user=user)
    with page.expect_response("**/live/"):
        page.goto("/cabinet/")
    link = page.get_by_role("link", name="A payment of 500.00")
    expect(link).to_be_visible()

    bank.confirm(BankPayment.objects.get().number, card="4477", now=timezone.now())
    payments.reread(payment.pk, now=timezone.now())

    expect(link).not_to_be_attached()
    expect(page.locator(".account__sum")).to_have_text("600.00\u00a0₽")


@pytest.fixture
def addresses(user):
    """Every state of every page of this part."""
    account = Account.objects.get(pk=user.contract_id)
    PaymentMethodFactory(account=account)
    own = {"account": account, "created_at": timezone.now()}
    states = [
        PaymentFactory(**own, pay_url="https://bank.example/pay"),
        PaymentFactory(**own, method="sbp", qr="https://qr.nspk.ru/AS10", pay_url="https://qr.nspk.ru/AS10"),
        PaymentFactory(**own, state="succeeded"),
        PaymentFactory(**own, state="cancelled", failure="declined"),
        PaymentFactory(**own, state="cancelled", failure="mismatch"),
    ]
    numbers = {"fiscal_drive": "9960440300123456", "fiscal_document": "42117", "fiscal_sign": "1234567890"}
    receipts = [
        ReceiptFactory(payment=states[2], state="registered", registered_at=timezone.now(), **numbers),
        ReceiptFactory(payment=PaymentFactory(**own, state="succeeded")),
    ]
    return {
        "top-up": TOP_UP,
        "payments": "/cabinet/billing/payments/",
        "nothing found": "/cabinet/billing/payments/?state=new",
        "overview": "/cabinet/",
        **{f"payment {n} {each.state}": f"{TOP_UP}{each.operation}/" for n, each in enumerate(states)},
        **{f"receipt {each.state}": f"/cabinet/billing/receipts/{each.operation}/" for each in receipts},
    }


@pytest.mark.parametrize("version", ["new", "old"])
def test_every_page_is_accessible_and_fits_a_phone(visit, user, addresses, watch, version):
    watch.expect("status of 422")
    page = visit("/offline/", user=user, cookies={"pages": version, "django_language": "ru"}, **PHONE)

    found = {}
    for name, address in addresses.items():
        page.goto(address)
        found[name] = violations(page, LOOKS if version == "new" else LOOKS[:1])
        page.set_viewport_size({"width": 320, "height": 844})
        found[name] += page.evaluate(OVERFLOW) if version == "new" else []  # tables of the old one scroll

    assert {name: faults for name, faults in found.items() if faults} == {}


def test_the_old_version_can_be_paid_in(visit, user):
    page = visit(TOP_UP, user=user, cookies=OLD, java_script_enabled=False)
    pay(page, amount="500")
    decide(page, "Pay")

    expect(page.get_by_text("The money has come", exact=True)).to_be_visible()


def test_it_reads_in_a_text_browser(read, session, addresses):  # noqa: F811
    pages = [read(address, sessionid=session) for address in (TOP_UP, "/cabinet/billing/payments/")]

    form, listed = (re.sub(r"\s+", " ", page) for page in pages)

    assert "How much, ₽ [550 ]" in form
    assert "550 ₽ missing for the next month" in form
    assert "The money will last until" in form
    assert "Bank card" in form
    assert "under way" in listed
    assert "The bank declined the payment." in listed
