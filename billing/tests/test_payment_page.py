"""The page of one payment: it follows what really happens."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.tests.factories import UserFactory
from billing import crediting, gateways, payments
from billing.gateways import FAILURES, Refused, Unknown
from billing.gateways.sandbox import bank
from billing.models import Account, BankPayment, Payment
from billing.tests.factories import NOON, PaymentFactory, PaymentMethodFactory, ReceiptFactory, charge_month, put

pytestmark = pytest.mark.django_db

QR = "https://qr.nspk.ru/AS100001ORTF4GAF80KPJ53K186D9A3G"


@pytest.fixture(autouse=True)
def _sandbox(settings):
    settings.PAYMENT_GATEWAYS = ["sandbox"]


@pytest.fixture(autouse=True)
def clock(time_machine):
    time_machine.move_to(NOON, tick=False)
    return time_machine


@pytest.fixture
def user(client):
    user = UserFactory()
    client.force_login(user, backend="accounts.backends.SubscriberBackend")
    return user


@pytest.fixture
def begun(user):
    """Under way at the demo's bank."""
    payment = paid_to(user, state="new", gateway_id="")
    return payments.start(payment.pk, now=NOON)


def paid_to(user, **fields):
    return PaymentFactory(account=Account.objects.get(pk=user.contract_id), **fields)


def address(payment):
    return reverse("billing:payment", args=[payment.operation])


def words(answer) -> str:
    return " ".join(answer.content.decode().split())


@pytest.fixture
def gateway(monkeypatch):
    """A function that lets the gateway answer every question by an exception."""

    def fail(error):
        def answer(*_args, **_options):
            gateway_asked.append(error)
            raise error

        for question in ("start", "read", "charge"):
            monkeypatch.setattr(gateways.get("sandbox"), question, answer, raising=False)
        return gateway_asked

    gateway_asked = []
    return fail


def test_another_contracts_payment_does_not_exist(client, user):
    assert client.get(address(PaymentFactory())).status_code == 404


def test_after_the_form_it_leads_on_to_the_bank(client, begun):
    page = client.get(address(begun), {"go": "1"})

    assert page["Refresh"] == f"0; url={begun.pay_url}"
    assert f'<a class="button" href="{begun.pay_url}">' in page.content.decode()


def test_going_back_from_the_bank_later_is_not_sent_there_again(client, begun, clock):
    clock.move_to(NOON + timedelta(minutes=1), tick=False)

    page = client.get(address(begun), {"go": "1"})

    assert "Refresh" not in page
    assert begun.pay_url in page.content.decode()


def test_coming_back_it_waits_for_the_bank_and_can_still_go_there(client, begun):
    page = client.get(address(begun))

    assert "Waiting for the bank" in words(page)
    assert "Not paid yet: to the bank's page" in page.content.decode().replace("&#x27;", "'")
    assert "Refresh" not in page


def test_while_it_waits_it_looks_again_with_script_and_without(client, begun):
    page = client.get(address(begun)).content.decode()

    assert 'data-live-again="3"' in page
    assert f'<meta http-equiv="refresh" content="3; url={address(begun)}">' in page


def test_the_old_version_looks_again_too(client, begun):
    client.cookies["pages"] = "old"

    page = client.get(address(begun)).content.decode()

    assert f'<meta http-equiv="refresh" content="3; url={address(begun)}">' in page
    assert f'<a href="{address(begun)}">Look again</a>' in page


@pytest.mark.parametrize(("minutes", "pause"), [(0, 3), (2, 10), (20, 30)])
def test_the_longer_it_waits_the_more_seldom_it_looks(client, begun, clock, minutes, pause):
    clock.move_to(NOON + timedelta(minutes=minutes), tick=False)

    assert f'data-live-again="{pause}"' in client.get(address(begun)).content.decode()


def test_it_asks_the_gateway_and_shows_what_was_paid(client, user, begun):
    charge_month(user.contract_id, 650)
    put(user.contract_id, 800)
    bank.confirm(BankPayment.objects.get().number, card="4477", now=NOON)

    page = client.get(address(begun))

    said = words(page)
    assert Payment.objects.get().state == Payment.State.SUCCEEDED
    assert "The money has come" in said
    assert "+500.00" in said
    assert "650.00" in said
    assert "until <b>31 December</b>" in said
    assert "comes to ivanova@example.ru" in said
    assert "data-live-again" not in page.content.decode()


def test_coming_back_without_having_paid_credits_nothing(client, user, begun):
    client.get(address(begun), {"status": "success", "paid": "1", "amount": "100000"})

    assert Account.objects.get(pk=user.contract_id).balance == 0


def test_the_gateway_is_asked_at_most_every_few_seconds(client, begun, clock, gateway):
    asked = gateway(Unknown())

    for _n in range(5):
        client.get(address(begun))
    clock.move_to(NOON + timedelta(seconds=4), tick=False)
    client.get(address(begun), {"part": "state"})

    assert len(asked) == 2


@pytest.mark.parametrize("error", [Unknown("no answer"), Refused("no such payment")])
def test_a_gateway_that_is_down_is_no_failure_of_the_page(client, begun, gateway, error):
    gateway(error)

    page = client.get(address(begun))

    assert page.status_code == 200
    assert "Waiting for the bank" in words(page)


def test_a_gateway_that_was_switched_off_is_no_failure_of_the_page(client, begun, settings):
    settings.PAYMENT_GATEWAYS = []

    assert client.get(address(begun)).status_code == 200


def test_a_payment_the_gateway_does_not_know_yet_is_begun_by_the_next_look(client, user):
    payment = paid_to(user, state="new", gateway_id="")

    page = client.get(address(payment), {"go": "1"})

    payment.refresh_from_db()
    assert payment.state == Payment.State.PENDING
    assert page["Refresh"].endswith(payment.pay_url)


def test_while_the_gateway_is_silent_it_says_that_the_bank_is_being_asked(client, user, gateway):
    gateway(Unknown())
    payment = paid_to(user, state="new", gateway_id="")

    page = client.get(address(payment))

    assert "Asking the bank" in words(page)
    assert "do not begin a second payment" in words(page)


def test_sbp_shows_a_code_and_a_button_for_the_phone(client, user):
    payment = paid_to(user, method="sbp", qr=QR, pay_url=QR)

    page = client.get(address(payment), {"go": "1"})

    html = page.content.decode()
    assert "Refresh" not in page
    assert f'href="{QR}"' in html
    assert '<svg viewBox="0 0' in html
    assert "style=" not in html


def test_the_old_version_has_the_code_as_a_picture(client, user):
    client.cookies["pages"] = "old"
    payment = paid_to(user, method="sbp", qr=QR)

    html = client.get(address(payment)).content.decode()

    assert 'src="data:image/png;base64,' in html
    assert "<svg" not in html


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_says_why_and_what_to_do(client, user, failure):
    payment = paid_to(user, state="cancelled", failure=failure, amount=Decimal("750.50"), method="sbp")

    html = client.get(address(payment)).content.decode()

    assert str(FAILURES[failure]) in html
    again = f'href="{reverse("billing:top_up")}?sum=750.50&amp;method=sbp"'
    assert (again in html) == (failure != "mismatch")


def test_trying_again_offers_the_same_saved_card(client, user):
    account = Account.objects.get(pk=user.contract_id)
    card = PaymentMethodFactory(account=account)
    payment = paid_to(user, state="cancelled", failure="declined", method="saved", saved_method=card)

    assert f"method=saved-{card.pk}" in client.get(address(payment)).content.decode()


def test_a_registered_receipt_can_be_opened(client, user):
    receipt = ReceiptFactory(
        payment=paid_to(user, state="succeeded"), state="registered", registered_at=NOON, fiscal_drive="9960"
    )

    page = client.get(address(receipt.payment)).content.decode()

    assert reverse("billing:receipt", args=[receipt.operation]) in page


def test_a_part_of_the_page_is_its_state_alone(client, begun):
    fragment = client.get(address(begun), {"part": "state"}).content.decode()

    assert "<html" not in fragment
    assert "Waiting for the bank" in fragment


@pytest.mark.parametrize("state", ["pending", "succeeded", "cancelled"])
def test_the_page_asks_at_most_six_questions(client, user, state):
    payment = paid_to(user, state=state, failure="declined" if state == "cancelled" else "")
    client.get(address(payment))

    with CaptureQueriesContext(connection) as captured:
        client.get(address(payment))

    assert len(captured) <= 6


def test_learning_from_a_page_and_from_a_notification_credits_once(client, user, begun):
    bank.confirm(BankPayment.objects.get().number, now=NOON)
    crediting.learn(begun.pk, bank.read(begun.gateway_id, now=NOON), now=NOON)

    client.get(address(begun))

    assert Account.objects.get(pk=user.contract_id).balance == 500
